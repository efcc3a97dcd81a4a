package protocol

import (
	"net/http"
	"strings"

	"github.com/virga-cloud/virga/api"
)

// quirk is what a service's messages have that its model does not say.
// What is empty is as most services have it.
type quirk struct {
	// namespace precedes the names of the service's own errors in __type.
	namespace string
	// framework services send the errors of the framework that they are built
	// with under its namespaces; see frameworkErrors.
	framework bool
	// crc32 services send the CRC-32 of each body in x-amz-crc32.
	crc32 bool
	// encodes services compress answers for clients that accept it, take
	// requests that are, and have a fault where a request's body is not in its
	// Content-Encoding. Their answers have the Content-Type of the request, and
	// an empty body is no empty object to them.
	encodes bool
	// bare operations have answers without a body, not even an empty object.
	bare map[string]bool
	// message is what unmodelled errors call their message ("message").
	message string
	// errorOwner services fill a member Type of their errors with User or Service.
	errorOwner bool
	// blobType is the Content-Type of payloads without one (application/octet-stream).
	blobType string
	// bareXMLError services send <Error> with nothing around it.
	bareXMLError bool
	// validation is how the service says that an input breaks its model.
	validation validationStyle
	// malformedCode and malformedText are the error for a body that is no JSON
	// (SerializationException, no text).
	malformedCode, malformedText string
	// internalCode and internalText are the error for a fault of the server
	// (InternalFailure).
	internalCode, internalText string
}

// validationStyle is how a service says that an input breaks its model.
type validationStyle struct {
	// code of the error (ValidationException).
	code string
	// requiredOnly services check by hand what the model says, and say it in
	// words of their own: only required members are checked here.
	requiredOnly bool
	// words are the service's own for the first defect, where it does not have
	// those of AWS's validator; nil for defects it has none for.
	words func(*api.Operation, defect) error
	// unechoed are members, as "Operation.Member", of which it is told without the
	// value, and with the name as the model has it, that they are too short or long.
	unechoed map[string]bool
	// names are the limits of names in members that also take ARNs, for which
	// the model has wider ones.
	names *names
}

// styleValidationError is that of services that speak the query protocol.
var styleValidationError = validationStyle{code: "ValidationError"}

// sqsMissing is how SQS, and EC2 likewise, miss a parameter.
func sqsMissing(_ *api.Operation, d defect) error {
	return api.Errorf("MissingParameter", http.StatusBadRequest, "The request must contain the parameter %s.", d.member.name)
}

// s3Missing is how S3 misses a header, a parameter or a part of a document.
func s3Missing(_ *api.Operation, d defect) error {
	switch d.member.loc {
	case inHeader:
		return api.Errorf("InvalidRequest", http.StatusBadRequest, "Missing required header for this request: %s", d.member.wire)
	case inQuery, inURI:
		return api.Errorf("InvalidArgument", http.StatusBadRequest, "Missing required parameter for this request: %s", d.member.wire)
	}
	return api.Errorf("MalformedXML", http.StatusBadRequest, "The XML you provided was not well-formed or did not validate against our published schema")
}

// snsMissing is how SNS misses a parameter.
func snsMissing(_ *api.Operation, d defect) error {
	return api.Errorf("InvalidParameter", http.StatusBadRequest, "Invalid parameter: %s Reason: no value for required parameter", d.member.name)
}

// dynamodbWords are those of the operations that DynamoDB checks by hand: its
// control plane, and the writing of nothing.
func dynamodbWords(op *api.Operation, d defect) error {
	switch {
	case d.missing && d.path == "tableName" && !dynamodbItems[op.Name]:
		return api.Errorf("ValidationException", http.StatusBadRequest, "The parameter 'TableName' is required but was not present in the request")
	case d.missing && d.path == "resourceArn" && strings.Contains(op.Name, "Tag"):
		return api.Errorf("ValidationException", http.StatusBadRequest, "Invalid TableArn")
	case op.Name == "BatchWriteItem" && !d.missing && d.path == "requestItems" && d.at.mapLen(d.shape) == 0:
		return api.Errorf("ValidationException", http.StatusBadRequest, "The requestItems parameter is required for BatchWriteItem")
	}
	return nil
}

// dynamodbItems are the operations on items, whose names of tables AWS's
// validator looks at.
var dynamodbItems = map[string]bool{
	"DeleteItem": true, "GetItem": true, "PutItem": true, "Query": true, "Scan": true, "SearchVectors": true, "UpdateItem": true,
	"TransactGetItems": true, "TransactWriteItems": true,
}

// styleDynamoDB is DynamoDB's.
var styleDynamoDB = validationStyle{
	words:    dynamodbWords,
	unechoed: map[string]bool{"Query.Limit": true, "BatchGetItem.RequestItems": true, "BatchGetItem.Keys": true},
	names: &names{
		members: map[string]bool{"TableName": true, "RequestItems": true},
		limits:  limits{min: parseBound("3"), max: parseBound("255"), pattern: newPattern("[a-zA-Z0-9_.-]+")},
	},
}

const unknownError = "The request processing has failed because of an unknown error, exception or failure."

