package s3

import (
	"time"

	"github.com/virga-cloud/virga/services/s3/lifecycle"
	"github.com/virga-cloud/virga/storage"
)

// A version has been noncurrent since the next one was made. Versions lie newest
// first, so it is enough to remember the one that was passed last.

// noncurrent is where the walk through a bucket's versions is.
type noncurrent struct {
	key string
	// since is when the version passed last was made, newer how many
	// noncurrent versions have been passed.
	since time.Time
	newer int
}

// agedVersion is a version that something is due to.
type agedVersion struct {
	key, id string
	since   time.Time
	newer   int
}

// versions ages the versions that are not current, and the delete markers.
func (a *ager) versions() error {
	if a.bucket.Versioning == unversioned {
		return nil
	}
	var at noncurrent
	err := walk(a, versionsOf(a.bucket.ID), func(tx storage.Tx, k *storage.KeyReader, o *object) (*agedVersion, error) {
		key := k.String()
		isHead := len(k.Rest()) == 0
		if err := k.Err(); err != nil {
			return nil, err
		}
		if key != at.key || isHead {
			at = noncurrent{key: key}
			if isHead {
				at.since = o.made()
				return nil, nil
			}
			h, err := head(tx, a.bucket, key)
			if h == nil || err != nil {
				return nil, err
			}
			at.since = h.made()
		}
		v := agedVersion{key, o.id(), at.since, at.newer}
		at.since = o.made()
		at.newer++
		if a.plan.Noncurrent(aged(key, o), v.since, v.newer, a.now) == (lifecycle.Action{}) {
			return nil, nil
		}
		return &v, nil
	}, a.ageVersion)
	if err != nil {
		return err
	}
	return a.markers()
}

func (a *ager) ageVersion(tx storage.Tx, v *agedVersion) error {
	f, err := find(tx, a.bucket, v.key, v.id)
	if err != nil || f == nil || f.object == nil || f.head {
		return err // it was deleted meanwhile, or has become current again
	}
	due := a.plan.Noncurrent(aged(v.key, f.object), v.since, v.newer, a.now)
	switch {
	case due.Expire && f.allowsDelete(a.now, false) != nil: // its time comes when the lock's has ended
	case due.Expire:
		_, err = a.delete(a.ctx, tx, a.bucket, deletion{key: v.key, version: v.id, expired: true})
	case due.Class != "" && !f.Marker:
		err = a.move(tx, v.key, f, due.Class)
	}
	return err
}

// markers removes delete markers behind which nothing is left, also of what
// has just been removed.
func (a *ager) markers() error {
	return walk(a, versionsOf(a.bucket.ID), func(_ storage.Tx, k *storage.KeyReader, o *object) (*string, error) {
		key := k.String()
		if len(k.Rest()) > 0 || !a.plan.Marker(key, o.made(), a.now) {
			return nil, k.Err()
		}
		return &key, k.Err()
	}, func(tx storage.Tx, key *string) error {
		h, err := head(tx, a.bucket, *key)
		if h == nil || err != nil || !h.Marker || !a.plan.Marker(*key, h.made(), a.now) {
			return err
		}
		r := storage.Range{Start: keyVersion(a.bucket.ID, *key, h.Sequence), End: storage.PrefixEnd(keyMarker(a.bucket.ID, *key)), KeysOnly: true}
		for _, err := range tx.Scan(r) {
			return err // there is another version
		}
		_, err = a.delete(a.ctx, tx, a.bucket, deletion{key: *key, version: h.id(), expired: true})
		return err
	})
}
