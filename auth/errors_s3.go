package auth

import (
	"encoding/hex"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
)

// s3Wording is how S3 and S3 Control answer.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
type s3Wording struct{}

const s3Time = "2006-01-02T15:04:05Z"

func (s3Wording) skew() time.Duration { return 15 * time.Minute }

func (s3Wording) missing() *api.Error { return api.Errorf("AccessDenied", 403, "Access Denied") }

// malformedHeader and malformedQuery are the two codes under which S3 tells
// what is wrong with a credential.
func malformedHeader(text string) *api.Error {
	return api.Errorf("AuthorizationHeaderMalformed", 400, "The authorization header is malformed; %s", text)
}

func malformedQuery(text string) *api.Error {
	return api.Errorf("AuthorizationQueryParametersError", 400, "%s", text)
}

func malformedCredential(s *Signature, text string) *api.Error {
	if s.Kind == Presigned {
		return malformedQuery("Error parsing the X-Amz-Credential parameter; " + text)
	}
	return malformedHeader(text)
}

func invalidArgument(message, name, value string) *api.Error {
	return api.Errorf("InvalidArgument", 400, "%s", message).With("ArgumentName", name).With("ArgumentValue", value)
}

func (s3Wording) malformed(s *Signature) *api.Error {
	switch f := s.fault; f.kind {
	case faultScheme:
		return invalidArgument("Unsupported Authorization Type", "Authorization", f.arg)
	case faultNoParameters:
		return invalidArgument("Authorization header is invalid -- one and only one ' ' (space) required", "Authorization", f.arg)
	case faultTwoMechanisms:
		return invalidArgument("Only one auth mechanism allowed; only the X-Amz-Algorithm query parameter, Signature query string parameter or the Authorization header should be specified", "Authorization", s.Algorithm.String())
	case faultAlgorithm:
		return malformedQuery(`X-Amz-Algorithm only supports "AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256"`)
	case faultPair:
		return malformedHeader(`the authorization component "` + f.arg + `" is malformed.`)
	case faultCredential:
		return malformedCredential(s, `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`)
	case faultNoKey:
		return malformedCredential(s, "a non-empty Access Key (AKID) must be provided in the credential.")
	case faultTerminator:
		return malformedCredential(s, `incorrect terminal "`+f.arg+`". This endpoint uses "aws4_request".`)
	}
	if s.Kind == Presigned {
		return lacksQueryParameters()
	}
	if strings.Contains(s.fault.arg, ",") {
		return malformedHeader("the authorization header requires three components: Credential, SignedHeaders, and Signature.")
	}
	return malformedHeader("missing " + s.fault.arg + ".")
}

func lacksQueryParameters() *api.Error {
	return malformedQuery("Query-string authentication version 4 requires the X-Amz-Algorithm, X-Amz-Credential, X-Amz-Signature, X-Amz-Date, X-Amz-SignedHeaders, and X-Amz-Expires parameters.")
}

func (s3Wording) version2(*Signature) *api.Error {
	return api.Errorf("InvalidRequest", 400, "The authorization mechanism you have provided is not supported. Please use AWS4-HMAC-SHA256.")
}

func (s3Wording) noDate(*Signature) *api.Error {
	return api.Errorf("AccessDenied", 403, "AWS authentication requires a valid Date or x-amz-date header")
}

func (w s3Wording) badDate(s *Signature) *api.Error {
	if s.Kind == Presigned {
		return malformedQuery(`X-Amz-Date must be in the ISO8601 Long Format "yyyyMMdd'T'HHmmss'Z'"`)
	}
	return w.noDate(s)
}

func (s3Wording) badExpires(s *Signature, seconds int64, err error) *api.Error {
	switch {
	case s.Expires == "":
		return lacksQueryParameters()
	case err != nil:
		return malformedQuery("X-Amz-Expires should be a number")
	case seconds < 0:
		return malformedQuery("X-Amz-Expires must be non-negative")
	}
	return malformedQuery("X-Amz-Expires must be less than a week (in seconds); that is, the given X-Amz-Expires must be less than 604800 seconds")
}

func (w s3Wording) skewed(s *Signature, _, now time.Time) *api.Error {
	return api.Errorf("RequestTimeTooSkewed", 403, "The difference between the request time and the current time is too large.").
		With("RequestTime", s.Time).
		With("ServerTime", now.Format(s3Time)).
		With("MaxAllowedSkewMilliseconds", strconv.FormatInt(w.skew().Milliseconds(), 10))
}

func (s3Wording) expired(s *Signature, _, end, now time.Time) *api.Error {
	e := api.Errorf("AccessDenied", 403, "Request has expired")
	if s.Kind == Presigned {
		e.With("X-Amz-Expires", s.Expires)
	}
	return e.With("Expires", end.Format(s3Time)).With("ServerTime", now.Format(s3Time))
}

func (s3Wording) early(_ *Signature, at, end, now time.Time) *api.Error {
	return api.Errorf("AccessDenied", 403, "Request is not yet valid").
		With("X-Amz-Date", strconv.FormatInt(at.UnixMilli(), 10)).
		With("Expires", end.Format(s3Time)).
		With("ServerTime", now.Format(s3Time))
}

