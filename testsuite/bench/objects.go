package main

import (
	"bytes"
	"fmt"
	"math/rand/v2"
)

// objectKeys is how many objects of each size there are.
const objectKeys = 64

// goal is what is wanted of a ratio to the limit: the least, and what is striven for.
type goal struct{ floor, aim float64 }

// objectSizes are the sizes in question, with how many connections at once
// move objects of that size.
var objectSizes = []struct {
	name               string
	bytes, connections int
	get, put           goal
	others             bool
}{
	{"1 KiB", 1 << 10, 16, goal{0.6, 0.8}, goal{}, true},
	{"4 KiB", 4 << 10, 16, goal{}, goal{0.5, 0.65}, true},
	{"64 KiB", 64 << 10, 16, goal{}, goal{}, false},
	{"1 MiB", 1 << 20, 4, goal{0.8, 0.95}, goal{0.6, 0.8}, true},
}

// objectBody is the content of all objects of a size: nothing that a file
// system or a hash could treat as a special case.
func objectBody(size int) []byte {
	random := rand.NewChaCha8([32]byte{})
	body := make([]byte, size)
	_, _ = random.Read(body) // never fails
	// A mark of a number would be taken for one.
	return bytes.ReplaceAll(body, []byte("#"), []byte("+"))
}

func objectRequest(method string, size int, body string) request {
	headers := []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}
	if method == "PUT" {
		headers = append(headers, "Content-Type: application/octet-stream")
	}
	return newRequest(fmt.Sprintf("%s /bench/%d/%s", method, size, numberMark), "s3", headers, body, objectKeys)
}

func objectCases() (cases []requestCase) {
	for _, method := range []string{"GET", "PUT"} {
		for _, size := range objectSizes {
			body := objectBody(size.bytes)
			c := requestCase{load: load{name: "s3 " + method + " " + size.name, connections: size.connections}, others: size.others}
			if method == "GET" {
				c.goal = size.get
				c.request = objectRequest("GET", size.bytes, "")
				c.check = func(got []byte) error {
					if !bytes.Equal(got, body) {
						return fmt.Errorf("answered %d bytes that are not the object", len(got))
					}
					return nil
				}
			} else {
				c.goal = size.put
				c.request = objectRequest("PUT", size.bytes, string(body))
				c.digest = true
				c.check = func(got []byte) error {
					if len(got) > 0 {
						return fmt.Errorf("unexpected body %.200q", got)
					}
					return nil
				}
			}
			cases = append(cases, c)
		}
	}
	return cases
}

// fillObjects makes the bucket and its objects.
func fillObjects(c *conn) error {
	if _, err := c.do(newRequest("PUT /bench", "s3", []string{"X-Amz-Content-Sha256: UNSIGNED-PAYLOAD"}, "", 0)); err != nil {
		return err
	}
	return fillBench(c)
}

// fillBench makes the objects in the bucket.
func fillBench(c *conn) error {
	for _, size := range objectSizes {
		put := objectRequest("PUT", size.bytes, string(objectBody(size.bytes)))
		for n := range objectKeys {
			put.number(n)
			if _, err := c.do(put); err != nil {
				return err
			}
		}
	}
	return nil
}
