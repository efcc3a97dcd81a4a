package dynamodb

import (
	"encoding/binary"
	"math/bits"

	"github.com/virga-cloud/virga/storage"
)

// AWS stores an on-demand table, and each of its indexes, in partitions: a new one
// takes 4,000 writes a second, and a partition 1,000, so there are four. A scan
// takes at least one unit of each that it passes, so of a table with one small
// item it takes four, or two where it need not be consistent. A table of little
// provisioned capacity is one partition. How partitions split later
// is not known, and is left out.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/on-demand-capacity-mode.html
const onDemandParts = 4

// parts are the partitions that a scan passes, and the bytes it reads of each.
type parts struct {
	bytes             [onDemandParts]int
	first, last, seen int
}

// newParts are those of a range of keys whose hashes are behind a prefix of a length.
func newParts(r storage.Range, prefix int) parts {
	p := parts{last: onDemandParts - 1}
	if len(r.Start) > prefix {
		p.first = part(hashAt(r.Start[prefix:]))
	}
	if len(r.End) > prefix {
		p.last = part(hashAt(r.End[prefix:]) - 1) // it is behind the range
	}
	p.seen = p.first
	return p
}

// hashAt is the hash that a key has, as far as there is one.
func hashAt(key []byte) uint64 {
	var b [hashSize]byte
	copy(b[:], key)
	return binary.BigEndian.Uint64(b[:])
}

// part is the partition of a hash.
func part(hash uint64) int {
	n, _ := bits.Mul64(hash, onDemandParts)
	return int(n)
}

// add counts an entry that was read, by its key behind the prefix.
func (p *parts) add(key []byte, size int) {
	p.seen = part(hashAt(key))
	p.bytes[p.seen] += size
}

// end says that the scan ends with what was read last.
func (p *parts) end() { p.last = p.seen }

// units is what the scan takes.
func (p *parts) units(consistent bool) (sum float64) {
	for _, n := range p.bytes[p.first : p.last+1] {
		sum += readUnits(n, consistent)
	}
	return sum
}
