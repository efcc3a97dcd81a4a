package auth

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/textproto"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
)

// class is a kind of failure as one family of services answers it.
type class struct {
	code   string
	status int
	// text, where it is set, stands in for the detailed message.
	text string
}

// commonWording is how all services but S3 answer: with the same messages,
// under codes and statuses that go with the protocol.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/signature-v4-troubleshooting.html
// and each service's "Common Errors" page.
type commonWording struct {
	none       class // no signature
	incomplete class // a signature that cannot be read
	unknown    class // no such key, or the wrong session token
	wrong      class // a signature or a scope that does not match
	late       class // expired temporary credentials
	allowed    time.Duration
	// queryCodes are sent beside the JSON codes by services that once spoke
	// the query protocol.
	queryCodes *commonWording
}

const (
	textMissing      = "Request is missing Authentication Token"
	textUnknownKey   = "The security token included in the request is invalid."
	textExpiredToken = "The security token included in the request is expired"
	textMismatch     = "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	textAuthFailure  = "AWS was not able to validate the provided access credentials"
)

var (
	jsonWording = &commonWording{
		none:       class{"MissingAuthenticationTokenException", 400, textMissing},
		incomplete: class{"IncompleteSignatureException", 400, ""},
		unknown:    class{"UnrecognizedClientException", 400, textUnknownKey},
		wrong:      class{"InvalidSignatureException", 400, ""},
		late:       class{"ExpiredTokenException", 400, textExpiredToken},
		allowed:    5 * time.Minute,
	}
	restJSONWording = &commonWording{
		none:       class{"MissingAuthenticationTokenException", 403, "Missing Authentication Token"},
		incomplete: class{"IncompleteSignatureException", 403, ""},
		unknown:    class{"UnrecognizedClientException", 403, textUnknownKey},
		wrong:      class{"InvalidSignatureException", 403, ""},
		late:       class{"ExpiredTokenException", 403, textExpiredToken},
		allowed:    5 * time.Minute,
	}
	queryWording = &commonWording{
		none:       class{"MissingAuthenticationToken", 403, textMissing},
		incomplete: class{"IncompleteSignature", 400, ""},
		unknown:    class{"InvalidClientTokenId", 403, textUnknownKey},
		wrong:      class{"SignatureDoesNotMatch", 403, ""},
		late:       class{"ExpiredToken", 403, textExpiredToken},
		allowed:    15 * time.Minute,
	}
	// queryCompatibleWording is SQS's and CloudWatch's over JSON and CBOR: the
	// statuses and the window stay as they were in the query protocol.
	queryCompatibleWording = &commonWording{
		none:       class{"MissingAuthenticationTokenException", 403, textMissing},
		incomplete: class{"IncompleteSignatureException", 400, ""},
		unknown:    class{"UnrecognizedClientException", 403, textUnknownKey},
		wrong:      class{"InvalidSignatureException", 403, ""},
		late:       class{"ExpiredTokenException", 403, textExpiredToken},
		allowed:    15 * time.Minute,
		queryCodes: queryWording,
	}
	// ec2Wording tells callers nothing about which part was wrong.
	// https://docs.aws.amazon.com/AWSEC2/latest/APIReference/errors-overview.html
	ec2Wording = &commonWording{
		none:       class{"MissingAuthenticationToken", 403, textMissing},
		incomplete: class{"IncompleteSignature", 400, ""},
		unknown:    class{"AuthFailure", 401, textAuthFailure},
		wrong:      class{"AuthFailure", 401, textAuthFailure},
		late:       class{"RequestExpired", 400, "Request has expired."},
		allowed:    5 * time.Minute,
	}
)

// answer makes the error of a class, which is one of w's own.
func (w *commonWording) answer(c *class, format string, args ...any) *api.Error {
	e := &api.Error{Code: c.code, Status: c.status, Message: c.text}
	if e.Message == "" {
		e.Message = fmt.Sprintf(format, args...)
	}
	if q := w.queryCodes; q != nil {
		code := map[*class]string{&w.none: q.none.code, &w.incomplete: q.incomplete.code,
			&w.unknown: q.unknown.code, &w.wrong: q.wrong.code, &w.late: q.late.code}[c]
		e.WithHeader("x-amzn-query-error", code+";Sender")
	}
	return e
}

func (w *commonWording) skew() time.Duration { return w.allowed }

func (w *commonWording) missing() *api.Error { return w.answer(&w.none, "") }

