package s3

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api/s3"
)

func TestBucketNames(t *testing.T) {
	for name, valid := range map[string]bool{
		"abc": true, "my-bucket": true, "my.bucket.1": true, "0ab": true, strings.Repeat("a", 63): true, "1.2.3": true, "1.2.3.4.5": true,
		"": false, "ab": false, strings.Repeat("a", 64): false, "My-bucket": false, "my_bucket": false, "-ab": false, "ab-": false,
		"a..b": false, ".ab": false, "ab.": false, "a-.b": false, "a.-b": false, "192.168.5.4": false, "xn--abc": false,
		"sthree-abc": false, "amzn-s3-demo-abc": false, "abc-s3alias": false, "abc--ol-s3": false, "abc.mrap": false,
		"abc--x-s3": false, "abc--table-s3": false, "bücket": false, "a b": false, "abc-an": false,
	} {
		if got := validBucketName(name); got != valid {
			t.Errorf("validBucketName(%q) = %v, want %v", name, got, valid)
		}
	}
	w := newWorld(t)
	_, err := w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "Not_Valid"})
	refused(t, err, "InvalidBucketName", 400, "BucketName", "Not_Valid")
}

func TestLocationConstraint(t *testing.T) {
	for _, c := range []struct{ region, asked, made, code string }{
		{"us-east-1", "", "us-east-1", ""},
		{"us-east-1", "eu-west-1", "eu-west-1", ""},
		{"us-east-1", "EU", "eu-west-1", ""},
		{"us-east-1", "us-east-1", "", "InvalidLocationConstraint"},
		{"us-east-1", "nowhere", "", "InvalidLocationConstraint"},
		{"eu-west-1", "eu-west-1", "eu-west-1", ""},
		{"eu-west-1", "EU", "eu-west-1", ""},
		{"eu-west-1", "", "", "IllegalLocationConstraintException"},
		{"eu-west-1", "us-west-2", "", "IllegalLocationConstraintException"},
		{"eu-west-1", "us-east-1", "", "IllegalLocationConstraintException"},
		{"eu-west-1", "nowhere", "", "InvalidLocationConstraint"},
	} {
		t.Run(c.region+" "+c.asked, func(t *testing.T) {
			w := newWorld(t)
			in := &s3.CreateBucketInput{Bucket: "abc"}
			if c.asked != "" {
				in.CreateBucketConfiguration = &s3.CreateBucketConfiguration{LocationConstraint: s3.BucketLocationConstraint(c.asked)}
			}
			_, err := w.createBucket(w.as(account, c.region), in)
			if c.code != "" {
				refused(t, err, c.code, 400)
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			head, err := w.headBucket(w.ctx(), &s3.HeadBucketInput{Bucket: "abc"})
			if err != nil || head.BucketRegion != c.made {
				t.Fatalf("HeadBucket: %+v, %v; want region %s", head, err, c.made)
			}
			where, err := w.getBucketLocation(w.ctx(), &s3.GetBucketLocationInput{Bucket: "abc"})
			want := c.made
			if want == "us-east-1" {
				want = ""
			}
			if err != nil || string(where.LocationConstraint) != want {
				t.Fatalf("GetBucketLocation: %+v, %v; want %q", where, err, want)
			}
		})
	}
}

func TestBucketOwnership(t *testing.T) {
	w := newWorld(t)
	out, err := w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "mine"})
	if err != nil || out.Location != "/mine" {
		t.Fatalf("CreateBucket: %+v, %v", out, err)
	}
	// us-east-1 answers its owner's second creation as the first.
	must(t)(w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "mine"}))
	_, err = w.createBucket(w.as("999988887777", "us-east-1"), &s3.CreateBucketInput{Bucket: "mine"})
	refused(t, err, "BucketAlreadyExists", 409, "BucketName", "mine")

	europe := &s3.CreateBucketInput{Bucket: "europe", CreateBucketConfiguration: &s3.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}
	out, err = w.createBucket(w.as(account, "eu-west-1"), europe)
	if err != nil || out.Location != "http://europe.s3.amazonaws.com/" {
		t.Fatalf("CreateBucket: %+v, %v", out, err)
	}
	_, err = w.createBucket(w.as(account, "eu-west-1"), europe)
	refused(t, err, "BucketAlreadyOwnedByYou", 409, "BucketName", "europe")

	_, err = w.headBucket(w.ctx(), &s3.HeadBucketInput{Bucket: "mine", ExpectedBucketOwner: "999988887777"})
	refused(t, err, "AccessDenied", 403)
	_, err = w.headBucket(w.ctx(), &s3.HeadBucketInput{Bucket: "mine", ExpectedBucketOwner: "me"})
	refused(t, err, "InvalidBucketOwnerAWSAccountID", 400)
	must(t)(w.headBucket(w.ctx(), &s3.HeadBucketInput{Bucket: "mine", ExpectedBucketOwner: account}))
	_, err = w.headBucket(w.ctx(), &s3.HeadBucketInput{Bucket: "nowhere"})
	refused(t, err, "NoSuchBucket", 404, "BucketName", "nowhere")
}

