package server

import (
	"errors"
	"io"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

// trailing is a body with a trailer.
type trailing struct {
	io.ReadCloser
	name, value string
}

func (b trailing) TrailerNames() []string     { return []string{b.name} }
func (b trailing) Trailer(name string) string { return b.value }

// A body that a model wants a digest of is held to the one that was sent.
func TestBodiesAreWhatTheyWereSaidToBe(t *testing.T) {
	t.Parallel()
	required, optional := s3.PutBucketCors.Spec(), s3.PutObject.Spec()
	for name, c := range map[string]struct {
		op      *api.Operation
		headers string // "Name: value" lines
		trailer string // "name: value"
		code    string
	}{
		"no digest":               {required, "", "", "InvalidRequest"},
		"no digest is needed":     {optional, "", "", ""},
		"MD5":                     {required, "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==", "", ""},
		"another body's MD5":      {required, "Content-MD5: 1B2M2Y8AsgTpgAmY7PhCfg==", "", "BadDigest"},
		"an MD5 that is none":     {required, "Content-MD5: hello", "", "InvalidDigest"},
		"CRC32":                   {required, "x-amz-checksum-crc32: NhCmhg==", "", ""},
		"another body's CRC32":    {optional, "x-amz-checksum-crc32: AAAAAA==", "", "BadDigest"},
		"a CRC32 that is none":    {required, "x-amz-checksum-crc32: AAAA", "", "InvalidRequest"},
		"SHA256":                  {required, "x-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "", ""},
		"two checksums":           {required, "x-amz-checksum-crc32: NhCmhg==\nx-amz-checksum-sha256: LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=", "", "InvalidRequest"},
		"a name without checksum": {required, "Content-MD5: XUFAKrxLKna5cZ2REBfFkg==\nx-amz-sdk-checksum-algorithm: CRC32", "", "InvalidRequest"},
		"the name of another":     {required, "x-amz-checksum-crc32: NhCmhg==\nx-amz-sdk-checksum-algorithm: SHA1", "", "InvalidRequest"},
		"another checksum":        {required, "x-amz-checksum-xxhash3: AAAAAAAAAAA=", "", "BadDigest"},
		"a trailer":               {required, "", "x-amz-checksum-crc32: NhCmhg==", ""},
		"another body's trailer":  {required, "", "x-amz-checksum-crc32: AAAAAA==", "BadDigest"},
		"a trailer that is empty": {required, "", "x-amz-checksum-crc32: ", "InvalidRequest"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := httptest.NewRequest("PUT", "/", strings.NewReader("hello"))
			for line := range strings.SplitSeq(c.headers, "\n") {
				if name, value, ok := strings.Cut(line, ": "); ok {
					r.Header.Set(name, value)
				}
			}
			if name, value, ok := strings.Cut(c.trailer, ": "); ok {
				r.Body = trailing{r.Body, name, value}
			}
			err := checkBody(c.op, r)
			if err == nil {
				_, err = io.ReadAll(r.Body)
			}
			code := ""
			if e, ok := errors.AsType[*api.Error](err); ok {
				code = e.Code
			} else if err != nil {
				t.Fatal(err)
			}
			if code != c.code {
				t.Errorf("%v, want %q", err, c.code)
			}
		})
	}
}
