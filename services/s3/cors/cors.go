// Package cors holds the rules by which a bucket lets pages of other origins
// use it: Check says whether a bucket can be given a configuration, Allow what
// one grants.
//
// # Vocabulary
//
// A crossing is what a browser says of a request that a page wants to make, or
// makes: the page's origin, the method and the headers. A rule that fits it
// makes a grant, which is told in headers of the answer.
//
// # Powers and limits
//
// The package decides; it reads no bucket and refuses no request. As S3 does,
// the first rule that fits decides alone, and a grant is told in full on answers
// to preflights and to the requests themselves.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/cors.html
package cors

import (
	"slices"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
)

// Crossing is one request across origins.
type Crossing struct {
	Origin, Method string
	// Headers are those that the page wants to send, of a preflight. S3 looks at
	// them in other requests too when they name any.
	Headers []string
}

// Names splits Access-Control-Request-Headers. Names have no case.
func Names(header string) []string {
	var names []string
	for name := range strings.SplitSeq(header, ",") {
		if name = strings.ToLower(strings.TrimSpace(name)); name != "" {
			names = append(names, name)
		}
	}
	return names
}

// Allow returns the headers that tell what the first rule grants that fits the
// crossing; granted is false when none does.
func Allow(rules []*s3.CORSRule, c Crossing) (headers []api.Field, granted bool) {
	for _, r := range rules {
		if !slices.Contains(r.AllowedMethods, c.Method) {
			continue
		}
		i := slices.IndexFunc(r.AllowedOrigins, func(pattern string) bool { return fits(pattern, c.Origin) })
		if i < 0 || !allows(r.AllowedHeaders, c.Headers) {
			continue
		}
		return grant(r, r.AllowedOrigins[i], c), true
	}
	return nil, false
}

// grant is what a rule grants to a crossing that one of its origins has let through.
func grant(r *s3.CORSRule, pattern string, c Crossing) []api.Field {
	origin := c.Origin
	if pattern == "*" {
		origin = "*" // which browsers do not take for requests with credentials
	}
	h := []api.Field{
		{Name: "Access-Control-Allow-Origin", Value: origin},
		{Name: "Access-Control-Allow-Methods", Value: strings.Join(r.AllowedMethods, ", ")},
	}
	if len(c.Headers) > 0 {
		h = append(h, api.Field{Name: "Access-Control-Allow-Headers", Value: strings.Join(c.Headers, ", ")})
	}
	if len(r.ExposeHeaders) > 0 {
		h = append(h, api.Field{Name: "Access-Control-Expose-Headers", Value: strings.Join(r.ExposeHeaders, ", ")})
	}
	if r.MaxAgeSeconds != nil {
		h = append(h, api.Field{Name: "Access-Control-Max-Age", Value: strconv.Itoa(int(*r.MaxAgeSeconds))})
	}
	if origin != "*" {
		h = append(h, api.Field{Name: "Access-Control-Allow-Credentials", Value: "true"})
	}
	return append(h, api.Field{Name: "Vary", Value: "Origin, Access-Control-Request-Headers, Access-Control-Request-Method"})
}

// allows says whether each name, in lower case, fits one of the patterns.
func allows(patterns, names []string) bool {
	for _, name := range names {
		if !slices.ContainsFunc(patterns, func(p string) bool { return fits(strings.ToLower(p), name) }) {
			return false
		}
	}
	return true
}

// fits compares a text with a pattern, in which one asterisk stands for any text.
func fits(pattern, text string) bool {
	before, after, wild := strings.Cut(pattern, "*")
	if !wild {
		return pattern == text
	}
	return len(text) >= len(before)+len(after) && strings.HasPrefix(text, before) && strings.HasSuffix(text, after)
}
