package protocol

import (
	"strings"

	"github.com/virga-cloud/virga/api"
)

// quirk is what a service's answers have that its model does not say.
type quirk struct {
	// namespace precedes the name of the service's own errors in __type: "" for
	// services that send the bare name.
	namespace string
	// coral services send the errors of their framework, such as
	// SerializationException, with the framework's namespaces.
	coral bool
	// crc32 services send the CRC-32 of each body in x-amz-crc32.
	crc32 bool
}

// quirks are kept by the names of generated packages.
var quirks = map[string]quirk{}

// quirkOf is the quirk of a service; svc may be nil.
func quirkOf(svc *api.Service) quirk {
	if svc == nil {
		return quirk{}
	}
	return quirks[svc.Name]
}

// javaNamespace is the package of a service's classes, as messages show it:
// "com.amazonaws.dynamodb.v20120810".
func javaNamespace(svc *api.Service) string {
	return "com.amazonaws." + svc.Name + ".v" + strings.ReplaceAll(svc.Version, "-", "")
}

// errMalformedJSON is a body that is no JSON at all.
func errMalformedJSON(op *api.Operation) error {
	return &api.Error{Code: "SerializationException", Status: 400}
}
