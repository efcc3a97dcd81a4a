package auth

import (
	"context"
	"errors"
	"time"

	"github.com/virga-cloud/virga/api"
)

// Credentials are a key id with its secret and its owner.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey string
	// SessionToken is what requests must carry beside the signature; "" for
	// long-term keys, which must carry none.
	SessionToken string
	// Account owns what calls made with the key create; 12 digits.
	Account string
	// Principal is who signs with the key.
	Principal api.Principal
	// Expires is when temporary credentials end; zero for never.
	Expires time.Time
}

// ErrUnknownKey is a Provider's answer for a key id that was never issued.
var ErrUnknownKey = errors.New("auth: unknown access key")

// ErrInactiveKey is a Provider's answer for a key that was issued and must not
// be used: made inactive, or deleted and remembered. It is refused in every
// mode, in AWS's words for a key that does not exist.
var ErrInactiveKey = errors.New("auth: inactive access key")

// Provider knows credentials. It is asked once for each signed request and
// must be safe for concurrent use.
type Provider interface {
	// Credentials returns the credentials of a key id, or an error that is
	// ErrUnknownKey or ErrInactiveKey. Any other error fails the request as an
	// internal one. What is returned is not modified and may be shared.
	Credentials(ctx context.Context, accessKeyID string) (*Credentials, error)
}

// Mode says how strictly callers are identified; "" is Off.
type Mode string

const (
	// Off lets in, as the root of their account, callers whose key the
	// Provider does not know and callers without a signature. Keys that it
	// knows are verified as in the other modes, since a test that uses
	// credentials it was issued wants to know whether they work.
	Off Mode = "off"
	// Audit and Enforce refuse unknown keys and missing signatures. They
	// differ in what follows: policies are reported, or obeyed.
	Audit   Mode = "audit"
	Enforce Mode = "enforce"
)

// Identity is who sent a request.
type Identity struct {
	// Account is the account that the call is made in.
	Account string
	// AccessKeyID is the key that signed; "" for unsigned requests.
	AccessKeyID string
	// Principal is the caller. In mode Off it is the account's root for
	// unknown keys and for anonymous callers.
	Principal api.Principal
	// Region is the region of the signature's scope; "" when there is none,
	// as for SigV4A signatures that are good in all.
	Region string
	// Anonymous callers sent no signature, whatever Principal they were given.
	Anonymous bool
	// Verified says that the signature was checked and is right.
	Verified bool
}
