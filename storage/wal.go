package storage

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
)

// A write-ahead log is a file of records, one for each number under which
// something was committed, which follow each other:
//
//	length of the body (4 bytes), CRC-32C of number and body (4 bytes), number (8 bytes)
//	body: for each write the length of its key, the key, one more than the length of
//	its value, the value; or 0 where the key is removed
//
// Lengths in the body are varints, all else is big-endian. The log ends where a
// record has not the number after the one before, or not its sum: files are used
// again, since pages that the system has in memory already are cheaper to write, and
// what is behind the last record is from before.
type wal struct {
	file *os.File
	sync bool
	end  int64 // of the last record
	// old says that another process made it: see wals.
	old bool
}

const recordHeader = 16

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

// append adds a record. After an error it is not there.
func (w *wal) append(record []byte) error {
	if _, err := w.file.WriteAt(record, w.end); err != nil {
		return err
	}
	if w.sync {
		if err := w.file.Sync(); err != nil {
			return err
		}
	}
	w.end += int64(len(record))
	return nil
}

// sealRecord completes a record whose body is there.
func sealRecord(record []byte, number uint64) {
	binary.BigEndian.PutUint32(record, uint32(len(record)-recordHeader))
	binary.BigEndian.PutUint64(record[8:], number)
	binary.BigEndian.PutUint32(record[4:], crc32.Checksum(record[8:], castagnoli))
}

// recordSize is how long appendRecord's part of a body is at most.
func (w *writes) recordSize() (n int) {
	for i := range w.list {
		n += len(w.list[i].key) + len(w.list[i].value) + 2*binary.MaxVarintLen64
	}
	return n
}

func (w *writes) appendRecord(body []byte) []byte {
	for i := range w.list {
		one := &w.list[i]
		body = binary.AppendUvarint(body, uint64(len(one.key)))
		body = append(body, one.key...)
		if one.removed {
			body = append(body, 0)
			continue
		}
		body = binary.AppendUvarint(body, uint64(len(one.value))+1)
		body = append(body, one.value...)
	}
	return body
}

// recordWrites are the keys that a body says are written, and their values, nil
// for those that are removed. Both lie in the body.
func recordWrites(body []byte) iter.Seq2[[]byte, []byte] {
	take := func() (n uint64) {
		n, size := binary.Uvarint(body)
		body = body[size:]
		return n
	}
	cut := func(n uint64) []byte {
		b := body[:n:n]
		body = body[n:]
		return b
	}
	return func(yield func(key, value []byte) bool) {
		for len(body) > 0 {
			key := cut(take())
			var value []byte
			if n := take(); n > 0 {
				value = cut(n - 1)
			}
			if !yield(key, value) {
				return
			}
		}
	}
}

// walRecord is a record that was found in a log.
type walRecord struct {
	number uint64
	body   []byte
}

// readRecords are the records of a log with this content.
func readRecords(content []byte) (records []walRecord) {
	for len(content) > recordHeader {
		size := int64(recordHeader) + int64(binary.BigEndian.Uint32(content))
		r := walRecord{number: binary.BigEndian.Uint64(content[8:])}
		if size == recordHeader || size > int64(len(content)) ||
			len(records) > 0 && r.number != records[len(records)-1].number+1 ||
			binary.BigEndian.Uint32(content[4:]) != crc32.Checksum(content[8:size], castagnoli) {
			break
		}
		r.body = content[recordHeader:size:size]
		records = append(records, r)
		content = content[size:]
	}
	return records
}

// wals are the write-ahead logs of a store: a directory of files with numbers for
// names. A file is used again only by the process that made it, whose numbers grow.
type wals struct {
	dir  string
	sync bool

	mu   sync.Mutex
	next int    // the name of the next file
	free []*wal // logs of which nothing is needed any more
}

const walSuffix = ".log"

// freeLogs is how many logs are kept to be used again.
const freeLogs = 2

// oldLogs are the logs that a process has left.
type oldLogs struct {
	logs    []*wal
	records []walRecord // of all of them, in order
	// gap says that after these there were others that do not follow them. A
	// process that is killed leaves none: a machine without power may.
	gap bool
}

// openLogs opens the directory, which exists, and reads what was left in it.
func openLogs(dir string, sync bool) (*wals, *oldLogs, error) {
	names, err := filepath.Glob(filepath.Join(dir, "*"+walSuffix))
	if err != nil {
		return nil, nil, err
	}
	w, old := &wals{dir: dir, sync: sync}, new(oldLogs)
	var found [][]walRecord
	for _, name := range names {
		n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(name), walSuffix))
		if err != nil {
			continue // not ours
		}
		w.next = max(w.next, n+1)
		content, err := os.ReadFile(name)
		if err != nil {
			return nil, nil, err
		}
		if records := readRecords(content); len(records) > 0 {
			found = append(found, records)
		}
		file, err := os.OpenFile(name, os.O_RDWR, 0)
		if err != nil {
			return nil, nil, err
		}
		old.logs = append(old.logs, &wal{file: file, old: true})
	}
	slices.SortFunc(found, func(a, b []walRecord) int { return cmp.Compare(a[0].number, b[0].number) })
	for _, records := range found {
		if old.gap = len(old.records) > 0 && records[0].number != old.last()+1; old.gap {
			break
		}
		old.records = append(old.records, records...)
	}
	return w, old, nil
}

// last is the number of the last commit, 0 where there is none.
func (o *oldLogs) last() uint64 {
	if len(o.records) == 0 {
		return 0
	}
	return o.records[len(o.records)-1].number
}

// take is an empty log.
func (w *wals) take() (*wal, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := len(w.free); n > 0 {
		log := w.free[n-1]
		w.free = w.free[:n-1]
		return log, nil
	}
	file, err := os.OpenFile(filepath.Join(w.dir, fmt.Sprintf("%06d%s", w.next, walSuffix)), os.O_RDWR|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return nil, err
	}
	w.next++
	return &wal{file: file, sync: w.sync}, nil
}

// give takes a log back of which nothing is needed any more.
func (w *wals) give(log *wal) error {
	w.mu.Lock()
	defer w.mu.Unlock()
	if log.old || len(w.free) == freeLogs || log.end > 2*memtableBytes {
		return log.remove()
	}
	if _, err := log.file.WriteAt(make([]byte, recordHeader), 0); err != nil {
		return err
	}
	log.end = 0
	w.free = append(w.free, log)
	return nil
}

func (w *wal) remove() error {
	return errors.Join(w.file.Close(), os.Remove(w.file.Name()))
}

func removeAll(logs []*wal) (err error) {
	for _, log := range logs {
		err = errors.Join(err, log.remove())
	}
	return err
}

// close removes the free logs.
func (w *wals) close() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	free := w.free
	w.free = nil
	return removeAll(free)
}
