package protocol

import (
	"encoding/base64"
	"math"
	"strconv"
	"strings"
)

// The simple values of JSON bodies.

func (r *jsonReader) stringValue(sh *shape, p *string) error {
	if r.space() != '"' {
		return r.wrongType(sh)
	}
	text, err := r.string()
	*p = text
	return err
}

func (r *jsonReader) boolean(sh *shape) (bool, error) {
	switch r.space() {
	case 't':
		return true, r.literal("true")
	case 'f':
		return false, r.literal("false")
	case '"':
		if r.rest {
			break
		}
		start := r.pos
		raw, err := r.rawString()
		if err != nil {
			return false, err
		}
		if v, ok := boolWord(raw); ok {
			return v, nil
		}
		r.pos = start
	}
	return false, r.wrongType(sh)
}

// boolWord is the boolean that AWS's awsJson services take a word for.
func boolWord(raw []byte) (value, ok bool) {
	switch strings.ToUpper(string(raw)) {
	case "TRUE", "1", "YES":
		return true, true
	case "FALSE", "0", "NO":
		return false, true
	}
	return false, false
}

func (r *jsonReader) blob(sh *shape) ([]byte, error) {
	switch c := r.space(); c {
	case '"':
	case '[', '{':
		return nil, r.wrongType(sh)
	default:
		return nil, errSerialization("only base-64-encoded strings are convertible to bytes")
	}
	raw, err := r.rawString()
	if err != nil {
		return nil, err
	}
	return decodeBase64(raw)
}

// decodeBase64 reads padded base64 with DynamoDB's words for what is wrong.
func decodeBase64(raw []byte) ([]byte, error) {
	if len(raw)%4 != 0 {
		return nil, errSerialization("Base64 encoded length is expected a multiple of 4 bytes but found: " + strconv.Itoa(len(raw)))
	}
	out := make([]byte, base64.StdEncoding.DecodedLen(len(raw)))
	n, err := base64.StdEncoding.Strict().Decode(out, raw)
	if err != nil {
		return nil, errSerialization("Invalid last non-pad Base64 character dectected")
	}
	return out[:n:n], nil
}

// integer reads a number; a fraction is cut off, as AWS does.
func (r *jsonReader) integer(sh *shape, least, most int64) (int64, error) {
	if c := r.space(); c != '-' && (c < '0' || c > '9') {
		return 0, r.wrongType(sh)
	}
	start := r.pos
	raw, err := r.number()
	if err != nil {
		return 0, err
	}
	v, err := strconv.ParseInt(string(raw), 10, 64)
	if err != nil {
		f, ferr := strconv.ParseFloat(string(raw), 64)
		if ferr != nil || f < -(1<<63) || f >= 1<<63 {
			r.pos = start
			return 0, r.wrongType(sh)
		}
		v = int64(f)
	}
	if v < least || v > most {
		r.pos = start
		return 0, r.wrongType(sh)
	}
	return v, nil
}

func (r *jsonReader) float(sh *shape, bits int) (float64, error) {
	c := r.space()
	if c == '"' {
		start := r.pos
		raw, err := r.rawString()
		if err != nil {
			return 0, err
		}
		if f, ok := specialFloat(string(raw)); ok {
			return f, nil
		}
		r.pos = start
		return 0, r.wrongType(sh)
	}
	if c != '-' && (c < '0' || c > '9') {
		return 0, r.wrongType(sh)
	}
	raw, err := r.number()
	if err != nil {
		return 0, err
	}
	// A number out of range is the infinity that ParseFloat returns with its error.
	f, _ := strconv.ParseFloat(string(raw), bits)
	return f, nil
}

// specialFloat is the float that JSON, queries and headers write as a word.
func specialFloat(s string) (float64, bool) {
	switch s {
	case "NaN":
		return math.NaN(), true
	case "Infinity":
		return math.Inf(1), true
	case "-Infinity":
		return math.Inf(-1), true
	}
	return 0, false
}

func (r *jsonReader) timestamp(sh *shape, s slot, f timeFormat) error {
	c := r.space()
	start := r.pos
	var raw []byte
	var err error
	switch {
	case c == '"':
		raw, err = r.rawString()
		if f == timeUnix {
			// Some clients write dates where the model has seconds.
			f = timeISO8601
		}
	case c == '-' || c >= '0' && c <= '9':
		raw, err = r.number()
		f = timeUnix
	default:
		return r.wrongType(sh)
	}
	if err != nil {
		return err
	}
	t, err := parseTime(f, string(raw))
	if err != nil {
		r.pos = start
		return r.wrongType(sh)
	}
	*s.time() = t
	return nil
}
