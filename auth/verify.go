package auth

import (
	"context"
	"crypto/ecdsa"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
)

// Verifier finds out who sent a request. The zero value but for its Clock lets
// everybody in. It is safe for concurrent use and must not be copied after use.
type Verifier struct {
	// Provider knows the keys; nil knows none.
	Provider Provider
	// Clock is what signatures are too early or too late by.
	Clock *clock.Clock
	// Mode says what becomes of unknown keys and missing signatures.
	Mode Mode

	keys keyCache
}

// Target is what a request is for, as far as that matters to authentication.
type Target struct {
	// Service receives the request. Its signing name must be the scope's.
	// nil is a data plane, or a service that we do not know: any name will do.
	Service *api.Service
	// Protocol is the one that errors will be encoded in; "" is the service's
	// first.
	Protocol api.Protocol
	// Region is the region that the request's host names; "" where any will do.
	Region string
	// AllowAnonymous lets unsigned requests in as an anonymous principal, in
	// every mode: for operations without authentication, and for S3, where
	// policies decide.
	AllowAnonymous bool
	// BodyLimit is how many bytes are read of a body whose hash has to be
	// computed before the request can be accepted; 0 is DefaultBodyLimit.
	BodyLimit int64
}

// DefaultBodyLimit is more than any AWS API but S3 takes in a body: Lambda's
// zip files of 50 MB, in base64.
const DefaultBodyLimit = 70 << 20

const week = 7 * 24 * time.Hour

func (t *Target) protocol() api.Protocol {
	if t.Protocol == "" && len(t.Service.Protocols) > 0 {
		return t.Service.Protocols[0]
	}
	return t.Protocol
}

func (t *Target) isS3() bool {
	return t.Service != nil && (t.Service.Name == "s3" || t.Service.Name == "s3control")
}

// Authenticate says who sent r, or why that cannot be told: an *api.Error in
// the words of t's service. An error that is no *api.Error is the Provider's,
// or comes from reading the body.
//
// r's body is replaced by one that checks what was signed about it, and that
// is free of aws-chunked framing; Content-Length and Content-Encoding are made
// to fit. The new body's Read returns an *api.Error, and never the last bytes,
// when the body is not the one that was signed, so nothing may be acknowledged
// before the body has been read to its end. A body with trailers implements
// api.Trailers.
func (v *Verifier) Authenticate(r *http.Request, t Target) (*Identity, error) {
	// This is inlined, so that the identity is no allocation for who does not keep it.
	return v.authenticate(r, &t, new(Identity))
}

// authenticate returns id, filled in.
func (v *Verifier) authenticate(r *http.Request, t *Target, id *Identity) (*Identity, error) {
	s := Parse(r)
	if err := v.identify(r, &s, t, wordingFor(t), id); err != nil {
		return nil, err
	}
	return id, nil
}

// identify does not keep sent, which in the ordinary case is no allocation therefore.
func (v *Verifier) identify(r *http.Request, sent *Signature, t *Target, w wording, id *Identity) error {
	if sent.Kind == Anonymous {
		return v.anonymous(r, sent, t, w, id)
	}
	creds, err := v.lookup(r.Context(), sent.AccessKeyID)
	if errors.Is(err, ErrUnknownKey) && !v.strict() {
		return v.stranger(r, sent, t, w, id)
	}
	s := new(*sent) // what is verified with, and told in errors
	switch {
	case errors.Is(err, ErrInactiveKey):
		return w.unknownKey(s)
	case err != nil && !errors.Is(err, ErrUnknownKey):
		return fmt.Errorf("looking up access key %s: %w", s.AccessKeyID, err)
	case err == nil:
		*id = Identity{
			Account: creds.Account, AccessKeyID: s.AccessKeyID, Principal: creds.Principal,
			Region: s.Region, Verified: true,
		}
		return v.verify(r, s, t, w, creds)
	case s.Malformed():
		return w.malformed(s)
	case s.Kind == Version2Header || s.Kind == Version2Query:
		return w.version2(s)
	}
	return w.unknownKey(s)
}

// strict says whether a caller must be known.
func (v *Verifier) strict() bool { return v.Mode == Audit || v.Mode == Enforce }

// lookup asks the Provider for a key id that may be one.
func (v *Verifier) lookup(ctx context.Context, id string) (*Credentials, error) {
	if v.Provider == nil || id == "" {
		return nil, ErrUnknownKey
	}
	return v.Provider.Credentials(ctx, id)
}

