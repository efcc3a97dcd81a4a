package lambda

import (
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

// errUnsupported refuses what AWS offers and Virga does not.
func errUnsupported(what string) error { return errInvalidValue("%s not supported by Virga.", what) }

// errConstraint is how the model's constraints are reported.
func errConstraint(value, member, constraint string) error {
	return api.Errorf("ValidationException", 400, "1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

const functionNamePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`

func errInvalidFunctionName(name string) error {
	return errConstraint(name, "functionName", "Member must satisfy regular expression pattern: "+functionNamePattern)
}

func errFunctionNameTooLong(name string) error {
	return errInvalidValue("1 validation error detected: Value '%s' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64", name)
}

func errOtherRegion(r reference, region string) error {
	return errNotFound("Functions from '%s' are not reachable in this region ('%s')", r.region, region)
}

func errOtherAccount(call *api.Call, r reference) error {
	return api.Errorf("AccessDeniedException", 403, "User: %s is not authorized to perform: %s on resource: %s because no resource-based policy allows the %s action",
		call.Principal.ARN, action(call), r.qualified(), action(call))
}

// action is the IAM action of a call, which for Invoke has a name of its own.
func action(call *api.Call) string {
	if call.Operation == lam.Invoke.Spec() {
		return "lambda:InvokeFunction"
	}
	return call.Operation.String()
}

func errQualifierMismatch() error {
	return errInvalidValue("The derived qualifier from the function name does not match the specified qualifier.")
}

func errNotFound(format string, args ...any) error {
	return &lam.ResourceNotFoundException{Type: "User", Message: fmt.Sprintf(format, args...)}
}

func errFunctionNotFound(r reference) error {
	return errNotFound("Function not found: %s", r.qualified())
}

func errConflict(format string, args ...any) error {
	return &lam.ResourceConflictException{Type: "User", Message: fmt.Sprintf(format, args...)}
}

func errFunctionExists(name string) error { return errConflict("Function already exist: %s", name) }

func errVersionReferenced(aliases []string) error {
	return errConflict("Unable to delete version because the following aliases reference it: [%s]", strings.Join(aliases, ", "))
}

// errRevision says that a RevisionId is out of date; the operations named give the latest.
func errRevision(operations string) error {
	return &lam.PreconditionFailedException{Type: "User", Message: fmt.Sprintf("The Revision Id provided does not match the latest Revision Id. Call the %s API to retrieve the latest Revision Id", operations)}
}

func errNoPolicy() error { return errNotFound("The resource you requested does not exist.") }

func errNoPolicyFor(r reference) error { return errNotFound("No policy found for: %s", r.qualified()) }

func errNoStatements() error { return errNotFound("No policy is associated with the given resource.") }

func errStatementExists(id string) error {
	return errConflict("The statement id (%s) provided already exists. Please provide a new statement id, or remove the existing statement.", id)
}

func errStatementNotFound(id string) error {
	return errNotFound("Statement %s is not found in resource policy.", id)
}

func errAliasNotFound(r reference, alias string) error {
	return errNotFound("Cannot find alias arn: %s", r.at(alias).qualified())
}

// errNoAliasToUpdate is the same in the words of UpdateAlias.
func errNoAliasToUpdate(r reference, alias string) error {
	return errNotFound("Alias not found: %s", r.at(alias).qualified())
}

func errAliasExists(r reference, alias string) error {
	return errConflict("Alias already exists: %s", r.at(alias).qualified())
}

func errNoFunctionToConfigure() error { return errNotFound("The function doesn't exist.") }

func errNoEventInvokeConfig(r reference) error {
	return errNotFound("The function %s doesn't have an EventInvokeConfig", r.orLatest().qualified())
}

func errContent(what string) error {
	return &lam.InvalidRequestContentException{Type: "User", Message: what}
}

func errBadJSON(err error) error {
	return errContent("Could not parse request body into json: Could not parse payload into json: " + err.Error())
}

func errPayloadTooLarge(size, limit int, invocation lam.InvocationType) error {
	return &lam.RequestTooLargeException{Type: "User", Message: fmt.Sprintf("%d byte payload is too large for the %s invocation type (limit %d bytes)", size, invocation, limit)}
}

func errZipTooLarge() error {
	return api.Errorf("RequestEntityTooLargeException", 413, "Zipped size must be smaller than %d bytes", maxZip)
}

func errNotPermitted(service string, r reference) error {
	return api.Errorf("AccessDeniedException", 403, "The service %s is not authorized to perform: lambda:InvokeFunction on resource: %s because no resource-based policy allows the lambda:InvokeFunction action", service, r.qualified())
}

func errUnzip() error {
	return errInvalidValue("Could not unzip uploaded file. Please check your file, then try to upload again.")
}

// errS3 is what S3 had to say about a deployment package.
func errS3(err error) error {
	code, message := "InternalError", err.Error()
	var plain *api.Error
	var modelled api.ModelledError
	switch {
	case errors.As(err, &plain):
		code, message = plain.Code, plain.Message
	case errors.As(err, &modelled):
		code = modelled.Shape().WireCode()
		if len(message) > len(modelled.Shape().Name)+2 { // "Name: message"
			message = message[len(modelled.Shape().Name)+2:]
		}
	}
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

// isRefusal says whether an error is an answer that asking again will not change.
func isRefusal(err error) bool {
	var plain *api.Error
	var modelled api.ModelledError
	return errors.As(err, &plain) && plain.Status < 500 || errors.As(err, &modelled) && modelled.Shape().Status < 500
}
