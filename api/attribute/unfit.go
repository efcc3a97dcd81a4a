package attribute

// Unfit is what was sent in the place of a value and is none. It holds what was
// sent: nothing at all, a NULL alone, which was said to be false, or values of
// several types. It goes from the decoder to the check of values, which says
// what is wrong when its turn comes, and is never stored or answered with.
type Unfit []Value

func (Unfit) isValue() {}
