package s3

import (
	"context"
	"crypto/sha256"
	"encoding/base32"
	"encoding/json"
	"fmt"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
)

// event is one kind of event, as the two forms of notification name it.
type event struct {
	// name is the record's, and with "s3:" before it the configuration's.
	name string
	// version is that of the record's form.
	version string
	// detail is EventBridge's detail-type; reason and deletion are in its detail.
	detail, reason, deletion string
}

// The events that this service sends.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-how-to-event-types-and-destinations.html
var (
	eventPut      = event{"ObjectCreated:Put", "2.1", "Object Created", "PutObject", ""}
	eventPost     = event{"ObjectCreated:Post", "2.1", "Object Created", "POST Object", ""}
	eventCopy     = event{"ObjectCreated:Copy", "2.1", "Object Created", "CopyObject", ""}
	eventComplete = event{"ObjectCreated:CompleteMultipartUpload", "2.1", "Object Created", "CompleteMultipartUpload", ""}
	eventDelete   = event{"ObjectRemoved:Delete", "2.1", "Object Deleted", "DeleteObject", "Permanently Deleted"}
	eventMarker   = event{"ObjectRemoved:DeleteMarkerCreated", "2.1", "Object Deleted", "DeleteObject", "Delete Marker Created"}
	eventACL      = event{"ObjectAcl:Put", "2.3", "Object ACL Updated", "", ""}
	// By lifecycle rules:
	eventExpired       = event{"LifecycleExpiration:Delete", "2.3", "Object Deleted", "Lifecycle Expiration", "Permanently Deleted"}
	eventExpiredMarker = event{"LifecycleExpiration:DeleteMarkerCreated", "2.3", "Object Deleted", "Lifecycle Expiration", "Delete Marker Created"}
	eventCopyFailed    = event{"Replication:OperationFailedReplication", "2.2", "", "", ""}
	eventMoved         = event{"LifecycleTransition", "2.3", "Object Storage Class Changed", "", ""}

	// Of archived objects:
	eventRestore     = event{"ObjectRestore:Post", "2.1", "Object Restore Initiated", "", ""}
	eventRestored    = event{"ObjectRestore:Completed", "2.1", "Object Restore Completed", "", ""}
	eventRestoreGone = event{"ObjectRestore:Delete", "2.3", "Object Restore Expired", "", ""}

	eventTaggingPut    = event{"ObjectTagging:Put", "2.3", "Object Tags Added", "", ""}
	eventTaggingDelete = event{"ObjectTagging:Delete", "2.3", "Object Tags Deleted", "", ""}
)

// sized says that records of the event have the object's size.
func (e event) sized() bool {
	return e.detail == "Object Created" || e == eventRestore || e == eventRestored || e == eventCopyFailed
}

// sequenced says that records of the event have its place among those of the
// key; EventBridge is told it of creations and deletions only.
func (e event) sequenced() bool {
	return e != eventACL && e != eventTaggingPut && e != eventTaggingDelete
}

// notification is what queues, topics and functions receive.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type notification struct {
	Records []record `json:"Records"`
}

type record struct {
	EventVersion      string            `json:"eventVersion"`
	EventSource       string            `json:"eventSource"`
	AWSRegion         string            `json:"awsRegion"`
	EventTime         string            `json:"eventTime"`
	EventName         string            `json:"eventName"`
	UserIdentity      identity          `json:"userIdentity"`
	RequestParameters requestParameters `json:"requestParameters"`
	ResponseElements  responseElements  `json:"responseElements"`
	S3                subject           `json:"s3"`
	Lifecycle         *lifecycleData    `json:"lifecycleEventData,omitempty"`
	Replication       *copyFailure      `json:"replicationEventData,omitempty"`
	Glacier           *glacierData      `json:"glacierEventData,omitempty"`
}

// glacierData is in records of completed restores only.
type glacierData struct {
	Restore restoreData `json:"restoreEventData"`
}

type restoreData struct {
	Until string `json:"lifecycleRestorationExpiryTime"`
	Class string `json:"lifecycleRestoreStorageClass"`
}

// lifecycleData is in records of transitions only.
type lifecycleData struct {
	Transition transitionData `json:"transitionEventData"`
}

type transitionData struct {
	Class string `json:"destinationStorageClass"`
}

type identity struct {
	PrincipalID string `json:"principalId"`
}

type requestParameters struct {
	SourceIPAddress string `json:"sourceIPAddress"`
}

type responseElements struct {
	RequestID string `json:"x-amz-request-id"`
	HostID    string `json:"x-amz-id-2"`
}

type subject struct {
	SchemaVersion   string        `json:"s3SchemaVersion"`
	ConfigurationID string        `json:"configurationId"`
	Bucket          bucketSubject `json:"bucket"`
	Object          objectSubject `json:"object"`
}

type bucketSubject struct {
	Name          string   `json:"name"`
	OwnerIdentity identity `json:"ownerIdentity"`
	ARN           string   `json:"arn"`
}

