package dynamodb

import (
	"bytes"
	"crypto/md5"
	"encoding/binary"
	"math/bits"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/number"
	"github.com/virga-cloud/virga/storage"
)

// The layout of the service's keys:
//
//	"dynamodb" account region "table" name            the record of a table
//	"dynamodb" account region "token" token           a transaction that was done
//	"dynamodb" account region "expiry" time token     when that may be forgotten
//	"dynamodb" account region "item" TABLE INDEX KEY  an item, or its entry in an index
//	"dynamodb" account region "record" STREAM NUMBER  a change, in a stream
//	"dynamodb" account region "import" id             the import of a table
//	"dynamodb" account region "export" id             the export of a table
//	"dynamodb" "stream" account region table label    the record of a stream
//	"dynamodb" account region "backed" BACKUP KEY     an item in a backup
//	"dynamodb" "backup" account region table id       the record of a backup
//	"dynamodb" "recoverable" TABLE                    a table with recovery to a point in time
//	"dynamodb" "expiring" TABLE                       a table with time to live
//	"dynamodb" "reserved"                             how far numbers of changes are reserved
//	"dynamodb" "work" TABLE                           what is to be done about a table
//
// TABLE is the number of a table, never used again, so that a table that is
// made anew under the same name shares nothing with what is left of the old one.
// INDEX is 0 for the table itself and counts its indexes from 1, the index of
// the times when items expire and the log of the table's past among them. KEY is
//
//	table:  HASH partition sort
//	index:  HASH partition sort ITEMHASH table-partition table-sort
//	times:  seconds HASH table-partition table-sort
//	past:   HASH table-partition table-sort number
//
// HASH is 8 bytes of the MD5 of the partition key, made as AWS makes it: a
// scan passes the partitions in the order of their hashes, which is not that
// of their keys, and a segment of a parallel scan is a range of them. The rest
// is encoded to sort as the values do, so that a query reads a range. The
// entries of an index that have the same index key are told apart by their
// table keys, and sort by the hash of those.
//
// STREAM is the number of a stream and BACKUP that of a backup, as TABLE is of a table. NUMBER is what
// package sequence numbers changes with.
//
// Work, streams, backups and what the clock changes are found without knowing whose they are, so
// they do not begin with an account.
const hashSize = 8

func serviceKey() storage.Key { return storage.Key{}.String("dynamodb") }

func tablesKey(account, region string) storage.Key {
	return serviceKey().String(account).String(region).String("table")
}

func tableKey(account, region, name string) storage.Key {
	return tablesKey(account, region).String(name)
}

func tokenKey(account, region, token string) storage.Key {
	return serviceKey().String(account).String(region).String("token").String(token)
}

func expiriesKey(account, region string) storage.Key {
	return serviceKey().String(account).String(region).String("expiry")
}

func expiryKey(account, region string, at time.Time, token string) storage.Key {
	return expiriesKey(account, region).Time(at).String(token)
}

// indexKey is what the keys of an index's entries, or of a table's items,
// begin with.
func indexKey(account, region string, table, index uint64) storage.Key {
	return itemsKey(account, region, table).Uint64(index)
}

// itemsKey is what all keys of a table's items and index entries begin with.
func itemsKey(account, region string, table uint64) storage.Key {
	return serviceKey().String(account).String(region).String("item").Uint64(table)
}

// recordsKey is what all keys of a stream's records begin with.
func recordsKey(account, region string, stream uint64) storage.Key {
	return serviceKey().String(account).String(region).String("record").Uint64(stream)
}

func allStreamsKey() storage.Key { return serviceKey().String("stream") }

func streamsKey(account, region string) storage.Key {
	return allStreamsKey().String(account).String(region)
}

func streamKey(account, region, table, label string) storage.Key {
	return streamsKey(account, region).String(table).String(label)
}

// backedKey is what the keys of all items of a backup begin with.
func backedKey(account, region string, backup uint64) storage.Key {
	return serviceKey().String(account).String(region).String("backed").Uint64(backup)
}

func allBackupsKey() storage.Key { return serviceKey().String("backup") }

func backupsKey(account, region string) storage.Key {
	return allBackupsKey().String(account).String(region)
}

func backupKey(account, region, table, id string) storage.Key {
	return backupsKey(account, region).String(table).String(id)
}

func allRecoverableKey() storage.Key { return serviceKey().String("recoverable") }

func recoverableKey(table uint64) storage.Key { return allRecoverableKey().Uint64(table) }

func allExpiringKey() storage.Key { return serviceKey().String("expiring") }

func expiringKey(table uint64) storage.Key { return allExpiringKey().Uint64(table) }

func reservedKey() storage.Key { return serviceKey().String("reserved") }

func exportsKey(account, region string) storage.Key {
	return serviceKey().String(account).String(region).String("export")
}

func exportKey(account, region, id string) storage.Key {
	return exportsKey(account, region).String(id)
}

func importsKey(account, region string) storage.Key {
	return serviceKey().String(account).String(region).String("import")
}

func importKey(account, region, id string) storage.Key {
	return importsKey(account, region).String(id)
}

func worksKey() storage.Key { return serviceKey().String("work") }

func workKey(table uint64) storage.Key { return worksKey().Uint64(table) }

