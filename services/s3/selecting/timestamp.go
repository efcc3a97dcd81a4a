package selecting

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// part is a part of a date, or how precisely a timestamp is known.
type part uint8

const (
	noPart part = iota
	year
	month
	day
	hour
	minute
	second
	zoneHour
	zoneMinute
)

// parts are the names of date parts.
var parts = map[string]part{
	"year": year, "month": month, "day": day, "hour": hour, "minute": minute, "second": second,
	"timezone_hour": zoneHour, "timezone_minute": zoneMinute,
}

// timestamp is a time that is known to a precision, by the Ion data format.
// https://amazon-ion.github.io/ion-docs/docs/spec.html#timestamp
type timestamp struct {
	at time.Time
	// precise is the last part that is known: year, month, day, minute or second.
	precise part
	// fraction is how many digits of a second are known.
	fraction int
	// zoned says that the offset from UTC is known.
	zoned bool
}

var timestampText = regexp.MustCompile(
	`^(\d{4})(?:T|-(\d{2})(?:T|-(\d{2})(?:T|T(\d{2}):(\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)?(Z|[+-]\d{2}:\d{2})?)?))$`)

// parseTimestamp reads a timestamp: 2007T, 2007-02T, 2007-02-23, 2007-02-23T12:14Z and
// 2007-02-23T12:14:33.079-08:00 show its forms.
func parseTimestamp(s string) (timestamp, bool) {
	m := timestampText.FindStringSubmatch(s)
	if m == nil {
		return timestamp{}, false
	}
	number := func(i, absent int) int {
		if m[i] == "" {
			return absent
		}
		n, _ := strconv.Atoi(m[i]) // digits only
		return n
	}
	t := timestamp{precise: year}
	for i, p := range map[int]part{2: month, 3: day} {
		if m[i] != "" {
			t.precise = max(t.precise, p)
		}
	}
	switch {
	case m[6] != "":
		t.precise = second
	case m[4] != "":
		t.precise = minute
	}
	t.fraction = len(m[7])
	nano, _ := strconv.Atoi((m[7] + "000000000")[:9])
	zone, zoned, ok := parseZone(m[8])
	if !ok {
		return timestamp{}, false
	}
	t.zoned = zoned
	t.at = time.Date(number(1, 0), time.Month(number(2, 1)), number(3, 1), number(4, 0), number(5, 0), number(6, 0), nano, zone)
	// What is out of its range would have moved to the next part.
	valid := t.at.Year() == number(1, 0) && int(t.at.Month()) == number(2, 1) && t.at.Day() == number(3, 1) &&
		t.at.Hour() == number(4, 0) && t.at.Minute() == number(5, 0) && t.at.Second() == number(6, 0)
	return t, valid && t.at.Year() > 0
}

func parseZone(s string) (zone *time.Location, known, ok bool) {
	switch s {
	case "", "-00:00":
		return time.UTC, false, true
	case "Z":
		return time.UTC, true, true
	}
	h, _ := strconv.Atoi(s[1:3]) // the expression has checked them
	m, _ := strconv.Atoi(s[4:6])
	offset := h*3600 + m*60
	if s[0] == '-' {
		offset = -offset
	}
	return time.FixedZone("", offset), true, h < 24 && m < 60
}

// String is the timestamp as Ion writes it.
func (t timestamp) String() string {
	switch t.precise {
	case year:
		return t.at.Format("2006T")
	case month:
		return t.at.Format("2006-01T")
	case day:
		return t.at.Format("2006-01-02T")
	}
	layout := "2006-01-02T15:04"
	if t.precise == second {
		layout += ":05"
		if t.fraction > 0 {
			layout += "." + strings.Repeat("0", t.fraction)
		}
	}
	if !t.zoned {
		return t.at.Format(layout) + "-00:00"
	}
	return t.at.Format(layout + "Z07:00")
}

// add adds n of a part; what is added is known afterwards.
func (t timestamp) add(p part, n int) timestamp {
	switch p {
	case year:
		t.at = addMonths(t.at, 12*n)
	case month:
		t.at = addMonths(t.at, n)
	case day:
		t.at = t.at.AddDate(0, 0, n)
	case hour:
		t.at, p = addSeconds(t.at, 3600*int64(n)), minute
	case minute:
		t.at = addSeconds(t.at, 60*int64(n))
	case second:
		t.at = addSeconds(t.at, int64(n))
	}
	t.precise = max(t.precise, p)
	return t
}

