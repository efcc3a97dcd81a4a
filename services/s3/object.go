package s3

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/usermetadata"
	"github.com/virga-cloud/virga/storage"
)

// Limits of keys and metadata, in bytes.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
const (
	maxKey      = 1024
	maxMetadata = 2048
)

// summary is what listings show of an object: the first members of its record.
type summary struct {
	// ETag is without quotes.
	ETag string `cbor:"1,keyasint"`
	Size int64  `cbor:"2,keyasint,omitempty"`
	// Modified is in milliseconds since 1970; S3 shows whole seconds.
	Modified int64    `cbor:"3,keyasint"`
	Sum      checksum `cbor:"4,keyasint"`
	// Class is empty for STANDARD.
	Class string `cbor:"5,keyasint,omitempty"`
	// Owner is the account that owns the object, where that is not the bucket's.
	Owner string `cbor:"50,keyasint,omitempty"`
	// Restore is what there is of an archived object's copy.
	Restore *restoration `cbor:"45,keyasint,omitempty"`
}

func (o *summary) modified() time.Time {
	return time.UnixMilli(o.Modified).UTC().Truncate(time.Second)
}

func (o *summary) class() string {
	if o.Class == "" {
		return string(s3.StorageClassStandard)
	}
	return o.Class
}

// object is the record of one object.
type object struct {
	summary
	// Sequence orders the writes of a key.
	Sequence uint64 `cbor:"6,keyasint"`
	attributes
	// Upload is the multipart upload that the object was made by, and Count the number of its parts.
	Upload string `cbor:"7,keyasint,omitempty"`
	Count  int    `cbor:"8,keyasint,omitempty"`
	// Body is where the bytes are; BodyID names a record that says it.
	Body   *body  `cbor:"9,keyasint,omitempty"`
	BodyID []byte `cbor:"10,keyasint,omitempty"`
	// BareBody says that the named record is the bytes of the one blob in Body.
	BareBody bool `cbor:"41,keyasint,omitempty"`

	// expires is the header that says when a lifecycle rule will delete it; it
	// is not kept.
	expires string
	versioned
	// Encryption is nil under S3's own keys.
	Encryption *encryption `cbor:"40,keyasint,omitempty"`
	access
	lock
	replicated
}

// outline is of an object's record what it takes to write over it.
type outline struct {
	ETag     string       `cbor:"1,keyasint"`
	Sequence uint64       `cbor:"6,keyasint"`
	Body     *bodyOutline `cbor:"9,keyasint,omitempty"`
	BodyID   []byte       `cbor:"10,keyasint,omitempty"`
	BareBody bool         `cbor:"41,keyasint,omitempty"`
}

func (o *outline) object() *object {
	return &object{
		summary: summary{ETag: o.ETag}, Sequence: o.Sequence, Body: o.Body.body(), BodyID: o.BodyID, BareBody: o.BareBody,
	}
}

// attributes are what a writer says of an object besides its bytes.
type attributes struct {
	ContentType        string            `cbor:"20,keyasint,omitempty"`
	CacheControl       string            `cbor:"21,keyasint,omitempty"`
	ContentDisposition string            `cbor:"22,keyasint,omitempty"`
	ContentEncoding    string            `cbor:"23,keyasint,omitempty"`
	ContentLanguage    string            `cbor:"24,keyasint,omitempty"`
	Expires            int64             `cbor:"25,keyasint,omitempty"` // seconds since 1970
	Redirect           string            `cbor:"26,keyasint,omitempty"`
	Metadata           map[string]string `cbor:"27,keyasint,omitempty"` // by names in lower case
	Tags               []tag             `cbor:"28,keyasint,omitempty"`
}

// checkKey holds a key to its limit.
func checkKey(key string) error {
	if len(key) > maxKey {
		return errKeyTooLong(key)
	}
	return nil
}