func (v *Verifier) anonymous(r *http.Request, s *Signature, t *Target, w wording, id *Identity) error {
	*id = Identity{Account: api.DefaultAccount, Anonymous: true}
	switch {
	case !v.strict():
		id.Principal = defaultRoot
	case !t.AllowAnonymous:
		return w.missing()
	default:
		id.Principal = api.Principal{Anonymous: true}
		if p := payloadOf(s.PayloadHash); p.streaming && p.signed {
			return anonymousSignedPayload()
		}
	}
	return unwrap(r, s, nil)
}

// stranger lets an unknown key in, with no look at its signature. S3's
// presigned URLs end all the same: their end is there to be read, and is what
// programs that hand them out want to see tested. So is the region, which S3's
// clients correct and sign for again.
func (v *Verifier) stranger(r *http.Request, s *Signature, t *Target, w wording, id *Identity) error {
	if t.isS3() {
		if (s.Kind == InHeader || s.Kind == Presigned) && !s.Malformed() && s.outside(t.Region) {
			return w.wrongRegion(new(*s), t.Region)
		}
		if at, end, ok := s.lifetime(); ok {
			if now := v.Clock.Now(); now.After(end) {
				return w.expired(new(*s), at, end, now)
			}
		}
	}
	*id = unknownIdentity(s)
	return unwrap(r, s, nil)
}

// unknownIdentity is the root of the account that a key id names.
func unknownIdentity(s *Signature) Identity {
	id := Identity{Account: api.DefaultAccount, AccessKeyID: s.AccessKeyID, Principal: defaultRoot, Region: s.Region}
	if isAccount(s.AccessKeyID) {
		id.Account, id.Principal = s.AccessKeyID, api.Root(s.AccessKeyID)
	}
	return id
}

var defaultRoot = api.Root(api.DefaultAccount)

func isAccount(id string) bool {
	if len(id) != 12 {
		return false
	}
	for i := range len(id) {
		if id[i] < '0' || id[i] > '9' {
			return false
		}
	}
	return true
}

// lifetime is when a presigned request begins and ends to be valid, if it says so.
func (s *Signature) lifetime() (at, end time.Time, ok bool) {
	if s.Expires == "" {
		return at, end, false
	}
	seconds, err := strconv.ParseInt(s.Expires, 10, 64)
	if err != nil || seconds < 0 {
		return at, end, false
	}
	switch s.Kind {
	case Version2Query:
		end = time.Unix(seconds, 0).UTC()
		return end, end, true
	case Presigned:
		at, err = time.Parse(amzTime, s.Time)
		if err != nil || seconds > int64(week/time.Second) {
			return at, end, false
		}
		return at, at.Add(time.Duration(seconds) * time.Second), true
	}
	return at, end, false
}

// verify checks a signature that was made with creds, and fits r's body with
// what it needs to be checked.
func (v *Verifier) verify(r *http.Request, s *Signature, t *Target, w wording, creds *Credentials) error {
	switch now := v.Clock.Now(); {
	case s.Malformed():
		return w.malformed(s)
	case s.Kind == Version2Header || s.Kind == Version2Query:
		return w.version2(s)
	case subtle.ConstantTimeCompare([]byte(s.SessionToken), []byte(creds.SessionToken)) == 0:
		return w.badToken(s)
	case !creds.Expires.IsZero() && !now.Before(creds.Expires):
		return w.expiredToken(s)
	default:
		at, err := s.checkTime(w, t.isS3(), now)
		if err != nil {
			return err
		}
		if err := s.checkScope(w, t, at); err != nil {
			return err
		}
		if missing := s.unsignedHeaders(r); missing != nil {
			return w.unsigned(s, missing)
		}
		return v.checkSignature(r, s, t, w, v.keys.get(creds, s), at)
	}
}

// checkTime returns when the request was signed, if that is neither too long
// ago nor in the future.
func (s *Signature) checkTime(w wording, s3 bool, now time.Time) (time.Time, error) {
	if s.Time == "" {
		return time.Time{}, w.noDate(s)
	}
	at, err := time.Parse(amzTime, s.Time)
	if err != nil && s.Kind == InHeader {
		if at, err = http.ParseTime(s.Time); err != nil {
			at, err = time.Parse(time.RFC1123Z, s.Time) // as Python writes a Date
		}
	}
	if err != nil {
		return at, w.badDate(s)
	}
	at = at.UTC()
	allowed := w.skew()
	if s.Kind == Presigned && (s3 || s.Expires != "") {
		seconds, err := strconv.ParseInt(s.Expires, 10, 64)
		if err != nil || seconds < 0 || seconds > int64(week/time.Second) {
			return at, w.badExpires(s, seconds, err)
		}
		lifetime := time.Duration(seconds) * time.Second
		end := at.Add(lifetime)
		// Other services than S3 take X-Amz-Expires as a wish for more time only.
		limit := end
		if !s3 && lifetime < allowed {
			limit = at.Add(allowed)
		}
		switch {
		case now.After(limit):
			return at, w.expired(s, at, end, now)
		case at.After(now.Add(allowed)):
			return at, w.early(s, at, end, now)
		}
		return at, nil
	}
	if d := now.Sub(at); d > allowed || d < -allowed {
		return at, w.skewed(s, at, now)
	}
	return at, nil
}

