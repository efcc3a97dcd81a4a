package auth_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/auth/authtest"
)

var sink auth.Signature

func BenchmarkParse(b *testing.B) {
	for name, r := range map[string]*http.Request{
		"header":    readRequest(b, recorded(b)["boto3-dynamodb"]),
		"presigned": readRequest(b, recorded(b)["boto3-s3-presigned-get"]),
		"anonymous": httptest.NewRequest("GET", "/bucket/key?versionId=1", nil),
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				sink = auth.Parse(r)
			}
		})
	}
}

func BenchmarkAuthenticate(b *testing.B) {
	for _, bb := range []struct {
		name, request, secret string
		known                 bool
	}{
		{"unknown key", "boto3-dynamodb", recordedSecret, false},
		{"known key", "boto3-dynamodb", recordedSecret, true},
		{"S3 list", "boto3-s3-list", recordedSecret, true},
		{"S3 presigned", "boto3-s3-presigned-get", recordedSecret, true},
		{"SigV4A", "go-v4a-s3-put", recordedSecret, true},
	} {
		b.Run(bb.name, func(b *testing.B) {
			r := readRequest(b, recorded(b)[bb.request])
			body, err := io.ReadAll(r.Body)
			if err != nil {
				b.Fatal(err)
			}
			v, target := recordedVerifier(r, bb.secret), recordedTarget(r)
			if !bb.known {
				v.Provider = keyring{}
			}
			b.ReportAllocs()
			for b.Loop() {
				r.Body = io.NopCloser(strings.NewReader(string(body)))
				if _, err := v.Authenticate(r, target); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

// BenchmarkChunks reads a 16 MiB body in chunks of 64 KiB, without and with signatures.
func BenchmarkChunks(b *testing.B) {
	const size, chunk = 16 << 20, 64 << 10
	data := make([]string, size/chunk)
	for i := range data {
		data[i] = strings.Repeat("a", chunk)
	}
	plain := authtest.UnsignedChunks(data)
	var framing string
	signed := upload(streamingSigned, size, "", func(seed string) string {
		framing = signer(s3Service).Chunks(seed, data)
		return ""
	})
	buffer := make([]byte, 64<<10)
	run := func(name string, r *http.Request, framing string, wrap bool) {
		b.Run(name, func(b *testing.B) {
			v := verifier(auth.Off)
			b.SetBytes(size)
			b.ReportAllocs()
			for b.Loop() {
				r := r.Clone(b.Context())
				setBody(r, framing)
				if wrap {
					if _, err := v.Authenticate(r, s3Target); err != nil {
						b.Fatal(err)
					}
				}
				if n, err := io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{r.Body}, buffer); err != nil || wrap && n != size {
					b.Fatal(n, err)
				}
			}
		})
	}
	run("bare", signed, plain, false)
	run("unsigned", plainUpload(size, "", ""), plain, true)
	run("signed", signed, framing, true)
}
