package expression

import "github.com/virga-cloud/virga/api/attribute"

// SearchConditionExpression is what a search of a vector index is limited by.
const SearchConditionExpression Kind = "SearchConditionExpression"

const errComparator Error = "Invalid SearchConditionExpression: Invalid comparator used in SearchConditionExpression"

// Equalities takes a search condition apart into the equalities that AND joins.
// Other conditions than those are errors.
func (c *Condition) Equalities() ([]KeyTerm, error) {
	var terms []KeyTerm
	return terms, c.equalities(c.root, &terms)
}

func (c *Condition) equalities(of condition, terms *[]KeyTerm) error {
	switch of := of.(type) {
	case *logical:
		if of.or {
			break
		}
		if err := c.equalities(of.a, terms); err != nil {
			return err
		}
		return c.equalities(of.b, terms)
	case *comparison:
		p, isPath := of.a.(*path)
		v, isValue := of.b.(*value)
		if of.operator != "=" || !isPath || !isValue {
			break
		}
		t := KeyTerm{Attribute: c.at(p.elements[0]), Operator: "=", Values: []attribute.Value{c.value[v.slot]}}
		*terms = append(*terms, t)
		return nil
	}
	return errComparator
}
