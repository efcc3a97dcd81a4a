package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"testing"
)

func TestMomentsAreEnteredAndLeft(t *testing.T) {
	db, err := Open("badger:"+t.TempDir(), Options{Log: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	b := db.(*store).engine.(*badger)
	key := []byte("key")
	set := func(value string) {
		t.Helper()
		if err := db.Update(func(tx Tx) error { return tx.Set(key, []byte(value)) }); err != nil {
			t.Fatal(err)
		}
	}
	wants := func(tx engineTx, want string) {
		t.Helper()
		if v, err := tx.Get(key); err != nil || string(v) != want {
			t.Errorf("it is %q (%v), want %q", v, err, want)
		}
		for e, err := range tx.Scan(Range{}) {
			if err != nil || string(e.Value) != want {
				t.Errorf("it is scanned as %q (%v), want %q", e.Value, err, want)
			}
		}
	}
	late := b.begin(false, false)
	set("old")
	reads, again := b.begin(true, false), b.begin(true, true)
	wants(reads, "old")
	for n := range 3 * pastKept {
		set(fmt.Sprint(n))
	}
	if err := b.db.Flatten(1); err != nil { // what may be forgotten is
		t.Fatal(err)
	}
	if v, err := late.Get(key); !errors.Is(err, errConflict) {
		t.Errorf("a moment that has been forgotten is read: %q, %v", v, err)
	}
	wants(reads, "old")
	wants(again, "old")
	if err := again.Set([]byte("other"), nil); err != nil {
		t.Fatal(err)
	}
	if err := again.commit(); !errors.Is(err, errConflict) {
		t.Errorf("what was read has changed: %v", err)
	}
	for _, tx := range []engineTx{late, reads, again} {
		tx.discard()
	}
	if n := len(b.timeline.readers); n != 0 {
		t.Errorf("%d moments are still read", n)
	}
}
