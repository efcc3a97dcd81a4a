package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// request is a request as its bytes. Where the text has numberMark there are
// digits that change: runs of them count up from a number that is drawn.
type request struct {
	text []byte
	at   []int // where the numbers are
	// numbers is from how many a number is drawn (0: the request never changes).
	numbers int
	// group makes a number that of a group of so many and, where there is a second
	// run of digits, the place in it (0: there are no groups).
	group int
}

// numberMark stands for a number of as many digits.
const numberMark = "########"

// newRequest builds a request: a line such as "GET /", headers as "Name: value",
// and a body. Headers that every SDK sends are added.
func newRequest(line, service string, headers []string, body string, numbers int) request {
	r := request{text: append(requestHead(line, service, headers, len(body)), body...), numbers: numbers}
	for at := 0; ; at += len(numberMark) {
		i := bytes.Index(r.text[at:], []byte(numberMark))
		if i < 0 {
			break
		}
		at += i
		r.at = append(r.at, at)
	}
	if numbers > 0 {
		r.number(0)
	}
	return r
}

// requestHead is a request up to its body of n bytes.
func requestHead(line, service string, headers []string, n int) []byte {
	now := time.Now().UTC()
	var b bytes.Buffer
	fmt.Fprintf(&b, "%s HTTP/1.1\r\nHost: 127.0.0.1\r\n", line)
	b.WriteString("User-Agent: aws-sdk-go-v2/1.41.0 ua/2.1 os/linux lang/go#1.26 md/GOOS#linux md/GOARCH#amd64 api/" + service + "#1.90.0 m/E,e\r\n")
	if n > 0 || !strings.HasPrefix(line, "GET ") {
		fmt.Fprintf(&b, "Content-Length: %d\r\n", n)
	}
	b.WriteString("Accept-Encoding: identity\r\nAmz-Sdk-Invocation-Id: 7f2b8c51-52a0-4d2e-b7a9-3f7f6d1f9a51\r\nAmz-Sdk-Request: attempt=1; max=3\r\n")
	fmt.Fprintf(&b, "Authorization: AWS4-HMAC-SHA256 Credential=test/%s/us-east-1/%s/aws4_request, SignedHeaders=accept-encoding;amz-sdk-invocation-id;amz-sdk-request;content-length;host;x-amz-date, Signature=%064x\r\n",
		now.Format("20060102"), service, 0x5eed)
	for _, h := range headers {
		b.WriteString(h + "\r\n")
	}
	fmt.Fprintf(&b, "X-Amz-Date: %s\r\n\r\n", now.Format("20060102T150405Z"))
	return b.Bytes()
}

// clone is a request whose numbers change by themselves.
func (r request) clone() request {
	r.text = bytes.Clone(r.text)
	return r
}

// anonymous is the access key of whom has none: requests are not signed.
const anonymous = "anonymous"

// as is a request of whom has another access key; that of "" is the usual one.
func (r request) as(credential string) request {
	usual, other := "Credential=test/", "Credential="+credential+"/"
	from := bytes.Index(r.text, []byte(usual))
	if credential == "" || from < 0 {
		return r
	}
	if credential == anonymous {
		from = bytes.Index(r.text, []byte("Authorization: "))
		line, _, _ := bytes.Cut(r.text[from:], []byte("\n"))
		usual, other = string(line)+"\n", ""
	}
	r.text = slices.Concat(r.text[:from], []byte(other), r.text[from+len(usual):])
	r.at = slices.Clone(r.at)
	for i, at := range r.at {
		if at > from {
			r.at[i] = at + len(other) - len(usual)
		}
	}
	return r
}

// draw puts in drawn numbers.
func (r request) draw() {
	if r.numbers > 0 {
		r.number(rand.IntN(r.numbers))
	}
}

// number puts in n and its successors.
func (r request) number(n int) {
	for i, at := range r.at {
		v := n + i
		if r.group > 0 {
			v = []int{n / r.group, n % r.group}[i]
		}
		for j := at + len(numberMark) - 1; j >= at; j-- {
			r.text[j] = byte('0' + v%10)
			v /= 10
		}
	}
}

// conn is a connection that is kept, of a client that does next to nothing: it
// knows the HTTP that our subjects speak, and reads no more of it than where
// an answer ends.
type conn struct {
	net.Conn
	in *bufio.Reader
	// credential is the access key of what do sends, if not the usual one.
	credential string
}

// readBuffer is large since a client that reads in small pieces is what would
// be measured.
const readBuffer = 256 << 10

