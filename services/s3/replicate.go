package s3

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/s3/replication"
	"github.com/virga-cloud/virga/storage"
)

// A copy is ordered in the transaction that makes, or changes, the version that it
// is of, and is made by a delivery to the bucket it goes to: so it is made
// exactly when the version exists, is tried again, and is waited for. The
// copy has the version's id and its place among the versions of its key, and
// shares its bytes, also those that are sealed, unless the rule names another key
// for them (see reseal.go). What it is when it is made is what the version is then.

// replicated is what a version's record knows of its copies.
type replicated struct {
	Replication replicationStatus `cbor:"60,keyasint,omitempty"`
	// Awaited are the buckets, by their ARNs, that it has not been copied to yet.
	Awaited []string `cbor:"61,keyasint,omitempty"`

	// cause is for the event of a copy that failed; it is not kept.
	cause *copyFailure
}

// copyFailure is what the event of a copy that failed says of it.
type copyFailure struct {
	Rule        string `json:"replicationRuleId"`
	Destination string `json:"destinationBucket"`
	Operation   string `json:"s3Operation"`
	Requested   string `json:"requestTime"`
	Reason      string `json:"failureReason"`
}

// operationOf is what made a version, in the words of that event.
func operationOf(o *object) string {
	switch {
	case o.Marker:
		return "DELETE_OBJECT"
	case o.Count > 0:
		return "COMPLETE_MULTIPART_UPLOAD"
	}
	return "OBJECT_PUT"
}

type replicationStatus uint8

const (
	notReplicated replicationStatus = iota
	replicationPending
	replicationCompleted
	replicationFailed
	isReplica
)

// name is the status as answers show it.
func (r replicationStatus) name() s3.ReplicationStatus {
	return [...]s3.ReplicationStatus{
		"", s3.ReplicationStatusPending, s3.ReplicationStatusCompleted, s3.ReplicationStatusFailed, s3.ReplicationStatusReplica,
	}[r]
}

// copyOrder is the payload of the delivery.
type copyOrder struct {
	Bucket  string // by name
	ID      uint64
	Key     string
	Version string
	Rule    string
	Ordered time.Time
}

// orderCopies orders the copies that the rules of a bucket ask for of a version
// that is about to be written.
func (s *Service) orderCopies(tx storage.Tx, b *bucket, key string, o *object, changed bool) error {
	if !b.Settings.has(kindReplication) || o.Version == "" {
		return nil
	}
	c, err := s.settings.replication.of(tx, b)
	if err != nil {
		return err
	}
	var rules []*s3.ReplicationRule
	for _, r := range replication.For(c.Rules, key, o.tagged) {
		switch {
		case o.Marker && !replication.Markers(r):
		case o.Encryption != nil && o.Encryption.Method != "" && !replication.Encrypted(r):
		case o.Replication == isReplica && !(changed && replication.Modifications(r)):
		default:
			rules = append(rules, r)
		}
	}
	if len(rules) == 0 {
		return nil
	}
	if o.Replication != isReplica {
		o.Replication, o.Awaited = replicationPending, nil
	}
	for _, r := range rules {
		order, err := json.Marshal(copyOrder{b.Name, b.ID, key, o.Version, r.ID, s.env.Clock.Now()})
		if err != nil {
			return err
		}
		if o.Replication != isReplica {
			o.Awaited = append(o.Awaited, r.Destination.Bucket)
		}
		if err := s.env.Events.Send(tx, events.Delivery{Target: r.Destination.Bucket, Principal: b.principal(), Payload: order}); err != nil {
			return err
		}
	}
	return nil
}

// tagged says whether an object has a tag of that key and value.
func (o *object) tagged(key, value string) bool { return slices.Contains(o.Tags, tag{key, value}) }

