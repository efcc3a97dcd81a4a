package auth

import (
	"net/http"
	"strings"
)

// Kind is where a request carries its signature.
type Kind uint8

const (
	// Anonymous requests carry none.
	Anonymous Kind = iota
	// InHeader is the Authorization header.
	InHeader
	// Presigned is the query string.
	Presigned
	// Version2Header and Version2Query are Signature Version 2, which is not
	// verified: "Authorization: AWS key:signature", and the query parameters
	// AWSAccessKeyId, Signature and Expires.
	Version2Header
	Version2Query
)

// Algorithm is how a signature was made.
type Algorithm uint8

const (
	// HMAC is AWS4-HMAC-SHA256: a secret both sides know.
	HMAC Algorithm = iota
	// ECDSA is AWS4-ECDSA-P256-SHA256: a key pair derived from the secret,
	// good in a set of regions.
	ECDSA
)

const (
	algorithmHMAC  = "AWS4-HMAC-SHA256"
	algorithmECDSA = "AWS4-ECDSA-P256-SHA256"
	terminator     = "aws4_request"
)

func (a Algorithm) String() string {
	if a == ECDSA {
		return algorithmECDSA
	}
	return algorithmHMAC
}

// Signature is what a request says of its signing. It holds claims, not facts,
// until a Verifier has accepted it; all strings are as they were sent, but
// unescaped where they came in the query.
type Signature struct {
	Kind      Kind
	Algorithm Algorithm
	// AccessKeyID is the key that the request claims to be signed with.
	AccessKeyID string
	// Date, Region and Service are the credential scope; Date is YYYYMMDD. For
	// SigV4A the region is the first named of the region set, "" when the set
	// names none exactly.
	Date, Region, Service string
	// RegionSet is X-Amz-Region-Set: the regions a SigV4A signature is for.
	RegionSet string
	// SignedHeaders are lower-case names with semicolons between.
	SignedHeaders string
	// Value is the signature in hexadecimal.
	Value string
	// SessionToken is X-Amz-Security-Token.
	SessionToken string
	// Time is X-Amz-Date or Date, not yet parsed; "" when neither was sent.
	Time string
	// Expires is X-Amz-Expires in seconds, or Expires of version 2 in seconds
	// since 1970; presigned requests only, not yet parsed.
	Expires string
	// PayloadHash is X-Amz-Content-Sha256; "" when it was not sent.
	PayloadHash string

	scope string // the credential without the key id and its slash
	fault fault
}

// Malformed says that the request has a signature that could not be read
// whole. What could be read is filled in, so that the service can be found and
// asked to word the error.
func (s *Signature) Malformed() bool { return s.fault.kind != faultNone }

// Parse reads a request's signature. It looks at the query and the headers,
// never at the body, changes nothing, and fails never: what is wrong with a
// signature is told by Authenticate, in the words of the service.
func Parse(r *http.Request) Signature {
	var s Signature
	authorization := first(r.Header, "Authorization")
	query := r.URL.RawQuery
	signed := query != "" && (strings.Contains(query, "X-Amz-Algorithm=") ||
		strings.Contains(query, "X-Amz-Credential=") || strings.Contains(query, "AWSAccessKeyId="))
	switch {
	case authorization != "":
		s.parseHeader(r, authorization)
		if signed && s.fault.kind == faultNone {
			s.fault = fault{kind: faultTwoMechanisms}
		}
	case signed:
		s.parseQuery(r, query)
	default:
		s.PayloadHash = first(r.Header, "X-Amz-Content-Sha256")
	}
	return s
}

// first is the first value of a header under its canonical name.
func first(h http.Header, name string) string {
	if v := h[name]; len(v) > 0 {
		return v[0]
	}
	return ""
}

func (s *Signature) parseHeader(r *http.Request, authorization string) {
	s.Kind = InHeader
	s.SessionToken = first(r.Header, "X-Amz-Security-Token")
	s.PayloadHash = first(r.Header, "X-Amz-Content-Sha256")
	if s.Time = first(r.Header, "X-Amz-Date"); s.Time == "" {
		s.Time = first(r.Header, "Date")
	}
	scheme, rest, spaced := strings.Cut(authorization, " ")
	switch scheme {
	case algorithmHMAC:
	case algorithmECDSA:
		s.Algorithm = ECDSA
		s.setRegions(first(r.Header, "X-Amz-Region-Set"))
	case "AWS":
		s.Kind = Version2Header
		s.AccessKeyID, s.Value, _ = strings.Cut(rest, ":")
		return
	default:
		s.fault = fault{faultScheme, authorization}
		if !spaced {
			s.fault = fault{faultNoParameters, authorization}
		}
		return
	}
	credential := ""
	for rest != "" {
		var pair string
		if pair, rest = cutPair(rest); pair == "" {
			continue
		}
		name, value, ok := strings.Cut(pair, "=")
		if !ok {
			s.fault = fault{faultPair, pair}
			continue
		}
		switch name {
		case "Credential":
			credential = value
		case "SignedHeaders":
			s.SignedHeaders = value
		case "Signature":
			s.Value = value
		}
	}
	s.setCredential(credential)
	if s.fault.kind == faultNone && (credential == "" || s.SignedHeaders == "" || s.Value == "") {
		var missing [3]string
		n := 0
		for _, p := range [...][2]string{{"Credential", credential}, {"Signature", s.Value}, {"SignedHeaders", s.SignedHeaders}} {
			if p[1] == "" {
				missing[n] = p[0]
				n++
			}
		}
		s.fault = fault{faultMissing, strings.Join(missing[:n], ",")}
	}
}

// cutPair cuts at the first comma or space.
func cutPair(s string) (pair, rest string) {
	pair, rest, _ = strings.Cut(s, ",")
	if i := strings.IndexByte(pair, ' '); i >= 0 {
		return s[:i], s[i+1:]
	}
	return pair, rest
}

// setCredential splits keyid/date/region/service/aws4_request; the region is
// not there in SigV4A.
func (s *Signature) setCredential(credential string) {
	var ok bool
	s.AccessKeyID, s.scope, ok = strings.Cut(credential, "/")
	rest := s.scope
	next := func() (part string) {
		if ok {
			part, rest, ok = strings.Cut(rest, "/")
		}
		return part
	}
	s.Date = next()
	if s.Algorithm == HMAC {
		s.Region = next()
	}
	s.Service = next()
	switch {
	case credential == "" || s.fault.kind != faultNone:
	case !ok || strings.Contains(rest, "/"):
		s.fault = fault{faultCredential, credential}
	case s.AccessKeyID == "":
		s.fault = fault{faultNoKey, credential}
	case rest != terminator:
		s.fault = fault{faultTerminator, rest}
	}
}

func (s *Signature) setRegions(set string) {
	s.RegionSet = set
	for set != "" && s.Region == "" {
		var region string
		region, set, _ = strings.Cut(set, ",")
		if region = strings.TrimSpace(region); !strings.Contains(region, "*") {
			s.Region = region
		}
	}
}
