package sealing

import (
	"bytes"
	"crypto/rand"
	"errors"
	"io"
	"testing"
	"testing/iotest"
)

var key = Derive(bytes.Repeat([]byte{7}, 32), []byte("salt"), "test")

// sizes are plain sizes around the borders of chunks.
var sizes = []int64{0, 1, chunkSize - 1, chunkSize, chunkSize + 1, 2 * chunkSize, 3*chunkSize + 17}

func plainOf(n int64) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(i * 31)
	}
	return b
}

func sealed(t testing.TB, plain []byte) []byte {
	t.Helper()
	s, err := NewSealer(iotest.OneByteReader(bytes.NewReader(plain)), key, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	out, err := io.ReadAll(s)
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func opened(blob []byte, k Key, off, n int64) ([]byte, error) {
	o, err := NewOpener(bytes.NewReader(blob), int64(len(blob)), k, off, n)
	if err != nil {
		return nil, err
	}
	return io.ReadAll(o)
}

func TestSizes(t *testing.T) {
	for _, n := range sizes {
		if got := int64(len(sealed(t, plainOf(n)))); got != Size(n) {
			t.Errorf("%d bytes are sealed as %d, Size says %d", n, got, Size(n))
		}
		if PlainSize(Size(n)) != n {
			t.Errorf("PlainSize(%d) = %d, want %d", Size(n), PlainSize(Size(n)), n)
		}
	}
}

func TestRanges(t *testing.T) {
	for _, size := range sizes {
		plain := plainOf(size)
		blob := sealed(t, plain)
		for _, off := range []int64{0, 1, chunkSize - 1, chunkSize, size - 1, size} {
			for _, n := range []int64{0, 1, chunkSize, chunkSize + 1, size - off} {
				if off < 0 || n < 0 || off+n > size {
					continue
				}
				got, err := opened(blob, key, off, n)
				if err != nil || !bytes.Equal(got, plain[off:off+n]) {
					t.Fatalf("%d bytes from %d of %d: %d bytes, %v", n, off, size, len(got), err)
				}
				o, err := NewOpener(bytes.NewReader(blob), int64(len(blob)), key, off, n)
				if err != nil {
					t.Fatal(err)
				}
				var b bytes.Buffer
				if written, err := o.WriteTo(&b); err != nil || written != n || !bytes.Equal(b.Bytes(), got) {
					t.Fatalf("WriteTo wrote %d bytes, %v", written, err)
				}
			}
		}
	}
}

// No change goes unnoticed, and nothing of the plain bytes shows.
func TestDamage(t *testing.T) {
	plain := plainOf(2*chunkSize + 100)
	blob := sealed(t, plain)
	if bytes.Contains(blob, plain[100:116]) {
		t.Error("plain bytes show")
	}
	exchanged := bytes.Clone(blob)
	const whole = chunkSize + tagSize
	copy(exchanged[saltSize:], blob[saltSize+whole:saltSize+2*whole])
	flipped := bytes.Clone(blob)
	flipped[saltSize+5]++
	salted := bytes.Clone(blob)
	salted[0]++
	for name, damaged := range map[string][]byte{
		"flipped": flipped, "salt": salted, "exchanged": exchanged,
		"cut at a chunk": blob[:saltSize+whole], "cut in a chunk": blob[:len(blob)-1],
	} {
		if _, err := opened(damaged, key, 0, PlainSize(int64(len(damaged)))); !errors.Is(err, ErrDamaged) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := opened(blob, Derive(key[:], nil, "another"), 0, 1); !errors.Is(err, ErrDamaged) {
		t.Errorf("another key: %v", err)
	}
	if _, err := opened(blob, key, 1, int64(len(plain))); err == nil {
		t.Error("more was read than there is")
	}
}

// The same bytes are never sealed alike, and a reader's error is passed on.
func TestSealer(t *testing.T) {
	if a, b := sealed(t, plainOf(100)), sealed(t, plainOf(100)); bytes.Equal(a, b) {
		t.Error("two blobs of the same bytes are the same")
	}
	broken := errors.New("broken")
	for _, n := range sizes {
		s, err := NewSealer(io.MultiReader(bytes.NewReader(plainOf(n)), iotest.ErrReader(broken)), key, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(s); !errors.Is(err, broken) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
	if _, err := NewSealer(nil, key, iotest.ErrReader(broken)); !errors.Is(err, broken) {
		t.Errorf("without salt: %v", err)
	}
}

func BenchmarkSeal(b *testing.B) {
	plain := plainOf(1 << 20)
	b.SetBytes(int64(len(plain)))
	for b.Loop() {
		s, _ := NewSealer(bytes.NewReader(plain), key, rand.Reader)
		_, _ = io.Copy(io.Discard, s)
	}
}
