package dynamodb

import (
	"bytes"
	"errors"

	"github.com/virga-cloud/virga/api/attribute"
	"github.com/virga-cloud/virga/services/dynamodb/expression"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

// change is what one write does to one item, checked as far as that goes
// without the table. It is not changed by being carried out, which may happen
// more than once.
type change struct {
	// key has the item's key attributes, but those of a put are in its item.
	key item.Item
	// at is the item's key in the store where the transaction has built that
	// already; nil where not.
	at        []byte
	condition *expression.Condition
	// Exactly one of these says what is done; none for a mere check.
	put    *put
	update *update
	remove bool
	// fresh says that there may be no such item before.
	fresh bool
	// wantOld asks for the item as it was.
	wantOld bool
	// showOnFailure asks for the item in the error of a failed condition.
	showOnFailure bool
	// expired says that the item is removed because its time is over.
	expired bool
}

// update is what is to become of an item. Without an expression it makes
// sure that there is one.
type update struct {
	*expression.Update
	// deep says that the result may be nested deeper than items may be.
	deep bool
}

// effect is what a change has done.
type effect struct {
	old, new         item.Item // only when they were wanted or needed
	oldSize, newSize int
	// The item as it is stored; the old one only within the transaction.
	oldData, newData []byte
	consumed         consumed
	tally            tally
}

// attributes has the item's key attributes.
func (c *change) attributes() item.Attributes {
	if c.put != nil {
		return c.put
	}
	return c.key
}

// check checks a change against the schema of its table.
func (c *change) check(t *schema) error {
	switch {
	case c.put != nil:
		if err := t.checkItem(c.put); err != nil {
			return err
		}
	default:
		if err := t.checkKey(c.key); err != nil {
			return err
		}
	}
	if c.update != nil && c.update.Update != nil {
		if err := t.checkTargets(c.update.Update); err != nil {
			return err
		}
	}
	if c.condition != nil {
		for use := range c.condition.Uses() {
			if err := t.checkUse(use); err != nil {
				return err
			}
		}
	}
	return nil
}

// checkTargets checks what an update acts on: not keys, and keys of indexes
// only with values that can be keys.
func (t *schema) checkTargets(u *expression.Update) error {
	for _, a := range t.all {
		for target := range u.Targets() {
			if target.Attribute == a.name {
				return errParameter("Cannot update attribute %s. This attribute is part of the key", a.name)
			}
		}
	}
	for _, x := range t.indexes {
		for _, a := range x.all {
			for target := range u.Targets() {
				if target.Attribute == a.name && !target.Nested && target.Type != "" && target.Type != a.kind {
					return errParameter("Type mismatch for Index Key %s Expected: %s Actual: %s IndexName: %s", a.name, a.kind, target.Type, x.Name)
				}
			}
		}
	}
	for use := range u.Uses() {
		if err := t.checkUse(use); err != nil {
			return err
		}
	}
	return nil
}

// carryOut makes a change that has been checked. With the error of a condition
// it says what that took.
func (t *schema) carryOut(tx storage.Tx, c *change, e *effect) (*effect, error) {
	key := c.at
	if key == nil {
		key = t.itemKey(c.attributes())
	}
	data, err := tx.Get(key)
	if err != nil && !errors.Is(err, storage.ErrNotFound) {
		return nil, err
	}
	*e = effect{oldData: data, tally: e.tally[:0]}
	if data != nil {
		if e.oldSize, err = item.EncodedSize(data); err != nil {
			return nil, err
		}
		if c.wantOld || c.condition != nil || c.update != nil || t.needsOld {
			if e.old, err = item.Decode(data); err != nil {
				return nil, err
			}
		}
	}
	if c.fresh && data != nil {
		return nil, errDuplicateItem()
	}
	if c.condition != nil && !c.condition.Matches(e.old) {
		shown := e.old
		if !c.showOnFailure {
			shown = nil
		}
		e.consumed.table = t.writeUnits(e)
		return e, errConditionFailed(shown)
	}
	encoded, err := t.next(c, e)
	if err != nil {
		return nil, err
	}
	e.newData = encoded
	e.consumed.table = t.writeUnits(e)
	switch {
	case encoded != nil:
		err = tx.Set(key, encoded)
	case c.remove && data != nil:
		err = tx.Delete(key)
	case !c.remove:
		return e, nil // a mere check
	}
	if err != nil {
		return nil, err
	}
	items := 0
	if data != nil {
		items--
	}
	if encoded != nil {
		items++
	}
	e.tally.add(0, items, e.newSize-e.oldSize)
	return e, t.writeEntries(tx, e)
}

// writeUnits is what a write takes of the table itself.
func (t *schema) writeUnits(e *effect) float64 {
	return units(max(t.billed(e.old, e.oldSize), t.billed(e.new, e.newSize)), writeUnit)
}

// next sets what becomes of the item, and returns it encoded; nil when nothing does.
func (t *schema) next(c *change, e *effect) (encoded []byte, err error) {
	switch {
	case c.put != nil:
		if e.newSize = c.put.size; t.needsOld {
			e.new, err = c.put.whole()
		}
		return c.put.data, err
	case c.update != nil && e.old == nil && c.update.Update != nil && !c.update.Creates():
		return nil, nil // there is nothing to take anything from
	case c.update != nil:
		if e.new, err = t.updated(c, e.old); err != nil {
			return nil, err
		}
		if encoded, e.newSize = item.Encoded(e.new); e.newSize > item.MaxSize {
			return nil, errUpdatedTooLarge()
		}
		return encoded, nil
	case !c.remove:
		e.new, e.newSize = e.old, e.oldSize
	}
	return nil, nil
}

// updated is the item that an update makes of the old one, or of a key.
func (t *schema) updated(c *change, old item.Item) (item.Item, error) {
	if old == nil {
		old = c.key
	}
	if c.update.Update == nil {
		return old, nil
	}
	out, err := c.update.Apply(old)
	if err != nil {
		return nil, errInvalid(err)
	}
	if c.update.deep {
		if out, err = item.Normalise(out); err != nil {
			return nil, errInvalid(err)
		}
	}
	return out, t.checkUpdated(out)
}

// checkUpdated checks that what an update made of the keys of indexes can be keys.
func (t *schema) checkUpdated(it item.Item) error {
	for _, x := range t.indexes {
		for i, a := range x.all {
			v := it[a.name]
			if v == nil {
				continue
			}
			if attribute.TypeOf(v) != a.kind {
				return errValidation("The update expression attempted to update the secondary index key to unsupported type")
			}
			if kind := empty(v); kind != "" {
				return errValidation("One or more parameter values are not valid. The update expression attempted to update a secondary index key to a value that is not supported. "+
					"The AttributeValue for a key attribute cannot contain an empty %s value.", kind)
			}
			if err := checkSize(v, i < len(x.partition)); err != nil {
				return err
			}
		}
		if x.Vector != nil {
			if err := x.checkVector(it); err != nil {
				return err
			}
		}
	}
	return nil
}

// writeEntries brings the indexes up to what the item is now.
func (t *schema) writeEntries(tx storage.Tx, e *effect) error {
	for _, x := range t.indexes {
		if err := t.writeEntry(tx, x, e); err != nil {
			return err
		}
	}
	return nil
}

func (t *schema) writeEntry(tx storage.Tx, x *index, e *effect) error {
	var oldKey, newKey []byte
	var oldEntry, newEntry item.Item
	var oldSize, newSize, items int
	if e.old != nil && x.has(e.old) {
		oldEntry = x.entry(e.old)
		oldKey, oldSize = t.entryKey(x, e.old), item.Size(oldEntry)
		items--
	}
	if e.new != nil && x.has(e.new) {
		newEntry = x.entry(e.new)
		newKey, newSize = t.entryKey(x, e.new), item.Size(newEntry)
		items++
	}
	same := bytes.Equal(oldKey, newKey)
	if same && item.EqualItems(oldEntry, newEntry) {
		return nil
	}
	switch {
	case x.Vector != nil:
		e.consumed.addVector(x, max(oldSize, newSize))
	case same:
		e.consumed.addIndex(x, units(max(oldSize, newSize), writeUnit))
	case oldKey != nil && newKey != nil:
		e.consumed.addIndex(x, units(oldSize, writeUnit)+units(newSize, writeUnit))
	default:
		e.consumed.addIndex(x, units(oldSize+newSize, writeUnit))
	}
	if oldKey != nil && !same {
		if err := tx.Delete(oldKey); err != nil {
			return err
		}
	}
	if newKey != nil {
		data := e.newData // where the entry is the item
		if x.Vector != nil || x.projected != nil {
			data = item.Encode(newEntry, newSize)
		}
		if err := tx.Set(newKey, data); err != nil {
			return err
		}
	}
	e.tally.add(x.Number, items, newSize-oldSize)
	return nil
}

// write carries out one change of one table.
func (s *Service) write(id tableID, c *change) (*schema, *effect, error) {
	var done struct { // one thing to be allocated
		table  *schema
		effect *effect
	}
	err := s.update(func(tx storage.Tx, w *writes) (err error) {
		if done.table, err = w.table(tx, id); err != nil {
			return err
		}
		if err := c.check(done.table); err != nil {
			return err
		}
		done.effect, err = w.serve(tx, done.table, c)
		return err
	})
	if errors.Is(err, storage.ErrConflict) {
		err = errOngoing()
	}
	return done.table, done.effect, err
}
