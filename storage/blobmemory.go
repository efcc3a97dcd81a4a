package storage

import (
	"io"
	"sync"
)

// bodyMemory keeps bodies in memory, in pieces, so that a body grows without
// being copied. A piece is never changed once it is full.
type bodyMemory struct {
	mu     sync.RWMutex
	bodies map[string]pieces
}

// pieces is a body; every piece but the last has pieceSize bytes.
type pieces [][]byte

const pieceSize = 1 << 20

func newBodyMemory() *bodyMemory { return &bodyMemory{bodies: map[string]pieces{}} }

func (b *bodyMemory) create(id string) (bodyWriter, error) {
	return &pieceWriter{memory: b, id: id}, nil
}

func (b *bodyMemory) open(id string) (body, error) {
	b.mu.RLock()
	defer b.mu.RUnlock()
	p, ok := b.bodies[id]
	if !ok {
		return nil, ErrNotFound
	}
	return p, nil
}

func (b *bodyMemory) remove(id string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	delete(b.bodies, id)
	return nil
}

func (b *bodyMemory) clear() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.bodies = map[string]pieces{}
	return nil
}

func (b *bodyMemory) close(bool) error { return b.clear() }

type pieceWriter struct {
	memory *bodyMemory
	id     string
	body   pieces
}

func (w *pieceWriter) Write(p []byte) (int, error) {
	total := len(p)
	for len(p) > 0 {
		last := len(w.body) - 1
		if last < 0 || len(w.body[last]) == pieceSize {
			w.body = append(w.body, make([]byte, 0, min(len(p), pieceSize)))
			last++
		}
		n := min(len(p), pieceSize-len(w.body[last]))
		w.body[last] = append(w.body[last], p[:n]...)
		p = p[n:]
	}
	return total, nil
}

func (w *pieceWriter) finish() error {
	w.memory.mu.Lock()
	defer w.memory.mu.Unlock()
	w.memory.bodies[w.id] = w.body
	return nil
}

func (w *pieceWriter) close() {}

func (p pieces) ReadAt(b []byte, off int64) (n int, err error) {
	for n < len(b) {
		i, at := int(off/pieceSize), off%pieceSize
		if i >= len(p) || at >= int64(len(p[i])) {
			return n, io.EOF
		}
		k := copy(b[n:], p[i][at:])
		n, off = n+k, off+int64(k)
	}
	return n, nil
}

func (p pieces) writeTo(w io.Writer, off, n int64) (written int64, err error) {
	for n > 0 {
		i, at := int(off/pieceSize), off%pieceSize
		if i >= len(p) || at >= int64(len(p[i])) {
			return written, nil
		}
		piece := p[i][at:]
		if int64(len(piece)) > n {
			piece = piece[:n]
		}
		k, err := w.Write(piece)
		written, off, n = written+int64(k), off+int64(k), n-int64(k)
		if err != nil {
			return written, err
		}
	}
	return written, nil
}

func (p pieces) Close() error { return nil }
