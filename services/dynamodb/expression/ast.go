package expression

// A parsed expression is bound to no request: placeholders are slots, which a
// request's names and values fill. It is never changed, and is shared by all
// requests that send the same text.

// An operand is a *path, a *value, a *call or an *arithmetic.
type operand interface{}

// path is a document path.
type path struct{ elements []element }

// element is one step of a path: an attribute's name, itself or in a slot, or a
// list index.
type element struct {
	name  string // "" for an index
	slot  int    // of the name; -1 where the name stands itself
	index int
}

func (e element) isIndex() bool { return e.name == "" }

// value is a value placeholder.
type value struct{ slot int }

// call is a function with its arguments.
type call struct {
	name string
	args []operand
}

// arithmetic is the sum or difference of a SET action.
type arithmetic struct {
	operator string // + or -
	args     [2]operand
}

// A condition is a *logical, a *negation, a *comparison, a *between, a
// *membership or a *call.
type condition interface{}

type logical struct {
	or   bool
	a, b condition
}

type negation struct{ of condition }

type comparison struct {
	operator string
	a, b     operand
}

type between struct{ of, low, high operand }

type membership struct {
	of   operand
	list []operand
}

// action is one step of an update.
type action struct {
	verb verb
	path *path
	with operand // nil for REMOVE
}

type verb string

const (
	verbSet    verb = "SET"
	verbRemove verb = "REMOVE"
	verbAdd    verb = "ADD"
	verbDelete verb = "DELETE"
)

// parsed is what all parsed expressions have: the placeholders of their slots,
// in the order they first occur.
type parsed struct{ names, values []string }

type parsedCondition struct {
	parsed
	root condition
}

type parsedUpdate struct {
	parsed
	actions []action
}

type parsedProjection struct {
	parsed
	paths []*path
}
