package http1

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// request sends a request over c and returns its answer's body.
func request(t *testing.T, c net.Conn, in *bufio.Reader, text string) string {
	t.Helper()
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	r, err := http.ReadResponse(in, nil)
	if err != nil {
		t.Fatal(err)
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

const get = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"

func dial(t *testing.T, l net.Listener) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c, bufio.NewReader(c)
}

func TestContextEndsWhenTheClientHangsUp(t *testing.T) {
	for _, sent := range []string{get, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello"} {
		for _, early := range []bool{true, false} { // whether Done is asked for before the body is read
			waiting, ended := make(chan struct{}), make(chan error)
			b := newBed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				ctx, cancel := context.WithCancel(r.Context())
				defer cancel()
				if early {
					ctx.Done()
				}
				io.Copy(io.Discard, r.Body)
				close(waiting)
				<-ctx.Done()
				ended <- r.Context().Err()
			}))
			c, _ := dial(t, b.quick)
			io.WriteString(c, sent)
			<-waiting
			c.Close()
			if err := <-ended; err != context.Canceled {
				t.Errorf("%.4s, early %v: %v", sent, early, err)
			}
		}
	}
}

func TestContextEndsWithTheHandler(t *testing.T) {
	contexts := make(chan context.Context, 2)
	type key struct{}
	b := newBed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/done" {
			r.Context().Done()
		}
		if err := r.Context().Err(); err != nil || r.Context().Value(key{}) != "door" {
			t.Error(err, r.Context().Value(key{}))
		}
		contexts <- r.Context()
	}))
	door := b.door
	door.Listener, door.Context = listen(t), context.WithValue(context.Background(), key{}, "door")
	go b.server.Serve(door)
	c, in := dial(t, door)
	request(t, c, in, get)
	request(t, c, in, strings.Replace(get, "/ ", "/done ", 1))
	for range 2 {
		ctx := <-contexts
		select {
		case <-ctx.Done():
		default:
			t.Error("not done")
		}
		if ctx.Err() != context.Canceled {
			t.Error(ctx.Err())
		}
	}
}

// What is read while the client is watched is the beginning of its next request.
func TestNextRequestWhileTheClientIsWatched(t *testing.T) {
	began, goOn := make(chan struct{}, 1), make(chan struct{})
	b := newBed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			r.Context().Done()
			began <- struct{}{}
			<-goOn
			if err := r.Context().Err(); err != nil {
				t.Error(err)
			}
		}
		io.WriteString(w, r.URL.Path)
	}))
	c, in := dial(t, b.quick)
	for range 20 {
		io.WriteString(c, strings.Replace(get, "/ ", "/wait ", 1))
		<-began
		io.WriteString(c, strings.Replace(get, "/ ", "/next ", 1)[:10])
		goOn <- struct{}{}
		if got := request(t, c, in, strings.Replace(get, "/ ", "/next ", 1)[10:]); got != "/wait" {
			t.Fatal(got)
		}
		if got := request(t, c, in, strings.Replace(get, "/ ", "/last ", 1)); got != "/next" {
			t.Fatal(got)
		}
		if r, err := http.ReadResponse(in, nil); err != nil || r.ContentLength != 5 {
			t.Fatal(r, err)
		} else {
			io.Copy(io.Discard, r.Body)
		}
	}
	if b.left.Load() != 0 {
		t.Error("left to net/http")
	}
}

// A client that has said all it has to say is still answered.
func TestAnswersWhoSaysNoMore(t *testing.T) {
	b := newBed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		<-r.Context().Done()
		io.WriteString(w, "still there")
	}))
	if got := string(converse(t, b.quick, []byte(get))); !strings.HasSuffix(got, "still there") {
		t.Error(got)
	}
}

