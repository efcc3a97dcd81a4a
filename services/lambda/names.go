package lambda

import (
	"context"
	"regexp"
	"strings"

	"github.com/virga-cloud/virga/api"
)

// latest is the version that can be changed.
const latest = "$LATEST"

// owner is where functions live.
type owner struct{ account, region string }

// reference is a function as a caller names it, with the qualifier, "" when
// none was given.
type reference struct {
	owner
	name, qualifier string
}

// functionName is what a name, a partial ARN or an ARN looks like.
// https://docs.aws.amazon.com/lambda/latest/api/API_GetFunction.html
var functionName = regexp.MustCompile(`^(?:arn:(aws[a-zA-Z-]*):lambda:([a-z]{2}(?:-gov|-iso[a-z]?)?-[a-z]+-\d):)?(?:(\d{12}):)?(?:function:)?([a-zA-Z0-9-_]+)(?::(\$LATEST|[a-zA-Z0-9-_]+))?$`)

// resolve reads a FunctionName parameter and a Qualifier parameter, which must
// agree where both name a qualifier.
func resolve(ctx context.Context, name, qualifier string) (reference, error) {
	call := api.CallFrom(ctx)
	m := functionName.FindStringSubmatch(name)
	if m == nil {
		return reference{}, errInvalidFunctionName(name)
	}
	r := reference{owner{call.Account, call.Region}, m[4], m[5]}
	if m[2] != "" {
		r.region = m[2]
	}
	if m[3] != "" {
		r.account = m[3]
	}
	if len(r.name) > 64 {
		return reference{}, errFunctionNameTooLong(name)
	}
	if r.region != call.Region {
		return reference{}, errOtherRegion(r, call.Region)
	}
	if qualifier != "" {
		if r.qualifier != "" && r.qualifier != qualifier {
			return reference{}, errQualifierMismatch()
		}
		r.qualifier = qualifier
	}
	return r, nil
}

// arn is the function's ARN without a qualifier.
func (r reference) arn() string {
	return api.ARN{Partition: api.PartitionOf(r.region), Service: "lambda", Region: r.region,
		Account: r.account, Resource: "function:" + r.name}.String()
}

// qualified is the ARN as it was named.
func (r reference) qualified() string {
	if r.qualifier == "" {
		return r.arn()
	}
	return r.arn() + ":" + r.qualifier
}

// isVersion says whether a qualifier is a version and not an alias.
func isVersion(qualifier string) bool {
	return qualifier == latest || strings.Trim(qualifier, "0123456789") == ""
}