// normalise checks what a client sent and brings it into the form it is kept in.
func (a *attributes) normalise() error {
	if a.ContentType == "" {
		a.ContentType = "binary/octet-stream"
	}
	a.ContentEncoding = withoutChunked(a.ContentEncoding)
	if r := a.Redirect; r != "" && !strings.HasPrefix(r, "/") && !strings.HasPrefix(r, "http://") && !strings.HasPrefix(r, "https://") {
		return errInvalidRedirectLocation()
	}
	if len(a.Metadata) == 0 {
		return nil
	}
	size := 0
	lower := make(map[string]string, len(a.Metadata))
	for name, value := range a.Metadata {
		text := usermetadata.Read(value)
		size += len(name) + len(text)
		lower[strings.ToLower(name)] = usermetadata.Write(text)
	}
	a.Metadata = lower
	if size > maxMetadata {
		return errMetadataTooLarge(size)
	}
	return nil
}

// withoutChunked is a Content-Encoding without the one that only carried it here.
func withoutChunked(encoding string) string {
	if !strings.Contains(encoding, "aws-chunked") {
		return encoding
	}
	var kept []string
	for e := range strings.SplitSeq(encoding, ",") {
		if e = strings.TrimSpace(e); e != "" && e != "aws-chunked" {
			kept = append(kept, e)
		}
	}
	return strings.Join(kept, ",")
}

// storageClass checks the class that an object is to have; STANDARD is kept as "".
func storageClass(class s3.StorageClass) (string, error) {
	switch class {
	case "", s3.StorageClassStandard:
		return "", nil
	case s3.StorageClassReducedRedundancy, s3.StorageClassStandardIa, s3.StorageClassOnezoneIa,
		s3.StorageClassIntelligentTiering, s3.StorageClassGlacier, s3.StorageClassDeepArchive, s3.StorageClassGlacierIr:
		return string(class), nil
	}
	return "", errInvalidStorageClass(string(class))
}

// archived says that an object cannot be read before it is restored.
func (o *object) archived() bool {
	return o.Class == string(s3.StorageClassGlacier) || o.Class == string(s3.StorageClassDeepArchive)
}

// objectRef names an object as requests do.
type objectRef struct{ bucket, key, version, owner string }

// object reads an object in a bucket that exists.
func (s *Service) object(tx storage.Tx, r objectRef) (*bucket, *object, error) {
	b, f, err := s.version(tx, r)
	switch {
	case err != nil:
		return b, nil, err
	case f.Marker && r.version == "":
		return b, nil, errDeleted(r.key, f.object)
	case f.Marker:
		return b, nil, errDeleteMarker("GET", f.object)
	}
	return b, f.object, nil
}

// shared is object for who only looks: a record that was written lately, or is read
// often, is kept decoded and must not be modified.
func (s *Service) shared(tx storage.Tx, r objectRef) (*bucket, *object, error) {
	if r.version != "" {
		return s.object(tx, r)
	}
	b, err := s.bucket(tx, r.bucket, r.owner)
	if err != nil {
		return nil, nil, err
	}
	o, err := s.objects.Get(tx, keyObject(b.ID, r.key))
	if errors.Is(err, storage.ErrNotFound) {
		return s.object(tx, r) // which knows why
	}
	return b, o, err
}

// viewObject is object in a transaction of its own.
func (s *Service) viewObject(r objectRef) (b *bucket, o *object, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, o, err = s.object(tx, r)
		return err
	})
	return b, o, err
}

// changeObject is changeRecord for what the object's copies have to know too.
func (s *Service) changeObject(method string, r objectRef, change func(storage.Tx, *bucket, *object) error) (version string, err error) {
	return s.changeRecord(method, r, func(tx storage.Tx, b *bucket, o *object) error {
		if err := change(tx, b, o); err != nil || o.Replication == notReplicated {
			return err
		}
		return s.orderCopies(tx, b, r.key, o, true)
	})
}

