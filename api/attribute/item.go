package attribute

// Item is a whole item, or what was chosen of one, in an answer. It is an M,
// or what a service keeps of an item: that can be written without making
// Values of it first, which is most of the work of reading many items.
type Item interface {
	// AppendJSON appends the form that the item has in JSON. It fails on what
	// turns out not to be an item.
	AppendJSON(b []byte) ([]byte, error)
	// Map is the item's values by name, which are not to be changed.
	Map() (M, error)
}

// ItemOf is the item of a map; nil, which is no item, when that is nil.
func ItemOf(m map[string]Value) Item {
	if m == nil {
		return nil
	}
	return M(m)
}

// AppendJSON implements Item.
func (m M) AppendJSON(b []byte) ([]byte, error) { return CloseItem(appendEntries(OpenItem(b), m)), nil }

// Attribute is the value of a name, nil when m has none.
func (m M) Attribute(name string) Value { return m[name] }

// Map implements Item.
func (m M) Map() (M, error) { return m, nil }
