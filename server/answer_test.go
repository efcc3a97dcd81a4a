package server

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
)

// What an answer writes arrives whole, in pieces or not, and from files within
// their limits.
func TestAnswerWritesAll(t *testing.T) {
	data := bytes.Repeat([]byte("0123456789abcdef"), (2*writePiece+100)/16)
	path := filepath.Join(t.TempDir(), "body")
	if err := os.WriteFile(path, data, 0o600); err != nil {
		t.Fatal(err)
	}
	file := func() *os.File {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
		return f
	}
	for name, c := range map[string]struct {
		send func(*answer) (int64, error)
		want []byte
	}{
		"bytes":        {func(a *answer) (int64, error) { n, err := a.Write(data); return int64(n), err }, data},
		"nothing":      {func(a *answer) (int64, error) { n, err := a.Write(nil); return int64(n), err }, nil},
		"file":         {func(a *answer) (int64, error) { return io.Copy(a, file()) }, data},
		"part of file": {func(a *answer) (int64, error) { return io.CopyN(a, file(), writePiece+7) }, data[:writePiece+7]},
		"less than the limit": {func(a *answer) (int64, error) {
			return a.ReadFrom(&io.LimitedReader{R: bytes.NewReader(data[:9]), N: 100})
		}, data[:9]},
	} {
		t.Run(name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				a := &answer{ResponseWriter: w}
				defer a.done()
				n, err := c.send(a)
				if err != nil || n != int64(len(c.want)) || a.bytes != n || a.status != 200 {
					t.Errorf("sent %d, noted %d with status %d: %v; want %d", n, a.bytes, a.status, err, len(c.want))
				}
			}))
			defer server.Close()
			resp, err := http.Get(server.URL)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			got, err := io.ReadAll(resp.Body)
			if err != nil || !bytes.Equal(got, c.want) {
				t.Errorf("received %d bytes, want %d: %v", len(got), len(c.want), err)
			}
		})
	}
}
