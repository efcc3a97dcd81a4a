package s3

import (
	"context"
	"strconv"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// The longest default retention.
const (
	maxLockDays  = 36500
	maxLockYears = 100
)

// putObjectLockConfiguration enables object lock in a bucket with versioning,
// and sets the retention that new versions begin with.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutObjectLockConfiguration.html
func (s *Service) putObjectLockConfiguration(_ context.Context, in *s3.PutObjectLockConfigurationInput) (*s3.PutObjectLockConfigurationOutput, error) {
	d, err := readLockConfiguration(in.ObjectLockConfiguration)
	if err != nil {
		return nil, err
	}
	err = s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(_ storage.Tx, b *bucket) error {
		if b.Versioning != enabled {
			return errInvalidBucketState("Versioning must be 'Enabled' on the bucket to apply a Object Lock configuration")
		}
		b.Lock = d
		return nil
	})
	return &s3.PutObjectLockConfigurationOutput{}, err
}

func readLockConfiguration(c *s3.ObjectLockConfiguration) (*lockDefault, error) {
	d := &lockDefault{}
	switch {
	case c == nil || c.ObjectLockEnabled != s3.ObjectLockEnabledEnabled:
		return nil, errMalformedXML()
	case c.Rule == nil:
		return d, nil
	}
	r := c.Rule.DefaultRetention
	if r == nil || (r.Days == nil) == (r.Years == nil) {
		return nil, errMalformedXML()
	}
	if d.Mode = modeOf(string(r.Mode)); d.Mode == noMode {
		return nil, errMalformedXML()
	}
	for _, p := range []struct {
		name   string
		given  *int32
		most   int32
		period *int32
	}{
		{"Days", r.Days, maxLockDays, &d.Days},
		{"Years", r.Years, maxLockYears, &d.Years},
	} {
		switch {
		case p.given == nil:
		case *p.given <= 0:
			return nil, errInvalidArgument(p.name, strconv.Itoa(int(*p.given)), "Default retention period must be a positive integer value.")
		case *p.given > p.most:
			return nil, errInvalidArgument(p.name, strconv.Itoa(int(*p.given)), "Default retention period too large.")
		default:
			*p.period = *p.given
		}
	}
	return d, nil
}

func (s *Service) getObjectLockConfiguration(_ context.Context, in *s3.GetObjectLockConfigurationInput) (*s3.GetObjectLockConfigurationOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Lock == nil {
		return nil, errNone("ObjectLockConfigurationNotFoundError", "Object Lock configuration does not exist for this bucket", in.Bucket)
	}
	c := &s3.ObjectLockConfiguration{ObjectLockEnabled: s3.ObjectLockEnabledEnabled}
	if d := b.Lock; d.Mode != noMode {
		r := &s3.DefaultRetention{Mode: s3.ObjectLockRetentionMode(d.Mode.name())}
		if d.Days != 0 {
			r.Days = &d.Days
		} else {
			r.Years = &d.Years
		}
		c.Rule = &s3.ObjectLockRule{DefaultRetention: r}
	}
	return &s3.GetObjectLockConfigurationOutput{ObjectLockConfiguration: c}, nil
}