func (w *commonWording) malformed(s *Signature) *api.Error {
	switch s.fault.kind {
	case faultPair, faultScheme:
		return w.notAPair(s.fault.arg)
	case faultCredential, faultNoKey:
		return w.answer(&w.incomplete, "Credential must have exactly 5 slash-delimited elements, e.g. keyid/date/region/service/term, got '%s'", s.fault.arg)
	case faultTerminator:
		return w.answer(&w.wrong, "Credential should be scoped with a valid terminator: 'aws4_request', not '%s'.", s.fault.arg)
	case faultAlgorithm:
		return w.answer(&w.incomplete, "Unsupported AWS 'algorithm': '%s'.", s.fault.arg)
	case faultTwoMechanisms:
		return w.answer(&w.incomplete, "Authorization header and query-string parameters must not both carry a signature.")
	case faultNoParameters:
		return w.lacking("Credential,Signature,SignedHeaders", s)
	}
	return w.lacking(s.fault.arg, s)
}

// lacking says which of a signature's parameters were not sent.
func (w *commonWording) lacking(names string, s *Signature) *api.Error {
	var b strings.Builder
	for name := range strings.SplitSeq(names, ",") {
		if s.Kind == Presigned {
			fmt.Fprintf(&b, "AWS query-string parameters must include '%s'. ", name)
		} else {
			fmt.Fprintf(&b, "Authorization header requires '%s' parameter. ", name)
		}
	}
	if s.Kind == Presigned {
		return w.answer(&w.incomplete, "%sRe-examine the query-string parameters.", b.String())
	}
	if s.Time == "" {
		b.WriteString("Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. ")
	}
	return w.answer(&w.incomplete, "%s", strings.TrimSuffix(b.String(), " "))
}

// notAPair does not repeat what was sent, which may be a secret in the wrong place.
func (w *commonWording) notAPair(sent string) *api.Error {
	sum := sha256.Sum256([]byte(sent))
	return w.answer(&w.incomplete, "Invalid key=value pair (missing equal-sign) in Authorization header (hashed with SHA-256 and encoded with Base64): '%s'.",
		base64.StdEncoding.EncodeToString(sum[:]))
}

func (w *commonWording) version2(s *Signature) *api.Error {
	if s.Kind == Version2Header {
		return w.notAPair(s.AccessKeyID + ":" + s.Value)
	}
	return w.answer(&w.incomplete, "AWS Signature Version 2 is not supported.")
}

func (w *commonWording) noDate(s *Signature) *api.Error {
	return w.answer(&w.incomplete, "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header.")
}

func (w *commonWording) badDate(s *Signature) *api.Error {
	return w.answer(&w.incomplete, "Date must be in ISO-8601 'basic format'. Got '%s'. See http://en.wikipedia.org/wiki/ISO_8601", s.Time)
}

func (w *commonWording) badExpires(s *Signature, _ int64, _ error) *api.Error {
	return w.answer(&w.incomplete, "Invalid 'X-Amz-Expires' parameter: '%s'.", s.Expires)
}

func (w *commonWording) skewed(s *Signature, at, now time.Time) *api.Error {
	minutes := int(w.allowed / time.Minute)
	if at.Before(now) {
		return w.answer(&w.wrong, "Signature expired: %s is now earlier than %s (%s - %d min.)",
			at.Format(amzTime), now.Add(-w.allowed).Format(amzTime), now.Format(amzTime), minutes)
	}
	return w.answer(&w.wrong, "Signature not yet current: %s is still later than %s (%s + %d min.)",
		at.Format(amzTime), now.Add(w.allowed).Format(amzTime), now.Format(amzTime), minutes)
}

func (w *commonWording) expired(s *Signature, at, _, now time.Time) *api.Error {
	return w.skewed(s, at, now)
}

func (w *commonWording) early(s *Signature, at, _, now time.Time) *api.Error {
	return w.skewed(s, at, now)
}

func (w *commonWording) unknownKey(*Signature) *api.Error { return w.answer(&w.unknown, "") }

func (w *commonWording) badToken(*Signature) *api.Error { return w.answer(&w.unknown, "") }

func (w *commonWording) expiredToken(*Signature) *api.Error { return w.answer(&w.late, "") }

func (w *commonWording) wrongDate(s *Signature, at time.Time) *api.Error {
	return w.answer(&w.wrong, "Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date from HTTP: '%s' != '%s', from '%s'.",
		s.Date, at.Format("20060102"), at.Format(amzTime))
}

func (w *commonWording) wrongRegion(s *Signature, _ string) *api.Error {
	return w.answer(&w.wrong, "Credential should be scoped to a valid region, not '%s'. ", s.Region)
}

func (w *commonWording) wrongService(s *Signature, want string) *api.Error {
	return w.answer(&w.wrong, "Credential should be scoped to correct service: '%s'. ", want)
}

func (w *commonWording) unsigned(s *Signature, headers []string) *api.Error {
	if headers[0] == "host" {
		return w.answer(&w.wrong, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	return w.answer(&w.wrong, "'%s' must be a 'SignedHeader' in the AWS Authorization.", textproto.CanonicalMIMEHeaderKey(headers[0]))
}

func (w *commonWording) mismatch(*Signature, string, string) *api.Error {
	return w.answer(&w.wrong, textMismatch)
}
