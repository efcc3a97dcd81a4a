package s3

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"net/url"
	"sync"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/lifecycle"
	"github.com/virga-cloud/virga/storage"
)

// Ageing carries out lifecycle configurations. Everything falls due at a midnight,
// so it looks through the buckets that have one then, and after one was
// changed. What is to be done is seen from the records alone: an ageing that was
// interrupted is simply done again.

// ageing is how far it has come.
type ageing struct {
	mu sync.Mutex
	// done is when the last pass began after which no configuration was changed.
	done time.Time
}

// again makes the next pass look at everything.
func (a *ageing) again() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.done = time.Time{}
}

// due says whether anything can have fallen due since the last pass, and takes
// note that one begins.
func (a *ageing) due(now time.Time) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	if !a.done.IsZero() && !now.Before(a.done) && now.Before(lifecycle.Midnight(a.done)) {
		return false
	}
	a.done = now
	return true
}

// lifecycleChanged is called when a bucket has been given a configuration.
func (s *Service) lifecycleChanged() {
	s.ageing.again()
	s.bell.Ring()
}

// age does what is due at a time. One does it at a time.
func (s *Service) age(ctx context.Context, now time.Time) error {
	if !s.ageing.due(now) {
		return nil
	}
	names, err := s.bucketsWith(kindLifecycle)
	for _, name := range names { // one that fails does not keep the others
		err = errors.Join(err, s.ageBucket(ctx, name, now))
	}
	if err != nil {
		s.ageing.again() // it is not done
	}
	return err
}

func (s *Service) ageBucket(ctx context.Context, name string, now time.Time) error {
	a := &ager{Service: s, name: name, now: now}
	err := s.env.DB.View(a.read)
	if err == nil {
		a.begin(ctx)
		err = cmp.Or(a.objects(), a.versions(), a.uploads())
	}
	if err == errAgeless {
		return nil
	}
	return err
}

// errAgeless says that the bucket, or its configuration, is no more.
var errAgeless = errors.New("s3: nothing ages here")

// read reads what the bucket is now. Whoever changes something does so first,
// in his transaction: the bucket may have been given versions meanwhile.
func (a *ager) read(tx storage.Tx) error {
	b, err := a.Service.bucket(tx, a.name, "")
	if isNoSuchBucket(err) || b != nil && a.bucket != nil && b.ID != a.bucket.ID {
		return errAgeless
	}
	if err != nil {
		return err
	}
	c, err := a.settings.lifecycle.of(tx, b)
	if err != nil {
		return err
	}
	if c == nil {
		return errAgeless
	}
	a.bucket, a.plan = b, c.prepared()
	return nil
}

// begin makes the call that everything is done in.
func (a *ager) begin(ctx context.Context) {
	a.ctx = api.WithCall(ctx, &api.Call{
		Account: a.bucket.Account, Region: a.bucket.Region, Principal: api.Principal{Service: lifecyclePrincipal},
		RequestID: a.env.IDs.UUID(), Time: a.now, SourceIP: lifecyclePrincipal,
	})
}

// lifecyclePrincipal is who acts, as events name it.
const lifecyclePrincipal = "s3.amazonaws.com"

// prepared is the configuration as objects are looked at.
func (c *lifecycleRules) prepared() *lifecycle.Plan {
	c.once.Do(func() { c.plan = lifecycle.NewPlan(c.Rules, c.MinimumSize) })
	return c.plan
}

// ager ages one bucket.
type ager struct {
	*Service
	ctx    context.Context // of its own call
	name   string
	bucket *bucket
	plan   *lifecycle.Plan
	now    time.Time
}

// aged is an object as the rules look at it.
func aged(key string, o *object) *lifecycle.Object {
	return &lifecycle.Object{Key: key, Size: o.Size, Class: s3.StorageClass(o.class()), Tagged: o.tagged}
}

func (o *object) made() time.Time { return time.UnixMilli(o.Modified) }

// lookPiece is how many records are looked at in one transaction, actPiece how
// many of them another one changes.
const lookPiece, actPiece = 1000, 50

// walk looks at all records under root, in pieces, and acts on those that look
// chooses. look gets the rest of the key. A page's act comes before the next page's look.
func walk[T, C any](a *ager, root storage.Key, look func(tx storage.Tx, key *storage.KeyReader, v *T) (*C, error), act func(tx storage.Tx, chosen *C) error) error {
	r := storage.Prefix(root)
	for more := true; more; {
		if err := a.ctx.Err(); err != nil {
			return err
		}
		var chosen []*C
		var last []byte
		err := a.env.DB.View(func(tx storage.Tx) error {
			n := 0
			for e, err := range tx.Scan(r) {
				if err != nil {
					return err
				}
				v, err := storage.Decode[T](e)
				if err != nil {
					return err
				}
				c, err := look(tx, storage.ReadKey(e.Key).Skip(len(root)), v)
				if err != nil {
					return err
				}
				if c != nil {
					chosen = append(chosen, c)
				}
				last = append(last[:0], e.Key...)
				if n++; n == lookPiece {
					return nil
				}
			}
			more = false
			return nil
		})
		if err != nil {
			return err
		}
		for len(chosen) > 0 {
			piece := chosen[:min(actPiece, len(chosen))]
			chosen = chosen[len(piece):]
			err := a.env.DB.Update(func(tx storage.Tx) error {
				if err := a.read(tx); err != nil {
					return err
				}
				for _, c := range piece {
					if err := act(tx, c); err != nil {
						return err
					}
				}
				return nil
			})
			if err != nil {
				return err
			}
		}
		if more {
			r = r.After(bytes.Clone(last))
		}
	}
	return nil
}