// addSeconds adds more than a time.Duration holds.
func addSeconds(at time.Time, n int64) time.Time {
	return time.Unix(at.Unix()+n, int64(at.Nanosecond())).In(at.Location())
}

// addMonths adds months; a day that the month does not have is its last.
func addMonths(at time.Time, n int) time.Time {
	moved := at.AddDate(0, n, 0)
	if moved.Day() != at.Day() {
		moved = moved.AddDate(0, 0, -moved.Day())
	}
	return moved
}

// until is how many whole parts pass from t to u.
func (t timestamp) until(p part, u timestamp) int64 {
	switch p {
	case year:
		return monthsBetween(t.at, u.at) / 12
	case month:
		return monthsBetween(t.at, u.at)
	}
	unit := map[part]time.Duration{day: 24 * time.Hour, hour: time.Hour, minute: time.Minute, second: time.Second}[p]
	return (u.at.Unix() - t.at.Unix()) / int64(unit/time.Second)
}

func monthsBetween(from, to time.Time) int64 {
	if to.Before(from) {
		return -monthsBetween(to, from)
	}
	to = to.In(from.Location())
	n := 12*(to.Year()-from.Year()) + int(to.Month()-from.Month())
	if addMonths(from, n).After(to) {
		n--
	}
	return int64(n)
}

// extract is the value of a part.
func (t timestamp) extract(p part) int64 {
	_, offset := t.at.Zone()
	switch p {
	case year:
		return int64(t.at.Year())
	case month:
		return int64(t.at.Month())
	case day:
		return int64(t.at.Day())
	case hour:
		return int64(t.at.Hour())
	case minute:
		return int64(t.at.Minute())
	case second:
		return int64(t.at.Second())
	case zoneHour:
		return int64(offset / 3600)
	}
	return int64(offset / 60 % 60)
}

// format writes the timestamp by a pattern of letters, quoted text and other
// characters, as TO_STRING documents them.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/s3-select-sql-reference-date.html
func (t timestamp) format(pattern string) (string, error) {
	var b strings.Builder
	for rest := pattern; rest != ""; {
		c := rest[0]
		if c == '\'' {
			end := strings.IndexByte(rest[1:], '\'')
			if end < 0 {
				return "", fail("EvaluatorUnterminatedTimestampFormatPatternToken", "Time stamp format pattern contains unterminated token in the SQL expression.")
			}
			if end == 0 {
				b.WriteByte('\'')
			}
			b.WriteString(rest[1 : 1+end])
			rest = rest[end+2:]
			continue
		}
		n := len(rest) - len(strings.TrimLeft(rest, rest[:1]))
		field := rest[:n]
		rest = rest[n:]
		if c < 'A' || c > 'z' || c > 'Z' && c < 'a' {
			b.WriteString(field)
			continue
		}
		shown, err := t.field(field)
		if err != nil {
			return "", err
		}
		b.WriteString(shown)
	}
	return b.String(), nil
}

// layouts are the fields that Go's layouts have.
var layouts = map[string]string{
	"yy": "06", "yyyy": "2006", "M": "1", "MM": "01", "MMM": "Jan", "MMMM": "January", "d": "2", "dd": "02", "a": "PM",
	"h": "3", "hh": "03", "HH": "15", "m": "4", "mm": "04", "s": "5", "ss": "05",
	"X": "Z07", "XX": "Z0700", "XXXX": "Z0700", "XXX": "Z07:00", "XXXXX": "Z07:00",
	"x": "-07", "xx": "-0700", "xxxx": "-0700", "xxx": "-07:00", "xxxxx": "-07:00",
}

func (t timestamp) field(f string) (string, error) {
	if layout, ok := layouts[f]; ok {
		return t.at.Format(layout), nil
	}
	switch {
	case f == "y":
		return strconv.Itoa(t.at.Year()), nil
	case f == "MMMMM":
		return t.at.Month().String()[:1], nil
	case f == "H":
		return strconv.Itoa(t.at.Hour()), nil
	case f == "n":
		return strconv.Itoa(t.at.Nanosecond()), nil
	case f[0] == 'S' && len(f) <= 9:
		return fmt.Sprintf("%09d", t.at.Nanosecond())[:len(f)], nil
	case strings.ContainsRune("yMdahHmsSnXx", rune(f[0])):
		return "", fail("EvaluatorInvalidTimestampFormatPatternToken", "Time stamp format pattern contains an invalid token in the SQL expression.")
	}
	return "", fail("EvaluatorInvalidTimestampFormatPatternSymbol", "Time stamp format pattern contains an invalid symbol in the SQL expression.")
}
