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

// access is who besides its owner may reach an object.
type access struct {
	// Grants are the access control list; nil stands for the owner's full control.
	Grants []accesscontrol.Grant `cbor:"51,keyasint,omitempty"`

	// What settle decides by: the account that writes, and what it asks for.
	writer string
	asked  accesscontrol.Asked
}

// owns is the account that owns what another, or the same, writes to a bucket
// with the canned list that it asks for; "" stands for the bucket's.
func (b *bucket) owns(writer, canned string) string {
	if b.Ownership == ownerEnforced || writer == b.Account || b.Ownership == ownerPreferred && canned == "bucket-owner-full-control" {
		return ""
	}
	return writer
}

// owner is the account that owns an object, whose record names one or "" for the bucket's.
func (b *bucket) owner(account string) string {
	if account == "" || b.Ownership == ownerEnforced {
		return b.Account
	}
	return account
}

// ownedBy is owner as answers show it.
func (b *bucket) ownedBy(account string) *s3.Owner { return ownerOf(b.owner(account)) }

// settle decides who owns an object that is written to a bucket, and its list.
func (o *object) settle(b *bucket) error {
	o.Owner, o.Grants = "", nil // of an attempt that met another configuration
	if b.Ownership == ownerEnforced {
		// A private list gives all to the writer: what is asked for anyway, if that is the bucket's owner.
		own := o.writer == "" || o.writer == b.Account
		if o.asked.Nothing() || o.asked.Canned == "private" && own || o.asked.Canned == "bucket-owner-full-control" ||
			o.asked.Grants != nil && accesscontrol.Private(o.asked.Grants, ownerID(b.Account)) {
			return nil
		}
		return errACLNotSupported()
	}
	if o.writer != "" {
		o.Owner = b.owns(o.writer, o.asked.Canned)
	}
	if o.asked.Nothing() {
		return nil
	}
	return o.grant(b, &o.asked)
}

// grant gives an object the list that is asked for.
func (o *object) grant(b *bucket, asked *accesscontrol.Asked) error {
	o.Grants = asked.List(b.ownedBy(o.Owner).ID, ownerID(b.Account))
	if b.Access.has(blockACLs) && accesscontrol.Public(o.Grants) {
		return errAccessDenied()
	}
	return nil
}

// list is the access control list as it is in force.
func (o *object) list(b *bucket) []accesscontrol.Grant {
	if b.Ownership == ownerEnforced || o.Grants == nil {
		return accesscontrol.Owners(b.ownedBy(o.Owner).ID)
	}
	return o.Grants
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
