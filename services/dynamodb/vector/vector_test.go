package vector

import (
	"fmt"
	"math"
	"testing"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
)

const (
	cosine    = ddb.VectorDistanceFunctionCosine
	euclidean = ddb.VectorDistanceFunctionEuclidean
	product   = ddb.VectorDistanceFunctionDotProduct
)

func TestScore(t *testing.T) {
	for _, c := range []struct {
		by    ddb.VectorDistanceFunction
		v, to Vector
		want  float64
	}{
		{cosine, Vector{1, 0, 0}, Vector{1, 0, 0}, 0},
		{cosine, Vector{1, 0, 0}, Vector{0, 1, 0}, 1},
		{cosine, Vector{1, 0, 0}, Vector{-1, 0, 0}, 2},
		{cosine, Vector{1, 0, 0}, Vector{0.6, 0.8, 0}, 0.4},
		{cosine, Vector{0.3, 0.1, 0.7}, Vector{0.3, 0.1, 0.7}, 0},
		{cosine, Vector{0, 0, 0}, Vector{0, 0, 0}, 1},
		{cosine, Vector{1, 0, 0}, Vector{0, 0, 0}, 1},
		{cosine, Vector{1e-23, 0}, Vector{1e-23, 0}, 0},
		{euclidean, Vector{1, 0, 0}, Vector{1, 0, 0}, 0},
		{euclidean, Vector{1, 0, 0}, Vector{-1, 0, 0}, 2},
		{euclidean, Vector{1, 0, 0}, Vector{0, 1, 0}, math.Sqrt2},
		{euclidean, Vector{3.4e38, 0}, Vector{-3.4e38, 0}, math.MaxFloat32},
		{product, Vector{1, 0, 0}, Vector{0.6, 0.8, 0}, 0.6},
		{product, Vector{1, 0, 0}, Vector{-1, 0, 0}, -1},
		{product, Vector{3.4e38, 3.4e38}, Vector{3.4e38, -3.4e38}, 0},
	} {
		if got := c.v.Score(c.to.Encode(), c.by); math.Abs(got-c.want) > 1e-6 && got != c.want {
			t.Errorf("%s of %v and %v: %v, want %v", c.by, c.v, c.to, got, c.want)
		}
	}
	if got := (Vector{0.5, 0.5, 0.1}).Score(Vector{0.5, 0.5, 0.1}.Encode(), cosine); got != 0 {
		t.Errorf("a vector is %v from itself", got)
	}
}

func TestElements(t *testing.T) {
	for _, c := range []struct {
		v  attribute.Value
		ok bool
	}{
		{attribute.N("1"), true}, {attribute.N("-3.4E+38"), true}, {attribute.N("1E+39"), false}, {attribute.S("1"), false}, {attribute.L{}, false},
	} {
		if _, ok := Element(c.v); ok != c.ok {
			t.Errorf("%v: %v", c.v, ok)
		}
	}
	if got := fmt.Sprint(List(Vector{1, 0, -0.25, 1e-20}.Encode())); got != "[1.0 0.0 -0.25 1e-20]" {
		t.Error(got)
	}
}
