package dynamodb

import (
	"errors"
	"fmt"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// errValidation is the error of a request that AWS finds fault with.
func errValidation(format string, args ...any) error {
	return api.Errorf("ValidationException", 400, format, args...)
}

// errInvalid is the validation error of what the packages below found.
func errInvalid(err error) error { return errValidation("%s", err.Error()) }

// errParameter is a validation error in the words AWS most often begins with.
func errParameter(format string, args ...any) error {
	return errValidation("One or more parameter values were invalid: "+format, args...)
}

// errConstraint is an error of AWS's own model that the published one does not have.
func errConstraint(value, member, constraint string) error {
	return errValidation("1 validation error detected: Value '%s' at '%s' failed to satisfy constraint: Member must %s", value, member, constraint)
}

// errRequest is a validation error in the words that backups and restores begin with.
func errRequest(format string, args ...any) error {
	return errValidation("Invalid Request: "+format, args...)
}

// errInUse is the error of a table that can not be changed now.
func errInUse(format string, args ...any) error {
	return &ddb.ResourceInUseException{Message: "Attempt to change a resource which is still in use: " + fmt.Sprintf(format, args...)}
}

// errAccess is the error of what belongs to another account.
func errAccess() error { return api.Errorf("AccessDeniedException", 400, "Access is denied") }

// errNotImplemented is the answer to a member of a request that asks for
// something Virga does not do: better than to do something else.
func errNotImplemented(member string) error {
	return api.Errorf("NotImplementedException", 501, "Virga does not implement the parameter %s of this operation", member)
}

// errTooMuch is the answer to writes that AWS would carry out, of large items in
// many indexes and regions.
func errTooMuch() error {
	return api.Errorf("NotImplementedException", 501, "Virga does not implement requests that write more than %d MB, with all indexes, streams and replicas", storage.MaxLarge>>20)
}

// errNoTable is the data plane's error of a table that does not exist.
func errNoTable() error {
	return &ddb.ResourceNotFoundException{Message: "Requested resource not found"}
}

// errNoSuchTable is the control plane's.
func errNoSuchTable(name string) error {
	return &ddb.ResourceNotFoundException{Message: "Requested resource not found: Table: " + name + " not found"}
}

func errNoSuchResource(arn string) error {
	return &ddb.ResourceNotFoundException{Message: "Requested resource not found: ResourcArn: " + arn + " not found"}
}

func errTableExists(name string) error {
	return &ddb.ResourceInUseException{Message: "Table already exists: " + name}
}

func errConditionFailed(old item.Item) error {
	return &ddb.ConditionalCheckFailedException{Message: "The conditional request failed", Item: attribute.ItemOf(old)}
}

func errDuplicateItem() error {
	return &ddb.DuplicateItemException{Message: "Duplicate primary key exists in table"}
}

// ongoing is what AWS says of an item that others are changing.
const ongoing = "Transaction is ongoing for the item"

// errOngoing is the error of a write that others kept getting ahead of.
func errOngoing() error { return &ddb.TransactionConflictException{Message: ongoing} }

func errEmptyName() error { return errParameter("Empty attribute name") }

func errKeySchema() error {
	return errValidation("The provided key element does not match the schema")
}

func errItemTooLarge() error {
	return errValidation("Item size has exceeded the maximum allowed size")
}

func errUpdatedTooLarge() error {
	return errValidation("Item size to update has exceeded the maximum allowed size")
}

func errDuplicateKeys() error {
	return errValidation("Provided list of item keys contains duplicates")
}

// errStartKey is an error of ExclusiveStartKey; why may be empty.
func errStartKey(why string, args ...any) error {
	if why != "" {
		why = ": " + fmt.Sprintf(why, args...)
	}
	return errValidation("The provided starting key is invalid%s", why)
}

// message is what an error says to the user.
func message(err error) string {
	var e *api.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}

// isNoTable says whether an error is that of a table that does not exist.
func isNoTable(err error) bool {
	var e *ddb.ResourceNotFoundException
	return errors.As(err, &e)
}
