package s3

import (
	"context"
	"encoding/base64"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesscontrol"
	"github.com/virga-cloud/virga/storage"
)

// bucket is the record of one bucket. Every write of an object reads it, so it
// stays small; it is shared through a cache and never modified in place.
type bucket struct {
	ID      uint64 `cbor:"1,keyasint"`
	Name    string `cbor:"2,keyasint"`
	Account string `cbor:"3,keyasint"`
	Region  string `cbor:"4,keyasint"`
	// Created is in milliseconds since 1970.
	Created int64 `cbor:"5,keyasint"`
	Tags    []tag `cbor:"6,keyasint,omitempty"`
	// Notify is where events go, Bridge that they also go to EventBridge.
	Notify []notifyRule `cbor:"7,keyasint,omitempty"`
	Bridge bool         `cbor:"8,keyasint,omitempty"`
	// Settings are the kinds of settings that the bucket has.
	Settings kinds `cbor:"30,keyasint,omitempty"`
	// Ownership and Access are what every write of an object needs of the settings.
	Ownership ownership    `cbor:"31,keyasint,omitempty"`
	Access    publicAccess `cbor:"32,keyasint,omitempty"`
	// KeysBlocked says that writes with customers' keys are refused unless the
	// bucket's encryption says otherwise. Buckets from before S3 did so have it not.
	KeysBlocked bool `cbor:"33,keyasint,omitempty"`
	// Versioning says whether writes make versions; see version.go.
	Versioning versioning `cbor:"20,keyasint,omitempty"`
	// Lock is there when object lock is enabled.
	Lock *lockDefault `cbor:"21,keyasint,omitempty"`
}

func (b *bucket) created() time.Time { return time.UnixMilli(b.Created).UTC().Truncate(time.Second) }

func (b *bucket) arn() string {
	return api.ARN{Partition: api.PartitionOf(b.Region), Service: "s3", Resource: b.Name}.String()
}

// bucket reads the record of a bucket, which must not be modified. owner, when
// given, is the account that the caller expects it to be of.
func (s *Service) bucket(tx storage.Tx, name, owner string) (*bucket, error) {
	if owner != "" && !api.IsAccount(owner) {
		return nil, errInvalidOwner()
	}
	b, err := s.buckets.Get(tx, keyBucket(name))
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return nil, errNoSuchBucket(name)
	case err != nil:
		return nil, err
	case owner != "" && owner != b.Account:
		return nil, errAccessDenied()
	}
	return b, nil
}

// viewBucket is bucket in a transaction of its own.
func (s *Service) viewBucket(name, owner string) (b *bucket, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err = s.bucket(tx, name, owner)
		return err
	})
	return b, err
}

// changeBucket rewrites the record of a bucket.
func (s *Service) changeBucket(name, owner string, change func(storage.Tx, *bucket) error) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, owner)
		if err != nil {
			return err
		}
		changed := *b
		if err := change(tx, &changed); err != nil {
			return err
		}
		return storage.PutRecord(tx, keyBucket(name), &changed)
	})
}

// location is the region that a bucket is to be made in.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_CreateBucket.html
func location(region string, c *s3.CreateBucketConfiguration) (string, error) {
	var asked string
	if c != nil {
		asked = string(c.LocationConstraint)
	}
	known := slices.Contains(s3.BucketLocationConstraint("").Values(), asked)
	switch {
	case region == api.DefaultRegion && asked == "":
		return api.DefaultRegion, nil
	case region == api.DefaultRegion && !known:
		return "", errInvalidLocationConstraint(asked) // us-east-1 cannot be asked for by name
	case asked == "EU" && (region == api.DefaultRegion || region == "eu-west-1"):
		return "eu-west-1", nil
	case region == api.DefaultRegion || region == asked:
		return asked, nil
	case asked != "" && asked != api.DefaultRegion && !known:
		return "", errInvalidLocationConstraint(asked)
	}
	return "", errIllegalLocationConstraint(asked)
}