func dial(address string) (*conn, error) {
	c, err := net.Dial("tcp", address)
	if err != nil {
		return nil, err
	}
	return &conn{Conn: c, in: bufio.NewReaderSize(c, readBuffer)}, nil
}

// atOnce runs f with so many connections at once, and returns when all have ended.
// f is given a context that ends when another one fails, and the connection's number.
func atOnce(ctx context.Context, address string, connections int, f func(ctx context.Context, c *conn, i int) error) error {
	group, ctx := errgroup.WithContext(ctx)
	for i := range connections {
		group.Go(func() error {
			c, err := dial(address)
			if err != nil {
				return err
			}
			defer c.Close()
			return f(ctx, c, i)
		})
	}
	return group.Wait()
}

// exchangeTimeout bounds one request; cold starts are the longest.
const exchangeTimeout = 60 * time.Second

// send sends a request and reads the answer: its status, and its body, which is
// kept when keep is set, and else counted.
func (c *conn) send(text []byte, keep bool) (status, size int, body []byte, err error) {
	if err := c.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
		return 0, 0, nil, err
	}
	if _, err := c.Write(text); err != nil {
		return 0, 0, nil, err
	}
	return c.answer(keep)
}

// answer reads what send returns.
func (c *conn) answer(keep bool) (status, size int, body []byte, err error) {
	status, length, err := c.head()
	if err != nil {
		return 0, 0, nil, err
	}
	if length >= 0 {
		body, err = c.piece(length, keep)
		return status, length, body, err
	}
	for { // chunked
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return 0, 0, nil, err
		}
		n, err := strconv.ParseInt(string(bytes.TrimSpace(line)), 16, 32)
		if err != nil {
			return 0, 0, nil, err
		}
		piece, err := c.piece(int(n), keep)
		if err != nil {
			return 0, 0, nil, err
		}
		if _, err := c.in.Discard(2); err != nil {
			return 0, 0, nil, err
		}
		if n == 0 {
			return status, size, body, nil
		}
		size += int(n)
		body = append(body, piece...)
	}
}

// head reads the status line and the headers. The length is -1 when the body is chunked.
func (c *conn) head() (status, length int, err error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return 0, 0, err
	}
	if len(line) < 12 {
		return 0, 0, fmt.Errorf("no status line: %q", line)
	}
	if status, err = strconv.Atoi(string(line[9:12])); err != nil {
		return 0, 0, err
	}
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return 0, 0, err
		}
		if len(line) == 2 {
			return status, length, nil
		}
		switch line[0] {
		case 'C':
			if v, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
				if length, err = strconv.Atoi(string(v[:len(v)-2])); err != nil {
					return 0, 0, err
				}
			}
		case 'T':
			if bytes.HasPrefix(line, []byte("Transfer-Encoding: ")) {
				length = -1
			}
		}
	}
}

func (c *conn) piece(n int, keep bool) ([]byte, error) {
	if !keep {
		_, err := c.in.Discard(n)
		return nil, err
	}
	body := make([]byte, n)
	_, err := io.ReadFull(c.in, body)
	return body, err
}

// do sends a request that has to succeed, and returns the body.
func (c *conn) do(r request) ([]byte, error) {
	status, _, body, err := c.send(r.as(c.credential).text, true)
	if err != nil {
		return nil, err
	}
	if status/100 != 2 {
		line, _, _ := bytes.Cut(r.text, []byte("\r\n"))
		return nil, &statusError{string(line), status, string(body)}
	}
	return body, nil
}

// put sends a request that has to succeed, whose body is a piece so many times
// over. The body is not copied.
func (c *conn) put(head, piece []byte, times int) error {
	for i := range times + 1 {
		if err := c.SetDeadline(time.Now().Add(exchangeTimeout)); err != nil {
			return err
		}
		text := piece
		if i == 0 {
			text = head
		}
		if _, err := c.Write(text); err != nil {
			return err
		}
	}
	status, _, answer, err := c.answer(true)
	if err == nil && status/100 != 2 {
		line, _, _ := bytes.Cut(head, []byte("\r\n"))
		err = &statusError{string(line), status, string(answer)}
	}
	return err
}

// statusError is an answer that is none of success.
type statusError struct {
	line   string
	status int
	body   string
}

func (e *statusError) Error() string {
	return fmt.Sprintf("%s: %d %s", e.line, e.status, e.body[:min(len(e.body), 500)])
}

// unsupported says whether an operation is not there yet.
func unsupported(err error) bool {
	var s *statusError
	return errors.As(err, &s) && (s.status == 501 || strings.Contains(s.body, "NotImplemented") || strings.Contains(s.body, "UnknownOperation"))
}
