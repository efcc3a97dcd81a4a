package lifecycle

import (
	"slices"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/fault"
)

// classes are the storage classes in the order in which objects may pass
// through them, with how many days an object stays in each at least before it
// goes on, and how old it must be to get there.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/lifecycle-transition-general-considerations.html
var classes = []struct {
	name       s3.TransitionStorageClass
	stay, from int32
}{
	{s3.TransitionStorageClassStandardIa, 30, 30},
	{s3.TransitionStorageClassIntelligentTiering, 1, 0},
	{s3.TransitionStorageClassOnezoneIa, 30, 30},
	{s3.TransitionStorageClassGlacierIr, 1, 0},
	{s3.TransitionStorageClassGlacier, 90, 0},
	{s3.TransitionStorageClassDeepArchive, 1, 0},
}

// move is a transition, of current or noncurrent versions, after days.
type move struct {
	class s3.TransitionStorageClass
	days  int32
}

func checkTransitions(r *s3.LifecycleRule) error {
	var moves []move
	dated, counted := false, false
	seen := map[s3.TransitionStorageClass]bool{}
	if e := r.Expiration; e != nil {
		dated, counted = !e.Date.IsZero(), e.Days != nil
	}
	for _, t := range r.Transitions {
		switch {
		case t.StorageClass == "", t.Date.IsZero() == (t.Days == nil):
			return fault.MalformedXML()
		case seen[t.StorageClass]:
			return fault.InvalidRequest("'StorageClass' must be different for 'Transition' actions in same 'Rule' with %s", shown(r))
		case t.Days != nil && *t.Days < 0:
			return fault.InvalidValue("'Days' in Transition action must be nonnegative")
		case !t.Date.IsZero() && !midnight(t.Date):
			return fault.InvalidValue("'Date' must be at midnight GMT")
		}
		seen[t.StorageClass] = true
		if t.Days == nil {
			dated = true
			continue
		}
		counted = true
		moves = append(moves, move{t.StorageClass, *t.Days})
	}
	if len(r.Transitions) > 0 && dated && counted {
		return fault.InvalidRequest("Found mixed 'Date' and 'Days' based Expiration and Transition actions in lifecycle rule for %s", shown(r))
	}
	if err := checkMoves(r, moves, "Days", "Transition"); err != nil {
		return err
	}
	for _, t := range r.Transitions {
		switch e := r.Expiration; {
		case e == nil:
		case e.Days != nil && *e.Days <= *t.Days:
			return fault.InvalidValue("'Days' in the Expiration action for %s must be greater than 'Days' in the Transition action", shown(r))
		case !e.Date.IsZero() && !e.Date.After(t.Date):
			return fault.InvalidValue("'Date' in the Expiration action for %s must be later than 'Date' in the Transition action", shown(r))
		}
	}
	return nil
}

func checkNoncurrentTransitions(r *s3.LifecycleRule) error {
	var moves []move
	seen := map[s3.TransitionStorageClass]bool{}
	for _, t := range r.NoncurrentVersionTransitions {
		switch {
		case t.StorageClass == "" || t.NoncurrentDays == nil:
			return fault.MalformedXML()
		case seen[t.StorageClass]:
			return fault.InvalidRequest("'StorageClass' must be different for 'NoncurrentVersionTransition' actions in same 'Rule' with %s", shown(r))
		case *t.NoncurrentDays < 0:
			return fault.InvalidValue("'NoncurrentDays' in NoncurrentVersionTransition action must be nonnegative")
		}
		if err := checkNewer(r, t.NewerNoncurrentVersions); err != nil {
			return err
		}
		seen[t.StorageClass] = true
		moves = append(moves, move{t.StorageClass, *t.NoncurrentDays})
	}
	if err := checkMoves(r, moves, "NoncurrentDays", "NoncurrentVersionTransition"); err != nil {
		return err
	}
	if e := r.NoncurrentVersionExpiration; e != nil {
		for _, m := range moves {
			if *e.NoncurrentDays <= m.days {
				return fault.InvalidValue("'NoncurrentDays' in the NoncurrentVersionExpiration action for %s must be greater than 'NoncurrentDays' in the NoncurrentVersionTransition action", shown(r))
			}
		}
	}
	return nil
}

// checkMoves holds transitions to the order of the classes and to the days
// that objects stay in each.
func checkMoves(r *s3.LifecycleRule, moves []move, days, action string) error {
	place := func(c s3.TransitionStorageClass) int {
		for i := range classes {
			if classes[i].name == c {
				return i
			}
		}
		return -1
	}
	slices.SortStableFunc(moves, func(a, b move) int { return place(a.class) - place(b.class) })
	for i, m := range moves {
		if from := classes[place(m.class)].from; m.days < from {
			return fault.InvalidValue("'%s' in %s action must be greater than or equal to %d for storageClass '%s'", days, action, from, m.class)
		}
		for _, earlier := range moves[:i] {
			stay := classes[place(earlier.class)].stay
			switch scope := shown(r); {
			case m.days >= earlier.days+stay:
			case stay == 1:
				return fault.InvalidValue("'%s' in the '%s' action for StorageClass '%s' for %s must be at least one day apart from %s in the '%s' action for StorageClass '%s'",
					days, action, m.class, scope, scope, action, earlier.class)
			default:
				return fault.InvalidValue("'%s' in the '%s' action for StorageClass '%s' for %s must be %d days more than '%s' in the '%s' action for StorageClass '%s'",
					days, action, m.class, scope, stay, scope, action, earlier.class)
			}
		}
	}
	return nil
}
