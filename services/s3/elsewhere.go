package s3

import (
	"errors"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Elsewhere implements service.Regional: a region's host sends requests for
// buckets of other regions on to theirs. A bucket may be asked for its location
// anywhere, by path, and be made anywhere: that it exists is then another error.
//
// AWS has a second redirection, 307 TemporaryRedirect: its host without a region
// gives it until the name of a new bucket is known everywhere, which takes no time here.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
func (s *Service) Elsewhere(a service.Addressed) error {
	name := a.Labels["Bucket"]
	switch {
	case name == "", a.Operation.Name == "CreateBucket", a.Operation.Name == "GetBucketLocation" && !a.VirtualHost:
		return nil
	}
	var region string
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.buckets.Get(tx, keyBucket(name))
		if err != nil {
			return err
		}
		region = b.Region
		return nil
	})
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil // the operation says so
	case err != nil:
		return err
	case region == a.Region:
		return nil
	}
	return errElsewhere(name, region, endpoint(name, region, a))
}

// endpoint is the host of a bucket in its region, below the domain that the client
// used. That of us-east-1 is the one without a region, and without the bucket.
func endpoint(name, region string, a service.Addressed) string {
	switch {
	case region == api.DefaultRegion:
		return "s3." + a.Domain
	case a.VirtualHost:
		return name + ".s3." + region + "." + a.Domain
	}
	return "s3." + region + "." + a.Domain
}
