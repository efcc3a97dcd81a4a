package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/services/s3/fault"
	"github.com/virga-cloud/virga/storage"
)

// ownership says who owns the objects of a bucket; buckets hold the numbers.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
type ownership uint8

const (
	ownerEnforced  ownership = iota // the bucket's owner, and there are no access control lists
	ownerPreferred                  // the bucket's owner, where the writer grants it full control
	objectWriter                    // who wrote the object
	ownerUnset                      // as objectWriter, with nothing to read
)

var ownerships = [...]s3.ObjectOwnership{
	s3.ObjectOwnershipBucketOwnerEnforced, s3.ObjectOwnershipBucketOwnerPreferred, s3.ObjectOwnershipObjectWriter,
}

func readOwnership(o s3.ObjectOwnership) (ownership, bool) {
	for i, name := range ownerships {
		if name == o {
			return ownership(i), true
		}
	}
	return 0, false
}

// access is who owns an object and who else may reach it.
type access struct {
	// Owner is the account that owns the object, where that is not the bucket's.
	Owner string `cbor:"50,keyasint,omitempty"`
	// Grants are the access control list; nil stands for the owner's full control.
	Grants []accesscontrol.Grant `cbor:"51,keyasint,omitempty"`

	// What settle makes the others of: the account that writes, and what it asks for.
	writer string
	asked  accesscontrol.Asked
}

// settle decides who owns an object that is written to a bucket, and its list.
func (a *access) settle(b *bucket) error {
	if b.Ownership == ownerEnforced {
		if a.asked.Nothing() || a.asked.Canned == "private" || a.asked.Canned == "bucket-owner-full-control" ||
			a.asked.Grants != nil && accesscontrol.Private(a.asked.Grants, ownerID(b.Account)) {
			return nil
		}
		return errACLNotSupported()
	}
	if a.writer != "" && a.writer != b.Account && (b.Ownership != ownerPreferred || a.asked.Canned != "bucket-owner-full-control") {
		a.Owner = a.writer
	}
	if a.asked.Nothing() {
		return nil
	}
	return a.grant(b, &a.asked)
}

// grant gives an object the list that is asked for.
func (a *access) grant(b *bucket, asked *accesscontrol.Asked) error {
	a.Grants = asked.List(ownerID(a.owner(b)), ownerID(b.Account))
	if b.Access.has(blockACLs) && accesscontrol.Public(a.Grants) {
		return errAccessDenied()
	}
	return nil
}

// owner is the account that owns an object of a bucket.
func (a *access) owner(b *bucket) string {
	if b.Ownership == ownerEnforced || a.Owner == "" {
		return b.Account
	}
	return a.Owner
}

// list is the access control list as it is in force.
func (a *access) list(b *bucket) []accesscontrol.Grant {
	if b.Ownership == ownerEnforced || a.Grants == nil {
		return accesscontrol.Owners(ownerID(a.owner(b)))
	}
	return a.Grants
}

func (s *Service) getBucketOwnershipControls(_ context.Context, in *s3.GetBucketOwnershipControlsInput) (*s3.GetBucketOwnershipControlsOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Ownership == ownerUnset {
		return nil, errNone("OwnershipControlsNotFoundError", "The bucket ownership controls were not found", in.Bucket)
	}
	return &s3.GetBucketOwnershipControlsOutput{OwnershipControls: &s3.OwnershipControls{
		Rules: []*s3.OwnershipControlsRule{{ObjectOwnership: ownerships[b.Ownership]}},
	}}, nil
}

func (s *Service) putBucketOwnershipControls(_ context.Context, in *s3.PutBucketOwnershipControlsInput) (*s3.PutBucketOwnershipControlsOutput, error) {
	c := in.OwnershipControls
	if len(c.Rules) != 1 {
		return nil, errMalformedXML()
	}
	o, ok := readOwnership(c.Rules[0].ObjectOwnership)
	if !ok {
		return nil, fault.MalformedXML()
	}
	err := s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(tx storage.Tx, b *bucket) error {
		if o == ownerEnforced {
			list, err := s.settings.acl.of(tx, b)
			if err != nil {
				return err
			}
			if list != nil && !accesscontrol.Private(list.Grants, ownerID(b.Account)) {
				return errACLWithOwnership()
			}
		}
		b.Ownership = o
		return nil
	})
	return &s3.PutBucketOwnershipControlsOutput{}, err
}

func (s *Service) deleteBucketOwnershipControls(_ context.Context, in *s3.DeleteBucketOwnershipControlsInput) (*s3.DeleteBucketOwnershipControlsOutput, error) {
	err := s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(_ storage.Tx, b *bucket) error {
		b.Ownership = ownerUnset
		return nil
	})
	return &s3.DeleteBucketOwnershipControlsOutput{}, err
}