func TestShutdown(t *testing.T) {
	began, goOn := make(chan struct{}), make(chan struct{})
	b := newBed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/wait" {
			close(began)
			<-goOn
		}
		io.WriteString(w, "answered")
	}))
	fresh, _ := dial(t, b.quick)
	idle, in := dial(t, b.quick)
	request(t, idle, in, get)
	busy, busyIn := dial(t, b.quick)
	io.WriteString(busy, strings.Replace(get, "/ ", "/wait ", 1))
	<-began

	short, cancel := context.WithCancel(context.Background())
	cancel()
	if err := b.server.Shutdown(short); err != context.Canceled {
		t.Error(err)
	}
	for _, c := range []net.Conn{fresh, idle} {
		if _, err := c.Read(make([]byte, 1)); err != io.EOF {
			t.Error("not closed:", err)
		}
	}
	if _, err := net.Dial("tcp", b.quick.Addr().String()); err == nil {
		t.Error("connected")
	}
	close(goOn)
	r, err := http.ReadResponse(busyIn, nil)
	if err != nil || !r.Close {
		t.Fatal(r, err)
	}
	if body, err := io.ReadAll(r.Body); string(body) != "answered" {
		t.Error(string(body), err)
	}
	if err := b.server.Shutdown(context.Background()); err != nil {
		t.Error(err)
	}
	if err := b.server.Serve(Door{Listener: listen(t)}); err != http.ErrServerClosed {
		t.Error(err)
	}
}

// Clients have so much time, and no more; a pipe keeps the time of the test's bubble.
func TestTimes(t *testing.T) {
	const header, idle = 30 * time.Second, 3 * time.Minute
	half := "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"
	for _, c := range []struct {
		name string
		sent []string // with time between them
		wait time.Duration
		// answers is how many are sent back, open whether the connection is still open.
		answers int
		open    bool
	}{
		{"nothing is sent", nil, header + time.Second, 0, false},
		{"nothing is sent yet", nil, header - time.Second, 0, true},
		{"half a head", []string{"GET / HT"}, header + time.Second, 0, false},
		{"half a head later", []string{get, "GET / HT"}, header + time.Second, 1, false},
		{"a head in two halves", []string{get[:9], get[9:]}, header - time.Second, 1, true},
		{"a head in drops", strings.Split("G.E.T. ./. .H", "."), 10 * time.Second, 0, false},
		{"idle", []string{get}, idle - 2*time.Second, 1, true},
		{"idle for too long", []string{get}, idle + time.Second, 1, false},
		{"idle often", []string{get, get, get}, idle - 2*time.Second, 3, true},
		{"half a body", []string{half}, idle + 2*time.Second, 0, false},
		{"a body in two halves", []string{half, "cd"}, idle - 2*time.Second, 1, true},
	} {
		synctest.Test(t, func(t *testing.T) {
			s := &Server{
				HeaderTimeout: header, IdleTimeout: idle, ErrorLog: log.New(io.Discard, "", 0),
				Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if _, err := io.ReadAll(r.Body); err != nil {
						if !errors.Is(err, os.ErrDeadlineExceeded) {
							t.Error(c.name, err)
						}
						panic(http.ErrAbortHandler)
					}
				}),
			}
			near, far := net.Pipe()
			var server sync.WaitGroup
			server.Go(func() {
				s.ServeConn(Door{Context: context.Background(), Leave: func(c net.Conn) { t.Error(c, "left"); c.Close() }}, far)
			})
			got, ended := 0, false
			server.Go(func() {
				in := bufio.NewReader(near)
				for {
					if _, err := http.ReadResponse(in, nil); err != nil {
						ended = true
						return
					}
					got++
				}
			})
			for _, text := range c.sent {
				io.WriteString(near, text) // fails where the connection has been closed, which is looked at below
				time.Sleep(c.wait)
				synctest.Wait()
			}
			if len(c.sent) == 0 {
				time.Sleep(c.wait)
				synctest.Wait()
			}
			if got != c.answers || ended == c.open {
				t.Errorf("%s: %d answers, open %v", c.name, got, !ended)
			}
			near.Close()
			server.Wait()
		})
	}
}

