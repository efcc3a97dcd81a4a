package s3

import (
	"context"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/storage"
)

// bucketACL is the access control list of a bucket that was given one.
type bucketACL struct {
	Grants []accesscontrol.Grant `cbor:"1,keyasint"`
}

func (s *Service) getBucketACL(_ context.Context, in *s3.GetBucketAclInput) (*s3.GetBucketAclOutput, error) {
	out := &s3.GetBucketAclOutput{}
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		list, err := s.settings.acl.of(tx, b)
		if err != nil {
			return err
		}
		if list == nil || b.Ownership == ownerEnforced {
			list = &bucketACL{accesscontrol.Owners(ownerID(b.Account))}
		}
		out.Owner, out.Grants = ownerOf(b.Account), accesscontrol.Write(list.Grants)
		return nil
	})
	return out, err
}

func (s *Service) putBucketACL(_ context.Context, in *s3.PutBucketAclInput) (*s3.PutBucketAclOutput, error) {
	asked, owner, err := askedACL(accesscontrol.Headers{
		Canned: string(in.ACL), FullControl: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, Write: in.GrantWrite, WriteACP: in.GrantWriteACP,
	}, in.AccessControlPolicy)
	if err != nil {
		return nil, err
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		id := ownerID(b.Account)
		list := &bucketACL{asked.List(id, id)}
		switch {
		case b.Ownership == ownerEnforced:
			return errACLNotSupported()
		case owner != "" && owner != id, b.Access.has(blockACLs) && accesscontrol.Public(list.Grants):
			return errAccessDenied()
		}
		return s.settings.acl.set(tx, b, list)
	})
	return &s3.PutBucketAclOutput{}, err
}

func (s *Service) getObjectACL(_ context.Context, in *s3.GetObjectAclInput) (*s3.GetObjectAclOutput, error) {
	b, o, err := s.viewObject(objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner})
	if err != nil {
		return nil, err
	}
	return &s3.GetObjectAclOutput{Owner: b.ownedBy(o.Owner), Grants: accesscontrol.Write(o.list(b))}, nil
}

func (s *Service) putObjectACL(ctx context.Context, in *s3.PutObjectAclInput) (*s3.PutObjectAclOutput, error) {
	asked, owner, err := askedACL(accesscontrol.Headers{
		Canned: string(in.ACL), FullControl: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, Write: in.GrantWrite, WriteACP: in.GrantWriteACP,
	}, in.AccessControlPolicy)
	if err != nil {
		return nil, err
	}
	_, err = s.changeObject("PUT", objectRef{in.Bucket, in.Key, in.VersionId, in.ExpectedBucketOwner}, func(tx storage.Tx, b *bucket, o *object) error {
		switch {
		case b.Ownership == ownerEnforced:
			return errACLNotSupported()
		case owner != "" && owner != b.ownedBy(o.Owner).ID:
			return errAccessDenied()
		}
		if err := o.grant(b, &asked); err != nil {
			return err
		}
		return s.emit(ctx, tx, b, eventACL, in.Key, o)
	})
	return &s3.PutObjectAclOutput{}, err
}

// askedACL is the list that a request asks for in one of three ways, and the
// owner that its document names.
func askedACL(h accesscontrol.Headers, document *s3.AccessControlPolicy) (asked accesscontrol.Asked, owner string, err error) {
	if asked, err = h.Ask(); err != nil {
		return asked, "", err
	}
	switch {
	case document == nil && asked.Nothing():
		return asked, "", errMissingACL()
	case document == nil:
		return asked, "", nil
	case !asked.Nothing():
		return asked, "", errUnexpectedContent()
	}
	return accesscontrol.Read(document)
}
