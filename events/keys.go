package events

import (
	"time"

	"github.com/virga-cloud/virga/storage"
)

// The queue's keys:
//
//	events  due     target  not-before  id  -> Delivery
//	events  failed  failed-at           id  -> Delivery
//
// A target's deliveries are in the order they are due, so that every target
// is worked off by itself.
var (
	prefixDue    = storage.Key{}.String("events").String("due")
	prefixFailed = storage.Key{}.String("events").String("failed")
)

func prefixTarget(target string) storage.Key { return prefixDue.String(target) }

func keyDue(d *Delivery) storage.Key {
	return prefixTarget(d.Target).Time(d.NotBefore).String(d.ID)
}

func keyFailed(at time.Time, id string) storage.Key { return prefixFailed.Time(at).String(id) }

// readDue takes the target and the time out of a due key.
func readDue(key []byte) (target string, notBefore time.Time, err error) {
	r := storage.ReadKey(key).Skip(len(prefixDue))
	target, notBefore = r.String(), r.Time()
	return target, notBefore, r.Err()
}