// objects ages the current versions.
func (a *ager) objects() error {
	return walk(a, objectsOf(a.bucket.ID), func(_ storage.Tx, k *storage.KeyReader, o *object) (*string, error) {
		key := k.String()
		if a.plan.Current(aged(key, o), o.made(), a.now) == (lifecycle.Action{}) {
			return nil, k.Err()
		}
		return &key, k.Err()
	}, func(tx storage.Tx, key *string) error {
		o, err := current(tx, a.bucket.ID, *key)
		if o == nil || err != nil {
			return err
		}
		due := a.plan.Current(aged(*key, o), o.made(), a.now)
		if due.Class != "" && (!due.Expire || a.bucket.Versioning != unversioned) {
			if err := a.move(tx, *key, &found{o, keyObject(a.bucket.ID, *key), true}, due.Class); err != nil {
				return err
			}
		}
		if due.Expire {
			_, err = a.delete(a.ctx, tx, a.bucket, deletion{key: *key, expired: true})
		}
		return err
	})
}

// move gives a version another storage class.
func (a *ager) move(tx storage.Tx, key string, f *found, class s3.TransitionStorageClass) error {
	f.Class = string(class)
	if err := storage.PutRecord(tx, f.at, f.object); err != nil {
		return err
	}
	told := *f.object
	told.Sequence = a.sequence(f.object)
	return a.emit(a.ctx, tx, a.bucket, eventMoved, key, &told)
}

// uploads ends the uploads that have taken too long.
func (a *ager) uploads() error {
	type overdue struct{ key, id string }
	var ended []string
	due := func(key string, u *upload) bool {
		at, _, ok := a.plan.Abort(key, time.UnixMilli(u.Initiated))
		return ok && !a.now.Before(at)
	}
	err := walk(a, uploadsOf(a.bucket.ID), func(_ storage.Tx, k *storage.KeyReader, u *upload) (*overdue, error) {
		o := &overdue{k.String(), k.String()}
		if !due(o.key, u) {
			return nil, k.Err()
		}
		return o, k.Err()
	}, func(tx storage.Tx, o *overdue) error {
		_, u, err := a.upload(tx, a.name, "", o.key, o.id)
		if e, ok := errors.AsType[*api.Error](err); ok && e.Code == "NoSuchUpload" {
			return nil // its client was faster
		}
		if err != nil || !due(o.key, u) {
			return err
		}
		// Only of what has ended may the parts be removed.
		tx.OnCommit(func() { ended = append(ended, o.id) })
		return endUpload(tx, a.bucket.ID, o.key, o.id)
	})
	for _, id := range ended {
		if err == nil {
			err = a.sweepUpload(a.ctx, a.bucket.ID, id)
		}
	}
	return err
}

// expiration is the header that tells when an object will expire: "" for one
// that will not, or is not its key's current version.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_HeadObject.html
func (s *Service) expiration(tx storage.Tx, b *bucket, key string, o *object) (string, error) {
	if !b.Settings.has(kindLifecycle) {
		return "", nil
	}
	c, err := s.settings.lifecycle.of(tx, b)
	if err != nil {
		return "", err
	}
	at, rule, ok := c.prepared().Expiration(aged(key, o), o.made())
	if !ok {
		return "", nil
	}
	return `expiry-date="` + httpDate(at) + `", rule-id="` + url.QueryEscape(rule) + `"`, nil
}

// created finishes the creation of an object: what its answer says of its end, and its event.
func (s *Service) created(ctx context.Context, tx storage.Tx, b *bucket, e event, key string, o *object) (err error) {
	if o.expires, err = s.expiration(tx, b, key, o); err != nil {
		return err
	}
	return s.emit(ctx, tx, b, e, key, o)
}

// ending is when an upload will be ended, and by which rule.
func (s *Service) ending(tx storage.Tx, b *bucket, key string, u *upload) (at time.Time, rule string, err error) {
	if !b.Settings.has(kindLifecycle) {
		return at, "", nil
	}
	c, err := s.settings.lifecycle.of(tx, b)
	if err == nil {
		at, rule, _ = c.prepared().Abort(key, time.UnixMilli(u.Initiated))
	}
	return at, rule, err
}
