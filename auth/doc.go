// Package auth says who sent a request. It parses the signatures that AWS
// clients make (Signature Version 4 and 4A, in the Authorization header or in
// the query), verifies them against a Provider of credentials, and unwraps the
// bodies that are signed chunk by chunk.
//
// # Vocabulary
//
//	Signature    what a request says of itself: key id, scope, signed headers.
//	             Parse reads it; nothing in it is to be trusted yet.
//	scope        date/region/service/aws4_request, the part of a credential
//	             that limits where a signature is good for
//	Credentials  a key id with its secret, as the Provider knows it
//	Verifier     compares the two; its Mode says what becomes of keys that the
//	             Provider does not know
//	Target       what the server has found the request to be for: the service,
//	             and the protocol that its errors are worded for
//	Identity     who the caller is, once that is settled
//
// # Powers and limits
//
// The package imports the vocabulary (api) and the standard library only: no
// storage and no services. It does not decide what a caller may do. It keeps no state but a
// bounded cache of derived keys, reads no body whole but those whose hash is
// part of the signature and was not sent along (never S3's), and these only up
// to Target.BodyLimit.
//
// Signature Version 2 is recognised, so that its key id and its expiry are
// known, and refused where a signature has to be verified, but for forms that
// browsers send, where S3 still takes it.
//
// The algorithms are those of
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html and
// https://docs.aws.amazon.com/AmazonS3/latest/API/sig-v4-authenticating-requests.html.
package auth
