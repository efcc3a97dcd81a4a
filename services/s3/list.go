package s3

import (
	"bytes"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/storage"
)

// maxPage is the largest page of a listing.
const maxPage = 1000

// listing asks for a page of what is kept under a root in order of its keys:
// the objects or the uploads of a bucket.
type listing struct {
	root              storage.Key
	prefix, delimiter string
	// start is where the page begins; nil is the beginning.
	start []byte
	limit int
}

// after makes the page begin behind all that is at key, or, for a group,
// begins with it.
func (l *listing) after(key string, group bool) { l.start = afterKey(l.root, key, group) }

// afterMarker makes the page begin behind a marker. A marker in a common
// prefix leaves out all of that: it was in an earlier page.
func (l *listing) afterMarker(marker string) {
	if group, ok := l.group(marker); ok {
		l.after(group, true)
	} else {
		l.after(marker, false)
	}
}

// group is the common prefix that a key is shown as: up to the first delimiter
// behind the prefix.
func (l *listing) group(key string) (string, bool) {
	if l.delimiter == "" || !strings.HasPrefix(key, l.prefix) {
		return "", false
	}
	i := strings.Index(key[len(l.prefix):], l.delimiter)
	if i < 0 {
		return "", false
	}
	return key[:len(l.prefix)+i+len(l.delimiter)], true
}

// page is what a listing found besides the items that it gave to visit.
type page struct {
	groups    []string
	truncated bool
	// last is the last item or group, which the next page begins behind.
	last      string
	lastGroup bool
}

// list gives the items of a page to visit: the key and what follows it in the
// database's key, and the record. Its cost is that of what is in the page, however
// many keys the common prefixes hide.
func list[T any](tx storage.Tx, l listing, visit func(key string, rest *storage.KeyReader, record *T) error) (page, error) {
	var p page
	if l.limit <= 0 {
		return p, nil
	}
	var skip storage.Skip
	r := storage.Prefix(l.root.StringPrefix(l.prefix))
	if string(l.start) > string(r.Start) {
		r.Start = l.start
	}
	r.Skip = &skip
	count := 0
	var inGroup []byte // how the keys of the last group begin
	for entry, err := range tx.Scan(r) {
		if err != nil {
			return p, err
		}
		if p.lastGroup && bytes.HasPrefix(entry.Key, inGroup) {
			// A second key in a group: there may be millions. A group of one costs no seek.
			skip.To(storage.PrefixEnd(inGroup))
			continue
		}
		rest := storage.ReadKey(entry.Key).Skip(len(l.root))
		key := rest.String()
		if err := rest.Err(); err != nil {
			return p, err
		}
		if count == l.limit {
			p.truncated = true
			return p, nil
		}
		count++
		group, grouped := l.group(key)
		if p.lastGroup = grouped; grouped {
			p.last = group
			inGroup = append(inGroup[:0], l.root.StringPrefix(group)...)
			p.groups = append(p.groups, group)
			continue
		}
		p.last = key
		record, err := storage.Decode[T](entry)
		if err != nil {
			return p, err
		}
		if err := visit(key, rest, record); err != nil {
			return p, err
		}
	}
	return p, nil
}

// pageSize reads the size of a page that a request asks for.
func pageSize(asked *int32, name string) (int32, error) {
	switch {
	case asked == nil:
		return maxPage, nil
	case *asked < 0:
		return 0, errInvalidArgument(name, strconv.Itoa(int(*asked)), "Argument "+name+" must be an integer between 0 and 2147483647")
	}
	return min(*asked, maxPage), nil
}

// encodeURL is a key as encoding-type=url shows it: percent-encoded but for
// letters, digits and - _ . * /. S3's clients decode it with and without
// reading "+" as a space, so there is none in it.
func encodeURL(s string) string { return percentEncode(s, "%20") }

// encodeEventKey is a key as the records of events show it: the same, with "+" for a space.
func encodeEventKey(s string) string { return percentEncode(s, "+") }

func percentEncode(s, space string) string {
	const hex = "0123456789ABCDEF"
	plain := func(c byte) bool {
		return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || strings.IndexByte("-_.*/", c) >= 0
	}
	var b strings.Builder
	for i := range len(s) {
		switch c := s[i]; {
		case plain(c):
			b.WriteByte(c)
		case c == ' ':
			b.WriteString(space)
		default:
			b.WriteByte('%')
			b.WriteByte(hex[c>>4])
			b.WriteByte(hex[c&15])
		}
	}
	return b.String()
}
