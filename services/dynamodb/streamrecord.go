package dynamodb

import (
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"time"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	dds "github.com/virga-cloud/virga/api/dynamodbstreams"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/sequence"
)

// streamRecord is what is stored of a change in a stream. Items are encoded,
// and images are there only as the stream's view type wants them.
type streamRecord struct {
	Event dds.OperationType `cbor:"1,keyasint"`
	At    time.Time         `cbor:"2,keyasint"`
	Keys  []byte            `cbor:"3,keyasint"`
	New   []byte            `cbor:"4,keyasint,omitempty"`
	Old   []byte            `cbor:"5,keyasint,omitempty"`
	// Size is what AWS counts for the record, in bytes.
	Size int `cbor:"6,keyasint"`
	// Expired says that the item was removed because its time was over.
	Expired bool `cbor:"7,keyasint,omitempty"`
}

func newStreamRecord(t *schema, c *change, e *effect, at time.Time) *streamRecord {
	r := &streamRecord{Event: dds.OperationTypeModify, At: at, Expired: c.expired}
	whole := e.new
	switch {
	case e.old == nil:
		r.Event = dds.OperationTypeInsert
	case e.new == nil:
		r.Event, whole = dds.OperationTypeRemove, e.old
	}
	keys := t.of(whole)
	r.Keys, r.Size = item.Encoded(keys)
	view := t.Stream.StreamViewType
	if e.new != nil && (view == ddb.StreamViewTypeNewImage || view == ddb.StreamViewTypeNewAndOldImages) {
		r.New = e.newData
		r.Size += e.newSize
	}
	if e.old != nil && (view == ddb.StreamViewTypeOldImage || view == ddb.StreamViewTypeNewAndOldImages) {
		r.Old = e.oldData
		r.Size += e.oldSize
	}
	return r
}

// What every record says.
const (
	eventVersion, eventSource = "1.1", "aws:dynamodb"
	// expiredBy is who removes items whose time is over.
	expiredBy, expiredByType = "dynamodb.amazonaws.com", "Service"
)

// describe is the record as AWS answers with it.
func (r *streamRecord) describe(st *stream, n sequence.Number) *dds.Record {
	out := &dds.Record{
		EventID: eventID(st, n), EventName: r.Event, EventVersion: eventVersion, EventSource: eventSource, AwsRegion: st.Region,
		Dynamodb: &dds.StreamRecord{
			ApproximateCreationDateTime: r.At.Truncate(time.Second),
			Keys:                        stored(r.Keys), NewImage: stored(r.New), OldImage: stored(r.Old),
			SequenceNumber: n.String(), SizeBytes: new(int64(r.Size)), StreamViewType: dds.StreamViewType(st.View),
		},
	}
	if r.Expired {
		out.UserIdentity = &dds.Identity{PrincipalId: expiredBy, Type: expiredByType}
	}
	return out
}

// stored is an encoded item to answer with, nil for none.
func stored(data []byte) attribute.Item {
	if data == nil {
		return nil
	}
	return item.Stored(data)
}

// eventID is the same whenever a record is read.
func eventID(st *stream, n sequence.Number) string {
	b := binary.BigEndian.AppendUint64(nil, st.Number)
	sum := md5.Sum(binary.BigEndian.AppendUint64(b, uint64(n)))
	return hex.EncodeToString(sum[:])
}

// event is a record as it is handed to functions.
// https://docs.aws.amazon.com/lambda/latest/dg/with-ddb.html
type event struct {
	EventID        string         `json:"eventID"`
	EventName      string         `json:"eventName"`
	EventVersion   string         `json:"eventVersion"`
	EventSource    string         `json:"eventSource"`
	AWSRegion      string         `json:"awsRegion"`
	DynamoDB       eventChange    `json:"dynamodb"`
	UserIdentity   *eventIdentity `json:"userIdentity,omitempty"`
	EventSourceARN string         `json:"eventSourceARN"`
}

type eventChange struct {
	// ApproximateCreationDateTime is in seconds since 1970.
	ApproximateCreationDateTime int64           `json:"ApproximateCreationDateTime"`
	Keys                        json.RawMessage `json:"Keys"`
	NewImage                    json.RawMessage `json:"NewImage,omitempty"`
	OldImage                    json.RawMessage `json:"OldImage,omitempty"`
	SequenceNumber              string          `json:"SequenceNumber"`
	SizeBytes                   int             `json:"SizeBytes"`
	StreamViewType              string          `json:"StreamViewType"`
}

type eventIdentity struct {
	Type        string `json:"type"`
	PrincipalID string `json:"principalId"`
}

// event is the JSON of the record as functions receive it.
func (r *streamRecord) event(st *stream, n sequence.Number) (json.RawMessage, error) {
	out := event{
		EventID: eventID(st, n), EventName: string(r.Event), EventVersion: eventVersion, EventSource: eventSource,
		AWSRegion: st.Region, EventSourceARN: st.arn(),
		DynamoDB: eventChange{
			ApproximateCreationDateTime: r.At.Unix(),
			SequenceNumber:              n.String(), SizeBytes: r.Size, StreamViewType: string(st.View),
		},
	}
	if r.Expired {
		out.UserIdentity = &eventIdentity{expiredByType, expiredBy}
	}
	for _, image := range []struct {
		data []byte
		to   *json.RawMessage
	}{{r.Keys, &out.DynamoDB.Keys}, {r.New, &out.DynamoDB.NewImage}, {r.Old, &out.DynamoDB.OldImage}} {
		if image.data == nil {
			continue
		}
		text, err := item.Stored(image.data).AppendJSON(nil)
		if err != nil {
			return nil, err
		}
		*image.to = text
	}
	return json.Marshal(&out)
}
