package storage_test

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/virga-cloud/virga/storage"
)

const (
	benchKeys  = 100_000
	benchValue = 480
	// benchGoroutines per processor: a server's requests wait for each other's commits.
	benchGoroutines = 16
)

func benchKey() []byte {
	return storage.Key{}.String("bench").Uint64(uint64(rand.IntN(benchKeys)))
}

// ratio runs ours and the bare thing it stands on in turns, and reports how
// many times as long the bare one takes: 1 is the limit.
func ratio(b *testing.B, ours, bare func()) {
	b.SetParallelism(benchGoroutines)
	measure := func(f func()) time.Duration {
		start := time.Now()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				f()
			}
		})
		return time.Since(start)
	}
	b.ReportAllocs()
	took := measure(ours)
	b.StopTimer()
	limit := measure(bare)
	b.ReportMetric(float64(limit)/float64(took), "of-bare")
	b.ReportMetric(float64(b.N)/took.Seconds(), "ops/s")
}

func openBare(b *testing.B) *storage.Bare {
	bare, err := storage.OpenBare(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { bare.Close() })
	return bare
}

func BenchmarkUpdate(b *testing.B) {
	value := make([]byte, benchValue)
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db, _ := open(b)
			bare := openBare(b)
			ratio(b, func() {
				k := benchKey()
				err := db.Update(func(tx storage.Tx) error {
					if _, err := tx.Get(k); err != nil && !errors.Is(err, storage.ErrNotFound) {
						return err
					}
					return tx.Set(k, value)
				})
				if err != nil {
					b.Error(err)
				}
			}, func() { bare.Update(benchKey(), value) })
		})
	}
}

func BenchmarkGet(b *testing.B) {
	value := make([]byte, benchValue)
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db, _ := open(b)
			bare := openBare(b)
			for i := range uint64(benchKeys) {
				k := storage.Key{}.String("bench").Uint64(i)
				if err := db.Update(func(tx storage.Tx) error { return tx.Set(k, value) }); err != nil {
					b.Fatal(err)
				}
				if err := bare.Update(k, value); err != nil {
					b.Fatal(err)
				}
			}
			b.ResetTimer()
			ratio(b, func() {
				k := benchKey()
				err := db.View(func(tx storage.Tx) error {
					_, err := tx.Get(k)
					return err
				})
				if err != nil {
					b.Error(err)
				}
			}, func() {
				if _, err := bare.Get(benchKey()); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// BenchmarkScan reads 100 entries, as a Query does.
func BenchmarkScan(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db, _ := open(b)
			value := make([]byte, benchValue)
			for i := range uint64(10_000) {
				k := storage.Key{}.String("bench").Uint64(i / 100).Uint64(i % 100)
				if err := db.Update(func(tx storage.Tx) error { return tx.Set(k, value) }); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportAllocs()
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					r := storage.Prefix(storage.Key{}.String("bench").Uint64(rand.Uint64N(100)))
					n := 0
					err := db.View(func(tx storage.Tx) error {
						for e, err := range tx.Scan(r) {
							if err != nil {
								return err
							}
							n += len(e.Value)
						}
						return nil
					})
					if err != nil || n != 100*benchValue {
						b.Error(n, err)
					}
				}
			})
		})
	}
}

// BenchmarkCounter has everyone update one key.
func BenchmarkCounter(b *testing.B) {
	for name, open := range engines {
		b.Run(name, func(b *testing.B) {
			db, _ := open(b)
			key := storage.Key{}.String("n")
			b.SetParallelism(benchGoroutines)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					err := db.Update(func(tx storage.Tx) error {
						n, err := storage.GetRecord[int](tx, key)
						if errors.Is(err, storage.ErrNotFound) {
							n, err = new(int), nil
						}
						if err != nil {
							return err
						}
						*n++
						return storage.PutRecord(tx, key, n)
					})
					if err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}

// BenchmarkBlobWrite writes, with its MD5 as S3 does, a body and its record,
// against a bare file.
func BenchmarkBlobWrite(b *testing.B) {
	for name, open := range engines {
		for _, size := range []int{1 << 10, 4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 1 << 20, 8 << 20} {
			b.Run(fmt.Sprintf("%s/%d", name, size), func(b *testing.B) {
				db, blobs := open(b)
				dir := b.TempDir()
				body := make([]byte, size)
				b.SetBytes(int64(size))
				var n atomic.Int64
				ratio(b, func() {
					w, err := blobs.Create(context.Background())
					if err != nil {
						b.Error(err)
						return
					}
					defer w.Abort()
					w.Expect(int64(size))
					if _, err := io.Copy(io.MultiWriter(w, md5.New()), onlyReader{bytes.NewReader(body)}); err != nil {
						b.Error(err)
					}
					blob, err := w.Finish()
					if err != nil {
						b.Error(err)
					}
					k := storage.Key{}.Uint64(uint64(n.Add(1) % 64))
					err = db.Update(func(tx storage.Tx) error {
						old, err := storage.GetRecord[storage.Blob](tx, k)
						if err == nil {
							err = blobs.Unlink(tx, *old)
						}
						if err != nil && !errors.Is(err, storage.ErrNotFound) {
							return err
						}
						return errors.Join(blobs.Link(tx, blob), storage.PutRecord(tx, k, &blob))
					})
					if err != nil {
						b.Error(err)
					}
				}, func() {
					f, err := os.Create(filepath.Join(dir, fmt.Sprint(n.Add(1)%64)))
					if err != nil {
						b.Error(err)
						return
					}
					defer f.Close()
					if _, err := io.Copy(io.MultiWriter(f, md5.New()), onlyReader{bytes.NewReader(body)}); err != nil {
						b.Error(err)
					}
				})
			})
		}
	}
}

// onlyReader hides that a reader could write itself.
type onlyReader struct{ io.Reader }