type objectSubject struct {
	Key       string `json:"key"` // as in a URL's query
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"eTag,omitempty"`
	VersionID string `json:"versionId,omitempty"` // only of versions that have one of their own
	Sequencer string `json:"sequencer,omitempty"`
}

// emit sends an event to whom it concerns, in the transaction of the change
// that it tells of. o is the object after the change; when it was deleted, only its
// sequence and version are known.
func (s *Service) emit(ctx context.Context, tx storage.Tx, b *bucket, e event, key string, o *object) error {
	for i := range b.Notify {
		r := &b.Notify[i]
		if !r.wants(e.name, key) {
			continue
		}
		payload, err := json.Marshal(notification{[]record{newRecord(api.CallFrom(ctx), b, r.ID, e, key, o)}})
		if err != nil {
			return err
		}
		if err := s.env.Events.Send(tx, events.Delivery{Target: r.Target, Principal: b.principal(), Payload: payload}); err != nil {
			return err
		}
	}
	if b.Bridge && e.detail != "" {
		return s.emitBridge(ctx, tx, b, e, key, o)
	}
	return nil
}

func newRecord(call *api.Call, b *bucket, configuration string, e event, key string, o *object) record {
	r := record{
		EventVersion: e.version, EventSource: "aws:s3", AWSRegion: b.Region,
		EventTime: call.Time.UTC().Format(eventTime), EventName: e.name,
		UserIdentity:      identity{principalID(call.Principal)},
		RequestParameters: requestParameters{call.SourceIP},
		ResponseElements:  responseElements{call.RequestID, call.RequestID},
		S3: subject{
			SchemaVersion: "1.0", ConfigurationID: configuration,
			Bucket: bucketSubject{b.Name, identity{customerID(b.Account)}, b.arn()},
			Object: objectSubject{Key: encodeEventKey(key), ETag: o.ETag, VersionID: o.Version},
		},
	}
	if e.sized() {
		r.S3.Object.Size = &o.Size
	}
	if e.sequenced() {
		r.S3.Object.Sequencer = sequencer(o.Sequence)
	}
	r.Replication = o.cause
	if e == eventRestored {
		r.UserIdentity.PrincipalID = "AmazonCustomer:" + customerID(b.Account)
		r.Glacier = &glacierData{restoreData{time.UnixMilli(o.Restore.Until).UTC().Format(eventTime), o.Class}}
	}
	if e == eventMoved {
		r.Lifecycle = &lifecycleData{transitionData{o.Class}}
	}
	return r
}

// bridgeEvent is what EventBridge receives.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/ev-events.html
type bridgeEvent struct {
	Version    string       `json:"version"`
	ID         string       `json:"id"`
	DetailType string       `json:"detail-type"`
	Source     string       `json:"source"`
	Account    string       `json:"account"`
	Time       string       `json:"time"`
	Region     string       `json:"region"`
	Resources  []string     `json:"resources"`
	Detail     bridgeDetail `json:"detail"`
}

type bridgeDetail struct {
	Version  string       `json:"version"`
	Bucket   bridgeBucket `json:"bucket"`
	Object   bridgeObject `json:"object"`
	Request  string       `json:"request-id"`
	Who      string       `json:"requester"`
	SourceIP string       `json:"source-ip-address,omitempty"`
	Reason   string       `json:"reason,omitempty"`
	Deletion string       `json:"deletion-type,omitempty"`
	Class    string       `json:"destination-storage-class,omitempty"`
	Archive  string       `json:"source-storage-class,omitempty"`
	Until    string       `json:"restore-expiry-time,omitempty"`
}

type bridgeBucket struct {
	Name string `json:"name"`
}

type bridgeObject struct {
	Key       string `json:"key"` // as it is
	Size      *int64 `json:"size,omitempty"`
	ETag      string `json:"etag,omitempty"`
	VersionID string `json:"version-id,omitempty"`
	Sequencer string `json:"sequencer,omitempty"`
}

func (s *Service) emitBridge(ctx context.Context, tx storage.Tx, b *bucket, e event, key string, o *object) error {
	call := api.CallFrom(ctx)
	detail := bridgeDetail{
		Version: "0", Bucket: bridgeBucket{b.Name}, Object: bridgeObject{Key: key, ETag: o.ETag, VersionID: o.Version},
		Request: call.RequestID, Who: call.Account, SourceIP: call.SourceIP, Reason: e.reason, Deletion: e.deletion,
	}
	if e.detail == "Object Created" {
		detail.Object.Size = &o.Size
	}
	if e.reason != "" {
		detail.Object.Sequencer = sequencer(o.Sequence)
	}
	if by := call.Principal.Service; by != "" { // a part of S3, not a request
		detail.Who, detail.SourceIP = by, ""
	}
	if e == eventRestore || e == eventRestored {
		detail.Object.Size, detail.Archive = &o.Size, o.Class
	}
	if e == eventRestored {
		detail.Until = time.UnixMilli(o.Restore.Until).UTC().Format("2006-01-02T15:04:05Z")
	}
	if e == eventMoved {
		detail.Object.Size, detail.Class = &o.Size, o.Class
	}
	payload, err := json.Marshal(bridgeEvent{
		Version: "0", ID: s.env.IDs.UUID(), DetailType: e.detail, Source: "aws.s3", Account: b.Account,
		Time: call.Time.UTC().Format("2006-01-02T15:04:05Z"), Region: b.Region, Resources: []string{b.arn()}, Detail: detail,
	})
	if err != nil {
		return err
	}
	bus := api.ARN{Partition: api.PartitionOf(b.Region), Service: "events", Region: b.Region, Account: b.Account, Resource: "event-bus/default"}
	return s.env.Events.Send(tx, events.Delivery{Target: bus.String(), Principal: b.principal(), Payload: payload})
}

// sequencer is a write's place among those of its key: of two, the one that
// sorts later came later.
func sequencer(n uint64) string { return fmt.Sprintf("00%016X", n) }

// principalID is who made a change, as events name it.
func principalID(p api.Principal) string {
	switch {
	case p.Anonymous:
		return "Anonymous"
	case p.Service != "":
		return p.Service
	}
	return "AWS:" + p.ID
}

// customerID is the older, shorter id of an account, which events have for a bucket's owner.
func customerID(account string) string {
	sum := sha256.Sum256([]byte("customer id of " + account))
	return "A" + base32.StdEncoding.EncodeToString(sum[:])[:13]
}
