// Package usermetadata knows what becomes of the values of S3's user-defined
// metadata (x-amz-meta-*), which are text that travels in HTTP headers.
//
// # Vocabulary
//
// A value is sent as the bytes of a header, each of them a character of ISO 8859-1, and
// may have encoded words of RFC 2047 in it ("=?UTF-8?B?w6k=?="), which stand for any
// text. Text that is not all of ASCII is answered as encoded words. So what was
// sent as plain UTF-8 comes back as the encoded word of its bytes, not of its text.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/UsingMetadata.html
package usermetadata

import (
	"encoding/base64"
	"mime"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// Read is the text of a value as it was sent.
func Read(header string) string {
	if plain(header) && !strings.Contains(header, "=?") {
		return header
	}
	latin := make([]rune, len(header))
	for i := range len(header) {
		latin[i] = rune(header[i])
	}
	text := string(latin)
	if decoded, err := new(mime.WordDecoder).DecodeHeader(text); err == nil {
		return decoded
	}
	return text // of a character set that is not known
}

// Write is the value as answers have it. S3 chooses and divides encoded words as
// JavaMail does: by the more frequent kind of characters, and into halves until they fit.
func Write(text string) string {
	if plain(text) {
		return text
	}
	units := utf16.Encode([]rune(text))
	other := 0
	for _, u := range units {
		if !plainRune(rune(u)) {
			other++
		}
	}
	w := writer{base64: 2*other >= len(units)}
	w.words(units)
	return w.out.String()
}

func plain(s string) bool {
	for i := range len(s) {
		if !plainRune(rune(s[i])) {
			return false
		}
	}
	return true
}

// plainRune says whether a character may stand in a header. The end of a line may not,
// as an encoded word can hold one.
func plainRune(r rune) bool { return ' ' <= r && r < 0x7f || r == '\t' }

// maxWord is how long the text of an encoded word may be, encoded.
const maxWord = 63

type writer struct {
	base64 bool
	out    strings.Builder
}

// words writes text as one encoded word, or as those of its halves.
func (w *writer) words(units []uint16) {
	text := string(utf16.Decode(units))
	encoded := w.encode(text)
	if len(encoded) <= maxWord || utf8.RuneCountInString(text) == 1 {
		if w.out.Len() > 0 {
			w.out.WriteByte(' ')
		}
		kind := "Q"
		if w.base64 {
			kind = "B"
		}
		w.out.WriteString("=?UTF-8?" + kind + "?" + encoded + "?=")
		return
	}
	half := len(units) / 2
	if utf16.IsSurrogate(rune(units[half])) && units[half] >= 0xdc00 {
		half-- // not between the two of one character
	}
	if half > 0 {
		w.words(units[:half])
	}
	w.words(units[half:])
}

func (w *writer) encode(text string) string {
	if w.base64 {
		return base64.StdEncoding.EncodeToString([]byte(text))
	}
	const hex = "0123456789ABCDEF"
	var b strings.Builder
	for i := range len(text) {
		switch c := text[i]; {
		case c == ' ':
			b.WriteByte('_')
		case c < ' ' || c >= 0x7f || strings.IndexByte("=_?", c) >= 0:
			b.WriteByte('=')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		default:
			b.WriteByte(c)
		}
	}
	return b.String()
}
