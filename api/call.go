package api

import (
	"context"
	"strings"
	"time"
)

// DefaultAccount is the account of callers whose keys name no other.
const DefaultAccount = "000000000000"

// IsAccount says whether s has the form of an account's id: 12 digits.
func IsAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

// DefaultRegion is the region of requests that name none.
const DefaultRegion = "us-east-1"

// Call is what the server knows of one request besides its input.
// It is set before a handler runs and must not be changed afterwards.
type Call struct {
	// Account owns what the call makes; 12 digits.
	Account string
	// Region is the region the request was signed for.
	Region string
	// Principal is who calls.
	Principal Principal
	// AccessKeyID is the key that signed the request ("" when unsigned).
	AccessKeyID string
	// RequestID is sent in the answer and in the log.
	RequestID string
	// Time is when the request arrived, by the injected clock.
	Time time.Time
	// Operation is what is being called.
	Operation *Operation
	// Scheme ("http" or "https") and Host (with port) are how the client reached
	// the server, for answers that hold addresses.
	Scheme, Host string
	// SourceIP is the client's address without port.
	SourceIP string
	// UserAgent is the client's, as sent.
	UserAgent string
	// VirtualHost says that an S3 bucket was named by the host.
	VirtualHost bool
}

// Principal is who makes a call.
type Principal struct {
	// ARN identifies the principal: "arn:aws:iam::000000000000:root",
	// "arn:aws:sts::...:assumed-role/name/session". Empty for AWS services and
	// for anonymous callers.
	ARN string
	// ID is the unique id of the user, role session ("AROA...:name") or root account.
	ID string
	// Account is the principal's account; it differs from the call's account
	// only in cross-account access.
	Account string
	// Service is the service principal of calls made by a service on a user's
	// behalf, as in "s3.amazonaws.com".
	Service string
	// SourceARN and SourceAccount name the resource on whose behalf a service calls.
	SourceARN, SourceAccount string
	// Anonymous callers sent no credentials.
	Anonymous bool
}

// Root is the root principal of an account.
func Root(account string) Principal {
	return Principal{ARN: "arn:aws:iam::" + account + ":root", ID: account, Account: account}
}

// ServicePrincipal is a service acting for a resource.
func ServicePrincipal(service, sourceARN, sourceAccount string) Principal {
	return Principal{Service: service, SourceARN: sourceARN, SourceAccount: sourceAccount, Account: sourceAccount}
}

type callKey struct{}

// WithCall returns a context that carries the call.
func WithCall(ctx context.Context, c *Call) context.Context {
	return context.WithValue(ctx, callKey{}, c)
}

// CallContext is a context that carries a call, for who has a place for it.
type CallContext struct {
	context.Context
	Call Call
}

// Value implements context.Context.
func (c *CallContext) Value(key any) any {
	if key == (callKey{}) {
		return &c.Call
	}
	return c.Context.Value(key)
}

// CallFrom is the call a handler runs for. It panics when there is none: a
// handler never runs outside a call.
func CallFrom(ctx context.Context) *Call {
	if c, ok := ctx.(*CallContext); ok {
		return &c.Call
	}
	c, ok := ctx.Value(callKey{}).(*Call)
	if !ok {
		panic("api: no call in context")
	}
	return c
}
