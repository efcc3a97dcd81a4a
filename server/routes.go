package server

import (
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/server/protocol"
)

// table finds the operation of a REST service by method, path and query.
type table map[string][]*route

// route is the REST binding of one operation.
type route struct {
	op api.Known
	// segments of the path; a label is "{Name}", a greedy one "{Name+}".
	segments []segment
	// exactness is the number of segments that are no labels.
	exactness int
	// literals are query parameters of the URI that must be there ("acl", "list-type=2").
	literals protocol.Pairs
	// query and header (in canonical form) are the names of required members that live there. They
	// tell operations apart that share method and path.
	query, header []string
	// named says that the required query parameters name the operation, as they
	// do in S3: without them a request is not a wrong one, but another.
	named bool
}

type segment struct {
	text          string // the literal, or the label's name
	label, greedy bool
}

func newTable(m *api.Model) table {
	t := table{}
	for _, known := range m.Operations {
		op := known.Spec()
		r := &route{op: known, named: m.Service.Name == "s3"}
		path, query, _ := strings.Cut(op.URI, "?")
		for _, s := range strings.Split(strings.TrimPrefix(path, "/"), "/") {
			seg := segment{text: s}
			if strings.HasPrefix(s, "{") {
				seg.label = true
				seg.greedy = strings.HasSuffix(s, "+}")
				seg.text = strings.Trim(s, "{+}")
			}
			r.segments = append(r.segments, seg)
		}
		for _, q := range strings.Split(query, "&") {
			if q != "" {
				name, value, _ := strings.Cut(q, "=")
				r.literals = append(r.literals, api.Field{Name: name, Value: value})
			}
		}
		for _, s := range r.segments {
			if !s.label {
				r.exactness++
			}
		}
		r.query, r.header = requiredParameters(known)
		t[op.Method] = append(t[op.Method], r)
	}
	for _, routes := range t {
		slices.SortStableFunc(routes, func(a, b *route) int {
			if a.op.Spec().Deprecated != b.op.Spec().Deprecated && a.exactness == b.exactness {
				if a.op.Spec().Deprecated {
					return 1
				}
				return -1
			}
			return b.exactness - a.exactness
		})
	}
	return t
}

// requiredParameters are the names of an input's required query and header
// members, those of headers in canonical form.
func requiredParameters(op api.Known) (query, header []string) {
	t := reflect.TypeOf(op.NewInput()).Elem()
	for i := range t.NumField() {
		options := strings.Split(t.Field(i).Tag.Get("aws"), ",")
		if !slices.Contains(options, "required") {
			continue
		}
		name := options[0]
		for _, o := range options {
			if n, ok := strings.CutPrefix(o, "name="); ok {
				name = n
			}
		}
		switch {
		case slices.Contains(options, "querystring"):
			query = append(query, name)
		case slices.Contains(options, "header"):
			header = append(header, http.CanonicalHeaderKey(name))
		}
	}
	return query, header
}

// match is the operation for a request, with the labels of its URI, still
// encoded; ok is false when there is none. path is the encoded path.
func (t table) match(method, path string, q protocol.Pairs, h http.Header) (op api.Known, labels protocol.Pairs, ok bool) {
	var best *route
	bestRank := -1
	path = strings.TrimPrefix(path, "/")
	for _, r := range t[method] {
		if best != nil && r.exactness < best.exactness {
			break // sorted: a more exact path has matched
		}
		if len(r.literals) > len(q) { // the cheapest question first: it rules out most of S3
			continue
		}
		if rank, ok := r.rank(q, h); ok && rank > bestRank && r.matchPath(path, nil) {
			best, bestRank = r, rank
		}
	}
	if best == nil {
		return nil, nil, false
	}
	labels = make(protocol.Pairs, 0, len(best.segments)-best.exactness)
	best.matchPath(path, &labels)
	return best.op, labels, true
}

// rank says how well the query and the headers fit: literals weigh most, then
// that nothing required is missing, then how much is required.
func (r *route) rank(q protocol.Pairs, h http.Header) (rank int, ok bool) {
	for _, l := range r.literals {
		v, there := q.Get(l.Name)
		if !there || l.Value != "" && v != l.Value {
			return 0, false
		}
	}
	rank = len(r.literals) << 16
	complete := 1 << 8
	for _, name := range r.query {
		if _, there := q.Get(name); there {
			rank++
		} else if r.named {
			return 0, false
		} else {
			complete = 0
		}
	}
	for _, name := range r.header {
		if v := h[name]; len(v) > 0 && v[0] != "" {
			rank++
		} else {
			complete = 0
		}
	}
	if complete == 0 && len(r.literals) == 0 && len(r.query)+len(r.header) > 0 {
		rank = 0 // less than an operation of the same path that asks for nothing
	}
	return rank + complete, true
}

// matchPath compares an encoded path, without its first slash, with the
// route's, and notes the labels when labels is not nil.
func (r *route) matchPath(path string, labels *protocol.Pairs) bool {
	for i, s := range r.segments {
		last := i == len(r.segments)-1
		if s.greedy && last {
			if path == "" {
				return false
			}
			if labels != nil {
				*labels = append(*labels, api.Field{Name: s.text, Value: path})
			}
			return true
		}
		var part string
		more := false
		if s.greedy {
			// A greedy label in the middle takes all but the segments behind it.
			behind := len(r.segments) - 1 - i
			cut := len(path)
			for range behind {
				if cut = strings.LastIndexByte(path[:cut], '/'); cut < 0 {
					return false
				}
			}
			part, path, more = path[:cut], path[cut+1:], true
		} else {
			part, path, more = strings.Cut(path, "/")
		}
		if s.label {
			if part == "" {
				return false
			}
			if labels != nil {
				*labels = append(*labels, api.Field{Name: s.text, Value: part})
			}
		} else if part != s.text {
			return false
		}
		if last {
			return !more || path == "" // a slash at the end changes nothing
		}
		if !more {
			return false
		}
	}
	return path == ""
}
