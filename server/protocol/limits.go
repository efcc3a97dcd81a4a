package protocol

import (
	"encoding/base64"
	"regexp"
	"strconv"
	"strings"
	"sync"
)

// limits are what a model demands of a value: a length or size or number
// between two bounds, and a pattern.
type limits struct {
	min, max *bound
	pattern  *pattern
}

// bound is a limit with its text, since messages show it as the model has it.
type bound struct {
	value float64
	text  string
}

// pattern is a regular expression that a value must match whole.
type pattern struct {
	text    string
	compile func() *regexp.Regexp
}

// none says that the limits demand nothing.
func (l *limits) none() bool { return l.min == nil && l.max == nil && l.pattern == nil }

// parseLimit reads the tag option key=value; false when it is no limit.
func (m *member) parseLimit(key, value string) bool {
	of, what := &m.limits, key
	if prefix, rest, ok := strings.Cut(key, "."); ok {
		what = rest
		switch prefix {
		case "item":
			of = &m.itemLimits
		case "key":
			of = &m.keyLimits
		case "value":
			of = &m.valueLimits
		default:
			return false
		}
	}
	switch what {
	case "min":
		of.min = parseBound(value)
	case "max":
		of.max = parseBound(value)
	case "pattern":
		of.pattern = parsePattern(value)
	default:
		return false
	}
	return true
}

func parseBound(text string) *bound {
	f, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic("protocol: aws tag with limit " + text)
	}
	return &bound{f, text}
}

// parsePattern reads a pattern in unpadded base64url. It is compiled when it
// is first needed; expressions that Go's engine does not know (they look
// ahead, or count past 1000) are not checked.
func parsePattern(coded string) *pattern {
	text, err := base64.RawURLEncoding.DecodeString(coded)
	if err != nil {
		panic("protocol: aws tag with pattern " + coded)
	}
	return &pattern{text: string(text), compile: sync.OnceValue(func() *regexp.Regexp {
		re, err := regexp.Compile(`^(?:` + string(text) + `)$`)
		if err != nil {
			return nil
		}
		return re
	})}
}

// findConstrained marks the structures that hold, at any depth, a member that
// the validator has to look at. Recursive shapes are why it goes round until
// nothing changes.
func (p planner) findConstrained() {
	for changed := true; changed; {
		changed = false
		for _, s := range p {
			if !s.constrained && s.hasConstraint() {
				s.constrained, changed = true, true
			}
		}
	}
}

func (s *shape) hasConstraint() bool {
	if s.enum != nil || s.elem != nil && s.elem.constrained {
		return true
	}
	for _, m := range s.members {
		if m.shape.constrained || m.limited() {
			return true
		}
	}
	return false
}

// limited says that the tag itself demands something.
func (m *member) limited() bool {
	return m.required || !m.limits.none() || !m.itemLimits.none() || !m.keyLimits.none() || !m.valueLimits.none()
}
