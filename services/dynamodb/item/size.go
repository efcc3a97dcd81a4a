package item

import (
	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/number"
)

// What AWS adds for lists and maps, and for each of their elements.
const (
	documentOverhead = 3
	elementOverhead  = 1
)

// Size is how many bytes AWS counts for an item: its names and values.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/CapacityUnitCalculations.html
func Size(m Item) int {
	size := 0
	for name, v := range m {
		size += len(name) + ValueSize(v)
	}
	return size
}

// ValueSize is how many bytes AWS counts for a normalised value.
func ValueSize(v attribute.Value) int {
	switch v := v.(type) {
	case attribute.S:
		return len(v)
	case attribute.B:
		return len(v)
	case attribute.N:
		return numberSize(string(v))
	case attribute.BOOL, attribute.NULL:
		return 1
	case attribute.L:
		size := documentOverhead + elementOverhead*len(v)
		for _, e := range v {
			size += ValueSize(e)
		}
		return size
	case attribute.M:
		return documentOverhead + elementOverhead*len(v) + Size(v)
	case attribute.SS:
		size := 0
		for _, s := range v {
			size += len(s)
		}
		return size
	case attribute.NS:
		size := 0
		for _, s := range v {
			size += numberSize(s)
		}
		return size
	case attribute.BS:
		size := 0
		for _, b := range v {
			size += len(b)
		}
		return size
	}
	return 0
}

func numberSize(text string) int {
	x, err := number.Parse(text)
	if err != nil {
		return len(text) // not normalised: nothing that was stored
	}
	return x.Size()
}
