package dynamodb

import (
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
)

// schema is a table's record, prepared for reading and writing items.
type schema struct {
	*table
	keySchema
	prefix  []byte // of the items' keys
	indexes []*index
	// follower is what follows changes of items besides the indexes; nil for nothing.
	follower *follower
	// needsOld says that a write needs the item as it was.
	needsOld bool
}

// keySchema is the key of a table or an index. Several attributes of a kind
// occur in global indexes.
type keySchema struct {
	all             []keyAttribute
	partition, sort []keyAttribute // the two parts of all
}

type keyAttribute struct {
	name, kind string // kind is S, N or B
}

// index is a secondary index, prepared.
type index struct {
	*tableIndex
	keySchema
	prefix []byte
	// projected are the attributes of its entries; nil for all.
	projected map[string]bool
}

// schema prepares the record, which must not be changed afterwards.
func (t *table) schema() *schema {
	t.once.Do(func() {
		s := &schema{table: t, keySchema: t.keys(t.Key), prefix: indexKey(t.Account, t.Region, t.Number, 0)}
		for _, x := range t.Indexes {
			s.indexes = append(s.indexes, s.prepare(x))
		}
		// AWS looks at the global ones first.
		slices.SortStableFunc(s.indexes, func(x, y *index) int {
			if x.Global == y.Global {
				return 0
			}
			if x.Global {
				return -1
			}
			return 1
		})
		s.follower = t.follower()
		s.needsOld = len(s.indexes) > 0 || s.follower != nil
		t.compiled = s
	})
	return t.compiled
}

func (t *table) keys(elements []*ddb.KeySchemaElement) keySchema {
	var k keySchema
	for _, kind := range []ddb.KeyType{ddb.KeyTypeHash, ddb.KeyTypeRange} {
		for _, e := range elements {
			if e.KeyType == kind {
				k.all = append(k.all, keyAttribute{e.AttributeName, t.attributeType(e.AttributeName)})
			}
		}
		if kind == ddb.KeyTypeHash {
			k.partition = k.all
		}
	}
	n := len(k.partition)
	k.partition, k.sort = k.all[:n:n], k.all[n:]
	return k
}

// attributeType is the type that the table defines for an attribute, "" when it does not.
func (t *table) attributeType(name string) string {
	for _, d := range t.Attributes {
		if d.AttributeName == name {
			return string(d.AttributeType)
		}
	}
	return ""
}

func (t *schema) prepare(x *tableIndex) *index {
	out := &index{tableIndex: x, keySchema: t.keys(x.Key), prefix: indexKey(t.Account, t.Region, t.Number, x.Number)}
	if x.Projection.ProjectionType == ddb.ProjectionTypeAll {
		return out
	}
	out.projected = map[string]bool{}
	for _, name := range x.Projection.NonKeyAttributes {
		out.projected[name] = true
	}
	for _, a := range slices.Concat(t.all, out.all) {
		out.projected[a.name] = true
	}
	if x.Vector != nil {
		for _, e := range x.Vector.Schema {
			out.projected[e.AttributeName] = true
		}
	}
	return out
}

// of is the key of an item.
func (k *keySchema) of(it item.Item) item.Item {
	out := make(item.Item, len(k.all))
	for _, a := range k.all {
		out[a.name] = it[a.name]
	}
	return out
}

// has says whether an item has an entry in the index: it has all of its key.
func (x *index) has(it item.Item) bool {
	for _, a := range x.all {
		if it[a.name] == nil {
			return false
		}
	}
	return x.Vector == nil || it[x.Vector.Attribute] != nil
}

// entry is what the index keeps of an item.
func (x *index) entry(of item.Item) item.Item {
	if x.Vector != nil {
		return x.vectorEntry(of)
	}
	if x.projected == nil {
		return of
	}
	out := make(item.Item, min(len(of), len(x.projected)))
	for name, v := range of {
		if x.projected[name] {
			out[name] = v
		}
	}
	return out
}

