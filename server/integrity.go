package server

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"hash"
	"hash/crc32"
	"io"
	"net/http"
	"strings"

	"github.com/cespare/xxhash/v2"
	"github.com/minio/crc64nvme"
	"github.com/zeebo/xxh3"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/server/protocol"
)

// Where a model says so, a request carries a digest of its body, in Content-MD5
// or in a checksum of one of several algorithms, and a body that is not what it
// was said to be is refused before anything is done with it. Here that is done for
// bodies that are held in memory; who reads a stream looks after it.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/checking-object-integrity-upload.html

const checksumHeader = "X-Amz-Checksum-"

// checksums are the algorithms by the names that follow the header's prefix.
var checksums = map[string]func() hash.Hash{
	"crc32":     func() hash.Hash { return crc32.NewIEEE() },
	"crc32c":    func() hash.Hash { return crc32.New(crc32.MakeTable(crc32.Castagnoli)) },
	"crc64nvme": func() hash.Hash { return crc64nvme.New() },
	"sha1":      sha1.New,
	"sha256":    sha256.New,
	"sha512":    sha512.New,
	"md5":       md5.New,
	"xxhash64":  func() hash.Hash { return xxhash.New() },
	"xxhash3":   func() hash.Hash { return xxh3.New() },
	"xxhash128": func() hash.Hash { return xxh3.New128() },
}

// digest is what a request says of its body: the value, or the trailer that it comes in.
type digest struct {
	hash.Hash
	header   string
	want     string
	trailers api.Trailers // not nil when the value follows the body
	wrong    func(want, got string) error
}

// checkBody holds the body of r, once it is read, to what r says of it.
func checkBody(op *api.Operation, r *http.Request) error {
	if !op.ChecksumRequired && op.ChecksumMember == "" || r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0 {
		return nil
	}
	var digests []digest
	if sent := protocol.HeaderOf(r.Header, "Content-Md5"); sent != "" {
		if raw, err := base64.StdEncoding.DecodeString(sent); err != nil || len(raw) != md5.Size {
			return errInvalidMD5(sent)
		}
		digests = append(digests, digest{Hash: md5.New(), header: "Content-Md5", want: sent, wrong: errBadMD5})
	}
	sum, err := checksumOf(r)
	switch {
	case err != nil:
		return err
	case sum.Hash != nil:
		digests = append(digests, sum)
	case protocol.HeaderOf(r.Header, "X-Amz-Sdk-Checksum-Algorithm") != "":
		return errInvalidRequest("x-amz-sdk-checksum-algorithm specified, but no corresponding x-amz-checksum-* or x-amz-trailer headers were found.")
	case op.ChecksumRequired && len(digests) == 0:
		return errInvalidRequest("Missing required header for this request: Content-MD5 OR x-amz-checksum-*")
	}
	if len(digests) > 0 {
		r.Body = &checkedBody{ReadCloser: r.Body, digests: digests}
	}
	return nil
}

// checkStream refuses a body that S3 is to store whose length shows at its end only, in
// HTTP and in the chunks that are signed, and one with a digest of nothing: who reads the
// stream sees neither.
func checkStream(op *api.Operation, r *http.Request) error {
	if sent := r.Header["Content-Md5"]; len(sent) > 0 && sent[0] == "" {
		return errInvalidMD5("")
	}
	if op.Service.Name != "s3" || len(r.TransferEncoding) == 0 || r.Header["X-Amz-Decoded-Content-Length"] != nil {
		return nil
	}
	return api.Errorf("NotImplemented", http.StatusNotImplemented, "A header you provided implies functionality that is not implemented").With("Header", "Transfer-Encoding")
}

// checksumOf is the checksum that a request announces; its Hash is nil where there is none.
func checksumOf(r *http.Request) (digest, error) {
	var d digest
	add := func(header, want string, trailers api.Trailers) error {
		algorithm := strings.ToLower(header[len(checksumHeader):])
		make, known := checksums[algorithm]
		switch {
		case !known: // x-amz-checksum-algorithm and others that are none
			return nil
		case d.Hash != nil:
			return errInvalidRequest("Expecting a single x-amz-checksum- header. Multiple checksum Types are not allowed.")
		}
		name := strings.ToUpper(algorithm)
		if named := protocol.HeaderOf(r.Header, "X-Amz-Sdk-Checksum-Algorithm"); named != "" && !strings.EqualFold(named, name) {
			return errInvalidRequest("Value for x-amz-sdk-checksum-algorithm header is invalid.")
		}
		d = digest{Hash: make(), header: strings.ToLower(header), want: want, trailers: trailers, wrong: func(string, string) error {
			return api.Errorf("BadDigest", 400, "The %s you specified did not match the calculated checksum.", name)
		}}
		if trailers == nil {
			return d.valid()
		}
		return nil
	}
	for header, values := range r.Header {
		if strings.HasPrefix(header, checksumHeader) && len(values) > 0 {
			if err := add(header, values[0], nil); err != nil {
				return d, err
			}
		}
	}
	if t, ok := r.Body.(api.Trailers); ok {
		for _, name := range t.TrailerNames() {
			if len(name) > len(checksumHeader) && strings.EqualFold(name[:len(checksumHeader)], checksumHeader) {
				if err := add(name, "", t); err != nil {
					return d, err
				}
			}
		}
	}
	return d, nil
}

// valid says whether a checksum has the form of one.
func (d *digest) valid() error {
	if raw, err := base64.StdEncoding.DecodeString(d.want); err != nil || len(raw) != d.Size() {
		return errInvalidRequest("Value for %s header is invalid.", d.header)
	}
	return nil
}

// check compares what was read with what was said of it.
func (d *digest) check() error {
	if d.trailers != nil {
		d.want = d.trailers.Trailer(d.header)
		if err := d.valid(); err != nil {
			return err
		}
	}
	if got := base64.StdEncoding.EncodeToString(d.Sum(nil)); got != d.want {
		return d.wrong(d.want, got)
	}
	return nil
}

// checkedBody fails at its end when it is not what it was said to be.
type checkedBody struct {
	io.ReadCloser
	digests []digest
}

func (b *checkedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	for i := range b.digests {
		d := &b.digests[i]
		_, _ = d.Write(p[:n]) // hashes never fail
		if err == io.EOF {
			if wrong := d.check(); wrong != nil {
				return n, wrong
			}
		}
	}
	return n, err
}

func errInvalidMD5(sent string) error {
	return api.Errorf("InvalidDigest", http.StatusBadRequest, "The Content-MD5 you specified was invalid.").With("Content-MD5", sent)
}

func errInvalidRequest(format string, args ...any) error {
	return api.Errorf("InvalidRequest", http.StatusBadRequest, format, args...)
}

func errBadMD5(want, got string) error {
	return api.Errorf("BadDigest", http.StatusBadRequest, "The Content-MD5 you specified did not match what we received.").
		With("ExpectedDigest", want).With("CalculatedDigest", got)
}