// changeRecord rewrites the record of an object, whose body stays. It returns
// the id of the version as answers show it.
func (s *Service) changeRecord(method string, r objectRef, change func(storage.Tx, *bucket, *object) error) (version string, err error) {
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, f, err := s.version(tx, r)
		if err != nil {
			return err
		}
		if f.Marker {
			return errDeleteMarker(method, f.object)
		}
		if err := change(tx, b, f.object); err != nil {
			return err
		}
		version = b.shown(f.object)
		return storage.PutRecord(tx, f.at, f.object)
	})
	return version, err
}

// current reads the object under a key, or nil.
func current(tx storage.Tx, bucket uint64, key string) (*object, error) {
	return readObject(tx, keyObject(bucket, key))
}

// readObject reads the record of a version, or nil.
func readObject(tx storage.Tx, at storage.Key) (*object, error) {
	o, err := storage.GetRecord[object](tx, at)
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	return o, err
}

// replace makes o, whose blobs are linked, the current version of a key in the
// place of old, which is the head of the key and may be nil.
func (s *Service) replace(tx storage.Tx, b *bucket, key string, old, o *object) error {
	if err := o.settle(b); err != nil {
		return err
	}
	o.Sequence, o.Version, o.Null, o.replicated = s.sequence(old), "", 0, replicated{}
	if b.Versioning == enabled {
		o.Version = newVersionID(o.Sequence, s.env.IDs)
	}
	if err := s.orderCopies(tx, b, key, o, false); err != nil {
		return err
	}
	return s.place(tx, b, key, old, o)
}

// place puts a version where it belongs among those of its key by its sequence:
// at the head, unless it is older than that.
func (s *Service) place(tx storage.Tx, b *bucket, key string, old, o *object) error {
	at := keyHead(b.ID, key, o)
	var place []byte // where there is a body that o's takes the place of
	if b.Versioning != unversioned && old != nil && old.Sequence > o.Sequence {
		at = keyVersion(b.ID, key, o.Sequence)
	} else if b.Versioning != unversioned {
		if err := s.supersede(tx, b, key, old, o); err != nil {
			return err
		}
	} else if old != nil && old.BareBody && o.BareBody {
		place = old.BodyID
	} else if old != nil {
		if err := s.dropBody(tx, b.ID, old); err != nil {
			return err
		}
	}
	record, err := writeBody(tx, b.ID, o, place)
	if err != nil {
		return err
	}
	if o.Marker || o.Encryption != nil { // a seal's key is not to be kept
		return storage.PutRecord(tx, at, record)
	}
	kept := *record // o may be changed yet, when the transaction runs again
	return s.objects.Put(tx, at, &kept)
}

// sequence is larger than that of any write of the same key before. The clock
// alone does not do: it can stand still.
func (s *Service) sequence(old *object) uint64 {
	now := uint64(s.env.Clock.Now().UnixNano())
	if old != nil {
		now = max(now, old.Sequence+1)
	}
	for {
		last := s.last.Load()
		next := max(now, last+1)
		if s.last.CompareAndSwap(last, next) {
			return next
		}
	}
}

// ownerID is the canonical user id of an account: 64 hexadecimal digits that
// name no one else.
func ownerID(account string) string {
	sum := sha256.Sum256([]byte("canonical user id of " + account))
	return hex.EncodeToString(sum[:])
}

// ownerOf is the owner as answers show it.
func ownerOf(account string) *s3.Owner { return &s3.Owner{ID: ownerID(account)} }

// quoted is an entity tag as it is on the wire.
func quoted(etag string) string { return `"` + etag + `"` }

// unquoted is an entity tag as clients send it, with quotes or without.
func unquoted(etag string) string { return strings.Trim(strings.TrimSpace(etag), `"`) }

// httpDate is a time in a header.
func httpDate(t time.Time) string { return t.UTC().Format("Mon, 02 Jan 2006 15:04:05 GMT") }
