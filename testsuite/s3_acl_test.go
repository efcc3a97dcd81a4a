package testsuite

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

const everybody = "http://acs.amazonaws.com/groups/global/AllUsers"

// openBucket makes a bucket that has access control lists, public ones too.
func openBucket(t *testing.T, a *harness.Account, o types.ObjectOwnership) *string {
	t.Helper()
	ctx, name := t.Context(), bucket(t, a)
	must(a.S3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
		Bucket: name, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: o}}},
	}))(t)
	must(a.S3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: name}))(t)
	return name
}

// shown is a list as "permission:grantee" strings.
func shown(grants []types.Grant) []string {
	var list []string
	for _, g := range grants {
		list = append(list, string(g.Permission)+":"+aws.ToString(g.Grantee.URI)+aws.ToString(g.Grantee.ID))
	}
	return list
}

// A new bucket has no access control lists but its owner's, and takes none.
func TestAccessControlListsAreOff(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name, key := bucket(t, a), aws.String("k")
	acl := must(a.S3.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: name}))(t)
	readBack(t, shown(acl.Grants), []string{"FULL_CONTROL:" + *acl.Owner.ID})
	_, err := a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, ACL: types.BucketCannedACLPrivate})
	refused(t, err, "AccessControlListNotSupported")
	_, err = a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, ACL: types.ObjectCannedACLPublicRead})
	refused(t, err, "AccessControlListNotSupported")
	_, err = a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: key, ACL: types.ObjectCannedACLPublicRead})
	refused(t, err, "AccessControlListNotSupported")
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, ACL: types.ObjectCannedACLBucketOwnerFullControl}))(t)
	// To the owner a private list says nothing else; of others it would be theirs.
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, ACL: types.ObjectCannedACLPrivate}))(t)
	_, err = harness.New(t).S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, ACL: types.ObjectCannedACLPrivate})
	refused(t, err, "AccessControlListNotSupported")
	_, err = a.S3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: name, Key: key, ACL: types.ObjectCannedACLPublicRead})
	refused(t, err, "AccessControlListNotSupported")
	_, err = a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String("public-" + a.ID), ACL: types.BucketCannedACLPublicRead})
	refused(t, err, "InvalidBucketAclWithObjectOwnership")
	_, err = a.S3.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("public-" + a.ID), ACL: types.BucketCannedACLPublicRead, ObjectOwnership: types.ObjectOwnershipObjectWriter,
	})
	refused(t, err, "InvalidBucketAclWithBlockPublicAccessError")
}

func TestBucketACL(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := openBucket(t, a, types.ObjectOwnershipObjectWriter)
	get := func() *s3.GetBucketAclOutput {
		t.Helper()
		return must(a.S3.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: name}))(t)
	}
	me := *get().Owner.ID
	must(a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, ACL: types.BucketCannedACLPublicReadWrite}))(t)
	readBack(t, shown(get().Grants), []string{"FULL_CONTROL:" + me, "READ:" + everybody, "WRITE:" + everybody})
	must(a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, GrantRead: aws.String(`id="` + me + `", uri="` + everybody + `"`)}))(t)
	readBack(t, shown(get().Grants), []string{"READ:" + me, "READ:" + everybody})
	document := &types.AccessControlPolicy{Owner: &types.Owner{ID: &me}, Grants: []types.Grant{
		{Grantee: &types.Grantee{Type: types.TypeCanonicalUser, ID: &me}, Permission: types.PermissionWriteAcp},
	}}
	must(a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, AccessControlPolicy: document}))(t)
	readBack(t, shown(get().Grants), []string{"WRITE_ACP:" + me})

	for want, in := range map[string]*s3.PutBucketAclInput{
		"MissingSecurityHeader": {},
		"UnexpectedContent":     {ACL: types.BucketCannedACLPrivate, AccessControlPolicy: document},
		"InvalidRequest":        {ACL: types.BucketCannedACLPrivate, GrantRead: aws.String("id=" + me)},
		"InvalidArgument":       {GrantRead: aws.String("id=nobody")},
		"MethodNotAllowed":      {GrantRead: aws.String("emailAddress=a@example.com")},
		"AccessDenied": {AccessControlPolicy: &types.AccessControlPolicy{
			Owner: must(harness.New(t).S3.ListBuckets(ctx, &s3.ListBucketsInput{}))(t).Owner, Grants: document.Grants,
		}},
		"MalformedACLError": {AccessControlPolicy: &types.AccessControlPolicy{Owner: document.Owner, Grants: []types.Grant{
			{Grantee: document.Grants[0].Grantee, Permission: "EVERYTHING"},
		}}},
	} {
		in.Bucket = name
		_, err := a.S3.PutBucketAcl(ctx, in)
		refused(t, err, want)
	}

	// What is public cannot be granted once that is blocked, nor can lists that grant others anything be turned off.
	must(a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, ACL: types.BucketCannedACLAuthenticatedRead}))(t)
	_, err := a.S3.PutBucketOwnershipControls(ctx, &s3.PutBucketOwnershipControlsInput{
		Bucket: name, OwnershipControls: &types.OwnershipControls{Rules: []types.OwnershipControlsRule{{ObjectOwnership: types.ObjectOwnershipBucketOwnerEnforced}}},
	})
	refused(t, err, "InvalidBucketAclWithObjectOwnership")
	block := &types.PublicAccessBlockConfiguration{
		BlockPublicAcls: aws.Bool(true), BlockPublicPolicy: aws.Bool(false), IgnorePublicAcls: aws.Bool(false), RestrictPublicBuckets: aws.Bool(false),
	}
	must(a.S3.PutPublicAccessBlock(ctx, &s3.PutPublicAccessBlockInput{Bucket: name, PublicAccessBlockConfiguration: block}))(t)
	readBack(t, must(a.S3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: name}))(t).PublicAccessBlockConfiguration, block)
	_, err = a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, ACL: types.BucketCannedACLPublicRead})
	refused(t, err, "AccessDenied")
	must(a.S3.DeletePublicAccessBlock(ctx, &s3.DeletePublicAccessBlockInput{Bucket: name}))(t)
	_, err = a.S3.GetPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: name})
	refused(t, err, "NoSuchPublicAccessBlockConfiguration")
}

