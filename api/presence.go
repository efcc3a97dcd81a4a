package api

// Presence records what a decoder saw and a value cannot say: that a string,
// or an element that decodes to the zero value of its type, was sent. It holds
// the addresses of such fields, and is nil when there were none, which is the
// ordinary case.
type Presence map[any]struct{}

// Note records that the field at the given address was sent.
func (p *Presence) Note(field any) {
	if *p == nil {
		*p = Presence{}
	}
	(*p)[field] = struct{}{}
}

// Sent says whether the field at the given address was recorded.
func (p Presence) Sent(field any) bool {
	_, ok := p[field]
	return ok
}
