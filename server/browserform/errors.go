package browserform

import (
	"strconv"

	"github.com/virga-cloud/virga/api"
)

func errNoForm() error {
	return api.Errorf("PreconditionFailed", 412, "At least one of the pre-conditions you specified did not hold").
		With("Condition", "Bucket POST must be of the enclosure-type multipart/form-data")
}

func errMalformed() error {
	return api.Errorf("MalformedPOSTRequest", 400, "The body of your POST request is not well-formed multipart/form-data.")
}

func errMissingContentLength() error {
	return api.Errorf("MissingContentLength", 411, "You must provide the Content-Length HTTP header.")
}

func errTooManyFields() error {
	return api.Errorf("MaxPostPreDataLengthExceeded", 400, "Your POST request fields preceding the upload file was too large.").
		With("MaxPostPreDataLengthBytes", strconv.Itoa(maxFields))
}

func errArgument(name, value, message string) error {
	return api.Errorf("InvalidArgument", 400, "%s", message).With("ArgumentName", name).With("ArgumentValue", value)
}

func errNoFile() error {
	return errArgument("file", "0", "POST requires exactly one file upload per request.")
}

func errMissing(field string) error {
	return errArgument(field, "", "Bucket POST must contain a field named '"+field+"'.  If it is specified, please check the order of the fields.")
}

func errEmptyKey() error {
	return errArgument("key", "", "User key must have a length greater than 0.")
}

func errTooLarge(size, limit int64) error {
	return api.Errorf("EntityTooLarge", 400, "Your proposed upload exceeds the maximum allowed size").
		With("ProposedSize", strconv.FormatInt(size, 10)).With("MaxSizeAllowed", strconv.FormatInt(limit, 10))
}

func errTooSmall(size, limit int64) error {
	return api.Errorf("EntityTooSmall", 400, "Your proposed upload is smaller than the minimum allowed size").
		With("ProposedSize", strconv.FormatInt(size, 10)).With("MinSizeAllowed", strconv.FormatInt(limit, 10))
}

func errMalformedXML() error {
	return api.Errorf("MalformedXML", 400, "The XML you provided was not well-formed or did not validate against our published schema")
}
