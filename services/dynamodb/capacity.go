package dynamodb

import (
	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// The sizes that a capacity unit pays for, in bytes.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/read-write-operations.html
const readUnit, writeUnit = 4 << 10, 1 << 10

// units is how many units of the size pay for n bytes, at least one.
func units(n, size int) float64 { return float64(max(1, (n+size-1)/size)) }

// readUnits is what reading n bytes costs.
func readUnits(n int, consistent bool) float64 {
	if consistent {
		return units(n, readUnit)
	}
	return units(n, readUnit) / 2
}

// consumed is the capacity that a request took of a table and its indexes.
type consumed struct {
	table   float64
	indexes []indexConsumed
	vectors []indexConsumed // whose units are bytes
}

// vectorFloor is the least that AWS counts for the writing of a vector index's
// entry and for a search, in bytes.
const vectorFloor = 1 << 10

type indexConsumed struct {
	*index
	units float64
}

func (c *consumed) add(other consumed) {
	c.table += other.table
	for _, x := range other.indexes {
		c.addIndex(x.index, x.units)
	}
	for _, x := range other.vectors {
		addUnits(&c.vectors, x.index, x.units)
	}
}

func (c *consumed) addIndex(x *index, units float64) { addUnits(&c.indexes, x, units) }

// addVector adds the writing of a vector index's entry of a size.
func (c *consumed) addVector(x *index, size int) {
	addUnits(&c.vectors, x, float64(max(size, vectorFloor)))
}

func addUnits(list *[]indexConsumed, x *index, units float64) {
	for i := range *list {
		if (*list)[i].index == x {
			(*list)[i].units += units
			return
		}
	}
	*list = append(*list, indexConsumed{x, units})
}

// kind says which capacity was taken, for the answers that tell.
type kind int

const (
	untold kind = iota
	readCapacity
	writeCapacity
)

// describe is what AWS tells of it; nil when it was not asked to.
func (c *consumed) describe(asked ddb.ReturnConsumedCapacity, tableName string, of kind) *ddb.ConsumedCapacity {
	if asked != ddb.ReturnConsumedCapacityTotal && asked != ddb.ReturnConsumedCapacityIndexes {
		return nil
	}
	total := c.table
	for _, x := range c.indexes {
		total += x.units
	}
	out := &ddb.ConsumedCapacity{TableName: tableName, CapacityUnits: &total}
	switch of {
	case readCapacity:
		out.ReadCapacityUnits = &total
	case writeCapacity:
		out.WriteCapacityUnits = &total
	}
	if asked == ddb.ReturnConsumedCapacityTotal {
		return out
	}
	part := func(units float64) *ddb.Capacity {
		p := &ddb.Capacity{CapacityUnits: &units}
		switch of {
		case readCapacity:
			p.ReadCapacityUnits = &units
		case writeCapacity:
			p.WriteCapacityUnits = &units
		}
		return p
	}
	out.Table = part(c.table)
	for _, x := range c.indexes {
		m := &out.LocalSecondaryIndexes
		if x.Global {
			m = &out.GlobalSecondaryIndexes
		}
		if *m == nil {
			*m = map[string]*ddb.Capacity{}
		}
		(*m)[x.Name] = part(x.units)
	}
	for _, x := range c.vectors {
		if out.VectorIndexes == nil {
			out.VectorIndexes = map[string]*ddb.VectorCapacity{}
		}
		out.VectorIndexes[x.Name] = &ddb.VectorCapacity{VectorWriteRequestBytes: &x.units}
	}
	return out
}
