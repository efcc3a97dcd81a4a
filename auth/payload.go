package auth

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"hash"
	"io"
	"net/http"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api"
)

const (
	unsignedPayload = "UNSIGNED-PAYLOAD"
	emptyHash       = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
)

// payload is what a value of X-Amz-Content-Sha256 means.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
type payload struct {
	hashed    bool // it is a SHA-256 in hexadecimal
	unsigned  bool // it is UNSIGNED-PAYLOAD
	streaming bool // the body is aws-chunked; and the fields below:
	signed    bool // each chunk has a signature,
	algorithm Algorithm
	trailer   bool // and trailers may follow the last
}

func (p payload) valid() bool { return p.hashed || p.unsigned || p.streaming }

func payloadOf(value string) payload {
	switch value {
	case unsignedPayload:
		return payload{unsigned: true}
	case "STREAMING-UNSIGNED-PAYLOAD-TRAILER":
		return payload{streaming: true, trailer: true}
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD":
		return payload{streaming: true, signed: true}
	case "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER":
		return payload{streaming: true, signed: true, trailer: true}
	case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD":
		return payload{streaming: true, signed: true, algorithm: ECDSA}
	case "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER":
		return payload{streaming: true, signed: true, algorithm: ECDSA, trailer: true}
	}
	if len(value) != 2*sha256.Size {
		return payload{}
	}
	for i := range len(value) {
		if hexValue(value[i]) > 15 {
			return payload{}
		}
	}
	return payload{hashed: true}
}

// signedPayload is the last line of the canonical request. Where the client
// sent it, it is only what the client says until the body has been read; where
// it did not, the body is read here, up to the target's limit.
func signedPayload(r *http.Request, s *Signature, t *Target) (string, error) {
	p := payloadOf(s.PayloadHash)
	if t.isS3() {
		switch {
		case s.PayloadHash == "" && s.Kind == Presigned:
			return unsignedPayload, nil
		case s.PayloadHash == "":
			return "", missingPayloadHash()
		case !p.valid(), p.signed && p.algorithm != s.Algorithm:
			return "", badPayloadHash(s.PayloadHash)
		}
		return s.PayloadHash, nil
	}
	if p.valid() {
		return s.PayloadHash, nil
	}
	return bufferBody(r, t)
}

// bufferBody reads the body into memory and returns its hash.
func bufferBody(r *http.Request, t *Target) (string, error) {
	if r.Body == nil || r.Body == http.NoBody {
		return emptyHash, nil
	}
	limit := t.BodyLimit
	if limit == 0 {
		limit = DefaultBodyLimit
	}
	tooLarge := func() error {
		code := "RequestEntityTooLarge"
		if t.Service == nil || t.protocol() == api.JSON || t.protocol() == api.RESTJSON || t.protocol() == api.CBOR {
			code += "Exception"
		}
		return api.Errorf(code, 413, "Request must be smaller than %d bytes", limit)
	}
	if r.ContentLength > limit {
		return "", tooLarge()
	}
	b := &bufferedBody{Closer: r.Body, arriving: io.LimitedReader{R: r.Body, N: limit + 1}}
	// What the client announces is believed for a megabyte; beyond that memory
	// grows with what has arrived.
	b.Grow(int(min(max(r.ContentLength, 0)+bytes.MinRead, 1<<20)))
	if _, err := b.ReadFrom(&b.arriving); err != nil {
		return "", err
	}
	if int64(b.Len()) > limit {
		return "", tooLarge()
	}
	sum := sha256.Sum256(b.Bytes())
	r.Body = b
	var digits [2 * sha256.Size]byte
	return string(hex.AppendEncode(digits[:0], sum[:])), nil
}

// bufferedBody is a body that is in memory, to be read once.
type bufferedBody struct {
	bytes.Buffer
	io.Closer
	arriving io.LimitedReader
}

// seal is what the signatures of chunks, and errors about a body, are made of.
type seal struct {
	key       *signingKey
	signature *Signature
	wording   wording
	time      string // of the request, as signed
	previous  string // the signature that the next one continues
	s3        bool
}

// unwrap gives r the body that its service is to see. seal is nil when there is
// nothing to verify the body with.
func unwrap(r *http.Request, s *Signature, seal *seal) error {
	p := payloadOf(s.PayloadHash)
	switch {
	case p.streaming:
		return unwrapChunks(r, p, seal)
	case !p.hashed || seal == nil:
		return nil
	case r.Body == nil || r.Body == http.NoBody || r.ContentLength == 0:
		if !strings.EqualFold(s.PayloadHash, emptyHash) {
			return seal.wrongPayload(emptyHash)
		}
	default:
		r.Body = &hashedBody{ReadCloser: r.Body, seal: seal, hash: sha256.New(), left: r.ContentLength}
	}
	return nil
}

// wrongPayload: the body is not the one whose hash was sent.
func (s *seal) wrongPayload(computed string) error {
	if s.s3 {
		return payloadMismatch(s.signature.PayloadHash, computed)
	}
	// Other services compute the signature from the body itself.
	return s.wording.mismatch(s.signature, "", "")
}

// hashedBody checks a body against the hash that was signed.
type hashedBody struct {
	io.ReadCloser
	seal *seal
	hash hash.Hash
	left int64 // bytes to come, negative when that is not known
	err  error
}

func (b *hashedBody) Read(p []byte) (int, error) {
	if b.err != nil {
		return 0, b.err
	}
	n, err := b.ReadCloser.Read(p)
	b.hash.Write(p[:n])
	if b.left >= 0 {
		// The end is known before it is read: who reads as many bytes as were
		// announced, and no further, must not miss that they are wrong.
		if b.left -= int64(n); b.left == 0 && err == nil {
			err = io.EOF
		}
	}
	if err == io.EOF {
		if computed := hex.EncodeToString(b.hash.Sum(nil)); !strings.EqualFold(computed, b.seal.signature.PayloadHash) {
			n, err = 0, b.seal.wrongPayload(computed)
		}
	}
	b.err = err
	return n, err
}

// stripChunked makes headers and length those of the body without its framing.
func stripChunked(r *http.Request, length int64) {
	r.ContentLength = length
	if r.Header["Content-Length"] != nil {
		r.Header["Content-Length"] = []string{strconv.FormatInt(length, 10)}
	}
	encodings := r.Header["Content-Encoding"]
	if len(encodings) == 0 {
		return
	}
	var kept []string
	for _, line := range encodings {
		for e := range strings.SplitSeq(line, ",") {
			if e = strings.TrimSpace(e); e != "" && !strings.EqualFold(e, "aws-chunked") {
				kept = append(kept, e)
			}
		}
	}
	if kept == nil {
		delete(r.Header, "Content-Encoding")
	} else {
		r.Header["Content-Encoding"] = []string{strings.Join(kept, ",")}
	}
}
