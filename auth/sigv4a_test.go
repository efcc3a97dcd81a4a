package auth

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
)

// TestDerivePrivateKey holds the public keys that AWS's SDKs derive.
func TestDerivePrivateKey(t *testing.T) {
	for _, tt := range []struct{ id, secret, x, y string }{
		{"AKISORANDOMAASORANDOM", "q+jcrXGc+0zWN6uzclKVhvMmUsIfRPa4rlRandom",
			"15d242ceebf8d8169fd6a8b5a746c41140414c3b07579038da06af89190fffcb", "0515242cedd82e94799482e4c0514b505afccf2c0c98d6a553bf539f424c5ec0"},
		{"AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
			"b6618f6a65740a99e650b33b6b4b5bd0d43b176d721a3edfea7e7d2d56d936b1", "865ed22a7eadc9c5cb9d2cbaca1b3699139fedc5043dc6661864218330c8e518"},
	} {
		point, err := derivePrivateKey(tt.id, tt.secret).PublicKey.Bytes()
		if err != nil || hex.EncodeToString(point) != "04"+tt.x+tt.y {
			t.Errorf("%s: %x, %v", tt.id, point, err)
		}
	}
}

// TestKeyAfter: candidates above N-2 are drawn again.
func TestKeyAfter(t *testing.T) {
	const n = "ffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc6325"
	for last, ok := range map[string]bool{"4e": true, "4f": true, "50": false, "51": false, "ff": false} {
		var candidate [32]byte
		hex.Decode(candidate[:], []byte(n+last))
		if _, got := keyAfter(candidate); got != ok {
			t.Errorf("N ending in 51, candidate ending in %s: %v", last, got)
		}
	}
	for _, b := range []byte{0x00, 0xff} {
		if _, ok := keyAfter([32]byte(bytes.Repeat([]byte{b}, 32))); ok != (b == 0) {
			t.Errorf("candidate of %x: %v", b, ok)
		}
	}
	key, _ := keyAfter([32]byte{31: 0xff})
	if d, err := key.Bytes(); err != nil || hex.EncodeToString(d[30:]) != "0100" {
		t.Errorf("0xff+1 is %x, %v", d, err)
	}
}

// fixed is a Provider of one key.
type fixed struct{ credentials *Credentials }

func (f fixed) Credentials(context.Context, string) (*Credentials, error) { return f.credentials, nil }

// TestSigV4AChunks: chunk signatures are padded with asterisks to one length,
// and continue each other without.
func TestSigV4AChunks(t *testing.T) {
	at := time.Date(2024, 5, 1, 12, 0, 0, 0, time.UTC)
	private := derivePrivateKey("AKIDEXAMPLE", "secret")
	sign := func(text string) string {
		sum := sha256.Sum256([]byte(text))
		der, err := ecdsa.SignASN1(rand.Reader, private, sum[:])
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(der)
	}
	sha := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return hex.EncodeToString(sum[:])
	}
	const head = "20240501T120000Z\n20240501/s3/aws4_request\n"
	const trailer = "x-amz-checksum-crc32:y7ZWMQ=="
	request := func(alter func(string) string) *http.Request {
		r := httptest.NewRequest("PUT", "http://localhost/b/k", nil)
		canonical := "PUT\n/b/k\n\n"
		for _, h := range [][2]string{
			{"host", "localhost"}, {"x-amz-content-sha256", "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER"}, {"x-amz-date", "20240501T120000Z"},
			{"x-amz-decoded-content-length", "9005"}, {"x-amz-region-set", "*"}, {"x-amz-trailer", "x-amz-checksum-crc32"},
		} {
			if h[0] != "host" {
				r.Header.Set(h[0], h[1])
			}
			canonical += h[0] + ":" + h[1] + "\n"
		}
		const names = "host;x-amz-content-sha256;x-amz-date;x-amz-decoded-content-length;x-amz-region-set;x-amz-trailer"
		canonical += "\n" + names + "\n" + r.Header.Get("X-Amz-Content-Sha256")
		previous := sign("AWS4-ECDSA-P256-SHA256\n" + head + sha(canonical))
		r.Header.Set("Authorization", "AWS4-ECDSA-P256-SHA256 Credential=AKIDEXAMPLE/20240501/s3/aws4_request, SignedHeaders="+names+", Signature="+previous)
		var body strings.Builder
		for _, chunk := range []string{strings.Repeat("a", 9000), "bcdef", ""} {
			previous = sign("AWS4-ECDSA-P256-SHA256-PAYLOAD\n" + head + previous + "\n" + sha("") + "\n" + sha(chunk))
			fmt.Fprintf(&body, "%x;chunk-signature=%s\r\n%s", len(chunk), previous+strings.Repeat("*", 144-len(previous)), chunk)
			if chunk != "" {
				body.WriteString("\r\n")
			}
		}
		previous = sign("AWS4-ECDSA-P256-SHA256-TRAILER\n" + head + previous + "\n" + sha(trailer+"\n"))
		body.WriteString(trailer + "\r\nx-amz-trailer-signature:" + previous + "\r\n\r\n")
		r.Body = io.NopCloser(strings.NewReader(alter(body.String())))
		return r
	}
	v := &Verifier{Provider: fixed{&Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "secret"}}, Clock: clock.At(at)}
	read := func(r *http.Request) error {
		if _, err := v.Authenticate(r, Target{Service: &api.Service{Name: "s3", SigningName: "s3"}, Region: "eu-west-1"}); err != nil {
			return err
		}
		_, err := io.Copy(io.Discard, r.Body)
		return err
	}
	if err := read(request(func(s string) string { return s })); err != nil {
		t.Fatal(err)
	}
	for _, change := range [][2]string{{"aaaa", "aaab"}, {"cdef", "CDEF"}, {"y7ZWMQ", "Y7ZWMQ"}} {
		err := read(request(func(s string) string { return strings.Replace(s, change[0], change[1], 1) }))
		var e *api.Error
		if !errors.As(err, &e) || e.Code != "SignatureDoesNotMatch" {
			t.Errorf("%s for %s: %v", change[1], change[0], err)
		}
	}
}
