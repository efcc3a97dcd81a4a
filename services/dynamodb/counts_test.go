package dynamodb

import (
	"bytes"
	"fmt"
	"iter"
	"sync"
	"testing"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// watchedDB says when a view scans the items of a table.
type watchedDB struct {
	storage.DB
	prefix  []byte
	scanned func()
}

func (d *watchedDB) View(f func(storage.Tx) error) error {
	return d.DB.View(func(tx storage.Tx) error { return f(watchedTx{tx, d}) })
}

type watchedTx struct {
	storage.Tx
	db *watchedDB
}

func (t watchedTx) Scan(r storage.Range) iter.Seq2[storage.Entry, error] {
	if bytes.Equal(r.Start, t.db.prefix) {
		t.db.scanned()
	}
	return t.Tx.Scan(r)
}

// watch has f told when the items of the table "things" are counted.
func (h *host) watch(f func()) *counter {
	h.t.Helper()
	var t *table
	if err := h.env.DB.View(func(tx storage.Tx) (err error) {
		t, err = h.record(tx, tableID{"000000000000", east, "things"})
		return err
	}); err != nil {
		h.t.Fatal(err)
	}
	h.env.DB = &watchedDB{h.env.DB, indexKey(t.Account, t.Region, t.Number, 0), f}
	return h.counts.of(t)
}

func (h *host) counted(want int64) {
	h.t.Helper()
	if got := *h.described().ItemCount; got != want {
		h.t.Errorf("%d items, want %d", got, want)
	}
}

func TestCountsWhileWritesRun(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	counts := 0
	c := h.watch(func() { counts++ })
	put := func(n int) { h.put("things", item.Item{"p": S(fmt.Sprint(n))}) }
	put(1)
	c.begin() // of a write that takes long
	for n := 1; n < 10; n++ {
		h.counted(int64(n))
		put(n + 1)
	}
	if counts != 1 {
		t.Errorf("counted %d times while a write ran", counts)
	}
	c.end(nil)
	for range 3 {
		h.counted(10)
	}
	if counts != 2 {
		t.Errorf("counted %d times", counts)
	}
	h.clock.Advance(countsKept)
	h.counted(10)
	if counts != 3 {
		t.Errorf("counted %d times after six hours", counts)
	}
}

// A write that ends while its table is counted is added to the count.
func TestWritesDuringACount(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	h.put("things", item.Item{"p": S("before")})
	counts := 0
	h.watch(func() {
		counts++
		done := make(chan struct{})
		go func() {
			defer close(done)
			h.put("things", item.Item{"p": S("during")})
		}()
		<-done
	})
	h.counted(2)
	h.counted(2)
	if counts != 1 {
		t.Errorf("counted %d times", counts)
	}
}

// Whatever writes and counts meet, the count is right once the writes have ended.
func TestCountsAfterManyWriters(t *testing.T) {
	h := newHostOn(t, "badger:"+t.TempDir())
	h.create("things", "p:S")
	const writers, each = 4, 100
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			for n := range each {
				it := item.Item{"p": S(fmt.Sprint(w, n))}
				if _, err := h.putItem(h.call(), &ddb.PutItemInput{TableName: "things", Item: it}); err != nil {
					t.Error(err)
				}
				if n%3 != 0 {
					continue
				}
				if _, err := h.deleteItem(h.call(), &ddb.DeleteItemInput{TableName: "things", Key: it}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 50 {
		h.described()
	}
	wg.Wait()
	h.counted(writers * (each - (each+2)/3))
}
