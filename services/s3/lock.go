package s3

import (
	"time"

	"github.com/virga-cloud/virga/api/s3"
)

// A lock protects a version from being deleted, which includes being replaced:
// until a time (its retention), or while a legal hold is on. Locks are for buckets that
// have object lock enabled, and with it versioning, for good.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lock.html

// lockMode says who may shorten a retention: with a bypass everybody, or nobody.
type lockMode uint8

const (
	noMode lockMode = iota
	governance
	compliance
)

// legalHold tells a hold that was taken off from one that never was on.
type legalHold uint8

const (
	neverHeld legalHold = iota
	holdOn
	holdOff
)

// lock is the part of a version's record, and of an upload's, that protects it.
type lock struct {
	Mode lockMode `cbor:"14,keyasint,omitempty"`
	// Until is in milliseconds since 1970; it is there when Mode is.
	Until int64     `cbor:"15,keyasint,omitempty"`
	Hold  legalHold `cbor:"16,keyasint,omitempty"`
}

// lockDefault is the retention that new versions of a bucket begin with when
// their writer does not ask for one. Without a mode they have none.
type lockDefault struct {
	Mode  lockMode `cbor:"1,keyasint,omitempty"`
	Days  int32    `cbor:"2,keyasint,omitempty"`
	Years int32    `cbor:"3,keyasint,omitempty"`
}

// until is the end of a retention that begins now. S3 counts 365 days for a year.
func (d *lockDefault) until(now time.Time) int64 {
	days := time.Duration(d.Days) + 365*time.Duration(d.Years)
	return now.Add(days * 24 * time.Hour).UnixMilli()
}

const (
	headerLockMode  = "x-amz-object-lock-mode"
	headerLockUntil = "x-amz-object-lock-retain-until-date"
	headerLegalHold = "x-amz-object-lock-legal-hold"
	headerBypass    = "x-amz-bypass-governance-retention"
)

// lockHeaders are what a write asks for.
type lockHeaders struct {
	mode  s3.ObjectLockMode
	until time.Time
	hold  s3.ObjectLockLegalHoldStatus
}

// read finds the errors in the headers.
func (h lockHeaders) read(now time.Time) (lock, error) {
	var l lock
	switch {
	case h.mode != "" && h.until.IsZero():
		return l, errLockIncomplete(headerLockUntil)
	case h.mode == "" && !h.until.IsZero():
		return l, errLockIncomplete(headerLockMode)
	case h.mode != "":
		if l.Mode = modeOf(string(h.mode)); l.Mode == noMode {
			return l, errInvalidArgument(headerLockMode, string(h.mode), "Unknown wormMode directive.")
		}
		if !h.until.After(now) {
			return l, errRetainPast(headerLockUntil, h.until)
		}
		l.Until = h.until.UnixMilli()
	}
	switch h.hold {
	case "":
	case s3.ObjectLockLegalHoldStatusOn:
		l.Hold = holdOn
	case s3.ObjectLockLegalHoldStatusOff:
		l.Hold = holdOff
	default:
		return l, errInvalidArgument(headerLegalHold, string(h.hold), "Legal Hold must be either of 'ON' or 'OFF'")
	}
	return l, nil
}

// modeOf is a mode by the name that requests have for it, or noMode.
func modeOf(name string) lockMode {
	switch name {
	case string(s3.ObjectLockModeGovernance):
		return governance
	case string(s3.ObjectLockModeCompliance):
		return compliance
	}
	return noMode
}

func (m lockMode) name() string {
	switch m {
	case governance:
		return string(s3.ObjectLockModeGovernance)
	case compliance:
		return string(s3.ObjectLockModeCompliance)
	}
	return ""
}

// newLock is the lock of a version that is made now by a write that asks for
// one, or for none.
func (b *bucket) newLock(asked lock, now time.Time) (lock, error) {
	switch {
	case b.Lock == nil && asked != (lock{}):
		return lock{}, errInvalidRequest("Bucket is missing ObjectLockConfiguration")
	case b.Lock != nil && b.Lock.Mode != noMode && asked.Mode == noMode:
		asked.Mode, asked.Until = b.Lock.Mode, b.Lock.until(now)
	}
	return asked, nil
}

// retained says that the retention has not ended.
func (l *lock) retained(now time.Time) bool { return l.Mode != noMode && l.Until > now.UnixMilli() }

// allowsDelete returns the error that keeps a version from being deleted.
func (l *lock) allowsDelete(now time.Time, bypass bool) error {
	if l.Hold == holdOn || l.retained(now) && (l.Mode == compliance || !bypass) {
		return errLocked()
	}
	return nil
}

// retain changes the retention. One that has not ended may be made longer;
// anything else is a bypass, which compliance does not know.
func (l *lock) retain(mode lockMode, until int64, now time.Time, bypass bool) error {
	longer := mode == l.Mode && until >= l.Until
	if l.retained(now) && !longer && (l.Mode == compliance || !bypass) {
		return errLocked()
	}
	l.Mode, l.Until = mode, until
	return nil
}

// The lock as answers show it.

func (l *lock) mode() s3.ObjectLockMode { return s3.ObjectLockMode(l.Mode.name()) }

func (l *lock) retainUntil() time.Time {
	if l.Mode == noMode {
		return time.Time{}
	}
	return time.UnixMilli(l.Until).UTC()
}

func (l *lock) legalHold() s3.ObjectLockLegalHoldStatus {
	switch l.Hold {
	case holdOn:
		return s3.ObjectLockLegalHoldStatusOn
	case holdOff:
		return s3.ObjectLockLegalHoldStatusOff
	}
	return ""
}
