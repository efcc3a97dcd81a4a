package protocol

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"time"
)

// errTimestamp is what parseTime returns for what is no timestamp.
var errTimestamp = errors.New("not a timestamp")

// parseTime reads a timestamp of the given format (not timeDefault). Fractions
// are kept as far as they go, offsets are understood, and the answer is in UTC.
func parseTime(f timeFormat, s string) (time.Time, error) {
	switch f {
	case timeUnix:
		return parseUnix(s)
	case timeRFC822:
		return parseRFC822(s)
	}
	return parseISO8601(s)
}

// parseISO8601 reads RFC 3339, and the basic form 20060102T150405Z with it.
func parseISO8601(s string) (time.Time, error) {
	for _, layout := range [...]string{time.RFC3339Nano, "20060102T150405Z0700", "2006-01-02T15:04:05", "2006-01-02"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errTimestamp
}

// parseRFC822 reads the dates of HTTP, with a fraction of a second where there is one.
func parseRFC822(s string) (time.Time, error) {
	for _, layout := range [...]string{time.RFC1123, time.RFC1123Z, time.RFC850, time.ANSIC, "Mon, 2 Jan 2006 15:04:05 MST"} {
		if t, err := time.Parse(layout, s); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, errTimestamp
}

// parseUnix reads seconds since 1970 with an optional fraction and exponent.
func parseUnix(s string) (time.Time, error) {
	whole, fraction, _ := strings.Cut(s, ".")
	if sec, err := strconv.ParseInt(whole, 10, 64); err == nil && digits(fraction) && len(fraction) <= 9 {
		ns, _ := strconv.ParseInt((fraction + "000000000")[:9], 10, 64)
		if strings.HasPrefix(whole, "-") {
			ns = -ns
		}
		return unixTime(sec, ns)
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		return time.Time{}, errTimestamp
	}
	return unixFloat(f)
}

func digits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return true
}

// unixFloat is a time from seconds since 1970; it is kept to milliseconds,
// which is what a float holds of a present time without noise.
func unixFloat(f float64) (time.Time, error) {
	if math.IsNaN(f) || math.Abs(f) > 1e12 {
		return time.Time{}, errTimestamp
	}
	ms := math.Round(f * 1000)
	return time.UnixMilli(int64(ms)).UTC(), nil
}

// unixTime refuses times beyond the year 33658, which no format can write.
func unixTime(sec, ns int64) (time.Time, error) {
	if sec > 1e12 || sec < -1e12 {
		return time.Time{}, errTimestamp
	}
	return time.Unix(sec, ns).UTC(), nil
}

// appendTime writes t in the given format (not timeDefault), with milliseconds
// where it has them; HTTP dates have none.
func appendTime(b []byte, f timeFormat, t time.Time) []byte {
	t = t.UTC()
	switch f {
	case timeUnix:
		return appendUnix(b, t)
	case timeRFC822:
		return appendHTTPDate(b, t)
	}
	if t.Nanosecond() >= 1e6 {
		return appendISO8601Millis(b, t)
	}
	return t.AppendFormat(b, time.RFC3339)
}

// appendISO8601Millis writes t with three digits of its fraction. Go formats
// RFC 3339 quickly and every other layout slowly.
func appendISO8601Millis(b []byte, t time.Time) []byte {
	t = t.UTC()
	b = t.AppendFormat(b, time.RFC3339)
	ms := t.Nanosecond() / 1e6
	return append(b[:len(b)-1], '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10), 'Z')
}

// appendHTTPDate writes t, which is in UTC, as HTTP does: "Mon, 02 Jan 2006 15:04:05 GMT".
// Every answer with an object has one, and Go's formatting takes five times as long.
func appendHTTPDate(b []byte, t time.Time) []byte {
	year, month, day := t.Date()
	hour, minute, second := t.Clock()
	if year < 0 || year > 9999 {
		return t.AppendFormat(b, "Mon, 02 Jan 2006 15:04:05 GMT")
	}
	b = append(append(b, t.Weekday().String()[:3]...), ',', ' ', byte('0'+day/10), byte('0'+day%10), ' ')
	b = append(append(b, month.String()[:3]...), ' ')
	b = append(b, byte('0'+year/1000), byte('0'+year/100%10), byte('0'+year/10%10), byte('0'+year%10), ' ')
	b = append(b, byte('0'+hour/10), byte('0'+hour%10), ':', byte('0'+minute/10), byte('0'+minute%10), ':')
	return append(b, byte('0'+second/10), byte('0'+second%10), ' ', 'G', 'M', 'T')
}

func appendUnix(b []byte, t time.Time) []byte {
	ms := t.UnixMilli()
	if ms < 0 {
		b, ms = append(b, '-'), -ms
	}
	b = strconv.AppendInt(b, ms/1000, 10)
	if ms %= 1000; ms != 0 {
		b = append(b, '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
		for b[len(b)-1] == '0' {
			b = b[:len(b)-1]
		}
	}
	return b
}
