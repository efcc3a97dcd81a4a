package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// parseQuery reads the signature of a presigned URL.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html
func (s *Signature) parseQuery(r *http.Request, query string) {
	s.Kind = Presigned
	var algorithm, credential, regions string
	var signature2, expires2, key2 string // version 2's
	for query != "" {
		var pair string
		pair, query, _ = strings.Cut(query, "&")
		name, value, _ := strings.Cut(pair, "=")
		to := (*string)(nil)
		switch name {
		case "X-Amz-Algorithm":
			to = &algorithm
		case "X-Amz-Credential":
			to = &credential
		case "X-Amz-Date":
			to = &s.Time
		case "X-Amz-Expires":
			to = &s.Expires
		case "X-Amz-SignedHeaders":
			to = &s.SignedHeaders
		case "X-Amz-Signature":
			to = &s.Value
		case "X-Amz-Security-Token", "x-amz-security-token":
			to = &s.SessionToken
		case "X-Amz-Content-Sha256":
			to = &s.PayloadHash
		case "X-Amz-Region-Set":
			to = &regions
		case "AWSAccessKeyId":
			to = &key2
		case "Signature":
			to = &signature2
		case "Expires":
			to = &expires2
		default:
			continue
		}
		if *to = value; strings.ContainsAny(value, "%+") {
			// What cannot be unescaped stays as it was sent, and matches nothing.
			if u, err := url.QueryUnescape(value); err == nil {
				*to = u
			}
		}
	}
	if h := first(r.Header, "X-Amz-Content-Sha256"); h != "" {
		s.PayloadHash = h
	}
	if key2 != "" && algorithm == "" && credential == "" {
		s.Kind, s.AccessKeyID, s.Value, s.Expires = Version2Query, key2, signature2, expires2
		return
	}
	if algorithm == algorithmECDSA {
		s.Algorithm = ECDSA
		s.setRegions(regions)
	}
	s.setCredential(credential)
	var missing []string
	for _, p := range [...][2]string{
		{"X-Amz-Algorithm", algorithm}, {"X-Amz-Credential", credential}, {"X-Amz-Signature", s.Value},
		{"X-Amz-SignedHeaders", s.SignedHeaders}, {"X-Amz-Date", s.Time},
	} {
		if p[1] == "" {
			missing = append(missing, p[0])
		}
	}
	switch {
	case missing != nil:
		s.fault = fault{faultMissing, strings.Join(missing, ",")}
	case algorithm != algorithmHMAC && algorithm != algorithmECDSA:
		s.fault = fault{faultAlgorithm, algorithm}
	}
}
