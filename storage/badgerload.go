package storage

import (
	"errors"

	badgerdb "github.com/dgraph-io/badger/v4"
	"github.com/dgraph-io/badger/v4/pb"
)

// loadsAtOnce is how many portions of a memtable wait for Badger at most.
const loadsAtOnce = 2

// badgerRemoved is how Badger marks that a key was removed, in backups and here.
var badgerRemoved = []byte{1}

// load gives Badger the last value of each key of a memtable, as of its last commit.
func (b *badger) load(m *memtable) error {
	loader := b.db.NewKVLoader(loadsAtOnce)
	before := b.db.NewTransactionAt(m.last, false)
	defer before.Discard()
	var err error
	removed := int64(0)
	kv := pb.KV{Version: m.last}
	m.ordered().Scan(func(k *memKey) bool {
		kv.Key, kv.Value, kv.Meta = k.key, k.latest.Load().value, nil
		if kv.Value == nil {
			if _, e := before.Get(k.key); errors.Is(e, badgerdb.ErrKeyNotFound) {
				return true // it came and went
			}
			kv.Meta = badgerRemoved
			removed++
		}
		err = loader.Set(&kv)
		return err == nil
	})
	if err = errors.Join(err, loader.Finish()); err == nil {
		b.removals.count.Add(removed)
	}
	return err
}
