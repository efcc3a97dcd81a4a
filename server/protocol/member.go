package protocol

import (
	"net/textproto"
	"strings"

	"github.com/virga-cloud/virga/api/jsontext"
)

// location is where a member of a REST request or answer lives.
type location uint8

const (
	inBody location = iota
	inHeader
	inHeaders
	inQuery
	inURI
	inStatus
	inPayload
	inEventHeader
)

// timeFormat is how a timestamp is written.
type timeFormat uint8

const (
	timeDefault timeFormat = iota // as the protocol and the location have it
	timeISO8601
	timeUnix
	timeRFC822
)

// member is one member of a structure: a field of a Go struct with its tag.
type member struct {
	// name is the model's name: on the wire in awsJson and CBOR.
	name string
	// wire is the name in REST bodies, headers, queries, labels and query bodies.
	wire string
	// header is wire as net/http keeps headers by it: in canonical form.
	header string
	// ec2 is the name in ec2Query requests: wire with a capital first letter
	// where the model gives no other.
	ec2 string
	// shown is the name in validation messages: name with a small first letter.
	shown string

	// hoistable headers may come as parameters: the SDKs move x-amz-* headers there
	// when they presign. Checksums are not taken from there: the SDKs put those of an
	// empty body in, and S3 ignores them.
	// https://docs.aws.amazon.com/AmazonS3/latest/userguide/using-presigned-url.html
	hoistable bool

	shape  *shape
	offset uintptr
	loc    location
	format timeFormat

	required  bool
	flattened bool
	attr      bool // an XML attribute
	jsonValue bool
	sensitive bool

	// items are the wire names of list elements, the outer list's first.
	items []string
	// keys and values are the wire names of map entries, the outer map's first.
	keys, values     []string
	xmlns, xmlPrefix string

	// event and eventPayload are of event streams.
	event, eventPayload bool

	// limits are the member's own; the others are those of the elements of a
	// list, and of the keys and values of a map.
	limits, itemLimits, keyLimits, valueLimits limits

	// quoted and quotedWire are `"name":` and `"wire":`, ready for JSON.
	quoted, quotedWire string
}

// item is the wire name of the elements of the list at the given depth; the
// member's own list is at depth 0.
func (m *member) item(depth int) string { return nameAt(m.items, depth, "member") }

// entry are the wire names of the keys and values of the map at the given depth.
func (m *member) entry(depth int) (key, value string) {
	return nameAt(m.keys, depth, "key"), nameAt(m.values, depth, "value")
}

func nameAt(names []string, depth int, otherwise string) string {
	if depth < len(names) && names[depth] != "" {
		return names[depth]
	}
	return otherwise
}

// timeFormat is the member's format, or def where the model gives none.
func (m *member) timeFormat(def timeFormat) timeFormat {
	if m.format != timeDefault {
		return m.format
	}
	return def
}

// writtenEmpty says that the member is written though it is absent, as an empty
// string, list or map: AWS sends what it requires.
func (m *member) writtenEmpty() bool {
	if !m.required {
		return false
	}
	switch m.shape.kind {
	case kindString:
		return m.shape.enum == nil
	case kindList, kindMap:
		return true
	}
	return false
}

// parseTag reads an aws tag as package api documents it. It panics on an
// option that is not documented there.
func parseTag(tag string) *member {
	name, rest, _ := strings.Cut(tag, ",")
	m := &member{name: name, wire: name, shown: lowerFirst(name)}
	named := false
	for rest != "" {
		var option string
		option, rest, _ = strings.Cut(rest, ",")
		key, value, _ := strings.Cut(option, "=")
		switch key {
		case "name":
			m.wire, named = value, true
		case "ec2":
			m.ec2 = value
		case "header":
			m.loc = inHeader
		case "headers":
			m.loc = inHeaders
		case "querystring":
			m.loc = inQuery
		case "uri":
			m.loc = inURI
		case "statusCode":
			m.loc = inStatus
		case "payload":
			m.loc = inPayload
		case "stream":
			m.loc = inPayload
		case "eventstream":
			m.loc = inPayload
		case "event":
			m.event = true
		case "eventpayload":
			m.eventPayload, m.loc = true, inPayload
		case "eventheader":
			m.loc = inEventHeader
		case "flattened":
			m.flattened = true
		case "item":
			m.items = strings.Split(value, "/")
		case "key":
			m.keys = strings.Split(value, "/")
		case "value":
			m.values = strings.Split(value, "/")
		case "attr":
			m.attr = true
		case "xmlns":
			m.xmlns = value
		case "xmlnsprefix":
			m.xmlPrefix = value
		case "ts":
			m.format = formatNamed(value)
		case "jsonvalue":
			m.jsonValue = true
		case "required":
			m.required = true
		case "sensitive":
			m.sensitive = true
		case "idempotency", "hostlabel", "requiresLength":
			// Of no concern on the wire.
		default:
			if !m.parseLimit(key, value) {
				panic("protocol: aws tag with unknown option " + option)
			}
		}
	}
	if m.loc == inHeaders && !named {
		m.wire = "" // all headers
	}
	m.header = textproto.CanonicalMIMEHeaderKey(m.wire)
	m.hoistable = strings.HasPrefix(m.header, "X-Amz-") && !strings.Contains(m.header, "-Checksum-")
	if m.ec2 == "" {
		m.ec2 = upperFirst(m.wire)
	}
	m.quoted = string(jsontext.AppendString(nil, m.name)) + ":"
	m.quotedWire = string(jsontext.AppendString(nil, m.wire)) + ":"
	return m
}

func formatNamed(name string) timeFormat {
	switch name {
	case "iso8601":
		return timeISO8601
	case "unixTimestamp":
		return timeUnix
	case "rfc822":
		return timeRFC822
	}
	panic("protocol: unknown timestamp format " + name)
}

func upperFirst(s string) string {
	if s == "" || s[0] < 'a' || s[0] > 'z' {
		return s
	}
	return string(s[0]-'a'+'A') + s[1:]
}

// lowerFirst is a member's name as validation messages have it.
func lowerFirst(s string) string {
	if s == "" || s[0] < 'A' || s[0] > 'Z' {
		return s
	}
	return string(s[0]+'a'-'A') + s[1:]
}
