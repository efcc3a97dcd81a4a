package bucketpolicy

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
)

// operators are the operators of conditions in lower case, without what may
// stand before and behind them.
var operators = func() map[string]bool {
	m := map[string]bool{"bool": true, "binaryequals": true, "ipaddress": true, "notipaddress": true, "null": true}
	for _, o := range []string{"equals", "notequals", "equalsignorecase", "notequalsignorecase", "like", "notlike"} {
		m["string"+o] = true
	}
	for _, o := range []string{"equals", "notequals", "like", "notlike"} {
		m["arn"+o] = true
	}
	for _, o := range []string{"equals", "notequals", "lessthan", "lessthanequals", "greaterthan", "greaterthanequals"} {
		m["numeric"+o], m["date"+o] = true, true
	}
	return m
}()

// operator is the operator in lower case without a qualifier of sets
// ("ForAnyValue:"), and whether it holds for a key that the request has not.
func operator(name string) (plain string, ifExists, ok bool) {
	plain = strings.ToLower(name)
	if set, rest, found := strings.Cut(plain, ":"); found {
		if set != "foranyvalue" && set != "forallvalues" {
			return "", false, false
		}
		plain, ifExists = rest, set == "forallvalues"
	}
	if cut, found := strings.CutSuffix(plain, "ifexists"); found && cut != "null" {
		plain, ifExists = cut, true
	}
	return plain, ifExists, operators[plain]
}

func parseConditions(raw json.RawMessage) ([]Condition, error) {
	var blocks map[string]json.RawMessage
	if json.Unmarshal(raw, &blocks) != nil || blocks == nil {
		return nil, errSyntax()
	}
	var conditions []Condition
	for _, name := range slices.Sorted(maps.Keys(blocks)) {
		if _, _, ok := operator(name); !ok {
			return nil, malformed("Invalid Condition type : %s", name)
		}
		var keys map[string]json.RawMessage
		if json.Unmarshal(blocks[name], &keys) != nil || keys == nil {
			return nil, errSyntax()
		}
		for _, key := range slices.Sorted(maps.Keys(keys)) {
			if service, _, ok := strings.Cut(key, ":"); !ok || service == "" {
				return nil, malformed("Policy has an invalid condition key")
			}
			values, ok := conditionValues(keys[key])
			if !ok {
				return nil, errSyntax()
			}
			conditions = append(conditions, Condition{name, key, values})
		}
	}
	return conditions, nil
}

// conditionValues reads one value or a list; numbers and booleans need no quotation marks.
func conditionValues(raw json.RawMessage) ([]string, bool) {
	parts := []json.RawMessage{raw}
	if raw[0] == '[' && json.Unmarshal(raw, &parts) != nil {
		return nil, false
	}
	values := make([]string, len(parts))
	for i, part := range parts {
		switch s, ok := text(part); {
		case ok:
			values[i] = s
		case part[0] == '{' || part[0] == '[' || part[0] == 'n':
			return nil, false
		default:
			values[i] = string(part)
		}
	}
	return values, true
}
