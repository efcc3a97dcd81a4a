package storage

import (
	"container/list"
	"io"
	"os"
	"sync"
)

// bodyMaps keeps the files that were read last mapped into memory. Writing a
// mapped file to a socket takes one copy and one system call; sendfile hands
// over page after page, and to a client on the same machine, who is our rule,
// that costs twice as much.
//
// A mapping is of a file that never changes. It stays good when the file is
// removed, and goes when nobody reads it and it has been driven out.
type bodyMaps struct {
	mu     sync.Mutex
	byID   map[string]*list.Element // of *mapping
	recent list.List                // the last used first
	bytes  int64
}

const (
	// maxMapped is how much is mapped while nobody reads it, in bytes.
	maxMapped = 64 << 20
	// maxMapping is the largest file that is mapped. What is larger is read once
	// in a while, and sendfile needs no memory for it.
	maxMapping = 8 << 20
)

// mapping is one mapped file.
type mapping struct {
	id   string
	data []byte
	// readers counts who has it, the cache included.
	readers int
}

func newBodyMaps() *bodyMaps { return &bodyMaps{byID: map[string]*list.Element{}} }

// open is the mapping of a body, or nil when there is none.
func (b *bodyMaps) open(id string) body {
	b.mu.Lock()
	defer b.mu.Unlock()
	e := b.byID[id]
	if e == nil {
		return nil
	}
	b.recent.MoveToFront(e)
	m := e.Value.(*mapping)
	m.readers++
	return &mappedBody{mapping: m, maps: b}
}

// add maps an open file, which may then be closed. It returns nil when that
// cannot be done, or is not worth while.
func (b *bodyMaps) add(id string, f *os.File) body {
	info, err := f.Stat()
	if err != nil || info.Size() == 0 || info.Size() > maxMapping {
		return nil
	}
	data, err := mapFile(f, int(info.Size()))
	if err != nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	m := &mapping{id: id, data: data, readers: 2} // the cache and the caller
	if e := b.byID[id]; e != nil {
		m.readers = 1 // another was first: this one is the caller's alone
		return &mappedBody{mapping: m, maps: b}
	}
	b.byID[id] = b.recent.PushFront(m)
	b.bytes += int64(len(data))
	for b.bytes > maxMapped {
		b.drop(b.recent.Back())
	}
	return &mappedBody{mapping: m, maps: b}
}

// forget drops a body that is removed.
func (b *bodyMaps) forget(id string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.byID[id]; e != nil {
		b.drop(e)
	}
}

// clear drops all.
func (b *bodyMaps) clear() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for b.recent.Len() > 0 {
		b.drop(b.recent.Back())
	}
}

func (b *bodyMaps) drop(e *list.Element) {
	m := b.recent.Remove(e).(*mapping)
	delete(b.byID, m.id)
	b.bytes -= int64(len(m.data))
	m.release()
}

// release gives up one reader's part. The lock is held.
func (m *mapping) release() {
	if m.readers--; m.readers == 0 {
		unmapFile(m.data)
		m.data = nil
	}
}

// mappedBody is a body in a mapped file.
type mappedBody struct {
	*mapping
	maps *bodyMaps
	once sync.Once
}

func (b *mappedBody) ReadAt(p []byte, off int64) (int, error) {
	if off >= int64(len(b.data)) {
		return 0, io.EOF
	}
	return copy(p, b.data[off:]), nil
}

func (b *mappedBody) writeTo(w io.Writer, off, n int64) (int64, error) {
	end := min(off+n, int64(len(b.data)))
	if off >= end {
		return 0, nil
	}
	written, err := w.Write(b.data[off:end])
	return int64(written), err
}

// Close gives the mapping up. It may be called more than once.
func (b *mappedBody) Close() error {
	b.once.Do(func() {
		b.maps.mu.Lock()
		defer b.maps.mu.Unlock()
		b.release()
	})
	return nil
}
