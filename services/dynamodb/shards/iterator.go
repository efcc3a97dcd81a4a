package shards

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"strings"
	"time"

	"github.com/virga-cloud/virga/services/dynamodb/sequence"
)

// Lifetime is how long an iterator can be used.
const Lifetime = 15 * time.Minute

// Iterator is a place in a shard.
type Iterator struct {
	// Stream is the ARN of the stream, and Shard the shard of its lineage.
	Stream string
	Shard  Shard
	// At is the number of the first record that is to be read.
	At sequence.Number
	// Oldest says that whatever is left is to be read, even when what was at At
	// has been trimmed meanwhile.
	Oldest bool
	Issued time.Time
}

// An iterator's text is the ARN, a version, and these bytes in base64:
//
//	shard, number, issued (8 bytes each), oldest (1 byte), sum (8 bytes)
//
// The sum is over all before it: it finds what was not issued here, and keeps no secret.
const iteratorVersion = "|1|"

const iteratorSize, iteratorSum = 25, 8

// String is the iterator as clients carry it.
func (i Iterator) String() string {
	b := binary.BigEndian.AppendUint64(nil, uint64(i.Shard))
	b = binary.BigEndian.AppendUint64(b, uint64(i.At))
	b = binary.BigEndian.AppendUint64(b, uint64(i.Issued.UnixMilli()))
	oldest := byte(0)
	if i.Oldest {
		oldest = 1
	}
	b = append(b, oldest)
	return i.Stream + iteratorVersion + base64.StdEncoding.EncodeToString(append(b, sum(i.Stream, b)...))
}

// ParseIterator reads what String wrote.
func ParseIterator(s string) (Iterator, bool) {
	stream, text, _ := strings.Cut(s, iteratorVersion)
	b, err := base64.StdEncoding.Strict().DecodeString(text)
	if err != nil || len(b) != iteratorSize+iteratorSum || string(sum(stream, b[:iteratorSize])) != string(b[iteratorSize:]) {
		return Iterator{}, false
	}
	return Iterator{
		Stream: stream,
		Shard:  Shard(binary.BigEndian.Uint64(b)),
		At:     sequence.Number(binary.BigEndian.Uint64(b[8:])),
		Issued: time.UnixMilli(int64(binary.BigEndian.Uint64(b[16:]))).UTC(),
		Oldest: b[24] == 1,
	}, true
}

func sum(stream string, b []byte) []byte {
	h := sha256.New()
	h.Write([]byte(stream))
	h.Write(b)
	return h.Sum(nil)[:iteratorSum]
}
