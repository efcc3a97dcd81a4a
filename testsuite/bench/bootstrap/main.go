// Command bootstrap is the function that bench invokes: a static program for the
// provided runtimes that answers each event with itself. It speaks the Runtime
// API over one connection with as little work as that takes, so that what
// is measured is the way to the function and back.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-api.html
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
)

func main() {
	fmt.Fprintln(os.Stderr, run(os.Getenv("AWS_LAMBDA_RUNTIME_API")))
	os.Exit(1)
}

// invocation is where the Runtime API has what concerns invocations.
const invocation = "/2018-06-01/runtime/invocation/"

// run answers events until the connection fails: the sandbox ends it, not the function.
func run(address string) error {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		return err
	}
	in := bufio.NewReader(conn)
	next := []byte("GET " + invocation + "next HTTP/1.1\r\nHost: " + address + "\r\n\r\n")
	var answer []byte
	for {
		id, event, err := exchange(conn, in, next)
		if err != nil {
			return err
		}
		answer = fmt.Appendf(answer[:0], "POST %s%s/response HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n\r\n%s",
			invocation, id, address, len(event), event)
		if _, _, err := exchange(conn, in, answer); err != nil {
			return err
		}
	}
}

// exchange sends a request and returns the answer's request id and body.
func exchange(conn net.Conn, in *bufio.Reader, request []byte) (id string, body []byte, err error) {
	if _, err := conn.Write(request); err != nil {
		return "", nil, err
	}
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		return "", nil, err
	}
	body, err = io.ReadAll(r.Body)
	if err == nil && r.StatusCode/100 != 2 {
		err = fmt.Errorf("%s: %s", r.Status, body)
	}
	return r.Header.Get("Lambda-Runtime-Aws-Request-Id"), body, err
}
