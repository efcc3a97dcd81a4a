package protocol

import (
	"net/url"
	"strings"

	"github.com/virga-cloud/virga/api"
)

// URI is what the address of a request says, taken apart once: who finds the
// operation by it hands it on to Decode.
type URI struct {
	// Labels are the labels of the URI by their names in Operation.URI (a greedy
	// one without its plus), still percent encoded.
	Labels Pairs
	// Query are the parameters of the query, in their order.
	Query Pairs
}

// Pairs are names with their values. There are so few of them that looking
// through them is quicker than a map.
type Pairs []api.Field

// Get is the first value of a name, and whether there is one.
func (p Pairs) Get(name string) (value string, ok bool) {
	for i := range p {
		if p[i].Name == name {
			return p[i].Value, true
		}
	}
	return "", false
}

// Value is the first value of a name; "" where there is none.
func (p Pairs) Value(name string) string {
	value, _ := p.Get(name)
	return value
}

// ParseQuery reads the parameters of a query or of a form. Unlike net/url's parser
// this one knows no other separator than "&", and keeps what is wrongly escaped as
// it stands.
func ParseQuery(raw string) Pairs {
	if raw == "" {
		return nil
	}
	p := make(Pairs, 0, 8)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		p = append(p, api.Field{Name: unescapeQuery(name), Value: unescapeQuery(value)})
	}
	return p
}

func unescapeQuery(s string) string {
	if plain, err := url.QueryUnescape(s); err == nil {
		return plain
	}
	return s
}