func (s *Service) createBucket(ctx context.Context, in *s3.CreateBucketInput) (*s3.CreateBucketOutput, error) {
	call := api.CallFrom(ctx)
	if !validBucketName(in.Bucket) {
		return nil, errInvalidBucketName(in.Bucket)
	}
	region, err := location(call.Region, in.CreateBucketConfiguration)
	if err != nil {
		return nil, err
	}
	if err := checkBucketOptions(in); err != nil {
		return nil, err
	}
	list, err := newBucketACL(in, call.Account)
	if err != nil {
		return nil, err
	}
	var tags []tag
	if c := in.CreateBucketConfiguration; c != nil {
		if tags, err = bucketTags(c.Tags); err != nil {
			return nil, err
		}
	}
	var id [8]byte
	_, _ = s.env.IDs.Read(id[:]) // never fails
	own, _ := readOwnership(in.ObjectOwnership)
	b := &bucket{
		ID: binary.BigEndian.Uint64(id[:]), Name: in.Bucket, Account: call.Account, Region: region,
		Created: call.Time.UnixMilli(), Tags: tags, Ownership: own, KeysBlocked: true,
	}
	if in.ObjectLockEnabledForBucket != nil && *in.ObjectLockEnabledForBucket {
		b.Versioning, b.Lock = enabled, &lockDefault{}
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		old, err := s.buckets.Get(tx, keyBucket(in.Bucket))
		switch {
		case err == nil && old.Account != call.Account:
			return errBucketAlreadyExists(in.Bucket)
		case err == nil && region == api.DefaultRegion && old.Region == region:
			// us-east-1 has always let its owner make a bucket again, which resets its list.
			if list != nil {
				return s.settings.acl.set(tx, old, list)
			}
			return s.settings.acl.unset(tx, old)
		case err == nil:
			return errBucketAlreadyOwnedByYou(in.Bucket)
		case !errors.Is(err, storage.ErrNotFound):
			return err
		}
		if err := tx.Set(keyAccountBucket(call.Account, in.Bucket), nil); err != nil {
			return err
		}
		if list != nil {
			return s.settings.acl.set(tx, b, list)
		}
		return storage.PutRecord(tx, keyBucket(in.Bucket), b)
	})
	if err != nil {
		return nil, err
	}
	out := &s3.CreateBucketOutput{Location: "/" + in.Bucket}
	if region != api.DefaultRegion {
		out.Location = fmt.Sprintf("http://%s.s3.amazonaws.com/", in.Bucket)
	}
	return out, nil
}

// checkBucketOptions refuses what a bucket cannot be made with.
func checkBucketOptions(in *s3.CreateBucketInput) error {
	if in.BucketNamespace != "" && in.BucketNamespace != s3.BucketNamespaceGlobal {
		return errNotImplemented("x-amz-bucket-namespace")
	}
	if c := in.CreateBucketConfiguration; c != nil && (c.Location != nil || c.Bucket != nil) {
		return errDirectoryBuckets()
	}
	if _, ok := readOwnership(in.ObjectOwnership); !ok && in.ObjectOwnership != "" {
		return errInvalidArgument("x-amz-object-ownership", string(in.ObjectOwnership), "Invalid x-amz-object-ownership header: "+string(in.ObjectOwnership))
	}
	return nil
}

// newBucketACL is the list that a bucket is made with, or nil for its owner's alone.
func newBucketACL(in *s3.CreateBucketInput, account string) (*bucketACL, error) {
	asked, err := accesscontrol.Headers{
		Canned: string(in.ACL), FullControl: in.GrantFullControl, Read: in.GrantRead, ReadACP: in.GrantReadACP, Write: in.GrantWrite, WriteACP: in.GrantWriteACP,
	}.Ask()
	if err != nil || asked.Nothing() || asked.Canned == "private" {
		return nil, err
	}
	list := asked.List(ownerID(account), ownerID(account))
	switch o, _ := readOwnership(in.ObjectOwnership); {
	case o == ownerEnforced:
		return nil, errACLWithOwnership()
	case accesscontrol.Public(list): // new buckets block them
		return nil, errPublicACL()
	}
	return &bucketACL{list}, nil
}

