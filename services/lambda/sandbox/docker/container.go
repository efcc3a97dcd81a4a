package docker

import (
	"bufio"
	"context"
	"encoding/binary"
	"io"
	"strings"
	"sync"

	"github.com/docker/docker/api/types"
	"github.com/docker/docker/api/types/container"
	"github.com/docker/docker/client"
)

// sandboxed is a container that the server is attached to.
type sandboxed struct {
	api  *client.Client
	id   string
	line types.HijackedResponse
	keep bool

	out  *bufio.Reader
	left int // bytes of the present frame of standard output that are not yet read

	killing sync.Once
	removed chan struct{}

	mu   sync.Mutex
	said []byte
}

// attach connects to a container that has been created and not started.
func attach(ctx context.Context, api *client.Client, id string, keep bool) (*sandboxed, error) {
	line, err := api.ContainerAttach(context.WithoutCancel(ctx), id, container.AttachOptions{Stream: true, Stdin: true, Stdout: true, Stderr: true})
	if err != nil {
		return nil, err
	}
	return &sandboxed{api: api, id: id, line: line, keep: keep, out: bufio.NewReaderSize(line.Reader, 64<<10), removed: make(chan struct{})}, nil
}

// maxSaid is how much of the init's standard error is kept.
const maxSaid = 4 << 10

// Read reads the init's standard output, which comes in frames among those of its
// standard error: a byte that says which, three of nothing, four of length.
// https://docs.docker.com/reference/api/engine/ (attach to a container)
func (s *sandboxed) Read(p []byte) (int, error) {
	for s.left == 0 {
		var head [8]byte
		if _, err := io.ReadFull(s.out, head[:]); err != nil {
			return 0, err
		}
		n := int(binary.BigEndian.Uint32(head[4:]))
		if head[0] == 1 {
			s.left = n
			continue
		}
		if err := s.hear(n); err != nil {
			return 0, err
		}
	}
	n, err := s.out.Read(p[:min(len(p), s.left)])
	s.left -= n
	return n, err
}

// hear keeps the last of the init's standard error.
func (s *sandboxed) hear(n int) error {
	said := make([]byte, min(n, maxSaid))
	if _, err := io.ReadFull(s.out, said); err != nil {
		return err
	}
	_, err := s.out.Discard(n - len(said))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.said = append(s.said, said...)
	s.said = s.said[max(0, len(s.said)-maxSaid):]
	return err
}

// Write writes to the init's standard input.
func (s *sandboxed) Write(p []byte) (int, error) { return s.line.Conn.Write(p) }

// Close ends the attachment, and with it the init's standard input.
func (s *sandboxed) Close() error { return s.line.Conn.Close() }

// Kill has the engine kill the container.
func (s *sandboxed) Kill() {
	s.killing.Do(func() {
		go func() {
			defer close(s.removed)
			ctx := context.Background()
			if s.keep {
				// Its init ends with the line; the container stays.
				s.Close()
				_ = s.api.ContainerKill(ctx, s.id, "KILL") // or it has ended already
				return
			}
			_ = remove(ctx, s.api, s.id) // what stays, the next sweep removes
		}()
	})
}

// Wait waits until the container has been killed and is gone.
func (s *sandboxed) Wait() { <-s.removed }

// Stderr is what the init said.
func (s *sandboxed) Stderr() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.TrimSpace(string(s.said))
}
