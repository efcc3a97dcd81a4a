// Package authtest signs requests as AWS's clients do, for tests. It follows
// the description of Signature Version 4 word by word and shares no code with
// package auth, so that neither can hide a mistake of the other.
package authtest

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Signer signs for one key, region and service at one time.
type Signer struct {
	ID, Secret, Token string
	Region, Service   string
	Time              time.Time
}

func (s *Signer) stamp() string { return s.Time.UTC().Format("20060102T150405Z") }

// Scope is the credential scope.
func (s *Signer) Scope() string {
	return s.Time.UTC().Format("20060102") + "/" + s.Region + "/" + s.Service + "/aws4_request"
}

// Sign puts the headers of a signature into r and returns the signature. The
// payload hash is X-Amz-Content-Sha256 where that is set, and payloadHash where not.
func (s *Signer) Sign(r *http.Request, payloadHash string) string {
	r.Header.Set("X-Amz-Date", s.stamp())
	if s.Token != "" {
		r.Header.Set("X-Amz-Security-Token", s.Token)
	}
	names := []string{"host"}
	for name := range r.Header {
		if name != "Authorization" {
			names = append(names, strings.ToLower(name))
		}
	}
	slices.Sort(names)
	if sent := r.Header.Get("X-Amz-Content-Sha256"); sent != "" {
		payloadHash = sent
	}
	signature := s.Signature(s.canonical(r, names, payloadHash))
	r.Header.Set("Authorization", fmt.Sprintf("AWS4-HMAC-SHA256 Credential=%s/%s, SignedHeaders=%s, Signature=%s",
		s.ID, s.Scope(), strings.Join(names, ";"), signature))
	return signature
}

// Presign puts the query parameters of a signature into r, which ends after d.
// All of r's headers are signed.
func (s *Signer) Presign(r *http.Request, d time.Duration, payloadHash string) {
	names := []string{"host"}
	for name := range r.Header {
		names = append(names, strings.ToLower(name))
	}
	slices.Sort(names)
	q := r.URL.Query()
	q.Set("X-Amz-Algorithm", "AWS4-HMAC-SHA256")
	q.Set("X-Amz-Credential", s.ID+"/"+s.Scope())
	q.Set("X-Amz-Date", s.stamp())
	q.Set("X-Amz-Expires", strconv.Itoa(int(d/time.Second)))
	q.Set("X-Amz-SignedHeaders", strings.Join(names, ";"))
	if s.Token != "" {
		q.Set("X-Amz-Security-Token", s.Token)
	}
	r.URL.RawQuery = q.Encode()
	r.URL.RawQuery += "&X-Amz-Signature=" + s.Signature(s.canonical(r, names, payloadHash))
}

func (s *Signer) canonical(r *http.Request, names []string, payloadHash string) string {
	path := escape(r.URL.Path, "/")
	if s.Service != "s3" {
		path = escape(path, "/")
	}
	var parameters []string
	for name, values := range r.URL.Query() {
		for _, value := range values {
			parameters = append(parameters, escape(name, "")+"="+escape(value, ""))
		}
	}
	slices.Sort(parameters)
	headers := ""
	for _, name := range names {
		value := r.Host
		if name != "host" {
			value = strings.Join(r.Header.Values(name), ",")
		}
		headers += name + ":" + value + "\n"
	}
	return strings.Join([]string{r.Method, path, strings.Join(parameters, "&"), headers, strings.Join(names, ";"), payloadHash}, "\n")
}

// escape escapes all but unreserved characters and those in keep.
func escape(s, keep string) string {
	var b strings.Builder
	for _, c := range []byte(s) {
		if strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString(strings.ReplaceAll(url.QueryEscape(string([]byte{c})), "+", "%20"))
		}
	}
	return b.String()
}

// Signature signs a canonical request.
func (s *Signer) Signature(canonical string) string {
	return s.sign(strings.Join([]string{"AWS4-HMAC-SHA256", s.stamp(), s.Scope(), Hash(canonical)}, "\n"))
}

func (s *Signer) sign(text string) string {
	key := []byte("AWS4" + s.Secret)
	for part := range strings.SplitSeq(s.Scope(), "/") {
		key = mac(key, part)
	}
	return hex.EncodeToString(mac(key, text))
}

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	io.WriteString(h, text)
	return h.Sum(nil)
}

// Hash is the SHA-256 of a payload in hexadecimal.
func Hash(payload string) string {
	sum := sha256.Sum256([]byte(payload))
	return hex.EncodeToString(sum[:])
}

// Chunks is data in aws-chunked form, each chunk signed in continuation of the
// signature seed; the last chunk is empty. Trailers, as name:value, follow it
// with their signature; without any the body ends as bodies do that can have none.
func (s *Signer) Chunks(seed string, data []string, trailers ...string) string {
	var b strings.Builder
	for _, chunk := range append(slices.Clone(data), "") {
		seed = s.sign(strings.Join([]string{"AWS4-HMAC-SHA256-PAYLOAD", s.stamp(), s.Scope(), seed, Hash(""), Hash(chunk)}, "\n"))
		fmt.Fprintf(&b, "%x;chunk-signature=%s\r\n%s", len(chunk), seed, chunk)
		if chunk != "" {
			b.WriteString("\r\n")
		}
	}
	if len(trailers) > 0 {
		seed = s.sign(strings.Join([]string{"AWS4-HMAC-SHA256-TRAILER", s.stamp(), s.Scope(), seed, Hash(strings.Join(trailers, "\n") + "\n")}, "\n"))
		b.WriteString(strings.Join(trailers, "\r\n") + "\r\nx-amz-trailer-signature:" + seed + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// UnsignedChunks is data in aws-chunked form without signatures.
func UnsignedChunks(data []string, trailers ...string) string {
	var b strings.Builder
	for _, chunk := range data {
		fmt.Fprintf(&b, "%x\r\n%s\r\n", len(chunk), chunk)
	}
	b.WriteString("0\r\n")
	for _, t := range trailers {
		b.WriteString(t + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}
