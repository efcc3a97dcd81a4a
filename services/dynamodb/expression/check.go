package expression

import (
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// What follows needs a request's names and values, but no item. AWS checks a
// condition predicate by predicate, and in each the classes of problems in
// this order.
type problem int

const (
	problemUndefined problem = iota // a placeholder
	problemArity                    // the number of operands
	problemDistinct                 // operands that are the same
	problemType                     // the types of operands
	problems
)

// checker finds the problems of one predicate.
type checker struct {
	*bindings
	found [problems]string
}

func (c *checker) report(p problem, text string) {
	if c.found[p] == "" {
		c.found[p] = text
	}
}

// checkCondition is the first problem of a condition, "" when it has none.
func (b *bindings) checkCondition(of condition) string {
	switch of := of.(type) {
	case *logical:
		if text := b.checkCondition(of.a); text != "" {
			return text
		}
		return b.checkCondition(of.b)
	case *negation:
		return b.checkCondition(of.of)
	}
	c := checker{bindings: b}
	c.predicate(of)
	for _, text := range c.found {
		if text != "" {
			return text
		}
	}
	return ""
}

func (c *checker) predicate(of condition) {
	switch of := of.(type) {
	case *comparison:
		c.operand(of.a)
		c.operand(of.b)
		c.distinct(of.operator, of.a, of.b)
		if of.operator != "=" && of.operator != "<>" {
			c.ordered(of.operator, of.a, of.b)
		}
	case *between:
		c.operand(of.of)
		c.operand(of.low)
		c.operand(of.high)
		c.distinct("BETWEEN", of.of, of.low, of.high)
		c.ordered("BETWEEN", of.of, of.low, of.high)
		c.bounds(of.low, of.high)
	case *membership:
		c.operand(of.of)
		for _, o := range of.list {
			c.operand(o)
		}
		if n := len(of.list); n > maxInOperands {
			c.report(problemArity, errorf("The IN operator is provided with too many operands; number of operands: %d", n).Error())
		}
		c.distinct("IN", of.of, of.list...)
	case *call:
		c.call(of)
	}
}

func (c *checker) operand(o operand) {
	switch o := o.(type) {
	case *path:
		c.report(problemUndefined, c.undefinedName(o))
	case *value:
		c.report(problemUndefined, c.undefinedValue(o))
	case *call:
		c.call(o)
	case *arithmetic:
		c.operand(o.args[0])
		c.operand(o.args[1])
		c.typed(o.operator, o.args[:], func(t string) bool { return t == "N" })
	}
}

func (c *checker) call(f *call) {
	for _, o := range f.args {
		c.operand(o)
	}
	if len(f.args) != functions[f.name].arity {
		c.report(problemArity, errorf("Incorrect number of operands for operator or function; operator or function: %s, number of operands: %d", f.name, len(f.args)).Error())
		return
	}
	switch f.name {
	case "attribute_exists", "attribute_not_exists", "if_not_exists":
		if _, ok := f.args[0].(*path); !ok {
			c.report(problemType, "Operator or function requires a document path; operator or function: "+f.name)
		}
	case "attribute_type":
		c.distinct(f.name, f.args[0], f.args[1])
		c.typeName(f)
	case "begins_with":
		c.distinct(f.name, f.args[0], f.args[1])
		c.typed(f.name, f.args, func(t string) bool { return t == "S" || t == "B" })
	case "contains":
		c.distinct(f.name, f.args[0], f.args[1])
	case "size":
		c.typed(f.name, f.args, func(t string) bool { return t != "N" && t != "BOOL" && t != "NULL" })
	case "list_append":
		c.typed(f.name, f.args, func(t string) bool { return t == "L" })
	}
}

// typeOf is the type that an operand has, or has when nothing else is there;
// "" where only an item can tell.
func (b *bindings) typeOf(o operand) string {
	switch o := o.(type) {
	case *value:
		return attribute.TypeOf(b.value[o.slot])
	case *call:
		switch o.name {
		case "size":
			return "N"
		case "list_append":
			return "L"
		case "if_not_exists":
			if len(o.args) == 2 {
				return b.typeOf(o.args[1])
			}
		}
	case *arithmetic:
		return "N"
	}
	return ""
}

// typed reports the first operand whose type is known and not allowed. What
// functions of updates give is known only with an item.
func (c *checker) typed(operator string, list []operand, allowed func(string) bool) {
	for _, o := range list {
		if f, ok := o.(*call); ok && functions[f.name].update {
			continue
		}
		if t := c.typeOf(o); t != "" && !allowed(t) {
			c.report(problemType, "Incorrect operand type for operator or function; operator or function: "+operator+", operand type: "+t)
			return
		}
	}
}

func (c *checker) ordered(operator string, list ...operand) {
	c.typed(operator, list, func(t string) bool { return t == "S" || t == "N" || t == "B" })
}

// Sets of types, as AWS prints them; it does not sort them.
const (
	allTypes   = "{NS,SS,L,BS,N,M,B,BOOL,NULL,S}"
	validTypes = "{B,NULL,SS,BOOL,L,BS,N,NS,S,M}"
)

// typeName checks the second operand of attribute_type.
func (c *checker) typeName(f *call) {
	t := c.typeOf(f.args[1])
	if t == "S" {
		name := string(c.value[f.args[1].(*value).slot].(attribute.S))
		if !strings.Contains(","+validTypes[1:len(validTypes)-1]+",", ","+name+",") {
			c.report(problemType, "Invalid attribute type name found; type: "+name+", valid types: "+validTypes)
		}
		return
	}
	if t == "" {
		t = allTypes
	}
	c.report(problemType, "Incorrect operand type for operator or function; operator or function: "+f.name+", operand type: "+t)
}

// distinct reports an operand that is the same path as the first.
func (c *checker) distinct(operator string, first operand, others ...operand) {
	p, ok := first.(*path)
	if !ok {
		return
	}
	for _, o := range others {
		if q, ok := o.(*path); ok && c.samePath(p, q) {
			c.report(problemDistinct, "The first operand must be distinct from the remaining operands for this operator or function; operator: "+
				operator+", first operand: "+c.pathText(p))
			return
		}
	}
}

// bounds checks those of BETWEEN, where both are values.
func (c *checker) bounds(low, high operand) {
	l, okLow := low.(*value)
	h, okHigh := high.(*value)
	if !okLow || !okHigh {
		return
	}
	a, b := c.value[l.slot], c.value[h.slot]
	if a == nil || b == nil {
		return
	}
	operands := "; lower bound operand: AttributeValue: " + boundText(a) + ", upper bound operand: AttributeValue: " + boundText(b)
	if attribute.TypeOf(a) != attribute.TypeOf(b) {
		c.report(problemType, "The BETWEEN operator requires same data type for lower and upper bounds"+operands)
	} else if order, ok := item.Compare(a, b); ok && order > 0 {
		c.report(problemType, "The BETWEEN operator requires upper bound to be greater than or equal to lower bound"+operands)
	}
}

func boundText(v attribute.Value) string {
	switch v := v.(type) {
	case attribute.S:
		return "{S:" + string(v) + "}"
	case attribute.N:
		return "{N:" + string(v) + "}"
	case attribute.B:
		return errorf("{B:java.nio.HeapByteBuffer[pos=0 lim=%d cap=%d]}", len(v), len(v)).Error()
	}
	return "{" + attribute.TypeOf(v) + "}"
}