// The longest keys, in bytes.
const maxPartitionKey, maxSortKey = 2048, 1024

// checkSize checks the size of a key attribute's value. AWS leaves out a space
// in one of the texts.
func checkSize(v attribute.Value, partition bool) error {
	n := 0
	switch v := v.(type) {
	case attribute.S:
		n = len(v)
	case attribute.B:
		n = len(v)
	}
	switch {
	case partition && n > maxPartitionKey:
		return errParameter("Size of hashkey has exceeded the maximum size limit of2048 bytes")
	case !partition && n > maxSortKey:
		return errParameter("Aggregated size of all range keys has exceeded the size limit of 1024 bytes")
	}
	return nil
}

// empty names what kind of value is empty: "string", "binary", or "".
func empty(v attribute.Value) string {
	switch v := v.(type) {
	case attribute.S:
		if v == "" {
			return "string"
		}
	case attribute.B:
		if len(v) == 0 {
			return "binary"
		}
	}
	return ""
}

// checkKey checks a key that was given to find an item.
func (k *keySchema) checkKey(key item.Item) error {
	if len(key) != len(k.all) {
		return errKeySchema()
	}
	return k.checkValues(key)
}

// checkValues checks the values that an item, or a key, has for the key.
func (k *keySchema) checkValues(key item.Attributes) error {
	for i, a := range k.all {
		if err := a.check(key.Attribute(a.name), i < len(k.partition)); err != nil {
			return err
		}
	}
	return nil
}

func (a keyAttribute) check(v attribute.Value, partition bool) error {
	if attribute.TypeOf(v) != a.kind {
		return errKeySchema()
	}
	if kind := empty(v); kind != "" {
		return errParameter("The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.name)
	}
	return checkSize(v, partition)
}

// checkItem checks the keys of an item that is to be written, those of the
// table and those of its indexes.
func (t *schema) checkItem(it item.Attributes) error {
	for i, a := range t.all {
		v := it.Attribute(a.name)
		if v == nil {
			return errParameter("Missing the key %s in the item", a.name)
		}
		if kind := attribute.TypeOf(v); kind != a.kind {
			return errParameter("Type mismatch for key %s expected: %s actual: %s", a.name, a.kind, kind)
		}
		if kind := empty(v); kind != "" {
			return errValidation("One or more parameter values are not valid. The AttributeValue for a key attribute cannot contain an empty %s value. Key: %s", kind, a.name)
		}
		if err := checkSize(v, i == 0); err != nil {
			return err
		}
	}
	return t.checkIndexKeys(it)
}

// checkIndexKeys checks that the attributes an item has of the indexes' keys
// can be keys.
func (t *schema) checkIndexKeys(it item.Attributes) error {
	for _, x := range t.indexes {
		for i, a := range x.all {
			v := it.Attribute(a.name)
			if v == nil {
				continue
			}
			if kind := attribute.TypeOf(v); kind != a.kind {
				return errParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, kind, x.Name)
			}
			if kind := empty(v); kind != "" {
				return errValidation("One or more parameter values are not valid. A value specified for a secondary index key is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value. IndexName: %s, IndexKey: %s", kind, x.Name, a.name)
			}
			if err := checkSize(v, i < len(x.partition)); err != nil {
				return err
			}
		}
		if x.Vector != nil {
			if err := x.checkVector(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkUse checks that an expression does not look into a key.
func (t *schema) checkUse(u expression.Use) error {
	if !u.Nested {
		return nil
	}
	const text = "Key attributes must be scalars; list random access '[]' and map lookup '.' are not allowed: %s: %s"
	for _, a := range t.all {
		if a.name == u.Attribute {
			return errValidation(text, "Key", a.name)
		}
	}
	for _, x := range t.indexes {
		for _, a := range x.all {
			if a.name == u.Attribute {
				return errValidation(text, "IndexKey", a.name)
			}
		}
	}
	return nil
}
