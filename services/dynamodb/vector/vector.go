// Package vector is the arithmetic of vector indexes: how a list of numbers
// becomes a vector of 32-bit floats, how vectors are stored, and how far they
// are from each other.
//
// Elements have the precision of the index, sums are made in 64 bits, and a
// distance is given in the range of 32 bits again: what is beyond it is its
// largest number, never infinity and never NaN.
//
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/VectorSearch.html
package vector

import (
	"encoding/binary"
	"math"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

// Vector is a vector in the precision of an index.
type Vector []float32

// Element reads one element; false when it is no number that 32 bits hold.
func Element(v attribute.Value) (float32, bool) {
	n, ok := v.(attribute.N)
	if !ok {
		return 0, false
	}
	f, err := strconv.ParseFloat(string(n), 32)
	return float32(f), err == nil
}

// Encode is the form that a vector is stored in: four bytes for each element.
func (v Vector) Encode() attribute.B {
	b := make(attribute.B, 0, 4*len(v))
	for _, f := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(f))
	}
	return b
}

// List is the vector as items have it, its numbers as short as they can be.
func List(stored attribute.B) attribute.L {
	out := make(attribute.L, 0, len(stored)/4)
	for ; len(stored) >= 4; stored = stored[4:] {
		text := strconv.FormatFloat(float64(at(stored)), 'g', -1, 32)
		if !strings.ContainsAny(text, ".e") {
			text += ".0"
		}
		out = append(out, attribute.N(text))
	}
	return out
}

func at(stored attribute.B) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(stored))
}

// Score is how a search ranks a stored vector: its distance from v, of which
// the least is the best, or with DOT_PRODUCT the product, of which the greatest
// is. The stored vector has as many elements as v.
func (v Vector) Score(stored attribute.B, by ddb.VectorDistanceFunction) float64 {
	switch by {
	case ddb.VectorDistanceFunctionDotProduct:
		return float64(saturated(v.dot(stored)))
	case ddb.VectorDistanceFunctionEuclidean:
		return float64(saturated(math.Sqrt(v.squared(stored))))
	}
	dot, own, other := v.norms(stored)
	if own == 0 || other == 0 {
		return 1 // what has no direction is neither near nor far
	}
	return float64(1 - saturated(dot/math.Sqrt(own)/math.Sqrt(other)))
}

func (v Vector) dot(stored attribute.B) (sum float64) {
	for i, f := range v {
		sum += float64(f) * float64(at(stored[4*i:]))
	}
	return sum
}

// squared is the square of the distance.
func (v Vector) squared(stored attribute.B) (sum float64) {
	for i, f := range v {
		d := float64(f) - float64(at(stored[4*i:]))
		sum += d * d
	}
	return sum
}

func (v Vector) norms(stored attribute.B) (dot, own, other float64) {
	for i, f := range v {
		x, y := float64(f), float64(at(stored[4*i:]))
		dot += x * y
		own += x * x
		other += y * y
	}
	return dot, own, other
}

func saturated(f float64) float32 {
	return float32(max(-math.MaxFloat32, min(math.MaxFloat32, f)))
}

// Better says whether a score ranks before another.
func Better(a, b float64, by ddb.VectorDistanceFunction) bool {
	if by == ddb.VectorDistanceFunctionDotProduct {
		return a > b
	}
	return a < b
}