func (s *Signature) checkScope(w wording, t *Target, at time.Time) error {
	var day [8]byte
	switch {
	case s.Date != string(at.AppendFormat(day[:0], "20060102")):
		return w.wrongDate(s, at)
	case s.outside(t.Region):
		return w.wrongRegion(s, t.Region)
	case t.Service != nil && t.Service.SigningName != "" && s.Service != t.Service.SigningName:
		return w.wrongService(s, t.Service.SigningName)
	}
	return nil
}

// outside says that a signature is not for a region ("" any).
func (s *Signature) outside(region string) bool {
	switch {
	case region == "":
		return false
	case s.Algorithm == ECDSA:
		return !regionIn(s.RegionSet, region)
	}
	return s.Algorithm == HMAC && s.Region != region
}

// regionIn says whether a region set, such as "us-east-1,eu-*", has a region.
func regionIn(set, region string) bool {
	for pattern := range strings.SplitSeq(set, ",") {
		pattern = strings.TrimSpace(pattern)
		prefix, suffix, any := strings.Cut(pattern, "*")
		if pattern == region || any && len(region) >= len(prefix)+len(suffix) &&
			strings.HasPrefix(region, prefix) && strings.HasSuffix(region, suffix) {
			return true
		}
	}
	return false
}

// unsignedHeaders are the headers that had to be signed and are not: the host
// and everything that begins with x-amz-.
func (s *Signature) unsignedHeaders(r *http.Request) (missing []string) {
	if !s.signs("host") {
		return []string{"host"}
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Amz-") && !s.signs(name) {
			missing = append(missing, strings.ToLower(name))
		}
	}
	slices.Sort(missing)
	return missing
}

func (s *Signature) signs(name string) bool {
	for signed := range strings.SplitSeq(s.SignedHeaders, ";") {
		if len(signed) == len(name) && strings.EqualFold(signed, name) {
			return true
		}
	}
	return false
}

// checkSignature computes the signature and compares it with the one sent.
func (v *Verifier) checkSignature(r *http.Request, s *Signature, t *Target, w wording, key *signingKey, at time.Time) error {
	hash, err := signedPayload(r, s, t)
	if err != nil {
		return err
	}
	c := scratches.Get().(*scratch)
	defer c.free()
	stamp := s.Time
	if len(stamp) != len(amzTime) { // a Date header
		stamp = at.Format(amzTime)
	}
	matches := func(host string) bool {
		c.build(r, s, t.isS3(), host, hash)
		sum := sha256.Sum256(c.canonical)
		b := append(c.text[:0], s.Algorithm.String()...)
		b = append(append(append(b, '\n'), stamp...), '\n')
		b = append(append(b, s.scope...), '\n')
		c.text = hex.AppendEncode(b, sum[:])
		return key.verifies(s.Algorithm, c.text, s.Value)
	}
	accept := func() error {
		return unwrap(r, s, &seal{
			key: key, signature: s, wording: w, s3: t.isS3(),
			time: stamp, previous: strings.TrimRight(s.Value, "*"),
		})
	}
	if matches(r.Host) {
		return accept()
	}
	text, canonical := string(c.text), string(c.canonical)
	// Clients differ in whether they sign a default port that they do or do not send.
	for _, host := range otherHosts(r.Host) {
		if matches(host) {
			return accept()
		}
	}
	return w.mismatch(s, text, canonical)
}

// otherHosts are the ways to write a host that differ from it by a default port.
func otherHosts(host string) []string {
	for _, port := range [...]string{":80", ":443"} {
		if bare, ok := strings.CutSuffix(host, port); ok {
			return []string{bare}
		}
	}
	if i := strings.LastIndexByte(host, ':'); i < 0 || strings.HasSuffix(host, "]") {
		return []string{host + ":80", host + ":443"}
	}
	return nil
}

// verifies says, in constant time, whether value is the signature of text.
func (k *signingKey) verifies(a Algorithm, text []byte, value string) bool {
	if a == ECDSA {
		der, err := hex.DecodeString(strings.TrimRight(value, "*"))
		sum := sha256.Sum256(text)
		return err == nil && ecdsa.VerifyASN1(k.public, sum[:], der)
	}
	return k.matches(text, value)
}
