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
// shares its bytes, also those that are sealed: it stays under the key of its
// source. What it is when it is made is what the version is then.

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

// Deliver implements events.Deliverer: it makes a copy that was ordered.
func (s *Service) Deliver(ctx context.Context, d *events.Delivery) error {
	var order copyOrder
	if err := json.Unmarshal(d.Payload, &order); err != nil {
		return events.Drop(err)
	}
	arn, err := api.ParseARN(d.Target)
	if err != nil {
		return events.Drop(err)
	}
	var failed error
	err = s.env.DB.Update(func(tx storage.Tx) (err error) {
		failed, err = s.makeCopy(ctx, tx, &order, arn.Resource)
		return err
	})
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

// The reasons for which a copy cannot be made at all.
var (
	errNoDestination        = errors.New("the destination bucket does not exist")
	errDestinationVersions  = errors.New("the destination bucket does not have versioning enabled")
	errDestinationElsewhere = errors.New("the destination bucket is not of the account that the rule names")
)

// makeCopy makes a copy, and notes at its source that it is made, or that it
// has failed. There is nothing to do where the source is no more.
func (s *Service) makeCopy(ctx context.Context, tx storage.Tx, order *copyOrder, to string) (failed, err error) {
	from, err := s.bucket(tx, order.Bucket, "")
	if isNoSuchBucket(err) || err == nil && from.ID != order.ID {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	f, err := find(tx, from, order.Key, order.Version)
	if err != nil || f == nil || f.object == nil {
		return nil, err
	}
	c, err := s.settings.replication.of(tx, from)
	if err != nil {
		return nil, err
	}
	rule := ruleNamed(c, order.Rule)
	if rule == nil {
		return nil, nil // it was taken away meanwhile
	}
	call := api.WithCall(ctx, &api.Call{
		Account: from.Account, Region: from.Region, Principal: api.Principal{Service: replicationPrincipal},
		RequestID: s.env.IDs.UUID(), Time: s.env.Clock.Now(), SourceIP: replicationPrincipal,
	})
	failed, err = s.copyTo(call, tx, to, order.Key, from, f.object, rule)
	if err != nil || f.Replication == isReplica {
		return failed, err
	}
	f.Awaited = slices.DeleteFunc(f.Awaited, func(arn string) bool { return arn == rule.Destination.Bucket })
	switch {
	case failed != nil:
		f.Replication = replicationFailed
		f.cause = &copyFailure{rule.ID, rule.Destination.Bucket, operationOf(f.object), order.Ordered.UTC().Format(eventTime), failed.Error()}
		err = s.emit(call, tx, from, eventCopyFailed, order.Key, f.object)
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

// copyTo puts a copy of a version into a bucket.
func (s *Service) copyTo(ctx context.Context, tx storage.Tx, name, key string, source *bucket, from *object, rule *s3.ReplicationRule) (failed, err error) {
	b, err := s.bucket(tx, name, "")
	switch {
	case isNoSuchBucket(err):
		return errNoDestination, nil
	case err != nil:
		return nil, err
	case b.Versioning != enabled:
		return errDestinationVersions, nil
	case rule.Destination.Account != "" && rule.Destination.Account != b.Account:
		return errDestinationElsewhere, nil
	}
	o := *from
	o.replicated = replicated{Replication: isReplica}
	o.Null = 0
	if class := rule.Destination.StorageClass; class != "" && class != s3.StorageClassStandard && !o.Marker {
		o.Class = string(class)
	}
	if t := rule.Destination.AccessControlTranslation; b.Ownership == ownerEnforced || t != nil && t.Owner == s3.OwnerOverrideDestination {
		o.access, o.Owner = access{}, ""
	} else if o.Owner = source.owner(from.Owner); o.Owner == b.Account {
		o.Owner = ""
	}
	if b.Lock == nil {
		o.lock = lock{}
	}
	there, err := find(tx, b, key, o.Version)
	if err != nil {
		return nil, err
	}
	if there != nil && there.object != nil { // only what is known of it has changed
		o.Body, o.BodyID, o.BareBody, o.Null = there.Body, there.BodyID, there.BareBody, there.Null
		return nil, storage.PutRecord(tx, there.at, &o)
	}
	old, err := head(tx, b, key)
	if err != nil {
		return nil, err
	}
	if !o.Marker {
		where, err := readBody(tx, source.ID, from)
		if err != nil {
			return nil, err
		}
		if err := s.linkBody(tx, where); err != nil {
			return nil, err
		}
		s.setBody(&o, where)
	}
	if err := s.place(tx, b, key, old, &o); err != nil {
		return nil, err
	}
	if o.Marker {
		return nil, nil
	}
	return nil, s.emit(ctx, tx, b, eventPut, key, &o)
}
