package auth

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"time"

	"github.com/virga-cloud/virga/api"
)

// AuthenticateForm says who signed the policy of a form that a browser sent to
// S3, or why that cannot be told. field is the value of a field by its name in lower case, "" for
// none. What the policy allows is for the caller to check.
//
// Forms are signed with version 4, or version 2, which S3 still takes for them.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-UsingHTTPPOST.html
func (v *Verifier) AuthenticateForm(ctx context.Context, field func(name string) string) (*Identity, error) {
	s, required := parseForm(field)
	if s.Kind == Anonymous {
		switch {
		case v.strict() && field("policy") != "":
			return nil, s3Wording{}.missing()
		case v.strict():
			return &Identity{Account: api.DefaultAccount, Anonymous: true, Principal: api.Principal{Anonymous: true}}, nil
		}
		return &Identity{Account: api.DefaultAccount, Anonymous: true, Principal: defaultRoot}, nil
	}
	for _, name := range required {
		if field(canonicalField[name]) == "" {
			return nil, invalidArgument("Bucket POST must contain a field named '"+name+"'.  If it is specified, please check the order of the fields.", name, "")
		}
	}
	if s.Malformed() {
		return nil, malformedForm(s)
	}
	creds, err := v.lookup(ctx, s.AccessKeyID)
	switch {
	case errors.Is(err, ErrInactiveKey), errors.Is(err, ErrUnknownKey) && v.strict():
		return nil, s3Wording{}.unknownKey(s)
	case errors.Is(err, ErrUnknownKey):
		return new(unknownIdentity(s)), nil
	case err != nil:
		return nil, fmt.Errorf("looking up access key %s: %w", s.AccessKeyID, err)
	}
	if err := v.verifyForm(s, field("policy"), creds); err != nil {
		return nil, err
	}
	return &Identity{
		Account: creds.Account, AccessKeyID: s.AccessKeyID, Principal: creds.Principal, Region: s.Region, Verified: true,
	}, nil
}

// canonicalField are the names of the fields that sign a form, as S3 writes
// them in errors, with their names in lower case.
var canonicalField = map[string]string{
	"policy": "policy", "AWSAccessKeyId": "awsaccesskeyid", "Signature": "signature",
	"X-Amz-Algorithm": "x-amz-algorithm", "X-Amz-Credential": "x-amz-credential", "X-Amz-Date": "x-amz-date", "X-Amz-Signature": "x-amz-signature",
}

// parseForm reads the signature of a form, and says which fields it needs.
func parseForm(field func(string) string) (s *Signature, required []string) {
	s = &Signature{SessionToken: field("x-amz-security-token")}
	switch {
	case field("x-amz-signature")+field("x-amz-credential")+field("x-amz-algorithm")+field("x-amz-date") != "":
		s.Kind, s.Value, s.Time = Presigned, field("x-amz-signature"), field("x-amz-date")
		if a := field("x-amz-algorithm"); a != algorithmHMAC {
			s.fault = fault{faultAlgorithm, a}
		}
		s.setCredential(field("x-amz-credential"))
		return s, []string{"X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Signature", "policy"}
	case field("awsaccesskeyid")+field("signature") != "":
		s.Kind, s.AccessKeyID, s.Value = Version2Query, field("awsaccesskeyid"), field("signature")
		return s, []string{"AWSAccessKeyId", "Signature", "policy"}
	}
	return s, nil
}

// malformedForm tells what is wrong with a form's credential.
func malformedForm(s *Signature) *api.Error {
	credential := s.AccessKeyID + "/" + s.scope
	switch f := s.fault; f.kind {
	case faultAlgorithm:
		return invalidArgument("X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256\"", "X-Amz-Algorithm", f.arg)
	case faultTerminator:
		return invalidArgument(`incorrect terminal "`+f.arg+`". This endpoint uses "aws4_request".`, "x-amz-credential", credential)
	}
	return invalidArgument(`the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`, "x-amz-credential", credential)
}

// verifyForm checks the signature over a policy as it was sent, in base64.
// When it was made does not matter: the policy says when it ends.
func (v *Verifier) verifyForm(s *Signature, policy string, creds *Credentials) error {
	var w s3Wording
	switch {
	case subtle.ConstantTimeCompare([]byte(s.SessionToken), []byte(creds.SessionToken)) == 0:
		return w.badToken(s)
	case !creds.Expires.IsZero() && !v.Clock.Now().Before(creds.Expires):
		return w.expiredToken(s)
	case s.Kind == Version2Query:
		h := hmac.New(sha1.New, []byte(creds.SecretAccessKey))
		h.Write([]byte(policy))
		if subtle.ConstantTimeCompare([]byte(base64.StdEncoding.EncodeToString(h.Sum(nil))), []byte(s.Value)) == 0 {
			return w.mismatch(s, policy, "")
		}
		return nil
	}
	if _, err := time.Parse("20060102", s.Date); err != nil {
		return invalidArgument(`incorrect date format "`+s.Date+`". This date in the credential must be in the format "yyyyMMdd".`, "x-amz-credential", s.AccessKeyID+"/"+s.scope)
	}
	if s.Service != "s3" {
		return invalidArgument(`incorrect service "`+s.Service+`". This endpoint belongs to "s3".`, "x-amz-credential", s.AccessKeyID+"/"+s.scope)
	}
	if !v.keys.get(creds, s).verifies(HMAC, []byte(policy), s.Value) {
		return w.mismatch(s, policy, "")
	}
	return nil
}