func TestBucketOptionsAreRefused(t *testing.T) {
	w := newWorld(t)
	_, err := w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "abc", ACL: s3.BucketCannedACLPublicRead})
	refused(t, err, "InvalidBucketAclWithObjectOwnership", 400)
	_, err = w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "abc", CreateBucketConfiguration: &s3.CreateBucketConfiguration{Bucket: &s3.BucketInfo{Type: s3.BucketTypeDirectory}}})
	refused(t, err, "NotImplemented", 501)
	must(t)(w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "abc", ACL: s3.BucketCannedACLPrivate, ObjectOwnership: s3.ObjectOwnershipBucketOwnerEnforced}))
}

func TestDeleteBucket(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	w.put(b, "k", "content")
	_, err := w.deleteBucket(w.ctx(), &s3.DeleteBucketInput{Bucket: b})
	refused(t, err, "BucketNotEmpty", 409, "BucketName", b)
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))

	// An upload under way does not keep its bucket, and goes with it.
	up, err := w.createMultipartUpload(w.ctx(), &s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	must(t)(up, err)
	must(t)(w.uploadPart(w.ctx(), partInput(b, "k", up.UploadId, 1, "part")))
	must(t)(w.deleteBucket(w.ctx(), &s3.DeleteBucketInput{Bucket: b}))
	w.wantLeft("")
	_, err = w.deleteBucket(w.ctx(), &s3.DeleteBucketInput{Bucket: b})
	refused(t, err, "NoSuchBucket", 404, "BucketName", b)

	// A bucket that is made again has nothing of the old one.
	w.bucketNamed(b)
	_, err = w.listParts(w.ctx(), &s3.ListPartsInput{Bucket: b, Key: "k", UploadId: up.UploadId})
	refused(t, err, "NoSuchUpload", 404, "UploadId", up.UploadId)
}

