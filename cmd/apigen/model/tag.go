package model

import (
	"encoding/base64"
	"slices"
	"strings"
)

// Tag is the content of the aws tag of a member, as package api documents it.
// Of shapes that are mapped to a hand-written type it tells the limits, and no
// other details.
func (m *Model) Tag(s *Shape, member string, mapped func(shape string) bool) string {
	ref := s.Members.ByName[member]
	target := m.Shapes.ByName[ref.Shape]
	t := tag{member}
	if ref.LocationName != "" && ref.LocationName != member {
		t.set("name", ref.LocationName)
	}
	if ref.QueryName != "" {
		t.set("ec2", ref.QueryName)
	}
	switch ref.Location {
	case "header", "headers", "querystring", "uri", "statusCode":
		t.flag(ref.Location, true)
	}
	payload := s.Payload == member
	t.flag("payload", payload)
	t.flag("stream", IsStream(ref, target))
	t.flag("requiresLength", target.RequiresLength)
	t.flag("eventstream", target.EventStream)
	t.flag("event", s.EventStream && target.Event)
	t.flag("eventpayload", ref.EventPayload)
	t.flag("eventheader", ref.EventHeader)
	t.flag("flattened", ref.Flattened || target.Flattened)
	if !mapped(ref.Shape) {
		m.elements(&t, target)
	}
	t.flag("attr", ref.XMLAttribute)
	ns := ref.XMLNamespace
	if ns.URI == "" && payload {
		ns = target.XMLNamespace
	}
	if ns.URI != "" {
		t.set("xmlns", ns.URI)
	}
	if ns.Prefix != "" {
		t.set("xmlnsprefix", ns.Prefix)
	}
	if payload && ref.LocationName == "" && target.LocationName != "" {
		t.set("name", target.LocationName)
	}
	if f := firstOf(ref.TimestampFormat, target.TimestampFormat); f != "" {
		t.set("ts", f)
	}
	t.flag("jsonvalue", ref.JSONValue)
	t.flag("hostlabel", ref.HostLabel)
	t.flag("idempotency", ref.IdempotencyToken)
	t.flag("sensitive", target.Sensitive)
	t.flag("required", slices.Contains(s.Required, member))
	m.constraints(&t, target)
	return strings.Join(t, ",")
}

// IsStream says that a member's bytes are streamed.
func IsStream(ref *Ref, target *Shape) bool { return ref.Streaming || target.Streaming }

// elements sets the wire names of the elements of a list or the entries of a
// map, and after a slash those of a list in a list or a map in a map.
func (m *Model) elements(t *tag, s *Shape) {
	switch s.Type {
	case "list":
		var inner Ref
		if in := m.Shapes.ByName[s.Member.Shape]; in.Type == "list" {
			inner = *in.Member
		}
		t.names("item", "member", s.Member.LocationName, inner.LocationName)
	case "map":
		var key, value Ref
		if in := m.Shapes.ByName[s.Value.Shape]; in.Type == "map" {
			key, value = *in.Key, *in.Value
		}
		t.names("key", "key", s.Key.LocationName, key.LocationName)
		t.names("value", "value", s.Value.LocationName, value.LocationName)
	}
}

func (m *Model) constraints(t *tag, s *Shape) {
	m.limits(t, "", s)
	switch s.Type {
	case "list":
		m.limits(t, "item.", m.Shapes.ByName[s.Member.Shape])
	case "map":
		m.limits(t, "key.", m.Shapes.ByName[s.Key.Shape])
		m.limits(t, "value.", m.Shapes.ByName[s.Value.Shape])
	}
}

func (m *Model) limits(t *tag, prefix string, s *Shape) {
	if s.Min != nil {
		t.set(prefix+"min", s.Min.String())
	}
	if s.Max != nil {
		t.set(prefix+"max", s.Max.String())
	}
	if s.Pattern != "" && len(s.Enum) == 0 {
		t.set(prefix+"pattern", base64.RawURLEncoding.EncodeToString([]byte(s.Pattern)))
	}
}

type tag []string

func (t *tag) set(key, value string) { *t = append(*t, key+"="+value) }

// names sets the outer and inner name, as far as either is not the usual one.
func (t *tag) names(key, usual, outer, inner string) {
	if inner != "" {
		inner = "/" + inner
		outer = firstOf(outer, usual)
	}
	if outer != "" {
		t.set(key, outer+inner)
	}
}

func (t *tag) flag(name string, on bool) {
	if on {
		*t = append(*t, name)
	}
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
