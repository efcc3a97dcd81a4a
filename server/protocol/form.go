package protocol

import (
	"cmp"
	"net/http"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/virga-cloud/virga/api"
)

// formNotation reads the urlencoded requests of the query protocols, from a
// body or a query string, and writes their XML answers. It is the protocol of
// IAM, STS, SNS and others, the old one of SQS, and with ec2 that of EC2, which
// names its members differently and never wraps a list.
//
// A parameter's name is a path: Filter.1.Value.2 or Tags.member.1.Key. Indices
// order the elements and need not be dense, so that they allocate nothing.
//
// https://smithy.io/2.0/aws/protocols/aws-query-protocol.html
// https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
type formNotation struct{ ec2 bool }

func (n formNotation) contentType(*api.Operation) string {
	if n.ec2 {
		return "text/xml;charset=UTF-8"
	}
	return "text/xml"
}

// malformedQuery is the answer to what is no urlencoded form.
// https://docs.aws.amazon.com/IAM/latest/APIReference/CommonErrors.html
func malformedQuery() error {
	return api.Errorf("MalformedQueryString", http.StatusBadRequest, "The query string contains a syntax error.")
}

// malformedInput is the answer to a parameter that cannot be what its name says.
func malformedInput(format string, args ...any) error {
	return api.Errorf("MalformedInput", http.StatusBadRequest, format, args...)
}

// decode reads a urlencoded request, or the XML of an answer.
func (n formNotation) decode(d *decoding, data []byte, sh *shape, s slot) error {
	if d.response {
		return n.decodeAnswer(d, data, sh, s)
	}
	params, err := parseForm(string(data))
	if err != nil {
		return err
	}
	r := formReader{d: d, ec2: n.ec2}
	return r.structure(sh, s, params)
}

func (n formNotation) decodePayload(d *decoding, data []byte, m *member, s slot) error {
	return malformedInput("a form is no single member")
}

// formParam is a parameter. name is what is left of its path, "" at its end.
type formParam struct{ name, value string }

// parseForm reads a urlencoded form into parameters ordered by their paths,
// numbers by their value. Action and Version, which say what the request is,
// are left out.
func parseForm(form string) ([]formParam, error) {
	params := make([]formParam, 0, strings.Count(form, "&")+1)
	for pair := range strings.SplitSeq(form, "&") {
		if pair == "" {
			continue
		}
		name, value, _ := strings.Cut(pair, "=")
		name, ok := unescapeForm(name)
		if !ok {
			return nil, malformedQuery()
		}
		if value, ok = unescapeForm(value); !ok {
			return nil, malformedQuery()
		}
		if name != "" && name != "Action" && name != "Version" {
			params = append(params, formParam{name, value})
		}
	}
	slices.SortStableFunc(params, func(a, b formParam) int { return comparePaths(a.name, b.name) })
	return params, nil
}

// unescapeForm decodes %XX and "+". Text that is not UTF-8 is refused.
func unescapeForm(s string) (string, bool) {
	if !strings.ContainsAny(s, "%+") {
		return s, utf8.ValidString(s)
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch c := s[i]; c {
		case '+':
			b = append(b, ' ')
		case '%':
			if i+2 >= len(s) {
				return "", false
			}
			high, low := hexDigit(s[i+1]), hexDigit(s[i+2])
			if high > 15 || low > 15 {
				return "", false
			}
			b = append(b, high<<4|low)
			i += 2
		default:
			b = append(b, c)
		}
	}
	return string(b), utf8.Valid(b)
}

// hexDigit is the value of a hexadecimal digit, 16 for what is none.
func hexDigit(c byte) byte {
	switch {
	case '0' <= c && c <= '9':
		return c - '0'
	case 'a' <= c && c <= 'f':
		return c - 'a' + 10
	case 'A' <= c && c <= 'F':
		return c - 'A' + 10
	}
	return 16
}

// comparePaths orders paths part by part, indices before names and by value.
func comparePaths(a, b string) int {
	for {
		partA, restA, moreA := strings.Cut(a, ".")
		partB, restB, moreB := strings.Cut(b, ".")
		if partA != partB {
			indexA, indexB := isIndex(partA), isIndex(partB)
			switch {
			case indexA && indexB:
				if c := cmp.Compare(len(partA), len(partB)); c != 0 {
					return c
				}
			case indexA:
				return -1
			case indexB:
				return 1
			}
			return cmp.Compare(partA, partB)
		}
		if !moreA || !moreB {
			switch {
			case moreB:
				return -1
			case moreA:
				return 1
			}
			return 0
		}
		a, b = restA, restB
	}
}

// isIndex says whether a part of a path is an index: a number without leading zeros.
func isIndex(part string) bool {
	return part != "" && digits(part) && (part[0] != '0' || part == "0")
}

// formReader reads parameters into values along their plan.
type formReader struct {
	d   *decoding
	ec2 bool
	// depth counts the structures that are being read.
	depth int
}

