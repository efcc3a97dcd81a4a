package protocol

import (
	"encoding/base64"
	"errors"
	"math"
	"strconv"
	"strings"
)

// errText is what parseText returns for text that is no value of the shape.
var errText = errors.New("not a value of its type")

// parseText sets the scalar at s from text, as XML bodies and query bodies
// write scalars: true or false, decimal numbers with NaN, Infinity and
// -Infinity, base64 for blobs. Blank around all but strings is passed.
// format is that of timestamps and is not timeDefault.
func parseText(sh *shape, s slot, text string, format timeFormat) error {
	if sh.kind == kindString {
		*s.string() = text
		return nil
	}
	text = strings.Trim(text, " \t\r\n")
	switch sh.kind {
	case kindBool:
		switch {
		case text == "1" || strings.EqualFold(text, "true"):
			*s.bool() = true
		case text == "0" || strings.EqualFold(text, "false"):
			*s.bool() = false
		default:
			return errText
		}
	case kindInt32:
		n, err := strconv.ParseInt(text, 10, 32)
		if err != nil {
			return errText
		}
		*s.int32() = int32(n)
	case kindInt64:
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return errText
		}
		*s.int64() = n
	case kindFloat32:
		f, err := parseFloatText(text, 32)
		if err != nil {
			return errText
		}
		*s.float32() = float32(f)
	case kindFloat64:
		f, err := parseFloatText(text, 64)
		if err != nil {
			return errText
		}
		*s.float64() = f
	case kindTime:
		t, err := parseTime(format, text)
		if err != nil {
			return errText
		}
		*s.time() = t
	case kindBlob:
		b, err := base64.StdEncoding.DecodeString(text)
		if err != nil {
			return errText
		}
		*s.blob() = b
	case kindPointer:
		return parseText(sh.elem, s.makeTarget(sh), text, format)
	default:
		return errText
	}
	return nil
}

// parseFloatText reads a float without Go's own notations beside the decimal one.
func parseFloatText(text string, bits int) (float64, error) {
	switch text {
	case "NaN", "Infinity", "-Infinity":
	default:
		if strings.Trim(text, "+-.0123456789eE") != "" {
			return 0, errText
		}
	}
	return strconv.ParseFloat(text, bits)
}

// appendFloatText writes a float as parseFloatText reads it.
func appendFloatText(b []byte, f float64, bits int) []byte {
	switch {
	case math.IsNaN(f):
		return append(b, "NaN"...)
	case math.IsInf(f, 1):
		return append(b, "Infinity"...)
	case math.IsInf(f, -1):
		return append(b, "-Infinity"...)
	}
	format := byte('f')
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		format = 'e'
	}
	return strconv.AppendFloat(b, f, format, -1, bits)
}
