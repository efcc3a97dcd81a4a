package protocol

import (
	"encoding/binary"
	"errors"
	"math"
	"unicode/utf8"
)

// errCBORSyntax is what every body that is no CBOR comes to.
var errCBORSyntax = errors.New("malformed CBOR")

// The major types of RFC 8949, section 3.1.
const (
	cborUint   = 0
	cborNeg    = 1
	cborBytes  = 2
	cborText   = 3
	cborArray  = 4
	cborMap    = 5
	cborTag    = 6
	cborSimple = 7
)

// Arguments of major type 7.
const (
	cborFalse     = 20
	cborTrue      = 21
	cborNull      = 22
	cborUndefined = 23
)

const (
	cborBreak   = 0xff // ends what has no length
	cborNullTag = cborSimple<<5 | cborNull
)

// cborHead is the head of a data item.
type cborHead struct {
	major uint8
	// bits is the width of a float of major type 7, else 0.
	bits       uint8
	indefinite bool
	// arg is the value, length, tag, or the bits of a float.
	arg uint64
}

func (h cborHead) isBool() bool {
	return h.major == cborSimple && h.bits == 0 && (h.arg == cborFalse || h.arg == cborTrue)
}

// integer is the value of an integer that fits.
func (h cborHead) integer() (int64, bool) {
	if h.major > cborNeg || h.arg > math.MaxInt64 {
		return 0, false
	}
	if h.major == cborNeg {
		return -1 - int64(h.arg), true
	}
	return int64(h.arg), true
}

// float is the value of a float, or of an integer as a float.
func (h cborHead) float() (float64, bool) {
	if h.major == cborUint {
		return float64(h.arg), true
	}
	if h.major == cborNeg {
		return -1 - float64(h.arg), true
	}
	switch h.bits {
	case 16:
		return halfFloat(uint16(h.arg)), true
	case 32:
		return float64(math.Float32frombits(uint32(h.arg))), true
	case 64:
		return math.Float64frombits(h.arg), true
	}
	return 0, false
}

// halfFloat reads an IEEE 754 half precision float.
func halfFloat(b uint16) float64 {
	exponent, mantissa := int(b>>10&31), float64(b&1023)
	f := 0.0
	switch exponent {
	case 0:
		f = math.Ldexp(mantissa, -24)
	case 31:
		f = math.Inf(1)
		if mantissa != 0 {
			f = math.NaN()
		}
	default:
		f = math.Ldexp(mantissa+1024, exponent-25)
	}
	if b>>15 == 1 {
		f = -f
	}
	return f
}

// cborLexer steps through CBOR as RFC 8949 has it.
type cborLexer struct {
	data  []byte
	pos   int
	depth int
}

// take steps over n bytes and returns them.
func (l *cborLexer) take(n uint64) ([]byte, error) {
	if n > uint64(len(l.data)-l.pos) {
		return nil, errCBORSyntax
	}
	b := l.data[l.pos : l.pos+int(n)]
	l.pos += int(n)
	return b, nil
}

// head reads the head of a data item. A break is none.
func (l *cborLexer) head() (cborHead, error) {
	b, err := l.take(1)
	if err != nil {
		return cborHead{}, err
	}
	h := cborHead{major: b[0] >> 5, arg: uint64(b[0] & 31)}
	if h.arg < 24 {
		return h, nil
	}
	if h.arg == 31 {
		h.indefinite, h.arg = true, 0
		if h.major < cborBytes || h.major > cborMap {
			return h, errCBORSyntax
		}
		return h, nil
	}
	if h.arg > 27 {
		return h, errCBORSyntax
	}
	width := uint64(1) << (h.arg - 24)
	if b, err = l.take(width); err != nil {
		return h, err
	}
	switch width {
	case 1:
		h.arg = uint64(b[0])
	case 2:
		h.arg = uint64(binary.BigEndian.Uint16(b))
	case 4:
		h.arg = uint64(binary.BigEndian.Uint32(b))
	case 8:
		h.arg = binary.BigEndian.Uint64(b)
	}
	if h.major == cborSimple {
		if width == 1 && h.arg < 32 {
			return h, errCBORSyntax
		}
		if width > 1 {
			h.bits = uint8(width * 8)
		}
	}
	return h, nil
}

// untag passes tags that say nothing to a shape.
func (l *cborLexer) untag(h cborHead) (cborHead, error) {
	var err error
	for h.major == cborTag && err == nil {
		h, err = l.head()
	}
	return h, err
}

// null steps over a null or undefined, if it is next.
func (l *cborLexer) null() bool {
	if l.pos < len(l.data) && (l.data[l.pos] == cborNullTag || l.data[l.pos] == cborNullTag+1) {
		l.pos++
		return true
	}
	return false
}

// each calls f before each element of an array or entry of a map.
func (l *cborLexer) each(h cborHead, f func() error) error {
	if l.depth++; l.depth > maxDepth {
		return errSerialization("Request nests too deeply")
	}
	defer func() { l.depth-- }()
	for i := uint64(0); h.indefinite || i < h.arg; i++ {
		if l.pos >= len(l.data) {
			return errCBORSyntax
		}
		if h.indefinite && l.data[l.pos] == cborBreak {
			l.pos++
			return nil
		}
		if err := f(); err != nil {
			return err
		}
	}
	return nil
}

// chunks calls f with the bytes of a string, in as many pieces as it has.
func (l *cborLexer) chunks(h cborHead, f func([]byte)) error {
	if !h.indefinite {
		b, err := l.take(h.arg)
		if err == nil {
			f(b)
		}
		return err
	}
	return l.each(h, func() error {
		chunk, err := l.head()
		if err != nil {
			return err
		}
		if chunk.major != h.major || chunk.indefinite {
			return errCBORSyntax
		}
		b, err := l.take(chunk.arg)
		f(b)
		return err
	})
}

// bytes reads a byte string.
func (l *cborLexer) bytes(h cborHead) ([]byte, error) {
	out := []byte{}
	err := l.chunks(h, func(b []byte) { out = append(out, b...) })
	return out, err
}

// text reads a text string.
func (l *cborLexer) text(h cborHead) (string, error) {
	var raw []byte
	err := l.chunks(h, func(b []byte) {
		if h.indefinite {
			b = append(raw, b...)
		}
		raw = b
	})
	if err == nil && !utf8.Valid(raw) {
		err = errCBORSyntax
	}
	return string(raw), err
}

// skip steps over a data item of any kind.
func (l *cborLexer) skip() error {
	h, err := l.head()
	if err == nil {
		h, err = l.untag(h)
	}
	if err != nil {
		return err
	}
	switch h.major {
	case cborBytes, cborText:
		return l.chunks(h, func([]byte) {})
	case cborArray:
		return l.each(h, l.skip)
	case cborMap:
		return l.each(h, func() error {
			if err := l.skip(); err != nil {
				return err
			}
			return l.skip()
		})
	}
	return nil
}
