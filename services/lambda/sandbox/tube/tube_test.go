package tube

import (
	"bytes"
	"io"
	"net"
	"reflect"
	"testing"
	"testing/iotest"
)

func TestMessages(t *testing.T) {
	var b bytes.Buffer
	sent := []Message{{Output, []byte("hello\n")}, {Exited, []byte{}}, {Memory, []byte("12345678")}}
	for _, m := range sent {
		if err := m.Write(&b); err != nil {
			t.Fatal(err)
		}
	}
	// However the bytes arrive, the messages are the same.
	var have []byte
	var got []Message
	r := iotest.OneByteReader(&b)
	for {
		var one [1]byte
		n, err := r.Read(one[:])
		have = append(have, one[:n]...)
		if m, rest, ok := Next(have); ok {
			got = append(got, Message{m.Kind, bytes.Clone(m.Payload)})
			have = rest
		}
		if err == io.EOF {
			break
		}
	}
	if len(have) != 0 || len(got) != len(sent) {
		t.Fatalf("%v and %d bytes", got, len(have))
	}
	for i := range sent {
		if got[i].Kind != sent[i].Kind || !bytes.Equal(got[i].Payload, sent[i].Payload) {
			t.Errorf("message %d is %v", i, got[i])
		}
	}
}

func TestArguments(t *testing.T) {
	sent := Arguments{Runtime: "127.0.0.1:9001", AWS: "127.0.0.1:0", Extensions: "/opt/extensions", Program: []string{"python3.11", "-x", "--", "y"}, Else: []string{"python3", "python"}}
	got, err := parse(sent.Command())
	if err != nil || !reflect.DeepEqual(got, sent) {
		t.Errorf("%+v became %+v: %v", sent, got, err)
	}
	if _, err := parse([]string{"-runtime", "x"}); err == nil {
		t.Error("no program is not an error")
	}
}

// counted counts writes.
type counted struct {
	net.Conn
	writes *int
}

func (c counted) Write(p []byte) (int, error) {
	*c.writes++
	return c.Conn.Write(p)
}

// A frame is one write, however large the frames before it were.
func TestFramesAreWhole(t *testing.T) {
	a, b := net.Pipe()
	var writes int
	near, err := Serve(counted{a, &writes})
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	far, err := connect(b)
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	go func() {
		c, err := far.open(Runtime)
		if err != nil {
			return
		}
		_, _ = io.Copy(c, c)
		c.Close()
	}()
	c, err := near.Accept()
	if err != nil {
		t.Fatal(err)
	}
	if kind, err := ReadKind(c); err != nil || kind != Runtime {
		t.Fatal(kind, err)
	}
	for _, size := range []int{1, 100, 60 << 10, 200 << 10, 5} {
		sent := bytes.Repeat([]byte{byte(size)}, size)
		before := writes
		if _, err := c.Write(sent); err != nil {
			t.Fatal(err)
		}
		if n := writes - before; size < maxJoined && n != 1 {
			t.Errorf("%d bytes took %d writes", size, n)
		}
		got := make([]byte, size)
		if _, err := io.ReadFull(c, got); err != nil || !bytes.Equal(got, sent) {
			t.Fatalf("%d bytes did not come back: %v", size, err)
		}
	}
}
