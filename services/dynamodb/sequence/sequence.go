// Package sequence numbers the changes of items in the order they are made,
// without a counter that all writers would have to share in the store.
//
// A Number is a time with a count behind it: milliseconds, and 20 bits that
// tell apart what happens within one. Numbers only grow, also when the clock
// is set back and over a restart, so the time in a number may run ahead of the
// clock; it is never behind the number before.
//
// An Order gives numbers out. A transaction draws its numbers after its
// snapshot was taken and before it commits. Two transactions that write one
// item can not both commit unless the later one began after the earlier one
// was committed, so the changes of an item have the order of their numbers.
// Of different items that need not be so: a transaction may commit after
// another that drew a larger number. Who reads in the order of the numbers
// therefore asks for the Horizon first and reads only what is below it: of
// those numbers everything has been committed that ever will be. That is known
// within one process, the one that has the store open.
package sequence

import (
	"errors"
	"fmt"
	"strconv"
	"sync"
	"time"
)

// Number numbers a change. Zero is before all.
type Number uint64

// countBits are those of a number that count within a millisecond.
const countBits = 20

// At is the first number of the millisecond that t is in.
func At(t time.Time) Number {
	return Number(max(t.UnixMilli(), 0)) << countBits
}

// Over is how far numbers are apart that differ by d.
func Over(d time.Duration) Number { return Number(d.Milliseconds()) << countBits }

// Time is the time in the number.
func (n Number) Time() time.Time { return time.UnixMilli(int64(n >> countBits)).UTC() }

// String is the number as AWS shows one: decimal, 21 digits, sorting as numbers do.
func (n Number) String() string { return fmt.Sprintf("1%020d", uint64(n)) }

// Parse reads what String wrote.
func Parse(s string) (Number, bool) {
	if len(s) != 21 || s[0] != '1' {
		return 0, false
	}
	n, err := strconv.ParseUint(s[1:], 10, 64)
	return Number(n), err == nil
}

// ErrExhausted says that the numbers that were reserved do not reach: the
// caller reserves more and tries again.
var ErrExhausted = errors.New("sequence: numbers must be reserved first")

// Ahead is how far beyond the present numbers are reserved.
const Ahead = time.Minute

// Order gives out numbers. The zero Order has none reserved. It is safe for
// concurrent use.
type Order struct {
	mu sync.Mutex
	// last is the largest number that was given out, or is below a horizon that
	// was told: nothing up to it is ever given out again.
	last Number
	// limit is the last number that is reserved.
	limit Number
	// oldest and newest are the ends of the list of writers that have drawn,
	// in the order of their first numbers.
	oldest, newest *Writer
}

// Writer draws the numbers of one transaction, all its attempts included. The
// zero Writer has drawn none.
type Writer struct {
	order      *Order
	first      Number
	prev, next *Writer
}

// Reserve is called with what the store says is reserved, and returns what it
// is to say from now on; the caller commits that and then calls Reserved.
func (o *Order) Reserve(stored Number, now time.Time) Number {
	o.mu.Lock()
	defer o.mu.Unlock()
	return max(stored, o.last, At(now)) + Over(Ahead)
}

// Reserved tells the order that the numbers after stored up to limit are its own.
func (o *Order) Reserved(stored, limit Number) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if stored != o.limit { // what was in between is, or was, another process's
		o.last = max(o.last, stored)
	}
	o.limit = max(o.limit, limit)
}

// Forget lets go of what is reserved, for when the store is emptied. Unless
// somebody is writing, numbers begin at the present again: none is left that they
// could be below.
func (o *Order) Forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.limit = 0; o.oldest == nil {
		o.last = 0
	}
}

// Next draws a number at the time it is, or fails with ErrExhausted.
func (o *Order) Next(w *Writer, now time.Time) (Number, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	n := max(o.last+1, At(now))
	if n > o.limit {
		return 0, ErrExhausted
	}
	o.last = n
	if w.order == nil {
		w.order, w.first, w.prev = o, n, o.newest
		if o.newest != nil {
			o.newest.next = w
		} else {
			o.oldest = w
		}
		o.newest = w
	}
	return n, nil
}

// Done is called when the writer's transaction has been committed or given up.
func (w *Writer) Done() {
	o := w.order
	if o == nil {
		return
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	if w.prev != nil {
		w.prev.next = w.next
	} else {
		o.oldest = w.next
	}
	if w.next != nil {
		w.next.prev = w.prev
	} else {
		o.newest = w.prev
	}
	*w = Writer{}
}

// Horizon is two numbers: below settled everything has been committed that
// ever will be, and whoever begins from now on draws next or more. A snapshot that is
// taken afterwards has all that is below settled. It fails with ErrExhausted.
func (o *Order) Horizon(now time.Time) (settled, next Number, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	next = max(o.last+1, At(now))
	if next > o.limit {
		return 0, 0, ErrExhausted
	}
	o.last = next - 1 // also when the clock is set back
	if settled = next; o.oldest != nil {
		settled = o.oldest.first
	}
	return settled, next, nil
}