func (s3Wording) unknownKey(s *Signature) *api.Error {
	return api.Errorf("InvalidAccessKeyId", 403, "The AWS Access Key Id you provided does not exist in our records.").
		With("AWSAccessKeyId", s.AccessKeyID)
}

func (w s3Wording) badToken(s *Signature) *api.Error {
	if s.SessionToken == "" {
		// A temporary key means nothing without its token.
		return w.unknownKey(s)
	}
	return api.Errorf("InvalidToken", 400, "The provided token is malformed or otherwise invalid.").With("Token-0", s.SessionToken)
}

func (s3Wording) expiredToken(s *Signature) *api.Error {
	return api.Errorf("ExpiredToken", 400, "The provided token has expired.").With("Token-0", s.SessionToken)
}

func (s3Wording) wrongDate(s *Signature, at time.Time) *api.Error {
	if _, err := time.Parse("20060102", s.Date); err != nil {
		return malformedCredential(s, `incorrect date format "`+s.Date+`". This date in the credential must be in the format "yyyyMMdd".`)
	}
	text := `Invalid credential date "` + s.Date + `". This date is not the same as X-Amz-Date: "` + at.Format("20060102") + `".`
	if s.Kind == Presigned {
		return malformedQuery(text)
	}
	return malformedHeader(text)
}

func (s3Wording) wrongRegion(s *Signature, want string) *api.Error {
	return malformedCredential(s, "the region '"+s.Region+"' is wrong; expecting '"+want+"'").With("Region", want)
}

func (s3Wording) wrongService(s *Signature, want string) *api.Error {
	return malformedCredential(s, `incorrect service "`+s.Service+`". This endpoint belongs to "`+want+`".`)
}

func (s3Wording) unsigned(_ *Signature, headers []string) *api.Error {
	return api.Errorf("AccessDenied", 403, "There were headers present in the request which were not signed").
		With("HeadersNotSigned", strings.Join(headers, ", "))
}

func (s3Wording) mismatch(s *Signature, stringToSign, canonical string) *api.Error {
	e := api.Errorf("SignatureDoesNotMatch", 403, "The request signature we calculated does not match the signature you provided. Check your key and signing method.").
		With("AWSAccessKeyId", s.AccessKeyID).
		With("StringToSign", stringToSign).
		With("SignatureProvided", s.Value).
		With("StringToSignBytes", spacedHex(stringToSign))
	if canonical != "" {
		e.With("CanonicalRequest", canonical).With("CanonicalRequestBytes", spacedHex(canonical))
	}
	return e
}

// spacedHex is "47 45 54 ...", as S3 shows bytes.
func spacedHex(s string) string {
	var b strings.Builder
	b.Grow(3 * len(s))
	for i := range len(s) {
		if i > 0 {
			b.WriteByte(' ')
		}
		b.WriteString(hex.EncodeToString([]byte{s[i]}))
	}
	return b.String()
}

// The errors below are about the payload, and S3's alone.

func missingPayloadHash() *api.Error {
	return api.Errorf("InvalidRequest", 400, "Missing required header for this request: x-amz-content-sha256")
}

func badPayloadHash(value string) *api.Error {
	return invalidArgument("x-amz-content-sha256 must be UNSIGNED-PAYLOAD, STREAMING-UNSIGNED-PAYLOAD-TRAILER, STREAMING-AWS4-HMAC-SHA256-PAYLOAD, STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD, STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD-TRAILER or a valid sha256 value.",
		"x-amz-content-sha256", value)
}

func anonymousSignedPayload() *api.Error {
	return api.Errorf("InvalidRequest", 400, "Anonymous requests don't support this x-amz-content-sha256 value. Please use UNSIGNED-PAYLOAD or STREAMING-UNSIGNED-PAYLOAD-TRAILER.")
}

func payloadMismatch(sent, computed string) *api.Error {
	return api.Errorf("XAmzContentSHA256Mismatch", 400, "The provided 'x-amz-content-sha256' header does not match what was computed.").
		With("ClientComputedContentSHA256", sent).
		With("S3ComputedContentSHA256", computed)
}

func missingContentLength() *api.Error {
	return api.Errorf("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
}

// brokenChunks: the framing is damaged or ends too early.
func brokenChunks(cause error) *api.Error {
	e := api.Errorf("IncompleteBody", 400, "The request body terminated unexpectedly")
	e.Cause = cause
	return e
}

// wrongLength: there is more or less data than X-Amz-Decoded-Content-Length said.
func wrongLength() *api.Error {
	return api.Errorf("IncompleteBody", 400, "You did not provide the number of bytes specified by the Content-Length HTTP header")
}

func smallChunk(number int, size int64) *api.Error {
	return api.Errorf("InvalidChunkSizeError", 403, "Only the last chunk is allowed to have a size less than 8192 bytes").
		With("Chunk", strconv.Itoa(number)).
		With("BadChunkSize", strconv.FormatInt(size, 10))
}

func malformedTrailer() *api.Error {
	return api.Errorf("MalformedTrailerError", 400, "The request contained trailing data that was not well-formed or did not conform to our published schema.")
}
