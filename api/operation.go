package api

import (
	"context"
	"fmt"
)

// Service is what a model says about a whole service.
type Service struct {
	// Name is the generated package's name, which is also the models' folder
	// name and botocore's client name: "dynamodb", "events".
	Name string
	// ID is the service id of the SDKs: "DynamoDB", "EventBridge".
	ID string
	// Version is the API version: "2012-08-10".
	Version string
	// EndpointPrefix is the first label of the service's host.
	EndpointPrefix string
	// SigningName is the service part of a signature's credential scope.
	SigningName string
	// TargetPrefix precedes the operation in X-Amz-Target ("" outside awsJson).
	TargetPrefix string
	// JSONVersion is "1.0" or "1.1", the version in awsJson content types.
	JSONVersion string
	// XMLNamespace is the namespace of XML answers.
	XMLNamespace string
	// Protocols are the protocols the service answers in, the preferred first,
	// by botocore's names: "json", "rest-json", "rest-xml", "query", "ec2",
	// "smithy-rpc-v2-cbor".
	Protocols []Protocol
	// QueryCompatible services send x-amzn-query-error with JSON and CBOR
	// errors, and their error codes in JSON are the shapes' query codes.
	QueryCompatible bool
	// GlobalEndpoint is the host of a service without regions ("" otherwise).
	GlobalEndpoint string
}

// Protocol is the name of an AWS protocol.
type Protocol string

// The protocols, by botocore's names.
const (
	JSON     Protocol = "json" // awsJson 1.0 and 1.1
	RESTJSON Protocol = "rest-json"
	RESTXML  Protocol = "rest-xml"
	Query    Protocol = "query"
	EC2      Protocol = "ec2"
	CBOR     Protocol = "smithy-rpc-v2-cbor"
)

// Operation is what a model says about one operation.
type Operation struct {
	Service *Service
	Name    string
	// Method and URI are the REST binding, as in "PUT" and
	// "/{Bucket}/{Key+}?tagging". RPC services have POST and "/".
	Method string
	URI    string
	// Status is the HTTP status of a success (200 unless the model says more).
	Status int
	// InputName and InputNamespace are the root element of a REST XML request.
	InputName      string
	InputNamespace string
	// OutputName is the root element of a REST XML response body; "" means
	// the output shape's own name.
	OutputName string
	// OutputNamespace is its namespace where it is not the service's.
	OutputNamespace string
	// ResultWrapper is the element around a query protocol's result ("" none).
	ResultWrapper string
	// Deprecated operations give way to others of the same binding.
	Deprecated bool
	// NoAuth operations take unsigned requests (authtype none).
	NoAuth bool
	// UnsignedPayload operations are signed without their body.
	UnsignedPayload bool
	// ChecksumRequired operations refuse a body without Content-MD5 or a
	// checksum; ChecksumMember is the input member that names the algorithm.
	ChecksumRequired bool
	ChecksumMember   string
	// HostPrefix precedes the service's host; it may hold "{Label}".
	HostPrefix string
}

// String is "service:Operation", as in IAM actions.
func (o *Operation) String() string { return o.Service.SigningName + ":" + o.Name }

// Known is an operation with its types: what a generated package lists.
type Known interface {
	// Spec is what the model says.
	Spec() *Operation
	// NewInput and NewOutput return pointers to new zero structures.
	NewInput() any
	NewOutput() any
}

// Op is an operation with the types of its input and output.
// Generated packages hold one variable of it for each operation.
type Op[In, Out any] struct{ Operation }

// Spec implements Known.
func (o *Op[In, Out]) Spec() *Operation { return &o.Operation }

// NewInput implements Known.
func (o *Op[In, Out]) NewInput() any { return new(In) }

// NewOutput implements Known.
func (o *Op[In, Out]) NewOutput() any { return new(Out) }

// Handle binds the operation to the function that carries it out.
func (o *Op[In, Out]) Handle(f func(context.Context, *In) (*Out, error)) Handler {
	return Handler{
		Known: o,
		Call: func(ctx context.Context, in any) (any, error) {
			out, err := f(ctx, in.(*In))
			if err != nil {
				return nil, err
			}
			if out == nil {
				return nil, fmt.Errorf("%s: handler returned neither output nor error", o.String())
			}
			return out, nil
		},
	}
}

// Handler is an operation that is implemented.
type Handler struct {
	Known
	// Call runs it. in is a pointer to the operation's input; the answer is a
	// pointer to its output, or an error.
	Call func(ctx context.Context, in any) (any, error)
	// NoEffect names the input members that are accepted, checked and
	// otherwise ignored. They are shown in the coverage table.
	NoEffect []string
}

// WithoutEffect declares members of the input (by the model's names) that are
// accepted and have no effect, for the coverage table.
func (h Handler) WithoutEffect(members ...string) Handler {
	h.NoEffect = append(append([]string(nil), h.NoEffect...), members...)
	return h
}

// Model is a generated package as a value: the service, all its operations
// whether implemented or not, and all its modelled errors.
type Model struct {
	Service    *Service
	Operations []Known
	Errors     []func() ModelledError
}

// Enum is implemented by the generated enum types.
type Enum interface{ Values() []string }

// Union is implemented by the generated unions, of whose members exactly one is set.
type Union interface{ IsUnion() }
