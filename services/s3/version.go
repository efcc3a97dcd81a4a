package s3

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"hash/crc32"

	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// Every key has a head: its current version, an object or a delete marker. In a
// bucket that never had versioning there is nothing else. The other versions
// follow, the newest first, in the order of their sequences.
//
// Of the versions of a key one at most is "null": what was written while the
// bucket did not have versioning, or had it suspended. The head knows where the
// null version is, so that none of these operations looks through versions: their
// cost is the same for a key with one version as for one with millions.
//
// Two transactions that change the versions of a key read and write the same
// record, which makes one of them run again: its head, or the version that both want.

// versioning is the state of a bucket.
type versioning uint8

const (
	unversioned versioning = iota // never had it
	enabled
	suspended
)

// nullVersion is how clients name the version that has no id.
const nullVersion = "null"

// versioned is what makes an object a version.
type versioned struct {
	// Version is the id; "" for the null version.
	Version string `cbor:"11,keyasint,omitempty"`
	// Null is in heads: the sequence of the key's null version, when there is
	// one and it is not the head itself.
	Null uint64 `cbor:"12,keyasint,omitempty"`
	// Marker is set on delete markers, which have no content.
	Marker bool `cbor:"13,keyasint,omitempty"`
}

// id is the version's id as clients name it.
func (v *versioned) id() string {
	if v.Version == "" {
		return nullVersion
	}
	return v.Version
}

// shown is the id of a version as most answers show it: not at all in a bucket
// that never had versioning.
func (b *bucket) shown(o *object) string {
	if b.Versioning == unversioned {
		return ""
	}
	return o.id()
}

// Version ids have 32 characters, as S3's do: 12 random bytes, the sequence
// hidden in a digest of them, and a checksum. So an id says where its version is, and
// one that was never given is known as such.
var versionEncoding = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._").Strict()

const versionBytes = 24

func newVersionID(sequence uint64, source *ids.Source) string {
	var raw [versionBytes]byte
	_, _ = source.Read(raw[:12]) // never fails
	binary.BigEndian.PutUint64(raw[12:], sequence^versionMask(raw[:12]))
	binary.BigEndian.PutUint32(raw[20:], crc32.ChecksumIEEE(raw[:20]))
	return versionEncoding.EncodeToString(raw[:])
}

func versionMask(random []byte) uint64 {
	sum := sha256.Sum256(random)
	return binary.BigEndian.Uint64(sum[:])
}

// versionSequence is the sequence in a version's id.
func versionSequence(id string) (uint64, bool) {
	if len(id) != versionBytes/3*4 {
		return 0, false
	}
	raw, err := versionEncoding.DecodeString(id)
	if err != nil || binary.BigEndian.Uint32(raw[20:]) != crc32.ChecksumIEEE(raw[:20]) {
		return 0, false
	}
	return binary.BigEndian.Uint64(raw[12:]) ^ versionMask(raw[:12]), true
}

// found is a version, and where its record is.
type found struct {
	*object
	at   storage.Key
	head bool
}

// keyHead is where a version is kept while it is its key's head.
func keyHead(bucket uint64, key string, o *object) storage.Key {
	if o.Marker {
		return keyMarker(bucket, key)
	}
	return keyObject(bucket, key)
}

// head reads the current version of a key, or nil when it has none.
func head(tx storage.Tx, b *bucket, key string) (*object, error) {
	o, err := current(tx, b.ID, key)
	if o != nil || err != nil || b.Versioning == unversioned {
		return o, err
	}
	return readObject(tx, keyMarker(b.ID, key))
}

// written is the head of a key for who writes over it. In a bucket that never had
// versions he needs little of it, and not the bytes that lie in the record. He does
// not modify it.
func (s *Service) written(tx storage.Tx, b *bucket, key string) (*object, error) {
	if b.Versioning != unversioned {
		return head(tx, b, key)
	}
	at := keyObject(b.ID, key)
	old, bytes, err := s.objects.Look(tx, at)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, nil
	case err != nil, old != nil:
		return old, err
	}
	o, err := storage.Decode[outline](storage.Entry{Key: at, Value: bytes})
	if err != nil {
		return nil, err
	}
	return o.object(), nil
}

// errNoSuchID is what find returns for an id that no version of any key has.
var errNoSuchID = errors.New("s3: no version has this id")