// The deadlines that a handler sets are its own, and end with it.
func TestDeadlinesOfHandlers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &Server{
			HeaderTimeout: time.Minute, IdleTimeout: time.Minute, ErrorLog: log.New(io.Discard, "", 0),
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				control := http.NewResponseController(w)
				control.SetReadDeadline(time.Now().Add(5 * time.Second))
				control.SetWriteDeadline(time.Now().Add(8 * time.Second))
				_, err := io.ReadAll(r.Body)
				fmt.Fprint(w, errors.Is(err, os.ErrDeadlineExceeded))
			}),
		}
		near, far := net.Pipe()
		go s.ServeConn(Door{Context: context.Background()}, far)
		in := bufio.NewReader(near)
		for range 2 {
			if got := request(t, near, in, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nabcd"); got != "false" {
				t.Error(got)
			}
			time.Sleep(10 * time.Second)
		}
		if got := request(t, near, in, "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\n\r\nab"); got != "true" {
			t.Error(got)
		}
		if _, err := in.ReadByte(); err != io.EOF {
			t.Error("the connection goes on, though a body was not all read:", err)
		}
	})
}

func TestPanicIsTold(t *testing.T) {
	var told strings.Builder
	s := &Server{
		Handler:  http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic("unheard of") }),
		ErrorLog: log.New(&told, "", 0), HeaderTimeout: time.Minute, IdleTimeout: time.Minute,
	}
	near, far := net.Pipe()
	go io.WriteString(near, get)
	s.ServeConn(Door{Context: context.Background()}, far)
	if _, err := near.Read(make([]byte, 1)); err != io.EOF {
		t.Error(err)
	}
	if !strings.Contains(told.String(), "unheard of") {
		t.Error(told.String())
	}
}

// Many clients at once, each of which gets what is its own.
func TestConcurrentClients(t *testing.T) {
	b := newBed(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Seen", r.Header.Get("X-Sent"))
		w.Write(body)
	}))
	client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}}
	defer client.CloseIdleConnections()
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 100 {
				sent := strings.Repeat(fmt.Sprint(i), j*j)
				r, _ := http.NewRequest("PUT", "http://"+b.quick.Addr().String()+"/x", strings.NewReader(sent))
				r.Header.Set("X-Sent", fmt.Sprint(i, j))
				answer, err := client.Do(r)
				if err != nil {
					t.Error(err)
					return
				}
				got, err := io.ReadAll(answer.Body)
				answer.Body.Close()
				if string(got) != sent || err != nil || answer.Header.Get("X-Seen") != fmt.Sprint(i, j) {
					t.Error("mixed up", err)
				}
			}
		})
	}
	all.Wait()
	if b.left.Load() != 0 {
		t.Error("left to net/http")
	}
}

func BenchmarkRequest(b *testing.B) {
	bed := newBed(b, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		io.Copy(io.Discard, r.Body)
		w.Header()["Content-Length"] = []string{"5"}
		io.WriteString(w, "hello")
	}))
	sent := []byte("POST / HTTP/1.1\r\nHost: 127.0.0.1\r\nUser-Agent: aws-sdk-go-v2/1.41.0\r\nContent-Length: 5\r\nAccept-Encoding: identity\r\n" +
		"Amz-Sdk-Invocation-Id: 7f2b8c51-52a0-4d2e-b7a9-3f7f6d1f9a51\r\nAmz-Sdk-Request: attempt=1; max=3\r\nX-Amz-Target: DynamoDB_20120810.GetItem\r\nContent-Type: application/x-amz-json-1.0\r\nX-Amz-Date: 20260101T000000Z\r\n\r\nhello")
	for name, l := range map[string]net.Listener{"quick": bed.quick, "net-http": bed.plain} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			c, err := net.Dial("tcp", l.Addr().String())
			if err != nil {
				b.Fatal(err)
			}
			defer c.Close()
			answer := make([]byte, 4096)
			for b.Loop() {
				c.Write(sent)
				if _, err := c.Read(answer); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
