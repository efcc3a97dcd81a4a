package protocol

import (
	"encoding/base64"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
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

// noLimits demand nothing.
var noLimits limits

// check is one of the things that limits may demand.
type check uint8

const (
	checkMax check = iota
	checkMin
	checkPattern
	checkEnum
	checks // how many there are
)

// holds says whether a value, which no pointer is in front of, passes a check.
func (l *limits) holds(c check, sh *shape, s slot) bool {
	switch c {
	case checkMax:
		// A string has no more characters than bytes.
		return l.max == nil || sh.kind == kindString && float64(len(*s.string())) <= l.max.value || measure(sh, s) <= l.max.value
	case checkMin:
		return l.min == nil || measure(sh, s) >= l.min.value
	case checkPattern:
		if l.pattern == nil || sh.kind != kindString {
			return true
		}
		re := l.pattern.compile()
		return re == nil || re.MatchString(*s.string())
	}
	return sh.enum == nil || slices.Contains(sh.enum, *s.string())
}

// measure is what a bound bounds: a number's value, a string's characters, the
// size of all else.
func measure(sh *shape, s slot) float64 {
	switch sh.kind {
	case kindString:
		return float64(utf8.RuneCountInString(*s.string()))
	case kindInt32:
		return float64(*s.int32())
	case kindInt64:
		return float64(*s.int64())
	case kindFloat32:
		return float64(*s.float32())
	case kindFloat64:
		return *s.float64()
	case kindBlob, kindList:
		return float64(s.len())
	case kindMap:
		return float64(s.mapLen(sh))
	}
	return 0
}

// text says what a check demands, in the words of AWS's validator; "" when it
// demands nothing.
func (l *limits) text(c check, sh *shape) string {
	what := "length"
	switch sh.kind {
	case kindInt32, kindInt64, kindFloat32, kindFloat64:
		what = "value"
	}
	switch {
	case c == checkMax && l.max != nil:
		return "Member must have " + what + " less than or equal to " + l.max.text
	case c == checkMin && l.min != nil:
		return "Member must have " + what + " greater than or equal to " + l.min.text
	case c == checkPattern && l.pattern != nil:
		return "Member must satisfy regular expression pattern: " + l.pattern.text
	case c == checkEnum && sh.enum != nil:
		return "Member must satisfy enum value set: [" + strings.Join(sh.enum, ", ") + "]"
	}
	return ""
}

// fits says whether an element passes all checks.
func (l *limits) fits(sh *shape, s slot) bool {
	sh, s = behind(sh, s)
	for c := range checks {
		if !l.holds(c, sh, s) {
			return false
		}
	}
	return true
}

// all says all that is demanded of elements: "[Member must ..., Member must ...]".
func (l *limits) all(sh *shape) string {
	var texts []string
	for c := range checks {
		if t := l.text(c, sh.value()); t != "" {
			texts = append(texts, t)
		}
	}
	return "[" + strings.Join(texts, ", ") + "]"
}

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
	return newPattern(string(text))
}

func newPattern(text string) *pattern {
	return &pattern{text: text, compile: sync.OnceValue(func() *regexp.Regexp {
		plain := unicodeEscape.ReplaceAllString(fromJava.Replace(text), `\x{$1}`)
		re, err := regexp.Compile(`^(?:` + plain + `)$`)
		if err != nil {
			return nil
		}
		return re
	})}
}

// fromJava puts for what Java knows in an expression what Go does: a class, and
// all characters beyond the first plane.
var fromJava = strings.NewReplacer(`\p{Print}`, `[ -~]`, `\uD800\uDC00-\uDBFF\uDFFF`, `\x{10000}-\x{10FFFF}`)

// unicodeEscape is how Java writes a character in an expression.
var unicodeEscape = regexp.MustCompile(`\\u([0-9A-Fa-f]{4})`)

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
	for _, s := range p {
		for _, m := range s.members {
			if m.shape.constrained || m.limited() {
				s.checked = append(s.checked, m)
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
