package dynamodb

import (
	"slices"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/services/dynamodb/vector"
)

// A vector index is an index whose entries are found by how near they are. Its
// key is the HASH of its search schema, or nothing; an entry is what the index
// projects, what searches filter by, and the vector, as package vector stores it.

// vectorIndex is what a vector index has beyond other indexes.
type vectorIndex struct {
	Attribute  string
	Dimensions int64
	Distance   ddb.VectorDistanceFunction
	Schema     []*ddb.SearchSchemaElement
}

// AWS's limits.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/ServiceQuotas.html#limits-vector-indexes
const (
	maxVectorIndexes = 5 // of a table
	maxDimensions    = 4096
)

// newVectorIndex is the record of a vector index.
func newVectorIndex(in *ddb.VectorIndex) *tableIndex {
	x := &tableIndex{Name: in.IndexName, Global: true, Projection: in.Projection, Vector: &vectorIndex{
		Attribute: in.VectorAttribute.AttributeName, Dimensions: *in.Dimensions, Distance: in.DistanceFunction, Schema: in.SearchSchema,
	}}
	for _, e := range in.SearchSchema {
		if e.SearchSchemaElementType == ddb.SearchSchemaElementTypeHash {
			x.Key = append(x.Key, &ddb.KeySchemaElement{AttributeName: e.AttributeName, KeyType: ddb.KeyTypeHash})
		}
	}
	return x
}

func errNotOnDemand() error {
	return errParameter("Vector indexes are only supported for PAY_PER_REQUEST tables")
}

// checkVectorIndex checks the definition of a vector index against the
// attributes that the request defines.
func checkVectorIndex(in *ddb.VectorIndex, defined []string) error {
	if *in.Dimensions > maxDimensions {
		return errParameter("Number of dimensions must be between 1 and %d inclusive.", maxDimensions)
	}
	if name := in.VectorAttribute.AttributeName; slices.Contains(defined, name) {
		return errParameter("Conflicting attribute definition for '%s'. An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.", name)
	}
	hashes := 0
	var seen []string
	for _, e := range in.SearchSchema {
		if !slices.Contains(defined, e.AttributeName) {
			return errParameter("One element in SearchSchema is not defined in attribute definitions")
		}
		if slices.Contains(seen, e.AttributeName) {
			return errParameter("Duplicate attribute in SearchSchema: %s", e.AttributeName)
		}
		seen = append(seen, e.AttributeName)
		if e.SearchSchemaElementType == ddb.SearchSchemaElementTypeHash {
			hashes++
		}
	}
	if hashes > 1 {
		return errParameter("SearchSchema can have at most one HASH element")
	}
	return nil
}

// checkVectors checks the vector indexes of a table that is to be made.
func checkVectors(in *ddb.CreateTableInput, defined []string, indexNames map[string]bool) error {
	if in.VectorIndexes == nil {
		return nil
	}
	if len(in.VectorIndexes) == 0 {
		return errParameter("List of VectorIndexes is empty")
	}
	if in.BillingMode != ddb.BillingModePayPerRequest {
		return errNotOnDemand()
	}
	if len(in.VectorIndexes) > maxVectorIndexes {
		return errParameter("VectorIndex count exceeds the per-table limit of %d", maxVectorIndexes)
	}
	dimensions := map[string]int64{}
	for _, x := range in.VectorIndexes {
		if err := checkVectorIndex(x, defined); err != nil {
			return err
		}
		if err := checkIndex(x.IndexName, x.Projection, indexNames); err != nil {
			return err
		}
		if err := checkDimensions(dimensions, x); err != nil {
			return err
		}
	}
	return nil
}

// checkDimensions requires that all indexes of an attribute have the same.
func checkDimensions(dimensions map[string]int64, x *ddb.VectorIndex) error {
	name := x.VectorAttribute.AttributeName
	if other, ok := dimensions[name]; ok && other != *x.Dimensions {
		return errParameter("Conflicting attribute definition for '%s'. All VectorIndexes on the same vector attribute must use the same dimensions.", name)
	}
	dimensions[name] = *x.Dimensions
	return nil
}

// vectors says how many vector indexes a table has.
func (t *table) vectors() (n int) {
	for _, x := range t.Indexes {
		if x.Vector != nil {
			n++
		}
	}
	return n
}

func (x *tableIndex) describeVector(t *table, status ddb.TableStatus) *ddb.VectorIndexDescription {
	d := &ddb.VectorIndexDescription{
		IndexName:        x.Name,
		SearchSchema:     x.Vector.Schema,
		Projection:       x.Projection,
		VectorAttribute:  &ddb.VectorAttributeDefinition{AttributeName: x.Vector.Attribute},
		Dimensions:       &x.Vector.Dimensions,
		DistanceFunction: x.Vector.Distance,
		IndexStatus:      ddb.IndexStatusActive,
		IndexSizeBytes:   new(int64(0)),
		ItemCount:        new(int64(0)),
		IndexArn:         t.arn() + "/index/" + x.Name,
	}
	if status == ddb.TableStatusCreating || x.Backfilling {
		d.IndexStatus = ddb.IndexStatusCreating
	}
	if x.Backfilling {
		d.Backfilling = new(true)
	}
	return d
}