func TestListBuckets(t *testing.T) {
	w := newWorld(t)
	for i := range 7 {
		w.bucketNamed(fmt.Sprintf("bucket-%d", i))
	}
	w.bucketNamed("other")
	must(t)(w.createBucket(w.ctx(), &s3.CreateBucketInput{Bucket: "bucket-eu", CreateBucketConfiguration: &s3.CreateBucketConfiguration{LocationConstraint: "eu-west-1"}}))
	must(t)(w.createBucket(w.as("999988887777", "us-east-1"), &s3.CreateBucketInput{Bucket: "bucket-foreign"}))

	out, err := w.listBuckets(w.ctx(), &s3.ListBucketsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if len(out.Buckets) != 9 || out.ContinuationToken != "" || out.Buckets[0].BucketRegion != "" || len(out.Owner.ID) != 64 {
		t.Fatalf("ListBuckets: %d buckets, %+v", len(out.Buckets), out)
	}
	if got := out.Buckets[0].CreationDate; !got.Equal(epoch.Truncate(1e9)) {
		t.Fatalf("CreationDate %v", got)
	}
	var names []string
	token := ""
	for pages := 1; ; pages++ {
		out, err := w.listBuckets(w.ctx(), &s3.ListBucketsInput{Prefix: "bucket-", MaxBuckets: new(int32(4)), BucketRegion: "us-east-1", ContinuationToken: token})
		if err != nil {
			t.Fatal(err)
		}
		for _, b := range out.Buckets {
			names = append(names, b.Name)
			if b.BucketRegion != "us-east-1" {
				t.Errorf("%s has region %q", b.Name, b.BucketRegion)
			}
		}
		if token = out.ContinuationToken; token == "" {
			if pages != 2 {
				t.Errorf("%d pages", pages)
			}
			break
		}
	}
	if want := []string{"bucket-0", "bucket-1", "bucket-2", "bucket-3", "bucket-4", "bucket-5", "bucket-6"}; !slices.Equal(names, want) {
		t.Errorf("names %v, want %v", names, want)
	}
}

func TestBucketTagging(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	_, err := w.getBucketTagging(w.ctx(), &s3.GetBucketTaggingInput{Bucket: b})
	refused(t, err, "NoSuchTagSet", 404, "BucketName", b)
	set := func(tags ...*s3.Tag) error {
		_, err := w.putBucketTagging(w.ctx(), &s3.PutBucketTaggingInput{Bucket: b, Tagging: &s3.Tagging{TagSet: tags}})
		return err
	}
	if err := set(&s3.Tag{Key: "a", Value: "1"}, &s3.Tag{Key: "b"}); err != nil {
		t.Fatal(err)
	}
	out, err := w.getBucketTagging(w.ctx(), &s3.GetBucketTaggingInput{Bucket: b})
	if err != nil || len(out.TagSet) != 2 || *out.TagSet[0] != (s3.Tag{Key: "a", Value: "1"}) {
		t.Fatalf("GetBucketTagging: %+v, %v", out, err)
	}
	refused(t, set(&s3.Tag{Key: "a"}, &s3.Tag{Key: "a"}), "InvalidTag", 400, "TagKey", "a")
	refused(t, set(&s3.Tag{Key: "aws:x"}), "InvalidTag", 400)
	refused(t, set(&s3.Tag{Key: strings.Repeat("k", 129)}), "InvalidTag", 400)
	refused(t, set(&s3.Tag{Key: "k", Value: strings.Repeat("v", 257)}), "InvalidTag", 400)
	must(t)(w.deleteBucketTagging(w.ctx(), &s3.DeleteBucketTaggingInput{Bucket: b}))
	_, err = w.getBucketTagging(w.ctx(), &s3.GetBucketTaggingInput{Bucket: b})
	refused(t, err, "NoSuchTagSet", 404)
}

// What a new bucket has not is told by these codes, which Terraform and the
// console read after every creation.
func TestSettingsOfNewBucket(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	ctx := w.ctx()
	for code, get := range map[string]func(string) error{
		"NoSuchBucketPolicy": func(b string) error {
			_, err := w.getBucketPolicy(ctx, &s3.GetBucketPolicyInput{Bucket: b})
			return err
		},
		"NoSuchCORSConfiguration": func(b string) error { _, err := w.getBucketCORS(ctx, &s3.GetBucketCorsInput{Bucket: b}); return err },
		"NoSuchWebsiteConfiguration": func(b string) error {
			_, err := w.getBucketWebsite(ctx, &s3.GetBucketWebsiteInput{Bucket: b})
			return err
		},
		"NoSuchLifecycleConfiguration": func(b string) error {
			_, err := w.getBucketLifecycle(ctx, &s3.GetBucketLifecycleConfigurationInput{Bucket: b})
			return err
		},
		"ReplicationConfigurationNotFoundError": func(b string) error {
			_, err := w.getBucketReplication(ctx, &s3.GetBucketReplicationInput{Bucket: b})
			return err
		},
		"ObjectLockConfigurationNotFoundError": func(b string) error {
			_, err := w.getObjectLockConfiguration(ctx, &s3.GetObjectLockConfigurationInput{Bucket: b})
			return err
		},
	} {
		refused(t, get(b), code, 404, "BucketName", b)
		refused(t, get("nowhere"), "NoSuchBucket", 404)
	}
	block, err := w.getPublicAccessBlock(ctx, &s3.GetPublicAccessBlockInput{Bucket: b})
	if err != nil || !*block.PublicAccessBlockConfiguration.RestrictPublicBuckets {
		t.Errorf("GetPublicAccessBlock: %+v, %v", block, err)
	}
	acl, err := w.getBucketACL(ctx, &s3.GetBucketAclInput{Bucket: b})
	if err != nil || len(acl.Grants) != 1 || acl.Grants[0].Permission != s3.PermissionFullControl || acl.Grants[0].Grantee.ID != acl.Owner.ID {
		t.Errorf("GetBucketAcl: %+v, %v", acl, err)
	}
	versioning, err := w.getBucketVersioning(ctx, &s3.GetBucketVersioningInput{Bucket: b})
	if err != nil || versioning.Status != "" {
		t.Errorf("GetBucketVersioning: %+v, %v", versioning, err)
	}
}