// find reads a version of a key by its id, or nil when there is none.
func find(tx storage.Tx, b *bucket, key, id string) (*found, error) {
	if id != "" && id != nullVersion {
		sequence, ok := versionSequence(id)
		if !ok {
			return nil, errNoSuchID
		}
		// Looking there first leaves the head unread, so that who deletes old
		// versions is not in the way of who writes new ones.
		at := keyVersion(b.ID, key, sequence)
		if o, err := readObject(tx, at); err != nil || o != nil && o.Version == id {
			return &found{o, at, false}, err
		}
	}
	h, err := head(tx, b, key)
	if h == nil || err != nil {
		return nil, err
	}
	switch {
	case id == "" || id == h.id():
		return &found{h, keyHead(b.ID, key, h), true}, nil
	case id != nullVersion || h.Null == 0:
		return nil, nil
	}
	at := keyVersion(b.ID, key, h.Null)
	o, err := storage.GetRecord[object](tx, at)
	return &found{o, at, false}, err
}

// version reads the version that a request names, which may be a delete marker,
// with its bucket.
func (s *Service) version(tx storage.Tx, r objectRef) (*bucket, *found, error) {
	b, err := s.bucket(tx, r.bucket, r.owner)
	if err != nil {
		return nil, nil, err
	}
	f, err := find(tx, b, r.key, r.version)
	switch {
	case err == errNoSuchID:
		return b, nil, errInvalidVersion(r.version)
	case err != nil:
		return b, nil, err
	case f == nil && r.version != "" && b.Versioning != unversioned:
		return b, nil, errNoSuchVersion(r.key, r.version)
	case f == nil:
		return b, nil, errNoSuchKey(r.key)
	}
	return b, f, nil
}

// viewVersion reads the object that a request names; a delete marker, whether
// named or current, does not allow the request's method.
func (s *Service) viewVersion(method string, r objectRef) (b *bucket, o *object, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		var f *found
		if b, f, err = s.version(tx, r); err != nil {
			return err
		}
		if o = f.object; o.Marker {
			return errDeleteMarker(method, o)
		}
		return nil
	})
	return b, o, err
}

// supersede makes room at the head of a key for o, which has its sequence and
// version. old, the head until now, which may be nil, becomes a
// noncurrent version; the null version goes when o is the next one.
func (s *Service) supersede(tx storage.Tx, b *bucket, key string, old, o *object) error {
	if old == nil {
		return nil
	}
	if old.Marker != o.Marker { // otherwise o is written over it
		if err := tx.Delete(keyHead(b.ID, key, old)); err != nil {
			return err
		}
	}
	if o.Version == "" && old.Version == "" {
		return s.dropBody(tx, b.ID, old)
	}
	null := old.Null
	if old.Version == "" {
		null = old.Sequence
	}
	if o.Version != "" {
		o.Null = null
	} else if null != 0 {
		at := keyVersion(b.ID, key, null)
		gone, err := storage.GetRecord[object](tx, at)
		if err != nil {
			return err
		}
		if err := s.dropBody(tx, b.ID, gone); err != nil {
			return err
		}
		if err := tx.Delete(at); err != nil {
			return err
		}
	}
	kept := *old
	kept.Null = 0
	return storage.PutRecord(tx, keyVersion(b.ID, key, old.Sequence), &kept)
}

// erase removes a version for good. Behind a head comes the newest version
// that is left.
func (s *Service) erase(tx storage.Tx, b *bucket, key string, f *found) error {
	if err := s.dropBody(tx, b.ID, f.object); err != nil {
		return err
	}
	if err := tx.Delete(f.at); err != nil {
		return err
	}
	switch {
	case b.Versioning == unversioned:
		return nil
	case f.head:
		return promote(tx, b.ID, key, f.object)
	case f.Version != "":
		return nil
	}
	h, err := head(tx, b, key)
	if err != nil {
		return err
	}
	h.Null = 0
	return storage.PutRecord(tx, keyHead(b.ID, key, h), h)
}

// promote makes the newest noncurrent version the head in the place of gone.
func promote(tx storage.Tx, bucket uint64, key string, gone *object) error {
	// Behind the sequence of the old head there is nothing but what is there:
	// versions that were removed before it are not passed over.
	r := storage.Range{
		Start: keyVersion(bucket, key, gone.Sequence), End: storage.PrefixEnd(keyMarker(bucket, key)), KeysOnly: true,
	}
	var at storage.Key
	for e, err := range tx.Scan(r) {
		if err != nil {
			return err
		}
		at = append(at, e.Key...)
		break
	}
	if at == nil {
		return nil
	}
	next, err := storage.GetRecord[object](tx, at)
	if err != nil {
		return err
	}
	if next.Version != "" {
		next.Null = gone.Null
	}
	if err := tx.Delete(at); err != nil {
		return err
	}
	return storage.PutRecord(tx, keyHead(bucket, key, next), next)
}
