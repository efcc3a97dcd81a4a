// Package item holds what DynamoDB stores: items, which are maps of attribute
// values. It checks and normalises what was sent (Normalise), counts sizes as
// AWS does (Size), compares values (Equal, Compare), and writes items as
// compact bytes (Encode, Decode), which can be answered with as they are (Stored).
// What a request has is stored without making values of it (AppendSent).
//
// It knows no tables and no keys; those are the service's.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html
package item

import "github.com/virga-cloud/virga/api/attribute"

// Item is a map of attribute values by name.
type Item = attribute.M

// Attributes is an Item, or what knows some of its values, or finds them.
type Attributes interface {
	// Attribute is the value of a name, nil where the item has none.
	Attribute(name string) attribute.Value
}

// MaxSize is the largest item, in bytes as Size counts them.
const MaxSize = 400 << 10

// MaxDepth is how many levels of lists and maps an item may have, the item itself included.
const MaxDepth = 32

// MaxName is the longest name of an attribute, in bytes.
const MaxName = 65535

// Error says what is wrong with a value. It is AWS's text.
type Error string

func (e Error) Error() string { return string(e) }
