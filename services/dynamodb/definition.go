package dynamodb

import (
	"fmt"
	"slices"
	"strings"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// The checks of keys, indexes and capacity that making and changing a table share.

// maxKeyParts is how many attributes each half of a global index's key may have.
const maxKeyParts = 4

// maxUnits is the most capacity that may be asked for.
const maxUnits = 1000000000000

// checkKeySchema checks the key of a table or an index, of which each half may
// have so many attributes.
func checkKeySchema(key []*ddb.KeySchemaElement, defined []string, parts int) error {
	attributes := make([]string, len(key))
	for i, e := range key {
		attributes[i] = e.AttributeName
	}
	for _, name := range attributes {
		if !slices.Contains(defined, name) {
			return errParameter("Some index key attributes are not defined in AttributeDefinitions. Keys: [%s], AttributeDefinitions: [%s]",
				strings.Join(attributes, ", "), strings.Join(defined, ", "))
		}
	}
	for i, name := range attributes {
		if slices.Contains(attributes[:i], name) {
			if len(key) > 2 {
				return errValidation("The KeySchema contains multiple key attributes with the same name")
			}
			return errValidation("Both the Hash Key and the Range Key element in the KeySchema have the same name")
		}
	}
	if key[0].KeyType != ddb.KeyTypeHash {
		return errValidation("Invalid KeySchema: The first KeySchemaElement is not a HASH key type")
	}
	hashes, ranges := 0, 0
	for _, e := range key {
		if e.KeyType == ddb.KeyTypeRange {
			ranges++
			continue
		}
		hashes++
		switch {
		case parts == 1 && (ranges > 0 || hashes > 1):
			return errValidation("Invalid KeySchema: The second KeySchemaElement is not a RANGE key type")
		case ranges > 0:
			return errParameter("All HASH key attributes must precede RANGE key attributes in the KeySchema")
		}
	}
	switch {
	case parts == 1 && ranges > 1:
		return errConstraint(showKeySchema(key), "keySchema", "have length less than or equal to 2")
	case hashes > parts:
		return errParameter("The KeySchema exceeds the maximum allowed number of HASH key attributes")
	case ranges > parts:
		return errParameter("The KeySchema exceeds the maximum allowed number of RANGE key attributes")
	}
	return nil
}

// showKeySchema is a key as AWS shows it in messages.
func showKeySchema(key []*ddb.KeySchemaElement) string {
	parts := make([]string, len(key))
	for i, e := range key {
		parts[i] = fmt.Sprintf("KeySchemaElement(attributeName=%s, keyType=%s)", e.AttributeName, e.KeyType)
	}
	return "[" + strings.Join(parts, ", ") + "]"
}

// checkIndex checks what indexes of both kinds have, and notes the name.
func checkIndex(name string, p *ddb.Projection, indexNames map[string]bool) error {
	if p.ProjectionType == "" {
		return errParameter("Unknown ProjectionType: null")
	}
	if p.NonKeyAttributes != nil && p.ProjectionType != ddb.ProjectionTypeInclude {
		return errParameter("ProjectionType is %s, but NonKeyAttributes is specified", p.ProjectionType)
	}
	if p.NonKeyAttributes == nil && p.ProjectionType == ddb.ProjectionTypeInclude {
		return errParameter("ProjectionType is INCLUDE, but NonKeyAttributes is not specified")
	}
	for i, a := range p.NonKeyAttributes {
		if slices.Contains(p.NonKeyAttributes[:i], a) {
			return errParameter("Duplicate element in NonKeyAttributes: %s", a)
		}
	}
	if indexNames[name] {
		return errParameter("Duplicate index name: %s", name)
	}
	indexNames[name] = true
	return nil
}

func errUnusedDefinitions(defined, used []string) error {
	return errParameter("Some AttributeDefinitions are not used. AttributeDefinitions: [%s], keys used: [%s]",
		strings.Join(defined, ", "), strings.Join(used, ", "))
}

func checkBilling(mode ddb.BillingMode, p *ddb.ProvisionedThroughput) error {
	if mode == ddb.BillingModePayPerRequest {
		if p != nil {
			return errParameter("Neither ReadCapacityUnits nor WriteCapacityUnits can be specified when BillingMode is PAY_PER_REQUEST")
		}
		return nil
	}
	if p == nil {
		return errParameter("ReadCapacityUnits and WriteCapacityUnits must both be specified when BillingMode is PROVISIONED")
	}
	return checkThroughput(p)
}

func checkThroughput(p *ddb.ProvisionedThroughput) error {
	if *p.ReadCapacityUnits > maxUnits {
		return errValidation("Given value %d for ReadCapacityUnits is out of bounds", *p.ReadCapacityUnits)
	}
	if *p.WriteCapacityUnits > maxUnits {
		return errValidation("Given value %d for WriteCapacityUnits is out of bounds", *p.WriteCapacityUnits)
	}
	return nil
}

// checkNewStream checks the stream of a table that is to be made, and
// checkStream that of one that is to be changed.
func checkNewStream(s *ddb.StreamSpecification) error {
	switch {
	case s == nil:
		return nil
	case *s.StreamEnabled && s.StreamViewType == "":
		return errParameter("Table is being created with a stream enabled, UpdateViewType is required")
	case !*s.StreamEnabled && s.StreamViewType != "":
		return errParameter("Table is being created with a stream disabled, UpdateViewType should not be specified")
	}
	return nil
}

func checkStream(s *ddb.StreamSpecification) error {
	switch {
	case s == nil:
		return nil
	case *s.StreamEnabled && s.StreamViewType == "":
		return errParameter("If stream is being enabled then UpdateViewType is required")
	case !*s.StreamEnabled && s.StreamViewType != "":
		return errParameter("If stream is being disabled, then UpdateViewType must not be specified")
	}
	return nil
}