// quirks are kept by the names of the generated packages.
var quirks = map[string]*quirk{
	"dynamodb": {
		namespace: "com.amazonaws.dynamodb.v20120810#", framework: true, crc32: true, encodes: true,
		bare:         map[string]bool{"TagResource": true, "UntagResource": true},
		internalCode: "InternalServerError", internalText: unknownError, validation: styleDynamoDB,
	},
	"dynamodbstreams": {
		namespace: "com.amazonaws.dynamodb.v20120810#", framework: true, crc32: true,
		internalCode: "InternalServerError", internalText: unknownError,
	},
	"sqs": {
		namespace: "com.amazonaws.sqs#", framework: true,
		validation: validationStyle{requiredOnly: true, words: sqsMissing},
	},
	"sns":          {validation: validationStyle{requiredOnly: true, words: snsMissing}},
	"iam":          {validation: styleValidationError},
	"sts":          {validation: styleValidationError},
	"cloudwatch":   {validation: styleValidationError},
	"logs":         {validation: validationStyle{code: "InvalidParameterException"}},
	"apigateway":   {validation: validationStyle{code: "BadRequestException"}},
	"apigatewayv2": {validation: validationStyle{code: "BadRequestException"}},
	"lambda": {
		errorOwner: true, blobType: "application/json",
		malformedCode: "InvalidRequestContentException", malformedText: "Could not parse request body into json",
		internalCode: "ServiceException", internalText: "An error occurred and the request cannot be processed.",
	},
	"scheduler": {message: "Message", internalCode: "InternalServerException", internalText: unknownError},
	"events":    {internalCode: "InternalException", internalText: unknownError},
	"s3": {
		bareXMLError: true, validation: validationStyle{requiredOnly: true, words: s3Missing},
		internalCode: "InternalError", internalText: "We encountered an internal error. Please try again.",
	},
	"ec2": {
		validation:   validationStyle{requiredOnly: true, words: sqsMissing},
		internalCode: "InternalError", internalText: "An internal error has occurred",
	},
}

// frameworkErrors are the errors of AWS's service framework with their
// namespaces, and with what they call their message.
var frameworkErrors = map[string]struct{ namespace, message string }{
	"AccessDeniedException":               {"com.amazon.coral.service#", "Message"},
	"ExpiredTokenException":               {"com.amazon.coral.service#", "message"},
	"IncompleteSignatureException":        {"com.amazon.coral.service#", "message"},
	"InternalFailure":                     {"com.amazon.coral.service#", "message"},
	"InvalidSignatureException":           {"com.amazon.coral.service#", "message"},
	"MissingAuthenticationTokenException": {"com.amazon.coral.service#", "message"},
	"SerializationException":              {"com.amazon.coral.service#", "Message"},
	"UnknownOperationException":           {"com.amazon.coral.service#", "message"},
	"UnrecognizedClientException":         {"com.amazon.coral.service#", "message"},
	"ValidationException":                 {"com.amazon.coral.validate#", "message"},
}

// quirkOf is the quirk of a service; svc may be nil.
func quirkOf(svc *api.Service) *quirk {
	if svc != nil {
		if q := quirks[svc.Name]; q != nil {
			return q
		}
	}
	return &noQuirk
}

var noQuirk quirk

// errorType is an error's __type in awsJson.
func (q *quirk) errorType(f *failure) string {
	if of, ok := frameworkErrors[f.name]; ok && q.framework && f.shape == nil {
		return of.namespace + f.name
	}
	return q.namespace + f.name
}

// messageName is what an unmodelled error calls its message in JSON.
func (q *quirk) messageName(code string) string {
	if of, ok := frameworkErrors[code]; ok && q.framework {
		return of.message
	}
	if q.message != "" {
		return q.message
	}
	return "message"
}

// absoluteID is a shape id with a namespace, which RPC v2 CBOR demands of __type.
func absoluteID(svc *api.Service, name string) string {
	if q := quirkOf(svc); q.namespace != "" {
		return q.namespace + name
	}
	if svc == nil {
		return "com.amazonaws#" + name
	}
	return "com.amazonaws." + svc.Name + "#" + name
}

// javaNamespace is the package of a service's classes, as messages show it:
// "com.amazonaws.dynamodb.v20120810".
func javaNamespace(svc *api.Service) string {
	if q := quirkOf(svc); q.namespace != "" {
		return strings.TrimSuffix(q.namespace, "#")
	}
	return "com.amazonaws." + svc.Name + ".v" + strings.ReplaceAll(svc.Version, "-", "")
}

// errMalformedJSON is a body that is no JSON at all.
func errMalformedJSON(svc *api.Service) error {
	q := quirkOf(svc)
	if q.malformedCode != "" {
		return &api.Error{Code: q.malformedCode, Status: http.StatusBadRequest, Message: q.malformedText}
	}
	return &api.Error{Code: "SerializationException", Status: http.StatusBadRequest}
}

// internalError is the error for a fault of the server; svc may be nil.
func internalError(svc *api.Service) *api.Error {
	if q := quirkOf(svc); q.internalCode != "" {
		return &api.Error{Code: q.internalCode, Status: http.StatusInternalServerError, Message: q.internalText}
	}
	return &api.Error{Code: "InternalFailure", Status: http.StatusInternalServerError, Message: unknownError}
}

// errBinding is a value in the path, the query or a header that is not what
// the model has there.
func errBinding(op *api.Operation, m *member, value string) error {
	if !quirkOf(op.Service).bareXMLError {
		return errSerialization("Invalid value for " + m.wire)
	}
	text := "Invalid argument"
	if k := m.shape.value().kind; k == kindInt32 || k == kindInt64 {
		text = "Provided " + m.wire + " not an integer or within integer range"
	}
	return (&api.Error{Code: "InvalidArgument", Status: http.StatusBadRequest, Message: text}).
		With("ArgumentName", m.wire).With("ArgumentValue", value)
}
