package api

import "fmt"

// ErrorShape is what a model says about one error.
type ErrorShape struct {
	// Name is the shape's name: the error code of the JSON and CBOR protocols.
	Name string
	// Code is the code in XML, in query answers and in x-amzn-query-error where
	// it differs from Name ("" otherwise).
	Code string
	// Status is the HTTP status.
	Status int
	// Server says the fault is the server's (<Type>Receiver</Type>).
	Server bool
}

// WireCode is the code in XML and query answers.
func (s *ErrorShape) WireCode() string {
	if s.Code != "" {
		return s.Code
	}
	return s.Name
}

// ModelledError is an error with a shape in the model. The generated error
// types implement it on their pointers; their fields travel with the error.
type ModelledError interface {
	error
	Shape() *ErrorShape
}

// Error is an error that no model names: a code, a status and a message, as
// AWS documents it in prose.
type Error struct {
	Code    string
	Status  int
	Message string
	// Detail holds further elements of the answer in order, as S3 sends
	// BucketName, Key and others beside Code and Message.
	Detail []Field
	// Header holds response headers that go with the error.
	Header map[string]string
	// Cause is logged and never sent.
	Cause error
}

// Field is a name with its value.
type Field struct{ Name, Value string }

// Errorf makes an unmodelled error. Services call it only from the named
// constructors in their errors.go.
func Errorf(code string, status int, format string, args ...any) *Error {
	return &Error{Code: code, Status: status, Message: fmt.Sprintf(format, args...)}
}

// With adds a detail element and returns e.
func (e *Error) With(name, value string) *Error {
	e.Detail = append(e.Detail, Field{name, value})
	return e
}

// WithHeader adds a response header and returns e.
func (e *Error) WithHeader(name, value string) *Error {
	if e.Header == nil {
		e.Header = map[string]string{}
	}
	e.Header[name] = value
	return e
}

func (e *Error) Error() string {
	if e.Cause != nil {
		return e.Code + ": " + e.Message + ": " + e.Cause.Error()
	}
	return e.Code + ": " + e.Message
}

func (e *Error) Unwrap() error { return e.Cause }
