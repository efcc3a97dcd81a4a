package dynamodb

import (
	"errors"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/attribute"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// maxPage is how many bytes of items a page is made of, as item.Size counts
// them; the item that reaches it is the last. What a local index has fetched from
// the table has the same limit.
const maxPage = 1 << 20

// listing is what a Query and a Scan ask for alike.
type listing struct {
	table      tableID
	index      string // "" for the table itself
	limit      int    // 0 for none
	selects    ddb.Select
	filter     *expression.Condition
	projection *expression.Projection
	start      item.Item // nil to begin at the beginning
	consistent bool
	// spread says that what is read lies in several partitions of storage.
	spread bool
}

// source is where a listing reads: a table or one of its indexes.
type source struct {
	*schema
	keys  *keySchema // of the source
	index *index     // nil for the table
}

// page is what a listing found.
type page struct {
	items          []attribute.Item // nil when only counted
	count, scanned int32
	last           item.Item // nil when there is no more
	bytes          int       // that were read of the source
	parts          parts     // of those, where they are spread
	consumed       consumed
}

// source finds what a listing reads.
func (l *listing) source(t *schema) (*source, error) {
	if l.index == "" {
		return &source{schema: t, keys: &t.keySchema}, nil
	}
	for _, x := range t.indexes {
		if x.Name != l.index || x.Vector != nil {
			continue
		}
		if x.Global && l.consistent {
			return nil, errValidation("Consistent reads are not supported on global secondary indexes")
		}
		if x.Backfilling {
			return nil, errValidation("Cannot read from backfilling global secondary index: %s", x.Name)
		}
		return &source{schema: t, keys: &x.keySchema, index: x}, nil
	}
	return nil, errValidation("The table does not have the specified index: %s", l.index)
}

func (s *source) entriesPrefix() []byte {
	if s.index != nil {
		return s.index.prefix
	}
	return s.prefix
}

// startNames are the attributes that a starting key has: the table's key
// first, then what the index's key adds.
func (s *source) startNames() []string {
	var names []string
	for _, a := range slices.Concat(s.all, s.keys.all) {
		if !slices.Contains(names, a.name) {
			names = append(names, a.name)
		}
	}
	return names
}

// keyOf is the key of an item's entry.
func (s *source) keyOf(it item.Item) []byte {
	if s.index != nil {
		return s.entryKey(s.index, it)
	}
	return s.itemKey(it)
}

// checkStart checks the part of the starting key that the table's key is.
func (s *source) checkStart(start item.Item) error {
	own := make(item.Item, len(s.all))
	for _, a := range s.all {
		if v := start[a.name]; v != nil {
			own[a.name] = v
		}
	}
	if err := s.checkKey(own); err != nil {
		return errStartKey("%s", message(err))
	}
	return nil
}

// checkExpressions checks what the listing chooses and filters against the keys.
func (l *listing) checkExpressions(s *source) error {
	if l.projection != nil {
		for use := range l.projection.Uses() {
			if err := s.checkUse(use); err != nil {
				return err
			}
		}
	}
	return nil
}

func (l *listing) checkFilterPaths(s *source) error {
	if l.filter != nil {
		for use := range l.filter.Uses() {
			if err := s.checkUse(use); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkProjected refuses attributes that a global index does not have.
func (l *listing) checkProjected(s *source) error {
	x := s.index
	if x == nil || !x.Global || x.projected == nil {
		return nil
	}
	if l.selects == ddb.SelectAllAttributes {
		return errParameter("Select type ALL_ATTRIBUTES is not supported for global secondary index %s because its projection type is not ALL", x.Name)
	}
	if l.projection == nil {
		return nil
	}
	var missing []string
	for use := range l.projection.Uses() {
		if !x.projected[use.Attribute] && !slices.Contains(missing, use.Attribute) {
			missing = append(missing, use.Attribute)
		}
	}
	if len(missing) > 0 {
		return errParameter("Global secondary index %s does not project [%s]", x.Name, strings.Join(missing, ", "))
	}
	return nil
}

// fetches says whether the items must be read from the table, because a local
// index does not have all that is asked for.
func (l *listing) fetches(s *source) bool {
	x := s.index
	if x == nil || x.Global || x.projected == nil {
		return false
	}
	if l.selects == ddb.SelectAllAttributes {
		return true
	}
	lacks := func(use expression.Use) bool { return !x.projected[use.Attribute] }
	if l.projection != nil {
		for use := range l.projection.Uses() {
			if lacks(use) {
				return true
			}
		}
	}
	if l.filter != nil {
		for use := range l.filter.Uses() {
			if lacks(use) {
				return true
			}
		}
	}
	return false
}

// read makes a page of the entries in the range.
func (l *listing) read(tx storage.Tx, s *source, r storage.Range) (*page, error) {
	p := &page{}
	prefix := len(s.entriesPrefix())
	if l.spread {
		p.parts = newParts(r, prefix)
	}
	counting := l.selects == ddb.SelectCount
	if !counting {
		p.items = []attribute.Item{}
	}
	fetches := l.fetches(s)
	whole := !fetches && l.projection == nil // all that the source has of an item
	decodes := !whole || l.filter != nil
	var shelf item.Shelf
	var own, fetched int // bytes
	for e, err := range tx.Scan(r) {
		if err != nil {
			return nil, err
		}
		size, err := item.EncodedSize(e.Value)
		if err != nil {
			return nil, err
		}
		own += size
		p.scanned++
		full := int(p.scanned) == l.limit || own >= maxPage
		if l.spread {
			p.parts.add(e.Key[prefix:], size)
		}
		if counting && l.filter == nil && !full {
			p.count++ // what it is does not matter
			continue
		}
		var it item.Item
		if decodes || full {
			if it, err = item.Decode(e.Value); err != nil {
				return nil, err
			}
		}
		if fetches {
			var n int
			if it, n, err = s.fetch(tx, it); err != nil {
				return nil, err
			}
			fetched += n
			full = full || fetched >= maxPage // or small entries would make a page of any size
		}
		if full {
			p.last = s.startKey(it)
		}
		if l.filter == nil || l.filter.Matches(it) {
			p.count++
			switch {
			case counting:
			case whole:
				p.items = append(p.items, shelf.Keep(e.Value))
			default:
				p.items = append(p.items, attribute.M(l.chosen(s, it)))
			}
		}
		if full {
			break
		}
	}
	if p.last != nil {
		p.parts.end()
	}
	l.account(p, s, own, fetched)
	return p, nil
}

// chosen is what the listing answers of an item.
func (l *listing) chosen(s *source, it item.Item) item.Item {
	switch {
	case l.projection != nil:
		return l.projection.Apply(it)
	case s.index != nil && l.selects != ddb.SelectAllAttributes:
		return s.index.entry(it) // a filter may have needed more
	}
	return it
}

// startKey is the key with which a next page begins behind an item.
func (s *source) startKey(it item.Item) item.Item {
	out := item.Item{}
	for _, name := range s.startNames() {
		out[name] = it[name]
	}
	return out
}

// fetch reads the item of an entry from the table, and says how large it is.
func (s *source) fetch(tx storage.Tx, entry item.Item) (item.Item, int, error) {
	data, err := tx.Get(s.itemKey(entry))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, 0, errors.New("dynamodb: an index has an entry without an item")
	}
	if err != nil {
		return nil, 0, err
	}
	size, err := item.EncodedSize(data)
	if err != nil {
		return nil, 0, err
	}
	it, err := item.Decode(data)
	return it, size, err
}

// account notes what the page took: what was read of the source is added up
// before it is rounded.
func (l *listing) account(p *page, s *source, own, fetched int) {
	p.bytes = own
	units := readUnits(own, l.consistent)
	if l.spread {
		units = p.parts.units(l.consistent)
	}
	if s.index == nil {
		p.consumed.table = units
		return
	}
	p.consumed.addIndex(s.index, units)
	if fetched > 0 {
		p.consumed.table = readUnits(fetched, l.consistent)
	}
}

// checkSelect checks that a listing chooses its attributes in one way. Query
// words some of the errors as those of its model, Scan does not.
func checkSelect(selects ddb.Select, index string, expression *string, attributes []string, query bool) error {
	chosen := ""
	switch {
	case expression != nil:
		chosen = "ProjectionExpression"
	case attributes != nil:
		chosen = "AttributesToGet"
	}
	prefix := ""
	if query {
		prefix = "1 validation error detected: "
	}
	switch {
	case selects == ddb.SelectSpecificAttributes && chosen == "":
		return errValidation("%sMust specify the AttributesToGet or ProjectionExpression when choosing to get SPECIFIC_ATTRIBUTES", prefix)
	case selects == ddb.SelectCount && chosen != "":
		return errValidation("%sCannot specify the %s when choosing to get only the Count", prefix, chosen)
	case selects != "" && selects != ddb.SelectSpecificAttributes && chosen != "":
		return errValidation("%sCannot specify the %s when choosing to get %s", prefix, chosen, selects)
	case selects == ddb.SelectAllProjectedAttributes && index == "":
		return errValidation("ALL_PROJECTED_ATTRIBUTES can be used only when Querying using an IndexName")
	}
	return nil
}

// normaliseStart checks the values of a starting key.
func normaliseStart(start item.Item) (item.Item, error) {
	if start == nil {
		return nil, nil
	}
	out, err := item.Normalise(start)
	if err == nil {
		return out, nil
	}
	// AWS says where the value is only of some of the errors.
	for _, bare := range []string{"contains duplicates", "number set", "numeric value", "significant digits", "number with magnitude"} {
		if strings.Contains(err.Error(), bare) {
			return nil, errInvalid(err)
		}
	}
	return nil, errStartKey("%s", err)
}