// deliverCopy makes a copy that was ordered.
func (s *Service) deliverCopy(ctx context.Context, order *copyOrder, to string) error {
	sealed, err := s.sealCopy(ctx, order, to)
	var keyless, failed error
	if _, ok := errors.AsType[*api.Error](err); ok {
		keyless = errDestinationKey
	} else if err != nil {
		return err
	}
	err = s.env.DB.Update(func(tx storage.Tx) (err error) {
		sealed.begin()
		failed, err = s.makeCopy(ctx, tx, order, to, sealed, keyless)
		return err
	})
	if err != nil {
		sealed.begin()
	}
	s.discardCopy(sealed)
	if err == nil && failed != nil {
		return events.Drop(failed)
	}
	return err
}

// isNoSuchBucket says that there is no bucket of that name.
func isNoSuchBucket(err error) bool {
	e, ok := errors.AsType[*api.Error](err)
	return ok && e.Code == "NoSuchBucket"
}

// The reasons for which a copy cannot be made at all, as events say them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/replication-failure-codes.html
var (
	errNoDestination        = errors.New("DstBucketNotFound")
	errDestinationVersions  = errors.New("DstBucketUnversioned")
	errDestinationLock      = errors.New("DstBucketObjectLockConfigMissing")
	errDestinationElsewhere = errors.New("DstPutObjectNotPermitted") // the bucket is not of the account that the rule names
	errDestinationKey       = errors.New("DstKmsKeyNotFound")
)

// ordered is what an order is about, as it is now.
type ordered struct {
	bucket  *bucket
	version *found
	rule    *s3.ReplicationRule
}

// wantsKey says that the copy is to be under a key of KMS that the rule names.
func (source *ordered) wantsKey() bool {
	e := source.version.Encryption
	return e != nil && e.Method != "" && replication.Key(source.rule) != ""
}

// ordered reads what an order is about: nil when there is nothing to do, since
// the source is no more, or the rule was taken away meanwhile.
func (s *Service) ordered(tx storage.Tx, order *copyOrder) (*ordered, error) {
	b, err := s.bucket(tx, order.Bucket, "")
	if isNoSuchBucket(err) || err == nil && b.ID != order.ID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := find(tx, b, order.Key, order.Version)
	if err != nil || f == nil || f.object == nil {
		return nil, err
	}
	c, err := s.settings.replication.of(tx, b)
	if err != nil {
		return nil, err
	}
	rule := ruleNamed(c, order.Rule)
	if rule == nil {
		return nil, nil
	}
	return &ordered{b, f, rule}, nil
}

// replicating is the call that copies of a bucket's objects are made in.
func (s *Service) replicating(ctx context.Context, from *bucket) context.Context {
	return api.WithCall(ctx, &api.Call{
		Account: from.Account, Region: from.Region, Principal: api.Principal{Service: replicationPrincipal},
		RequestID: s.env.IDs.UUID(), Time: s.env.Clock.Now(), SourceIP: replicationPrincipal,
	})
}

// makeCopy makes a copy, and notes at its source that it is made, or that it
// has failed; keyless, when not nil, is why it must. sealed is the body of a copy under another key.
func (s *Service) makeCopy(ctx context.Context, tx storage.Tx, order *copyOrder, to string, sealed *resealed, keyless error) (failed, err error) {
	o, err := s.ordered(tx, order)
	if err != nil || o == nil {
		return nil, err
	}
	call, f, rule := s.replicating(ctx, o.bucket), o.version, o.rule
	if failed = keyless; failed == nil {
		failed, err = s.copyTo(call, tx, to, order.Key, o, sealed)
	}
	if err != nil || f.Replication == isReplica {
		return failed, err
	}
	f.Awaited = slices.DeleteFunc(f.Awaited, func(arn string) bool { return arn == rule.Destination.Bucket })
	switch {
	case failed != nil:
		f.Replication = replicationFailed
		f.cause = &copyFailure{rule.ID, rule.Destination.Bucket, operationOf(f.object), order.Ordered.UTC().Format(eventTime), failed.Error()}
		err = s.emit(call, tx, o.bucket, eventCopyFailed, order.Key, f.object)
	case len(f.Awaited) == 0 && f.Replication == replicationPending:
		f.Replication = replicationCompleted
	}
	return failed, errors.Join(err, storage.PutRecord(tx, f.at, f.object))
}

