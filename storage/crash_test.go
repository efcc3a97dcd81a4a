package storage_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

const (
	crashRounds  = 50
	crashWorkers = 4
	// crashRotate is how many bytes are in a memtable: so many steps are between two.
	crashRotate = 200_000
	// window is how many steps of a worker are kept; each removes the one that
	// leaves it.
	window = 20
)

func TestMain(m *testing.M) {
	storagetest.Main(m, map[string]func(*storagetest.Child) error{"steps": crashChild})
}

// step is what a worker's n-th transaction writes, under "a" and under "b".
type step struct {
	Body storage.Blob
	Sum  [sha256.Size]byte
	// Pad makes some records large enough for the value log.
	Pad []byte
}

func keyStep(side string, worker, n int) storage.Key {
	return storage.Key{}.String("step").Uint64(uint64(worker)).String(side).Uint64(uint64(n))
}

func keyCount(worker int) storage.Key { return storage.Key{}.String("count").Uint64(uint64(worker)) }

func crashChild(c *storagetest.Child) error {
	db, err := storage.Open("badger:"+c.Dir, storage.Options{})
	if err != nil {
		return err
	}
	storage.Rotate(db, crashRotate)
	blobs, err := storage.OpenBlobs("badger:"+c.Dir, db, storage.Options{})
	if err != nil {
		return err
	}
	counts, err := crashCheck(c.Dir, db, blobs, c.Acked)
	if err != nil {
		return err
	}
	return c.Work(counts, func(w, n int) error { return crashStep(db, blobs, w, n) })
}

// crashStep writes a body of one of several sizes, links it in two records,
// counts, and removes the step that leaves the window.
func crashStep(db storage.DB, blobs *storage.Blobs, w, n int) error {
	body := bytes.Repeat([]byte(fmt.Sprintf("%d/%d ", w, n)), []int{1, 1000, 15_000, 80_000}[rand.IntN(4)])
	out, err := blobs.Create(context.Background())
	if err != nil {
		return err
	}
	defer out.Abort()
	if _, err := io.Copy(out, bytes.NewReader(body)); err != nil {
		return err
	}
	blob, err := out.Finish()
	if err != nil {
		return err
	}
	s := &step{blob, sha256.Sum256(body), make([]byte, rand.IntN(3000))}
	return db.Update(func(tx storage.Tx) error {
		for _, side := range []string{"a", "b"} {
			if err := errors.Join(blobs.Link(tx, blob), storage.PutRecord(tx, keyStep(side, w, n), s)); err != nil {
				return err
			}
			if n <= window {
				continue
			}
			old, err := storage.GetRecord[step](tx, keyStep(side, w, n-window))
			if err != nil {
				return err
			}
			if err := errors.Join(blobs.Unlink(tx, old.Body), tx.Delete(keyStep(side, w, n-window))); err != nil {
				return err
			}
		}
		return storage.PutRecord(tx, keyCount(w), &n)
	})
}

// crashCheck finds out whether every acknowledged step is there, every step is
// there whole or not at all, and bodies and records agree.
func crashCheck(dir string, db storage.DB, blobs *storage.Blobs, acked []int) (counts []int, err error) {
	counts = make([]int, len(acked))
	files := map[string]bool{}
	names, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
	if err != nil {
		return counts, err
	}
	for _, n := range names {
		files[filepath.Base(n)] = true
	}
	bodies := map[string]bool{}
	err = db.View(func(tx storage.Tx) error {
		for w, acked := range acked {
			n, err := storage.GetRecord[int](tx, keyCount(w))
			if errors.Is(err, storage.ErrNotFound) {
				n = new(int)
			} else if err != nil {
				return err
			}
			// More may have been committed than was acknowledged, never less.
			if *n < acked {
				return fmt.Errorf("worker %d: %d steps were acknowledged, %d are there", w, acked, *n)
			}
			counts[w] = *n
			for _, side := range []string{"a", "b"} {
				var steps []int
				prefix := storage.Key{}.String("step").Uint64(uint64(w)).String(side)
				for item, err := range storage.Records[step](tx, storage.Prefix(prefix)) {
					if err != nil {
						return err
					}
					steps = append(steps, int(storage.ReadKey(item.Key).Skip(len(prefix)).Uint64()))
					if err := crashBody(blobs, item.Value); err != nil {
						return fmt.Errorf("worker %d, step %s%v: %w", w, side, steps[len(steps)-1:], err)
					}
					if id := item.Value.Body.ID; id != "" {
						bodies[id] = true
					}
				}
				var want []int
				for i := max(1, *n-window+1); i <= *n; i++ {
					want = append(want, i)
				}
				if !slices.Equal(steps, want) {
					return fmt.Errorf("worker %d has counted %d steps, on side %s there are %v", w, *n, side, steps)
				}
			}
		}
		return nil
	})
	if err != nil {
		return counts, err
	}
	for id := range files {
		if !bodies[id] {
			return counts, fmt.Errorf("file %s belongs to no record", id)
		}
	}
	return counts, nil
}

func crashBody(blobs *storage.Blobs, s *step) error {
	r, err := blobs.Open(s.Body)
	if err != nil {
		return err
	}
	defer r.Close()
	h := sha256.New()
	if _, err := io.Copy(h, r); err != nil {
		return err
	}
	if [sha256.Size]byte(h.Sum(nil)) != s.Sum {
		return fmt.Errorf("the body of %d bytes is not what was written", s.Body.Size)
	}
	return nil
}

func TestKilledAtAnyTime(t *testing.T) {
	dir := t.TempDir()
	acked := storagetest.Killing{Child: "steps", Dir: dir, Workers: crashWorkers, Rounds: crashRounds, Steps: 200, Opening: 10}.Run(t)
	// The last one ends in order.
	reopen(t, dir, func(db storage.DB, blobs *storage.Blobs) {
		counts, err := crashCheck(dir, db, blobs, acked)
		if err != nil {
			t.Error(err)
		}
		t.Logf("%v steps", counts)
	})
}