// groups calls f with each first part of the parameters' paths and the
// parameters below it, whose names are cut to what follows.
func groups(params []formParam, f func(part string, below []formParam) error) error {
	for len(params) > 0 {
		part, _, _ := strings.Cut(params[0].name, ".")
		n := 0
		for n < len(params) {
			p, rest, _ := strings.Cut(params[n].name, ".")
			if p != part {
				break
			}
			params[n].name = rest
			n++
		}
		if err := f(part, params[:n]); err != nil {
			return err
		}
		params = params[n:]
	}
	return nil
}

// leaf is the value of a parameter whose path has ended, if there is one. Of
// several the first counts.
func leaf(params []formParam) (string, bool) {
	if len(params) > 0 && params[0].name == "" {
		return params[0].value, true
	}
	return "", false
}

// nested is the parameters without those whose path has ended; it is an error
// when such a one has a value, since a structure or list has none.
func nested(params []formParam) ([]formParam, error) {
	for len(params) > 0 && params[0].name == "" {
		if params[0].value != "" {
			return nil, malformedInput("Unexpected value found where a structure or list was expected")
		}
		params = params[1:]
	}
	return params, nil
}

func (r *formReader) structure(sh *shape, s slot, params []formParam) error {
	if r.depth++; r.depth > maxDepth {
		return malformedInput("The parameters nest too deeply")
	}
	defer func() { r.depth-- }()
	params, err := nested(params)
	if err != nil {
		return err
	}
	return groups(params, func(part string, below []formParam) error {
		var m *member
		if r.ec2 {
			m = sh.byEC2[part]
		} else {
			m = sh.byWire[part]
		}
		if m == nil {
			return nil
		}
		f := s.field(m)
		if err := r.value(m, 0, m.shape, f, below); err != nil {
			return err
		}
		r.d.note(m.shape, f)
		return nil
	})
}

// value reads the parameters into the value at s, which lies depth collections
// below the member m.
func (r *formReader) value(m *member, depth int, sh *shape, s slot, params []formParam) error {
	switch sh.kind {
	case kindStruct:
		return r.structure(sh, s, params)
	case kindPointer:
		return r.value(m, depth, sh.elem, s.makeTarget(sh), params)
	case kindList:
		return r.list(m, depth, sh, s, params)
	case kindMap:
		return r.mapping(m, depth, sh, s, params)
	}
	text, ok := leaf(params)
	if !ok {
		return malformedInput("Unexpected structure or list found where the value of %s was expected", m.wire)
	}
	if err := parseText(sh, s, text, m.timeFormat(timeISO8601)); err != nil {
		return malformedInput("%s is no valid value of %s", text, m.wire)
	}
	return nil
}

// list reads Name.1, or Name.member.1 where the list is wrapped. "Name=" is a
// list that is empty.
func (r *formReader) list(m *member, depth int, sh *shape, s slot, params []formParam) error {
	s.makeList(sh)
	params, err := nested(params)
	if err != nil {
		return err
	}
	if r.ec2 || depth == 0 && m.flattened {
		return r.elements(m, depth, sh, s, params)
	}
	item := m.item(depth)
	return groups(params, func(part string, below []formParam) error {
		// Services take "member" whatever the model's name is.
		if part != item && part != "member" {
			return nil
		}
		return r.elements(m, depth, sh, s, below)
	})
}

func (r *formReader) elements(m *member, depth int, sh *shape, s slot, params []formParam) error {
	return groups(params, func(part string, below []formParam) error {
		if !isIndex(part) {
			return nil
		}
		return r.value(m, depth+1, sh.elem, s.appendZero(sh), below)
	})
}

// mapping reads Name.entry.1.key and Name.entry.1.value, or Name.1.key where
// the map is flattened.
func (r *formReader) mapping(m *member, depth int, sh *shape, s slot, params []formParam) error {
	s.makeMap(sh)
	params, err := nested(params)
	if err != nil {
		return err
	}
	if depth == 0 && m.flattened {
		return r.entries(m, depth, sh, s, params)
	}
	return groups(params, func(part string, below []formParam) error {
		if part != "entry" {
			return nil
		}
		return r.entries(m, depth, sh, s, below)
	})
}

func (r *formReader) entries(m *member, depth int, sh *shape, s slot, params []formParam) error {
	keyName, valueName := m.entry(depth)
	return groups(params, func(part string, below []formParam) error {
		if !isIndex(part) {
			return nil
		}
		key, keyed := "", false
		v := newValue(sh.elem)
		err := groups(below, func(part string, below []formParam) (err error) {
			switch part {
			case keyName:
				key, keyed = leaf(below)
			case valueName:
				err = r.value(m, depth+1, sh.elem, v, below)
			}
			return err
		})
		if err != nil {
			return err
		}
		if !keyed {
			return malformedInput("An entry of %s has no %s", m.wire, keyName)
		}
		s.put(sh, key, v)
		return nil
	})
}
