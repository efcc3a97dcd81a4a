package s3

import (
	"context"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// changeLock changes the lock of a version.
func (s *Service) changeLock(r objectRef, change func(*lock) error) error {
	_, err := s.changeObject("PUT", r, func(_ storage.Tx, b *bucket, o *object) error {
		if b.Lock == nil {
			return errNoObjectLock()
		}
		return change(&o.lock)
	})
	return err
}

// viewLock reads the lock of a version.
func (s *Service) viewLock(r objectRef) (lock, error) {
	b, o, err := s.viewVersion("GET", r)
	switch {
	case err != nil:
		return lock{}, err
	case b.Lock == nil:
		return lock{}, errNoObjectLock()
	}
	return o.lock, nil
}

// putObjectRetention sets the retention of a version; an empty one takes it off.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectRetention.html
func (s *Service) putObjectRetention(ctx context.Context, in *s3.PutObjectRetentionInput) (*s3.PutObjectRetentionOutput, error) {
	now := api.CallFrom(ctx).Time
	r := in.Retention
	if r == nil || (r.Mode == "") != r.RetainUntilDate.IsZero() {
		return nil, errMalformedXML()
	}
	var asked lock
	if r.Mode != "" {
		if asked.Mode = modeOf(string(r.Mode)); asked.Mode == noMode {
			return nil, errMalformedXML()
		}
		if !r.RetainUntilDate.After(now) {
			return nil, errRetainPast("RetainUntilDate", r.RetainUntilDate)
		}
		asked.Until = r.RetainUntilDate.UnixMilli()
	}
	bypass := in.BypassGovernanceRetention != nil && *in.BypassGovernanceRetention
	err := s.changeLock(objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}, func(l *lock) error {
		return l.retain(asked.Mode, asked.Until, now, bypass)
	})
	return &s3.PutObjectRetentionOutput{}, err
}

func (s *Service) getObjectRetention(_ context.Context, in *s3.GetObjectRetentionInput) (*s3.GetObjectRetentionOutput, error) {
	l, err := s.viewLock(objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	if l.Mode == noMode {
		return nil, errObjectNotLocked()
	}
	return &s3.GetObjectRetentionOutput{Retention: &s3.ObjectLockRetention{
		Mode: s3.ObjectLockRetentionMode(l.Mode.name()), RetainUntilDate: l.retainUntil(),
	}}, nil
}

// putObjectLegalHold puts a legal hold on a version, or takes it off.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLegalHold.html
func (s *Service) putObjectLegalHold(_ context.Context, in *s3.PutObjectLegalHoldInput) (*s3.PutObjectLegalHoldOutput, error) {
	var hold legalHold
	switch {
	case in.LegalHold == nil:
		return nil, errMalformedXML()
	case in.LegalHold.Status == s3.ObjectLockLegalHoldStatusOn:
		hold = holdOn
	case in.LegalHold.Status == s3.ObjectLockLegalHoldStatusOff:
		hold = holdOff
	default:
		return nil, errMalformedXML()
	}
	err := s.changeLock(objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}, func(l *lock) error {
		l.Hold = hold
		return nil
	})
	return &s3.PutObjectLegalHoldOutput{}, err
}

func (s *Service) getObjectLegalHold(_ context.Context, in *s3.GetObjectLegalHoldInput) (*s3.GetObjectLegalHoldOutput, error) {
	l, err := s.viewLock(objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	if l.Hold == neverHeld {
		return nil, errObjectNotLocked()
	}
	return &s3.GetObjectLegalHoldOutput{LegalHold: &s3.ObjectLockLegalHold{Status: l.legalHold()}}, nil
}
