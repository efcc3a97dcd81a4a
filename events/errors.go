package events

import (
	"errors"
	"time"

	"github.com/virga-cloud/virga/api"
)

// Retry is an error that makes a delivery be tried again at the given time, as
// often as it takes; the zero time means the default backoff, and its end.
func Retry(err error, at time.Time) error { return &verdict{err: err, at: at} }

// Drop is an error that makes a delivery be given up at once.
func Drop(err error) error { return &verdict{err: err, drop: true} }

// verdict is what a target says about a delivery it did not take.
type verdict struct {
	err  error
	at   time.Time
	drop bool
}

func (v *verdict) Error() string { return v.err.Error() }

func (v *verdict) Unwrap() error { return v.err }

// The default backoff doubles from FirstBackoff to LastBackoff. A delivery is
// given up after as many attempts, or as much time, as EventBridge gives its
// targets: with this backoff the attempts are used up after 15 hours.
// https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-rule-retry-policy.html
const (
	FirstBackoff = time.Second
	LastBackoff  = 5 * time.Minute
	MaxAttempts  = 185
	MaxAge       = 24 * time.Hour
)

// Why a delivery was given up, in the words of EventBridge's dead letters.
const (
	exhaustedAttempts = "MaximumRetryAttempts"
	exhaustedAge      = "MaximumEventAgeInSeconds"
)

// next says when d, which has failed with err, is tried again; or, with ok
// false, what was exhausted ("" when the target refused it).
func next(d *Delivery, err error, now time.Time) (at time.Time, exhausted string, ok bool) {
	var v *verdict
	if errors.As(err, &v) {
		if v.drop {
			return time.Time{}, "", false
		}
		if !v.at.IsZero() {
			return v.at, "", true
		}
	}
	if d.Attempt >= MaxAttempts {
		return time.Time{}, exhaustedAttempts, false
	}
	wait := LastBackoff
	if n := d.Attempt - 1; n < 9 { // 2^9 s are more than the last
		wait = min(FirstBackoff<<n, LastBackoff)
	}
	at = now.Add(wait)
	if at.After(d.Sent.Add(MaxAge)) {
		return time.Time{}, exhaustedAge, false
	}
	return at, "", true
}

// code is the error's code as AWS would say it, and "InternalError" for an
// error that has none.
func code(err error) string {
	var modelled api.ModelledError
	var plain *api.Error
	switch {
	case errors.As(err, &modelled):
		return modelled.Shape().Name
	case errors.As(err, &plain):
		return plain.Code
	}
	return "InternalError"
}