// Every way of writing an object takes a list, and none takes one over from another object.
func TestObjectACL(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := openBucket(t, a, types.ObjectOwnershipBucketOwnerPreferred)
	me := *must(a.S3.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: name}))(t).Owner.ID
	check := func(key string, want ...string) {
		t.Helper()
		acl := must(a.S3.GetObjectAcl(ctx, &s3.GetObjectAclInput{Bucket: name, Key: &key}))(t)
		readBack(t, shown(acl.Grants), want)
	}
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("put"), ACL: types.ObjectCannedACLPublicRead}))(t)
	check("put", "FULL_CONTROL:"+me, "READ:"+everybody)
	must(a.S3.CopyObject(ctx, &s3.CopyObjectInput{Bucket: name, Key: aws.String("copy"), CopySource: aws.String(*name + "/put")}))(t)
	check("copy", "FULL_CONTROL:"+me)
	key := aws.String("parts")
	upload := must(a.S3.CreateMultipartUpload(ctx, &s3.CreateMultipartUploadInput{Bucket: name, Key: key, GrantFullControl: aws.String("id=" + me), GrantReadACP: aws.String("uri=" + everybody)}))(t)
	part := must(a.S3.UploadPart(ctx, &s3.UploadPartInput{Bucket: name, Key: key, UploadId: upload.UploadId, PartNumber: aws.Int32(1)}))(t)
	must(a.S3.CompleteMultipartUpload(ctx, &s3.CompleteMultipartUploadInput{Bucket: name, Key: key, UploadId: upload.UploadId, MultipartUpload: &types.CompletedMultipartUpload{
		Parts: []types.CompletedPart{{PartNumber: aws.Int32(1), ETag: part.ETag, ChecksumCRC32: part.ChecksumCRC32}},
	}}))(t)
	check("parts", "FULL_CONTROL:"+me, "READ_ACP:"+everybody)
	must(a.S3.PutObjectAcl(ctx, &s3.PutObjectAclInput{Bucket: name, Key: aws.String("put"), ACL: types.ObjectCannedACLPrivate}))(t)
	check("put", "FULL_CONTROL:"+me)

	// Another account's object is its own, unless the bucket's owner prefers otherwise and is given it.
	other := harness.New(t)
	must(other.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("theirs"), ACL: types.ObjectCannedACLBucketOwnerRead}))(t)
	must(other.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: aws.String("given"), ACL: types.ObjectCannedACLBucketOwnerFullControl}))(t)
	them := *must(other.S3.ListBuckets(ctx, &s3.ListBucketsInput{}))(t).Owner.ID
	check("theirs", "FULL_CONTROL:"+them, "READ:"+me)
	check("given", "FULL_CONTROL:"+me)
	owners := map[string]string{}
	for _, o := range must(a.S3.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name, FetchOwner: aws.Bool(true)}))(t).Contents {
		owners[*o.Key] = *o.Owner.ID
	}
	readBack(t, owners, map[string]string{"put": me, "copy": me, "parts": me, "theirs": them, "given": me})
}

// In us-east-1 its owner may make a bucket again, which makes it its own alone.
func TestMakingABucketAgainResetsItsACL(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	name := openBucket(t, a, types.ObjectOwnershipObjectWriter)
	must(a.S3.PutBucketAcl(ctx, &s3.PutBucketAclInput{Bucket: name, ACL: types.BucketCannedACLPublicRead}))(t)
	must(a.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: name}))(t)
	if acl := must(a.S3.GetBucketAcl(ctx, &s3.GetBucketAclInput{Bucket: name}))(t); len(acl.Grants) != 1 {
		t.Errorf("the list is still %v", shown(acl.Grants))
	}
}
