// Package bucketpolicy reads the policies of buckets: whether a document is
// one that S3 takes, in S3's words where it is not, and whether it makes the
// bucket public. It does not decide who may do what.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html
package bucketpolicy

import (
	"bytes"
	"encoding/json"
	"slices"

	"github.com/virga-cloud/virga/services/s3/fault"
)

// MaxSize is how large a policy may be, in bytes, without the space between its parts.
const MaxSize = 20480

// Policy is what a document says.
type Policy struct {
	Statements []Statement
}

// Statement is one statement of a policy. What begins with Not turns the
// meaning of the list beside it around.
type Statement struct {
	Allow        bool
	Principals   []Principal
	NotPrincipal bool
	Actions      []string
	NotAction    bool
	Resources    []string
	NotResource  bool
	Conditions   []Condition
}

// Principal is somebody: "*" is everybody. Kind is "AWS", "Service", "Federated" or "CanonicalUser".
type Principal struct{ Kind, Name string }

// Condition is an operator on a key of the request, and the values it is compared with.
type Condition struct {
	Operator, Key string
	Values        []string
}

// Parse reads the policy of a bucket.
func Parse(document, bucket string) (*Policy, error) {
	var compact bytes.Buffer
	if err := json.Compact(&compact, []byte(document)); err != nil || compact.Len() == 0 || compact.Bytes()[0] != '{' {
		return nil, malformed("Policies must be valid JSON and the first byte must be '{'")
	}
	if compact.Len() > MaxSize {
		return nil, malformed("Normalized policy document exceeds the maximum allowed size of %d bytes", MaxSize)
	}
	top, err := fields(compact.Bytes(), "Version", "Id", "Statement")
	if err != nil {
		return nil, err
	}
	if raw, ok := top["Version"]; ok {
		if v, ok := text(raw); !ok || v != "2008-10-17" && v != "2012-10-17" {
			return nil, malformed("The policy must contain a valid version string")
		}
	}
	if raw, ok := top["Id"]; ok {
		if _, ok := text(raw); !ok {
			return nil, errSyntax()
		}
	}
	raw, ok := top["Statement"]
	if !ok {
		return nil, missing("Statement")
	}
	statements := []json.RawMessage{raw}
	if raw[0] == '[' {
		if err := json.Unmarshal(raw, &statements); err != nil {
			return nil, errSyntax()
		}
	}
	if len(statements) == 0 {
		return nil, malformed("Could not parse the policy: Statement is empty!")
	}
	p := &Policy{}
	for _, raw := range statements {
		s, err := parseStatement(raw, bucket)
		if err != nil {
			return nil, err
		}
		p.Statements = append(p.Statements, s)
	}
	return p, nil
}

func parseStatement(raw json.RawMessage, bucket string) (Statement, error) {
	var s Statement
	f, err := fields(raw, "Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition")
	if err != nil {
		return s, err
	}
	if raw, ok := f["Sid"]; ok {
		if _, ok := text(raw); !ok {
			return s, errSyntax()
		}
	}
	raw, ok := f["Effect"]
	if !ok {
		return s, missing("Effect")
	}
	switch effect, ok := text(raw); {
	case !ok:
		return s, errSyntax()
	case effect != "Allow" && effect != "Deny":
		return s, malformed("Invalid effect: %s", effect)
	default:
		s.Allow = effect == "Allow"
	}
	if raw, s.NotPrincipal, err = either(f, "Principal"); err != nil {
		return s, err
	}
	if s.Principals, err = parsePrincipals(raw); err != nil {
		return s, err
	}
	if raw, s.NotAction, err = either(f, "Action"); err != nil {
		return s, err
	}
	if s.Actions, err = list(raw, "Action"); err != nil {
		return s, err
	}
	if raw, s.NotResource, err = either(f, "Resource"); err != nil {
		return s, err
	}
	if s.Resources, err = list(raw, "Resource"); err != nil {
		return s, err
	}
	if err := s.check(bucket); err != nil {
		return s, err
	}
	if raw, ok := f["Condition"]; ok {
		s.Conditions, err = parseConditions(raw)
	}
	return s, err
}

// either is the field of a name, or that which turns it around.
func either(f map[string]json.RawMessage, name string) (raw json.RawMessage, not bool, err error) {
	raw, is := f[name]
	other, not := f["Not"+name]
	switch {
	case is && not:
		return nil, false, malformed("Statement/policy already has instance of %s", name)
	case !is && !not:
		return nil, false, missing(name)
	case not:
		raw = other
	}
	return raw, not, nil
}

// fields are the fields of an object, which may have these and no others.
func fields(raw json.RawMessage, names ...string) (map[string]json.RawMessage, error) {
	var f map[string]json.RawMessage
	if err := json.Unmarshal(raw, &f); err != nil || f == nil {
		return nil, errSyntax()
	}
	var unknown []string
	for name := range f {
		if !slices.Contains(names, name) {
			unknown = append(unknown, name)
		}
	}
	if len(unknown) > 0 {
		return nil, malformed("Unknown field %s", slices.Min(unknown))
	}
	return f, nil
}

func text(raw json.RawMessage) (s string, ok bool) {
	if raw[0] != '"' {
		return "", false
	}
	err := json.Unmarshal(raw, &s)
	return s, err == nil
}

// list reads a string or a list of them.
func list(raw json.RawMessage, name string) ([]string, error) {
	items, ok := texts(raw)
	switch {
	case !ok:
		return nil, errSyntax()
	case len(items) == 0:
		return nil, malformed("Missing required field %s cannot be empty!", name)
	}
	return items, nil
}

func texts(raw json.RawMessage) ([]string, bool) {
	if s, ok := text(raw); ok {
		return []string{s}, true
	}
	var parts []json.RawMessage
	if raw[0] != '[' || json.Unmarshal(raw, &parts) != nil {
		return nil, false
	}
	items := make([]string, len(parts))
	for i, part := range parts {
		var ok bool
		if items[i], ok = text(part); !ok {
			return nil, false
		}
	}
	return items, true
}

func malformed(format string, args ...any) error { return fault.MalformedPolicy(format, args...) }
func missing(field string) error                 { return malformed("Missing required field %s", field) }
func errSyntax() error                           { return malformed("Invalid policy syntax.") }