// replicationPrincipal is who copies, as events name it.
const replicationPrincipal = "s3.amazonaws.com"

func ruleNamed(c *s3.ReplicationConfiguration, id string) *s3.ReplicationRule {
	if c == nil {
		return nil
	}
	for _, r := range c.Rules {
		if r.ID == id {
			return r
		}
	}
	return nil
}

// copyTo puts a copy of a version into a bucket. Of a copy that is there already
// only what is known of it changes.
func (s *Service) copyTo(ctx context.Context, tx storage.Tx, name, key string, source *ordered, sealed *resealed) (failed, err error) {
	b, err := s.bucket(tx, name, "")
	d := source.rule.Destination
	switch {
	case isNoSuchBucket(err):
		return errNoDestination, nil
	case err != nil:
		return nil, err
	case b.Versioning != enabled:
		return errDestinationVersions, nil
	case d.Account != "" && d.Account != b.Account:
		return errDestinationElsewhere, nil
	case source.bucket.Lock != nil && b.Lock == nil:
		return errDestinationLock, nil
	}
	o := source.copyFor(b)
	there, err := find(tx, b, key, o.Version)
	if err != nil {
		return nil, err
	}
	if there != nil && there.object != nil {
		o.Body, o.BodyID, o.BareBody, o.Null = there.Body, there.BodyID, there.BareBody, there.Null
		o.Encryption, o.Class, o.Restore = there.Encryption, there.Class, there.Restore
		return nil, storage.PutRecord(tx, there.at, o)
	}
	old, err := head(tx, b, key)
	if err != nil {
		return nil, err
	}
	if !o.Marker {
		if err := s.giveBody(tx, o, source, sealed); err != nil {
			return nil, err
		}
	}
	if err := s.place(tx, b, key, old, o); err != nil {
		return nil, err
	}
	if o.Marker {
		return nil, nil
	}
	return nil, s.emit(ctx, tx, b, eventPut, key, o)
}

// copyFor is a version's record as its copy in a bucket has it, but for the body.
// A copy of an archived object is archived, and is restored by itself.
func (source *ordered) copyFor(b *bucket) *object {
	o := *source.version.object
	o.replicated = replicated{Replication: isReplica}
	o.Null, o.Restore = 0, nil
	d := source.rule.Destination
	if d.StorageClass != "" && !o.Marker {
		o.Class, _ = storageClass(d.StorageClass) // checked before
	}
	if source.bucket.Ownership == ownerEnforced {
		o.access = access{} // the list from before that is not in force
	}
	if t := d.AccessControlTranslation; b.Ownership == ownerEnforced || t != nil && t.Owner == s3.OwnerOverrideDestination {
		o.access, o.Owner = access{}, ""
	} else if o.Owner = source.bucket.owner(o.Owner); o.Owner == b.Account {
		o.Owner = ""
	}
	if b.Lock == nil {
		o.lock = lock{}
	}
	return &o
}

// giveBody gives a new copy the bytes of its source, or those that were sealed for it.
func (s *Service) giveBody(tx storage.Tx, o *object, source *ordered, sealed *resealed) error {
	var where *body
	if source.wantsKey() {
		if sealed == nil {
			return errNotResealed
		}
		where, o.Encryption, sealed.used = sealed.body, sealed.encryption, true
	} else {
		var err error
		if where, err = readBody(tx, source.bucket.ID, source.version.object); err != nil {
			return err
		}
	}
	if err := s.linkBody(tx, where); err != nil {
		return err
	}
	s.setBody(o, where)
	return nil
}
