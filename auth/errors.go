package auth

import (
	"time"

	"github.com/virga-cloud/virga/api"
)

// faultKind is what is wrong with the form of a signature.
type faultKind uint8

const (
	faultNone          faultKind = iota
	faultScheme                  // an Authorization scheme that is none of AWS's
	faultNoParameters            // a scheme and nothing behind it
	faultPair                    // a parameter without an equals sign
	faultMissing                 // parameters that are not there; arg lists them
	faultCredential              // a credential of too few or too many parts
	faultNoKey                   // a credential that begins with its slash
	faultTerminator              // a scope that does not end in aws4_request
	faultAlgorithm               // an unknown X-Amz-Algorithm
	faultTwoMechanisms           // both a header and a query signature
)

type fault struct {
	kind faultKind
	arg  string
}

// wording is how a family of services says what is wrong with a signature.
type wording interface {
	// skew is how far the clocks of client and service may be apart.
	skew() time.Duration
	// missing: the request is not signed.
	missing() *api.Error
	// malformed: the signature has a fault.
	malformed(s *Signature) *api.Error
	// version2: the signature is of Signature Version 2.
	version2(s *Signature) *api.Error
	// noDate and badDate: there is no time, or none that can be read.
	noDate(s *Signature) *api.Error
	badDate(s *Signature) *api.Error
	// badExpires: X-Amz-Expires is no number, negative, or more than a week.
	badExpires(s *Signature, seconds int64, err error) *api.Error
	// skewed: the request was signed too long ago or is from the future.
	skewed(s *Signature, at, now time.Time) *api.Error
	// expired and early: a presigned request is past its end, or before its beginning.
	expired(s *Signature, at, end, now time.Time) *api.Error
	early(s *Signature, at, end, now time.Time) *api.Error
	// unknownKey: there is no such key id.
	unknownKey(s *Signature) *api.Error
	// badToken: the session token is not the one that belongs to the key.
	badToken(s *Signature) *api.Error
	// expiredToken: temporary credentials are past their end.
	expiredToken(s *Signature) *api.Error
	// wrongDate, wrongRegion and wrongService: the scope is for something else.
	wrongDate(s *Signature, at time.Time) *api.Error
	wrongRegion(s *Signature, want string) *api.Error
	wrongService(s *Signature, want string) *api.Error
	// unsigned: these headers had to be signed.
	unsigned(s *Signature, headers []string) *api.Error
	// mismatch: the signature is not what it should be. canonical is "" for
	// chunks, which have no canonical request.
	mismatch(s *Signature, stringToSign, canonical string) *api.Error
}

// amzTime is the form of X-Amz-Date.
const amzTime = "20060102T150405Z"

func wordingFor(t *Target) wording {
	svc := t.Service
	if svc == nil {
		return restJSONWording
	}
	if svc.Name == "s3" || svc.Name == "s3control" {
		return s3Wording{}
	}
	switch t.protocol() {
	case api.JSON, api.CBOR:
		if svc.QueryCompatible {
			return queryCompatibleWording
		}
		return jsonWording
	case api.RESTJSON:
		return restJSONWording
	case api.EC2:
		return ec2Wording
	}
	return queryWording
}