func (s *Service) headBucket(_ context.Context, in *s3.HeadBucketInput) (*s3.HeadBucketOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	return &s3.HeadBucketOutput{BucketRegion: b.Region, AccessPointAlias: new(false)}, nil
}

func (s *Service) getBucketLocation(_ context.Context, in *s3.GetBucketLocationInput) (*s3.GetBucketLocationOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	if b.Region == api.DefaultRegion {
		return &s3.GetBucketLocationOutput{}, nil // the US Standard region has no name
	}
	return &s3.GetBucketLocationOutput{LocationConstraint: s3.BucketLocationConstraint(b.Region)}, nil
}

// deleteBucket removes an empty bucket. Uploads under way do not keep it; they
// are removed with it.
func (s *Service) deleteBucket(ctx context.Context, in *s3.DeleteBucketInput) (*s3.DeleteBucketOutput, error) {
	var id uint64
	err := s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, in.Bucket, in.ExpectedBucketOwner)
		if err != nil {
			return err
		}
		id = b.ID
		if err := checkEmpty(tx, b); err != nil {
			return err
		}
		if err := tx.Set(keyDeleted(b.ID), nil); err != nil {
			return err
		}
		if err := tx.Delete(keyAccountBucket(b.Account, b.Name)); err != nil {
			return err
		}
		return tx.Delete(keyBucket(b.Name))
	})
	if err != nil {
		return nil, err
	}
	s.sweepAfter(s.sweepBucket(ctx, id))
	return &s3.DeleteBucketOutput{}, nil
}

// checkEmpty says that nothing is in a bucket, old versions and delete markers among it.
func checkEmpty(tx storage.Tx, b *bucket) error {
	for _, root := range []storage.Key{objectsOf(b.ID), versionsOf(b.ID)} {
		switch keys, err := storage.FirstKeys(tx, storage.Prefix(root), 1); {
		case err != nil:
			return err
		case len(keys) > 0:
			return errBucketNotEmpty(b)
		}
	}
	return nil
}

func (s *Service) listBuckets(ctx context.Context, in *s3.ListBucketsInput) (*s3.ListBucketsOutput, error) {
	call := api.CallFrom(ctx)
	limit := 10000
	if in.MaxBuckets != nil {
		if limit = int(*in.MaxBuckets); limit < 1 || limit > 10000 {
			return nil, errInvalidArgument("max-buckets", fmt.Sprint(limit), "Argument max-buckets must be an integer between 1 and 10000")
		}
	}
	root := rootAccounts.String(call.Account)
	r := storage.Prefix(root.StringPrefix(in.Prefix))
	r.KeysOnly = true
	if in.ContinuationToken != "" {
		after, err := base64.RawURLEncoding.DecodeString(in.ContinuationToken)
		if err != nil {
			return nil, errInvalidArgument("continuation-token", in.ContinuationToken, "The continuation token provided is incorrect")
		}
		r.Start = afterKey(root, string(after), false)
	}
	// Regions are told only to who asks with a parameter.
	regions := in.MaxBuckets != nil || in.Prefix != "" || in.BucketRegion != "" || in.ContinuationToken != ""
	out := &s3.ListBucketsOutput{Buckets: []*s3.Bucket{}, Owner: ownerOf(call.Account), Prefix: in.Prefix}
	err := s.env.DB.View(func(tx storage.Tx) error {
		for e, err := range tx.Scan(r) {
			if err != nil {
				return err
			}
			k := storage.ReadKey(e.Key).Skip(len(root))
			name := k.String()
			if err := k.Err(); err != nil {
				return err
			}
			b, err := s.bucket(tx, name, "")
			if err != nil {
				return err
			}
			if in.BucketRegion != "" && in.BucketRegion != b.Region {
				continue
			}
			if len(out.Buckets) == limit {
				out.ContinuationToken = base64.RawURLEncoding.EncodeToString([]byte(out.Buckets[limit-1].Name))
				return nil
			}
			entry := &s3.Bucket{Name: b.Name, CreationDate: b.created()}
			if regions {
				entry.BucketRegion = b.Region
			}
			out.Buckets = append(out.Buckets, entry)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}