// updateVectors applies the VectorIndexUpdates of an UpdateTable.
func (u *tableUpdate) updateVectors() error {
	for _, x := range u.in.VectorIndexUpdates {
		switch {
		case x.Create != nil:
			if err := u.createVector((*ddb.VectorIndex)(x.Create)); err != nil {
				return err
			}
		case x.Delete != nil:
			index := u.index(x.Delete.IndexName)
			if index == nil || index.Vector == nil {
				return errNoTable()
			}
			u.goneVector = index.describeVector(u.table, ddb.TableStatusUpdating)
			u.goneVector.IndexStatus = ddb.IndexStatusDeleting
			u.removeIndex(index)
		default:
			return errParameter("One of VectorIndexUpdate.Create, VectorIndexUpdate.Delete must not be null")
		}
	}
	return nil
}

func (u *tableUpdate) createVector(in *ddb.VectorIndex) error {
	if !u.Billing.OnDemand {
		return errNotOnDemand()
	}
	if err := checkVectorIndex(in, names(u.in.AttributeDefinitions)); err != nil {
		return err
	}
	if kind := u.attributeType(in.VectorAttribute.AttributeName); kind != "" {
		return errParameter("Conflicting attribute definition for '%s'. An attribute cannot be defined in AttributeDefinitions when used as a VectorAttribute.", in.VectorAttribute.AttributeName)
	}
	if err := checkIndex(in.IndexName, in.Projection, map[string]bool{}); err != nil {
		return err
	}
	if u.index(in.IndexName) != nil {
		return errValidation("Attempting to create an index which already exists")
	}
	if u.vectors() == maxVectorIndexes {
		return &ddb.LimitExceededException{Message: "Subscriber limit exceeded: Number of vector secondary indexes exceeds per-table limit of 5"}
	}
	dimensions := map[string]int64{}
	for _, x := range u.Indexes {
		if x.Vector != nil {
			dimensions[x.Vector.Attribute] = x.Vector.Dimensions
		}
	}
	if err := checkDimensions(dimensions, in); err != nil {
		return err
	}
	x := newVectorIndex(in)
	attributes, err := u.definitions(x.Key)
	if err != nil {
		return err
	}
	u.fillIndex(x, attributes)
	return nil
}

// checkVector checks that what an item has for a vector index can be a vector.
func (x *index) checkVector(it item.Attributes) error {
	v := it.Attribute(x.Vector.Attribute)
	if v == nil {
		return nil
	}
	name := x.Vector.Attribute
	list, ok := v.(attribute.L)
	if !ok {
		return errValidation("One or more parameter values were invalid. Invalid type for parameter %s, Expected: 32-bit floating point number list IndexName: %s", name, x.Name)
	}
	if int64(len(list)) != x.Vector.Dimensions {
		return errValidation("One or more parameter values were invalid. Invalid size for parameter %s, Expected: %d, Actual: %d IndexName: %s", name, x.Vector.Dimensions, len(list), x.Name)
	}
	for i, e := range list {
		if _, ok := vector.Element(e); !ok {
			return errValidation("One or more parameter values were invalid. Invalid type for parameter %s[%d], Expected: 32-bit floating point number, Actual: %s. IndexName: %s",
				name, i, attribute.TypeOf(e), x.Name)
		}
	}
	return nil
}

// vectorEntry is what a vector index keeps of an item that it has.
func (x *index) vectorEntry(of item.Item) item.Item {
	out := make(item.Item, len(of))
	for name, v := range of {
		if x.projected == nil || x.projected[name] {
			out[name] = v
		}
	}
	list := of[x.Vector.Attribute].(attribute.L)
	v := make(vector.Vector, len(list))
	for i, e := range list {
		v[i], _ = vector.Element(e)
	}
	out[x.Vector.Attribute] = v.Encode()
	return out
}

// billed is the size that AWS bills the writing of an item by: vectors count
// four bytes for a dimension, whatever their numbers are.
func (t *schema) billed(it item.Item, size int) int {
	var counted []string
	for _, x := range t.indexes {
		if x.Vector == nil || slices.Contains(counted, x.Vector.Attribute) {
			continue
		}
		if list, ok := it[x.Vector.Attribute].(attribute.L); ok {
			counted = append(counted, x.Vector.Attribute)
			size += 4*len(list) - item.ValueSize(list)
		}
	}
	return size
}
