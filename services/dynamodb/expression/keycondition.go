package expression

import "github.com/virga-cloud/virga/api/attribute"

// KeyTerm is what a key condition says of one attribute.
type KeyTerm struct {
	Attribute string
	// Operator is one of =, <, <=, >, >=, BETWEEN and begins_with.
	Operator string
	// Values are its operands: two of BETWEEN, else one.
	Values []attribute.Value
}

// KeyTerms takes a key condition apart into the terms that AND joins. Other
// conditions than those that keys can have are errors.
func (c *Condition) KeyTerms() ([]KeyTerm, error) {
	var terms []KeyTerm
	return terms, c.keyTerms(c.root, &terms)
}

const inKeyCondition = "Invalid condition in KeyConditionExpression: "

func errKeyOperator(name string) error {
	return errorf("Invalid operator used in KeyConditionExpression: %s", name)
}

func errKeyFirst(name string) error {
	return errorf("%s%s operator must have the key attribute as its first operand", inKeyCondition, name)
}

const errKeyNesting Error = "KeyConditionExpressions cannot contain nested operations"

func (c *Condition) keyTerms(of condition, terms *[]KeyTerm) error {
	var operands []operand
	t := KeyTerm{}
	switch of := of.(type) {
	case *logical:
		if of.or {
			return errKeyOperator("OR")
		}
		if err := c.keyTerms(of.a, terms); err != nil {
			return err
		}
		return c.keyTerms(of.b, terms)
	case *negation:
		return errKeyOperator("NOT")
	case *membership:
		return errKeyOperator("IN")
	case *comparison:
		if of.operator == "<>" {
			return errKeyOperator(of.operator)
		}
		t.Operator, operands = of.operator, []operand{of.a, of.b}
	case *between:
		t.Operator, operands = "BETWEEN", []operand{of.of, of.low, of.high}
	case *call:
		if of.name != "begins_with" {
			return errKeyOperator(of.name)
		}
		t.Operator, operands = of.name, of.args
	}
	if _, ok := operands[0].(*path); !ok && (t.Operator == "BETWEEN" || t.Operator == "begins_with") {
		return errKeyFirst(t.Operator)
	}
	return c.keyTerm(t, operands, terms)
}

// mirrored are comparators with their operands exchanged.
var mirrored = map[string]string{"=": "=", "<": ">", "<=": ">=", ">": "<", ">=": "<="}

func (c *Condition) keyTerm(t KeyTerm, operands []operand, terms *[]KeyTerm) error {
	for i, o := range operands {
		switch o := o.(type) {
		case *path:
			if t.Attribute != "" {
				return Error(inKeyCondition + "Multiple attribute names used in one condition")
			}
			if len(o.elements) > 1 {
				return Error("KeyConditionExpressions cannot have conditions on nested attributes")
			}
			t.Attribute = c.at(o.elements[0])
			if i > 0 {
				t.Operator = mirrored[t.Operator]
			}
		case *value:
			t.Values = append(t.Values, c.value[o.slot])
		default:
			return errKeyNesting
		}
	}
	if t.Attribute == "" {
		return Error(inKeyCondition + "No key attribute specified")
	}
	for _, other := range *terms {
		if other.Attribute == t.Attribute {
			return Error("KeyConditionExpressions must only contain one condition per key")
		}
	}
	*terms = append(*terms, t)
	return nil
}
