package s3

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

func sumOf(a algorithm, content string) string {
	h := a.new()
	_, _ = io.WriteString(h, content)
	return checksumOf(a, h).Value
}

// The values are those of the algorithms' published check, "123456789", and for xxHash
// those of its reference implementation, as big-endian numbers (its canonical form).
func TestChecksumValues(t *testing.T) {
	for a, want := range map[algorithm]string{
		crc32Sum: "y/Q5Jg==", crc32cSum: "4waSgw==", crc64nvmeSum: "rosUhgp5mIg=",
		sha1Sum: "98O8HYCOBHMq32eZZczDTKeuNEE=", sha256Sum: "FeKw08M4keuw8e9gnsQZQgwg4yDOlMZfvIwzEkSOsiU=",
		md5Sum: "JfnnlDI7RTiF9RgfG2JNCw==", xxhash64Sum: "jLhB20DmroM=",
	} {
		if got := sumOf(a, "123456789"); got != want {
			t.Errorf("%s = %s, want %s", a, got, want)
		}
	}
	for a, want := range map[algorithm]string{
		xxhash64Sum: "44bc2cf5ad770999", xxhash3Sum: "78af5f94892f3950", xxhash128Sum: "06b05ab6733a618578af5f94892f3950",
	} {
		h := a.new()
		_, _ = io.WriteString(h, "abc")
		if got := fmt.Sprintf("%x", h.Sum(nil)); got != want || h.Size() != a.size() {
			t.Errorf("%s = %s, want %s", a, got, want)
		}
	}
}

func TestCombine(t *testing.T) {
	all := random(100000)
	for _, a := range []algorithm{crc32Sum, crc32cSum, crc64nvmeSum} {
		for _, at := range []int{0, 1, 7, 4096, 65537, len(all)} {
			got := combine(a, sumOf(a, all[:at]), sumOf(a, all[at:]), int64(len(all)-at))
			if want := sumOf(a, all); got != want {
				t.Errorf("%s split at %d: %s, want %s", a, at, got, want)
			}
		}
	}
}

func TestPutChecksums(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	for a := crc32Sum; a < algorithms; a++ {
		in := putInput(b, "k", "content")
		putInputSums(in).set(checksum{Algorithm: a, Value: sumOf(a, "content")})
		in.ChecksumAlgorithm = a.name()
		out, err := w.putObject(w.ctx(), in)
		if err != nil {
			t.Fatalf("%s: %v", a, err)
		}
		if *putSums(out)[a] != sumOf(a, "content") || out.ChecksumType != "FULL_OBJECT" {
			t.Errorf("%s: %+v", a, out)
		}
		got, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: b, Key: "k", ChecksumMode: s3.ChecksumModeEnabled})
		if err != nil || *getSums(got)[a] != sumOf(a, "content") || got.ChecksumType != "FULL_OBJECT" {
			t.Errorf("%s: %+v, %v", a, got, err)
		}
		silent, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k"})
		if err != nil || *headSums(silent)[a] != "" {
			t.Errorf("%s: told without being asked", a)
		}
		part, err := w.headObject(w.ctx(), &s3.HeadObjectInput{Bucket: b, Key: "k", Range: "bytes=0-1", ChecksumMode: s3.ChecksumModeEnabled})
		if err != nil || *headSums(part)[a] != "" {
			t.Errorf("%s: the checksum of the whole told of a range", a)
		}

		in = putInput(b, "k", "other")
		putInputSums(in).set(checksum{Algorithm: a, Value: sumOf(a, "content")})
		_, err = w.putObject(w.ctx(), in)
		if e := refused(t, err, "BadDigest", 400); !strings.Contains(e.Message, "The "+a.String()+" you specified did not match the calculated checksum.") {
			t.Error(e.Message)
		}
		in = putInput(b, "k", "other")
		putInputSums(in).set(checksum{Algorithm: a, Value: "AAA="})
		_, err = w.putObject(w.ctx(), in)
		refused(t, err, "InvalidRequest", 400)
	}
	if w.get(b, "k") != "content" {
		t.Error("a body with a wrong checksum was kept")
	}
	// S3 computes a checksum for who sends none.
	if out := w.put(b, "k", "content"); out.ChecksumCRC64NVME != sumOf(crc64nvmeSum, "content") {
		t.Errorf("%+v", out)
	}
	in := putInput(b, "k", "x")
	in.ChecksumCRC32, in.ChecksumSHA1 = sumOf(crc32Sum, "x"), sumOf(sha1Sum, "x")
	_, err := w.putObject(w.ctx(), in)
	refused(t, err, "InvalidRequest", 400)
	in = putInput(b, "k", "x")
	in.ChecksumAlgorithm = "CRC32"
	_, err = w.putObject(w.ctx(), in)
	refused(t, err, "InvalidRequest", 400)
}

// trailed is a body that a checksum follows.
type trailed struct {
	io.ReadCloser
	name, value string
}

func (b trailed) TrailerNames() []string { return []string{b.name} }
func (b trailed) Trailer(name string) string {
	if name != b.name {
		return ""
	}
	return b.value
}

func TestTrailingChecksum(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	put := func(content, name, value string) (*s3.PutObjectOutput, error) {
		in := putInput(b, "k", content)
		in.Body = trailed{in.Body, name, value}
		in.ChecksumAlgorithm = "CRC32C"
		return w.putObject(w.ctx(), in)
	}
	out, err := put("content", "x-amz-checksum-crc32c", sumOf(crc32cSum, "content"))
	if err != nil || out.ChecksumCRC32C != sumOf(crc32cSum, "content") {
		t.Fatalf("%+v, %v", out, err)
	}
	_, err = put("other", "x-amz-checksum-crc32c", sumOf(crc32cSum, "content"))
	refused(t, err, "BadDigest", 400)
	_, err = put("other", "x-amz-checksum-crc32c", "")
	refused(t, err, "InvalidRequest", 400)
	_, err = put("other", "x-amz-checksum-sha1", sumOf(sha1Sum, "other"))
	refused(t, err, "InvalidRequest", 400)
	if w.get(b, "k") != "content" {
		t.Error("a body with a wrong trailer was kept")
	}
}
