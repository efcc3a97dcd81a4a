package storage

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// logged is a record of one commit, which writes so many keys and removes one.
func logged(number uint64, keys int) []byte {
	w := new(writes)
	for i := range keys {
		w.set(write{key: fmt.Appendf(nil, "key %d", i), hash: uint64(i), value: bytes.Repeat([]byte{byte(number)}, i*i)})
	}
	w.set(write{key: []byte("gone"), hash: 1 << 40, removed: true})
	record := w.appendRecord(make([]byte, recordHeader, recordHeader+w.recordSize()))
	sealRecord(record, number)
	return record
}

func numbers(records []walRecord) (n []uint64) {
	for _, r := range records {
		n = append(n, r.number)
	}
	return n
}

func TestRecordsSayWhatIsWritten(t *testing.T) {
	records := readRecords(logged(7, 30))
	if diff := cmp.Diff([]uint64{7}, numbers(records)); diff != "" {
		t.Fatal(diff)
	}
	n := 0
	for key, value := range recordWrites(records[0].body) {
		wantKey, want := fmt.Sprintf("key %d", n), bytes.Repeat([]byte{7}, n*n)
		if n == 30 {
			wantKey, want = "gone", nil
		}
		if string(key) != wantKey || !bytes.Equal(value, want) || (value == nil) != (want == nil) {
			t.Errorf("write %d is %q, %x", n, key, value)
		}
		n++
	}
	if n != 31 {
		t.Errorf("%d writes", n)
	}
}

// Wherever a log is cut off, and whatever byte of it is another, what is before is read.
func TestLogsEndWhereTheyAreDamaged(t *testing.T) {
	var log []byte
	var ends []int
	for n := range uint64(4) {
		log = append(log, logged(10+n, int(n))...)
		ends = append(ends, len(log))
	}
	whole := func(bytes int) (n int) {
		for n < len(ends) && ends[n] <= bytes {
			n++
		}
		return n
	}
	for at := range log {
		if got := len(readRecords(log[:at])); got != whole(at) {
			t.Errorf("cut off at %d there are %d records", at, got)
		}
		damaged := bytes.Clone(log)
		damaged[at] ^= 0x10
		if got := len(readRecords(damaged)); got != whole(at) {
			t.Errorf("damaged at %d there are %d records", at, got)
		}
	}
	// What a log that is used again has behind its end does not follow.
	again := append(logged(20, 1), log[ends[0]:]...)
	if diff := cmp.Diff([]uint64{20}, numbers(readRecords(again))); diff != "" {
		t.Error(diff)
	}
}

func TestLogsFollowEachOther(t *testing.T) {
	join := func(records ...[]byte) []byte { return bytes.Join(records, nil) }
	for name, c := range map[string]struct {
		files map[string][]byte
		want  []uint64
		gap   bool
	}{
		"none":         {},
		"in order":     {map[string][]byte{"000000.log": join(logged(1, 1), logged(2, 2)), "000001.log": logged(3, 1)}, []uint64{1, 2, 3}, false},
		"used again":   {map[string][]byte{"000000.log": join(logged(3, 1), logged(2, 2)), "000001.log": logged(2, 1)}, []uint64{2, 3}, false},
		"empty":        {map[string][]byte{"000000.log": make([]byte, recordHeader), "000001.log": logged(2, 1), "000002.log": {}}, []uint64{2}, false},
		"one lost":     {map[string][]byte{"000000.log": logged(1, 1), "000002.log": logged(3, 1), "000003.log": logged(4, 1)}, []uint64{1}, true},
		"another file": {map[string][]byte{"000000.log": logged(1, 1), "notes.log": logged(2, 1)}, []uint64{1}, false},
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			for file, content := range c.files {
				if err := os.WriteFile(filepath.Join(dir, file), content, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			all, old, err := openLogs(dir, false)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, numbers(old.records)); diff != "" || old.gap != c.gap {
				t.Errorf("gap %v: %s", old.gap, diff)
			}
			fresh, err := all.take()
			if err != nil {
				t.Fatal(err)
			}
			for _, log := range append(old.logs, fresh) { // what others made is not used again
				if err := all.give(log); err != nil {
					t.Error(err)
				}
			}
			if len(all.free) != 1 || all.free[0] != fresh {
				t.Errorf("%d logs are free", len(all.free))
			}
			if err := all.close(); err != nil {
				t.Error(err)
			}
			if left, _ := filepath.Glob(filepath.Join(dir, "0*")); len(left) > 0 {
				t.Errorf("left: %v", left)
			}
		})
	}
}

func TestLogsAreUsedAgain(t *testing.T) {
	all, _, err := openLogs(t.TempDir(), true)
	if err != nil {
		t.Fatal(err)
	}
	log, err := all.take()
	if err != nil {
		t.Fatal(err)
	}
	defer log.remove()
	for n := range uint64(3) {
		if err := log.append(logged(1+n, 3)); err != nil {
			t.Fatal(err)
		}
	}
	if err := all.give(log); err != nil {
		t.Fatal(err)
	}
	again, err := all.take()
	if err != nil || again != log {
		t.Fatalf("another log is taken (%v)", err)
	}
	content := func() []uint64 {
		b, err := os.ReadFile(log.file.Name())
		if err != nil {
			t.Fatal(err)
		}
		return numbers(readRecords(b))
	}
	if got := content(); got != nil {
		t.Errorf("one that was given back has %v", got)
	}
	if err := log.append(logged(4, 3)); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]uint64{4}, content()); diff != "" {
		t.Error(diff)
	}
}
