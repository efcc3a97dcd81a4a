package lambda

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

func errInvalidValue(format string, args ...any) error {
	return &lam.InvalidParameterValueException{Type: "User", Message: fmt.Sprintf(format, args...)}
}

func errValidation(format string, args ...any) error {
	return api.Errorf("ValidationException", 400, format, args...)
}

const functionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?([a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

func errInvalidFunctionName(name string) error {
	return errValidation("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", name, functionNamePattern)
}

func errFunctionNameTooLong(name string) error {
	return errValidation("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64", name)
}

func errOtherRegion(r reference, region string) error {
	return &lam.ResourceNotFoundException{Type: "User", Message: fmt.Sprintf("Functions from '%s' are not reachable in this region ('%s')", r.region, region)}
}

func errQualifierMismatch() error {
	return errInvalidValue("The derived qualifier from the function name does not match the specified qualifier.")
}

func errFunctionNotFound(r reference) error {
	return &lam.ResourceNotFoundException{Type: "User", Message: "Function not found: " + r.qualified()}
}

func errFunctionExists(name string) error {
	return &lam.ResourceConflictException{Type: "User", Message: "Function already exist: " + name}
}

func errRevision() error {
	return &lam.PreconditionFailedException{Type: "User", Message: "The RevisionId provided does not match the latest RevisionId. Call the GetFunction/GetAlias API to retrieve the latest RevisionId"}
}

func errNoPolicy() error {
	return &lam.ResourceNotFoundException{Type: "User", Message: "The resource you requested does not exist."}
}

func errStatementExists(id string) error {
	return &lam.ResourceConflictException{Type: "User", Message: fmt.Sprintf("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", id)}
}

func errStatementNotFound(id string) error {
	return &lam.ResourceNotFoundException{Type: "User", Message: fmt.Sprintf("Statement %s is not found in resource policy.", id)}
}

func errAliasNotFound(r reference, alias string) error {
	return &lam.ResourceNotFoundException{Type: "User", Message: fmt.Sprintf("Cannot find alias arn: %s:%s", r.arn(), alias)}
}

func errAliasExists(r reference, alias string) error {
	return &lam.ResourceConflictException{Type: "User", Message: fmt.Sprintf("Alias already exists: %s:%s", r.arn(), alias)}
}

func errNoEventInvokeConfig(r reference) error {
	return &lam.ResourceNotFoundException{Type: "User", Message: fmt.Sprintf("The function %s doesn't have an EventInvokeConfig", r.withLatest())}
}

func (r reference) withLatest() string {
	if r.qualifier == "" {
		return r.arn() + ":" + latest
	}
	return r.qualified()
}

func errBadJSON(err error) error {
	return &lam.InvalidRequestContentException{Type: "User", Message: "Could not parse request body into json: Could not parse payload into json: " + err.Error()}
}

func errPayloadTooLarge(size, limit int) error {
	return &lam.RequestTooLargeException{Type: "User", Message: fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)",
		size, map[bool]string{true: "RequestResponse", false: "Event"}[limit == maxSyncPayload], limit)}
}

func errNotPermitted(service string, r reference) error {
	return api.Errorf("AccessDeniedException", 403, "The service %s is not authorized to perform: lambda:InvokeFunction on resource: %s because no resource-based policy allows the lambda:InvokeFunction action", service, r.qualified())
}

func errZip(what string) error {
	return errInvalidValue("%s", what)
}

func errS3(err error) error {
	text := err.Error()
	code, message, _ := strings.Cut(text, ": ")
	return errInvalidValue("Error occurred while GetObject. S3 Error Code: %s. S3 Error Message: %s", code, message)
}

// errNoSandbox is the answer when no sandbox could be started. It is a fault of
// the machine that Virga runs on, and says what to do about it.
func errNoSandbox(err error) error {
	var e *sandbox.StartError
	if errors.As(err, &e) || errors.Is(err, sandbox.ErrClosed) {
		return &lam.ServiceException{Type: "Service", Message: err.Error()}
	}
	return err
}

func join(list []string, sep string) string { return strings.Join(list, sep) }

// quoteVariables is the JSON that AWS measures environment variables by.
func quoteVariables(vars map[string]string) string {
	b, _ := json.Marshal(vars)
	return string(b)
}
