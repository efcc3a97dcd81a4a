// Package postpolicy evaluates the policies by which the owner of a key lets
// browsers upload to S3: a signed document in the form says what the form may hold.
//
// # Vocabulary
//
// A policy has an end and conditions. A condition holds one field of the form
// to a value (exactly, or to its beginning), or the size of the file to a
// range. Fields have no case, values have.
//
// # Powers and limits
//
// The package reads the document and decides; the signature over it is
// auth's, the form the server's. Errors are worded as S3's.
// https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-HTTPPOSTConstructPolicy.html
package postpolicy

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
)

// Policy is a document that has been read.
type Policy struct {
	end        time.Time
	conditions []condition
	// Min and Max are what the file's size is held to, in bytes; Max is -1 where
	// nothing was said.
	Min, Max int64
}

// condition is one test of one field.
type condition struct {
	field, value string
	starts       bool // the value is the beginning of the field's
	text         string
}

func invalid(message string) error {
	return api.Errorf("InvalidPolicyDocument", 400, "Invalid Policy: %s", message)
}

func denied(message string) error {
	return api.Errorf("AccessDenied", 403, "Invalid according to Policy: %s", message)
}

func errFailed(condition string) error { return denied("Policy Condition failed: " + condition) }

// Parse reads a policy as forms carry it, in base64.
func Parse(encoded string) (*Policy, error) {
	if encoded = strings.TrimSpace(encoded); encoded == "" {
		return nil, invalid("Expecting '{' but found End-of-Input")
	}
	text, err := base64.StdEncoding.DecodeString(encoded)
	if err != nil {
		if text, err = base64.RawStdEncoding.DecodeString(encoded); err != nil {
			return nil, invalid("invalid Base64 encoding.")
		}
	}
	var members map[string]json.RawMessage
	if json.Unmarshal(dollars(text), &members) != nil || members == nil {
		return nil, invalid("Invalid JSON.")
	}
	for name := range members {
		if name != "expiration" && name != "conditions" {
			return nil, invalid("Unexpected: " + strconv.Quote(name))
		}
	}
	p := &Policy{Max: -1}
	if err := p.readEnd(members["expiration"]); err != nil {
		return nil, err
	}
	if members["conditions"] == nil {
		return nil, invalid("Policy missing conditions.")
	}
	var list []json.RawMessage
	if json.Unmarshal(members["conditions"], &list) != nil || list == nil {
		return nil, invalid("Invalid 'conditions' value: must be a List.")
	}
	for _, raw := range list {
		if err := p.add(raw); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// dollars takes away the backslash from "\$", which policies may hold and JSON may not.
func dollars(text []byte) []byte {
	if !bytes.Contains(text, []byte(`\$`)) {
		return text
	}
	plain := make([]byte, 0, len(text))
	for i := 0; i < len(text); i++ {
		if text[i] == '\\' && i+1 < len(text) {
			if text[i+1] != '$' {
				plain = append(plain, text[i])
			}
			i++
		}
		plain = append(plain, text[i])
	}
	return plain
}

func (p *Policy) readEnd(raw json.RawMessage) error {
	if raw == nil {
		return invalid("Policy missing expiration.")
	}
	text, ok := stringOf(raw)
	if !ok {
		return invalid("Invalid JSON.")
	}
	var err error
	if p.end, err = time.Parse(time.RFC3339, text); err != nil {
		return invalid("Invalid 'expiration' value: '" + text + "'")
	}
	return nil
}

// add reads one condition: an object with one member, or a list.
func (p *Policy) add(raw json.RawMessage) error {
	var simple map[string]json.RawMessage
	if json.Unmarshal(raw, &simple) == nil && simple != nil {
		if len(simple) != 1 {
			return invalid("Invalid Simple-Condition: Simple-Conditions must have exactly one property specified.")
		}
		for name, v := range simple {
			value, ok := stringOf(v)
			if !ok {
				return invalid("Invalid Simple-Condition: value must be a string.")
			}
			p.conditions = append(p.conditions, condition{
				field: strings.ToLower(name), value: value, text: textOf("eq", "$"+name, value),
			})
		}
		return nil
	}
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) != nil || list == nil {
		return invalid("Invalid condition test: must be a List or Object.")
	}
	if len(list) == 0 {
		return invalid("Invalid Condition: missing operation identifier.")
	}
	operation, ok := stringOf(list[0])
	if !ok {
		return invalid("Invalid JSON.")
	}
	kind := strings.ToLower(operation)
	switch kind {
	case "eq", "starts-with", "content-length-range":
	default:
		return invalid("Invalid Condition: unknown operation '" + operation + "'.")
	}
	if len(list) != 3 {
		return invalid("Invalid " + operation + ": wrong number of arguments.")
	}
	if kind == "content-length-range" {
		return p.limit(operation, list[1], list[2])
	}
	name, ok1 := stringOf(list[1])
	value, ok2 := stringOf(list[2])
	if !ok1 || !ok2 {
		return invalid("Invalid JSON.")
	}
	c := condition{value: value, starts: kind == "starts-with", text: textOf(operation, name, value)}
	if field, marked := strings.CutPrefix(name, "$"); marked {
		c.field = strings.ToLower(field)
	} // else it names no field, and fails
	p.conditions = append(p.conditions, c)
	return nil
}

// limit reads a range of sizes, whose ends are numbers or digits in a string.
func (p *Policy) limit(operation string, from, to json.RawMessage) error {
	var ends [2]int64
	for i, end := range []json.RawMessage{from, to} {
		text, quoted := stringOf(end)
		if !quoted {
			text = string(end)
		}
		n, err := strconv.ParseInt(strings.TrimSpace(text), 10, 64)
		switch {
		case err != nil && quoted:
			return errFailed(textOf(operation, strings.Trim(string(from), `"`), strings.Trim(string(to), `"`)))
		case err != nil:
			return invalid("Invalid JSON.")
		case n < 0:
			return invalid("Invalid content-length-range: negative value.")
		}
		ends[i] = n
	}
	p.Min = max(p.Min, ends[0])
	if p.Max < 0 || ends[1] < p.Max {
		p.Max = ends[1]
	}
	return nil
}

// textOf is a condition as errors show it, however the document wrote it.
func textOf(operation, name, value string) string {
	return `["` + operation + `", "` + name + `", "` + value + `"]`
}

func stringOf(raw json.RawMessage) (s string, ok bool) {
	if len(raw) == 0 || raw[0] != '"' {
		return "", false
	}
	return s, json.Unmarshal(raw, &s) == nil
}
