package dynamodb

import (
	"maps"
	"math"
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// The parameters from before there were expressions. Each is checked in AWS's
// words, and becomes the expression that means the same.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LegacyConditionalParameters.html

// operands says how many values an operator takes, and of which types they may
// be; nil is any.
var operands = map[ddb.ComparisonOperator]struct {
	least, most int
	types       []string
}{
	ddb.ComparisonOperatorEq:          {1, 1, nil},
	ddb.ComparisonOperatorNe:          {1, 1, nil},
	ddb.ComparisonOperatorLe:          {1, 1, scalars},
	ddb.ComparisonOperatorLt:          {1, 1, scalars},
	ddb.ComparisonOperatorGe:          {1, 1, scalars},
	ddb.ComparisonOperatorGt:          {1, 1, scalars},
	ddb.ComparisonOperatorContains:    {1, 1, scalars},
	ddb.ComparisonOperatorNotContains: {1, 1, scalars},
	ddb.ComparisonOperatorBeginsWith:  {1, 1, stringTypes},
	ddb.ComparisonOperatorIn:          {1, math.MaxInt, scalars},
	ddb.ComparisonOperatorBetween:     {2, 2, scalars},
	ddb.ComparisonOperatorNull:        {0, 0, nil},
	ddb.ComparisonOperatorNotNull:     {0, 0, nil},
}

var (
	stringTypes = []string{"S", "B"}
	scalars     = []string{"S", "N", "B"}
	sets        = []string{"SS", "NS", "BS"}
)

// checkOperands checks the number of an operator's values, and what they are.
func checkOperands(operator ddb.ComparisonOperator, values []attribute.Value) error {
	o := operands[operator]
	if len(values) < o.least || len(values) > o.most {
		return errParameter("Invalid number of argument(s) for the %s ComparisonOperator", operator)
	}
	for _, v := range values {
		if attribute.TypeOf(v) != attribute.TypeOf(values[0]) {
			return errParameter("AttributeValues inside AttributeValueList must be of same type")
		}
	}
	for _, v := range values {
		if kind := attribute.TypeOf(v); o.types != nil && !slices.Contains(o.types, kind) {
			return errParameter("ComparisonOperator %s is not valid for %s AttributeValue type", operator, kind)
		}
	}
	if operator == ddb.ComparisonOperatorBetween {
		if order, ok := item.Compare(values[0], values[1]); ok && order > 0 {
			return errValidation("The BETWEEN condition was provided a range where the lower bound is greater than the upper bound")
		}
	}
	return nil
}

func normaliseAll(values []attribute.Value) ([]attribute.Value, error) {
	out := make([]attribute.Value, len(values))
	for i, v := range values {
		var err error
		if out[i], err = item.NormaliseValue(v); err != nil {
			return nil, errInvalid(err)
		}
	}
	return out, nil
}

// conditions reads QueryFilter, ScanFilter or KeyConditions.
func conditions(in map[string]*ddb.Condition) ([]expression.Term, error) {
	var terms []expression.Term
	for _, name := range slices.Sorted(maps.Keys(in)) {
		c := in[name]
		values, err := normaliseAll(c.AttributeValueList)
		if err != nil {
			return nil, err
		}
		if err := checkOperands(c.ComparisonOperator, values); err != nil {
			return nil, err
		}
		terms = append(terms, expression.Term{Attribute: name, Operator: string(c.ComparisonOperator), Values: values})
	}
	return terms, nil
}

// legacyFilter reads QueryFilter or ScanFilter, nil when it asks for nothing.
func legacyFilter(in map[string]*ddb.Condition, operator ddb.ConditionalOperator) (*expression.Condition, error) {
	if err := checkConditional(operator, len(in)); err != nil {
		return nil, err
	}
	terms, err := conditions(in)
	if err != nil || len(terms) == 0 {
		return nil, err
	}
	return expression.Terms(terms, operator == ddb.ConditionalOperatorOr), nil
}

// checkConditional checks that a ConditionalOperator has something to join.
func checkConditional(operator ddb.ConditionalOperator, terms int) error {
	switch {
	case operator == "":
		return nil
	case terms == 0:
		return errValidation("ConditionalOperator cannot be used without Filter or Expected")
	case terms == 1:
		return errValidation("ConditionalOperator can only be used when Filter or Expected has two or more elements")
	}
	return nil
}

// keyOperators are the operators that keys can be asked with, as they are in
// key condition expressions.
var keyOperators = map[string]string{"EQ": "=", "LE": "<=", "LT": "<", "GE": ">=", "GT": ">", "BETWEEN": "BETWEEN", "BEGINS_WITH": "begins_with"}

// keyConditions reads KeyConditions. An operator that keys can not be asked
// with is left out of its term: that is an error once the table is known.
func keyConditions(in map[string]*ddb.Condition) ([]expression.KeyTerm, error) {
	terms, err := conditions(in)
	if err != nil {
		return nil, err
	}
	if len(terms) != 1 && len(terms) != 2 {
		return nil, errKeyLength()
	}
	var out []expression.KeyTerm
	for _, t := range terms {
		out = append(out, expression.KeyTerm{Attribute: t.Attribute, Operator: keyOperators[t.Operator], Values: t.Values})
	}
	return out, nil
}

// expected reads the Expected of a write, nil when it asks for nothing.
func expected(in map[string]*ddb.ExpectedAttributeValue, operator ddb.ConditionalOperator) (*expression.Condition, error) {
	var terms []expression.Term
	for _, name := range slices.Sorted(maps.Keys(in)) {
		t, err := expectedTerm(name, in[name])
		if err != nil {
			return nil, err
		}
		terms = append(terms, t)
	}
	if err := checkConditional(operator, len(in)); err != nil {
		return nil, err
	}
	if len(terms) == 0 {
		return nil, nil
	}
	return expression.Terms(terms, operator == ddb.ConditionalOperatorOr), nil
}

func expectedTerm(name string, in *ddb.ExpectedAttributeValue) (t expression.Term, err error) {
	if name == "" {
		return t, errEmptyName()
	}
	t = expression.Term{Attribute: name, Operator: string(in.ComparisonOperator)}
	values := in.AttributeValueList
	switch {
	case in.AttributeValueList != nil && in.Value != nil:
		return t, errParameter("Value and AttributeValueList cannot be used together for Attribute: %s", name)
	case in.ComparisonOperator == "" && in.AttributeValueList != nil:
		return t, errParameter("AttributeValueList can only be used with a ComparisonOperator for Attribute: %s", name)
	case in.ComparisonOperator == "":
		return existence(t, in)
	case in.Exists != nil:
		return t, errParameter("Exists and ComparisonOperator cannot be used together for Attribute: %s", name)
	case operands[in.ComparisonOperator].least > 0 && in.AttributeValueList == nil && in.Value == nil:
		return t, errParameter("Value or AttributeValueList must be used with ComparisonOperator: %s for Attribute: %s", in.ComparisonOperator, name)
	case in.Value != nil:
		values = []attribute.Value{in.Value}
	}
	if t.Values, err = normaliseAll(values); err != nil {
		return t, err
	}
	return t, checkOperands(in.ComparisonOperator, t.Values)
}

// existence reads the form of Expected that has a value, or Exists, or both.
func existence(t expression.Term, in *ddb.ExpectedAttributeValue) (_ expression.Term, err error) {
	exists, told := true, "null"
	if in.Exists != nil {
		if exists = *in.Exists; exists {
			told = "true"
		}
	}
	switch {
	case exists && in.Value == nil:
		return t, errParameter("Value must be provided when Exists is %s for Attribute: %s", told, t.Attribute)
	case !exists && in.Value != nil:
		return t, errParameter("Value cannot be used when Exists is false for Attribute: %s", t.Attribute)
	case !exists:
		t.Operator = "NULL"
		return t, nil
	}
	t.Operator = "EQ"
	t.Values, err = normaliseAll([]attribute.Value{in.Value})
	return t, err
}

// attributeUpdates reads the AttributeUpdates of an UpdateItem.
func attributeUpdates(in map[string]*ddb.AttributeValueUpdate) (*update, error) {
	changes := map[string]expression.Change{}
	for _, name := range slices.Sorted(maps.Keys(in)) {
		if name == "" {
			return nil, errEmptyName()
		}
		c := expression.Change{Action: string(in[name].Action)}
		if in[name].Value != nil {
			v, err := item.NormaliseValue(in[name].Value)
			if err != nil {
				return nil, errInvalid(err)
			}
			c.Value = v
		}
		kind := attribute.TypeOf(c.Value)
		switch {
		case c.Value == nil && c.Action != "DELETE":
			return nil, errParameter("Only DELETE action is allowed when no attribute value is specified")
		case c.Value != nil && c.Action == "DELETE" && !slices.Contains(sets, kind):
			return nil, errParameter("DELETE action with value is not supported for the type %s", kind)
		case c.Value != nil && c.Action == "ADD" && kind != "N" && kind != "L" && !slices.Contains(sets, kind):
			return nil, errParameter("ADD action is not supported for the type %s", kind)
		}
		changes[name] = c
	}
	return updateOf(expression.Changes(changes)), nil
}
