// Package fault makes the errors by which S3 refuses a request for what it
// says, for the packages beside it that hold the rules of one kind of
// configuration each. It knows no bucket and no object.
package fault

import (
	"slices"

	"github.com/virga-cloud/virga/api"
)

// MalformedXML is the answer to a document that is not of its schema.
// https://docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html
func MalformedXML() error {
	return api.Errorf("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
}

// InvalidArgument is the answer to one value that cannot be.
func InvalidArgument(name, value, message string) error {
	return api.Errorf("InvalidArgument", 400, "%s", message).With("ArgumentName", name).With("ArgumentValue", value)
}

// InvalidValue is InvalidArgument where S3 does not say of what.
func InvalidValue(format string, args ...any) error {
	return api.Errorf("InvalidArgument", 400, format, args...)
}

// InvalidRequest is the answer to what contradicts itself or is not supported.
func InvalidRequest(format string, args ...any) error {
	return api.Errorf("InvalidRequest", 400, format, args...)
}

// Unknown says whether a value of an enumeration is sent and none of it: a
// document that holds one is malformed.
func Unknown(e api.Enum, value string) bool {
	return value != "" && !slices.Contains(e.Values(), value)
}

// InvalidTag is the answer to a tag that cannot be.
func InvalidTag(message string) error { return api.Errorf("InvalidTag", 400, "%s", message) }

// MalformedACL is the answer to an access control list that is none.
func MalformedACL() error {
	return api.Errorf("MalformedACLError", 400, "The XML you provided was not well-formed or did not validate against our published schema")
}

// EmailGrantee is the answer to a grant to an e-mail address, which S3 has not
// taken since October 2025.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_Grantee.html
func EmailGrantee() error {
	return api.Errorf("MethodNotAllowed", 405, "The specified method is not allowed against this resource.")
}

// MalformedPolicy is the answer to a policy that is none.
func MalformedPolicy(format string, args ...any) error {
	return api.Errorf("MalformedPolicy", 400, format, args...)
}
