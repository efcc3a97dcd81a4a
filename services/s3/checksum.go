package s3

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"slices"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

// algorithm is one of S3's checksum algorithms; the zero value is none.
// Records hold the numbers, so they do not change.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html
type algorithm uint8

const (
	noAlgorithm algorithm = iota
	crc32Sum
	crc32cSum
	crc64nvmeSum
	sha1Sum
	sha256Sum
	sha512Sum
	md5Sum
	xxhash64Sum
	xxhash3Sum
	xxhash128Sum
	algorithms // their number
)

var algorithmNames = [algorithms]string{
	"", "CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256", "SHA512", "MD5", "XXHASH64", "XXHASH3", "XXHASH128",
}

const checksumHeader = "x-amz-checksum-"

// castagnoli is the table of CRC32C, for which the standard library uses the processor's instruction.
var castagnoli = crc32.MakeTable(crc32.Castagnoli)

func (a algorithm) String() string { return algorithmNames[a] }

func (a algorithm) name() s3.ChecksumAlgorithm { return s3.ChecksumAlgorithm(algorithmNames[a]) }

func (a algorithm) header() string { return checksumHeader + strings.ToLower(algorithmNames[a]) }

// linear algorithms let the checksum of a whole be computed from those of its parts.
func (a algorithm) linear() bool { return a >= crc32Sum && a <= crc64nvmeSum }

// new is a computation of the algorithm's checksum; those of xxHash have no seed.
// crc64nvme was chosen because it is the one Go implementation of that polynomial with vector
// instructions; every upload without a checksum of its own goes through it.
func (a algorithm) new() hash.Hash {
	switch a {
	case crc32Sum:
		return crc32.NewIEEE()
	case crc32cSum:
		return crc32.New(castagnoli)
	case crc64nvmeSum:
		return crc64nvme.New()
	case sha1Sum:
		return sha1.New()
	case sha256Sum:
		return sha256.New()
	case sha512Sum:
		return sha512.New()
	case md5Sum:
		return md5.New()
	case xxhash64Sum:
		return xxhash.New()
	case xxhash3Sum:
		return xxh3.New()
	case xxhash128Sum:
		return xxh3.New128()
	}
	return nil
}

// size is the length of a checksum in bytes.
func (a algorithm) size() int {
	return [algorithms]int{0, 4, 4, 8, 20, 32, 64, 16, 8, 8, 16}[a]
}

// parseAlgorithm reads the name of an algorithm.
func parseAlgorithm(name s3.ChecksumAlgorithm) (algorithm, error) {
	if name == "" {
		return noAlgorithm, nil
	}
	i := slices.Index(algorithmNames[:], strings.ToUpper(string(name)))
	if i <= int(noAlgorithm) {
		return 0, errInvalidRequest("Checksum algorithm provided is unsupported. Please try again with any of the valid types: [CRC32, CRC32C, CRC64NVME, SHA1, SHA256, SHA512, MD5, XXHASH64, XXHASH3, XXHASH128]")
	}
	return algorithm(i), nil
}

// checksum is a value as clients send and receive it: base64, followed by
// "-parts" for a checksum of checksums.
type checksum struct {
	Algorithm algorithm `cbor:"1,keyasint,omitempty"`
	Composite bool      `cbor:"2,keyasint,omitempty"`
	Value     string    `cbor:"3,keyasint,omitempty"`
}

func (c checksum) kind() s3.ChecksumType {
	switch {
	case c.Algorithm == noAlgorithm:
		return ""
	case c.Composite:
		return s3.ChecksumTypeComposite
	}
	return s3.ChecksumTypeFullObject
}

// checksumOf makes the checksum that h has computed.
func checksumOf(a algorithm, h hash.Hash) checksum {
	var sum [sha512.Size]byte
	return checksum{Algorithm: a, Value: base64.StdEncoding.EncodeToString(h.Sum(sum[:0]))}
}

// given is the one checksum that a request sent in its headers.
func given(fields checksumFields) (checksum, error) {
	var c checksum
	for a, field := range fields {
		if field == nil || *field == "" {
			continue
		}
		if c.Algorithm != noAlgorithm {
			return checksum{}, errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		c = checksum{Algorithm: algorithm(a), Value: *field}
	}
	if c.Algorithm == noAlgorithm {
		return c, nil
	}
	return c, c.check()
}

// check holds the value of a full checksum to its form.
func (c checksum) check() error {
	raw, err := base64.StdEncoding.DecodeString(c.Value)
	if err != nil || len(raw) != c.Algorithm.size() {
		return errInvalidRequest("Value for %s header is invalid.", c.Algorithm.header())
	}
	return nil
}

// announced is the algorithm whose checksum will follow the body in a trailer.
func announced(t api.Trailers) (algorithm, error) {
	var found algorithm
	for _, name := range t.TrailerNames() {
		suffix, ok := strings.CutPrefix(strings.ToLower(name), checksumHeader)
		if !ok {
			continue
		}
		a, err := parseAlgorithm(s3.ChecksumAlgorithm(suffix))
		if err != nil {
			return 0, err
		}
		if found != noAlgorithm {
			return 0, errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		found = a
	}
	return found, nil
}

// checksumFields are the members of one shape that hold checksums, by algorithm.
type checksumFields [algorithms]*string

// set puts the checksum in its member.
func (f checksumFields) set(c checksum) {
	if c.Algorithm != noAlgorithm {
		*f[c.Algorithm] = c.Value
	}
}
