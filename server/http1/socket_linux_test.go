package http1

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"syscall"
	"testing"
	"time"
)

// ends are the two ends of a connection, of which the first goes by a socket.
func ends(t *testing.T) (*conn, *net.TCPConn) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	client, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	accepted, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { accepted.Close() })
	c := newConn(new(Server), Door{}, accepted)
	if c.socket == nil {
		t.Fatal("a TCP connection has no socket")
	}
	return c, client.(*net.TCPConn)
}

// More is written than both ends hold, so that the writer has to wait for the reader.
func TestSocketWritesAllToOneWhoReadsLate(t *testing.T) {
	c, client := ends(t)
	client.SetReadBuffer(2 * quickest)
	c.Conn.(*net.TCPConn).SetWriteBuffer(2 * quickest)
	want := make([]byte, 64*quickest)
	for i := range want {
		want[i] = byte(i / 1000)
	}
	sent := make(chan error, 1)
	go func() {
		for at := 0; at < len(want); at += quickest {
			if n, err := c.Write(want[at : at+quickest]); n != quickest || err != nil {
				sent <- errors.Join(err, errors.New("not all was written"))
				return
			}
		}
		sent <- c.Conn.(*net.TCPConn).CloseWrite()
	}()
	got, err := io.ReadAll(client)
	if err := errors.Join(err, <-sent); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes came that are not the %d that were sent", len(got), len(want))
	}
}

func TestSocketReadsWhatComesUntilTheEnd(t *testing.T) {
	c, client := ends(t)
	want := bytes.Repeat([]byte("virga "), 100_000)
	go func() {
		client.Write(want)
		client.CloseWrite()
	}()
	var got []byte
	for p := make([]byte, firstBuffer); ; {
		n, err := c.Read(p)
		got = append(got, p[:n]...)
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%d bytes came that are not the %d that were sent", len(got), len(want))
	}
	if n, err := c.Read(make([]byte, 1)); n != 0 || err != io.EOF {
		t.Errorf("behind the end there are %d bytes, %v", n, err)
	}
}

func TestSocketFailsAsConnectionsDo(t *testing.T) {
	c, client := ends(t)
	c.SetDeadline(past)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("reading past the deadline gives %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("writing past the deadline gives %v", err)
	}
	c.SetDeadline(time.Time{})
	client.SetLinger(0)
	client.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("reading from a client that reset gives %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, syscall.EPIPE) {
		t.Errorf("writing to it gives %v", err)
	}
	c.Close()
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, net.ErrClosed) {
		t.Errorf("reading what is closed gives %v", err)
	}
	if _, err := c.Write([]byte("x")); !errors.Is(err, net.ErrClosed) {
		t.Errorf("writing to it gives %v", err)
	}
}