// appendPartition appends the hash and the values of a partition key.
func (k *keySchema) appendPartition(b []byte, of item.Attributes) []byte {
	b = appendHash(b, of, k.partition, nil)
	return appendValues(b, of, k.partition)
}

// appendKey appends the whole key of an item that has it.
func (k *keySchema) appendKey(b []byte, of item.Attributes) []byte {
	return appendValues(k.appendPartition(b, of), of, k.sort)
}

// itemKey is the key of an item in its table.
func (t *schema) itemKey(of item.Attributes) []byte {
	return t.appendItemKey(make([]byte, 0, len(t.prefix)+usualKey), of)
}

// usualKey is how long a key behind the prefix is, as a rule at most.
const usualKey = 96

func (t *schema) appendItemKey(b []byte, of item.Attributes) []byte {
	return t.appendKey(append(b, t.prefix...), of)
}

// entryKey is the key of an item's entry in an index. The item has the index's
// key attributes.
func (t *schema) entryKey(x *index, of item.Attributes) []byte {
	b := make([]byte, len(x.prefix), len(x.prefix)+160)
	copy(b, x.prefix)
	return t.appendItem(x.appendKey(b, of), of)
}

// appendItem appends what tells entries of an index apart.
func (t *schema) appendItem(b []byte, of item.Attributes) []byte {
	b = appendHash(b, of, t.partition, t.sort)
	return appendValues(appendValues(b, of, t.partition), of, t.sort)
}

// appendHash appends the hash of the values that an item has for the attributes.
func appendHash(b []byte, of item.Attributes, lists ...[]keyAttribute) []byte {
	var room [128]byte
	text := append(room[:0], "Outliers"...)
	for _, list := range lists {
		for _, a := range list {
			switch v := of.Attribute(a.name).(type) {
			case attribute.S:
				text = append(text, v...)
			case attribute.B:
				text = append(text, v...)
			case attribute.N:
				text = decimal(v).AppendSortable(text)
			}
		}
	}
	sum := md5.Sum(text) // not for secrecy: AWS scans in this order
	return append(b, sum[:hashSize]...)
}

// appendValues appends the values that an item has for the attributes. No
// value's bytes are the beginning of another's.
func appendValues(b []byte, of item.Attributes, list []keyAttribute) []byte {
	for _, a := range list {
		b = appendValue(b, of.Attribute(a.name))
	}
	return b
}

func appendValue(b []byte, v attribute.Value) []byte {
	switch v := v.(type) {
	case attribute.S:
		return append(appendEscaped(b, v), 0)
	case attribute.B:
		return append(appendEscaped(b, v), 0)
	case attribute.N:
		return decimal(v).AppendKey(b)
	}
	panic("dynamodb: a key of type " + attribute.TypeOf(v))
}

// appendBeginning appends the bytes that the values beginning with v begin with.
func appendBeginning(b []byte, v attribute.Value) []byte {
	switch v := v.(type) {
	case attribute.S:
		return appendEscaped(b, v)
	case attribute.B:
		return appendEscaped(b, v)
	}
	panic("dynamodb: a beginning of type " + attribute.TypeOf(v))
}

// appendEscaped leaves the byte 0 free to end a value.
func appendEscaped[T ~string | ~[]byte](b []byte, s T) []byte {
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= 1 {
			b = append(b, 1, c+1)
		} else {
			b = append(b, c)
		}
	}
	return b
}

// decimal is a number that has been normalised.
func decimal(n attribute.N) number.Decimal {
	x, err := number.Parse(string(n))
	if err != nil {
		panic("dynamodb: a key that is not normalised: " + err.Error())
	}
	return x
}

// distinctKeys are the keys of a request's items, each of which may occur once.
// There are at most a hundred: comparing them takes less than a map does.
type distinctKeys struct {
	keys [][]byte
	room []byte // for keys to come
}

// newDistinctKeys has room for the keys of n items.
func newDistinctKeys(n int) distinctKeys { return distinctKeys{keys: make([][]byte, 0, n)} }

// add is the key of an item of a table. It says whether the key was not there
// yet, and adds it.
func (k *distinctKeys) add(t *schema, of item.Attributes) (key []byte, added bool) {
	if need := len(t.prefix) + usualKey; cap(k.room)-len(k.room) < need {
		k.room = make([]byte, 0, need*min(max(1, cap(k.keys)-len(k.keys)), 16))
	}
	from := len(k.room)
	k.room = t.appendItemKey(k.room, of)
	key = k.room[from:len(k.room):len(k.room)]
	if slices.ContainsFunc(k.keys, func(other []byte) bool { return bytes.Equal(key, other) }) {
		return key, false
	}
	k.keys = append(k.keys, key)
	return key, true
}

// segment is the range of the entries under prefix whose hashes are in one of
// the total equal parts of all.
func segment(prefix []byte, number, total int) storage.Range {
	bound := func(n int) []byte {
		// The hash at n/total of all 2^64, rounded up.
		hash, rest := bits.Div64(uint64(n), 0, uint64(total))
		if rest > 0 {
			hash++
		}
		return binary.BigEndian.AppendUint64(slices.Clone(prefix), hash)
	}
	r := storage.Range{Start: bound(number), End: storage.PrefixEnd(prefix)}
	if number+1 < total {
		r.End = bound(number + 1)
	}
	return r
}
