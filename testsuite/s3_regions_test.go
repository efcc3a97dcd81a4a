package testsuite

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// at is the S3 client of an account that calls a region's hosts.
func at(a *harness.Account, region, host string, path bool) *s3.Client {
	_, port, _ := strings.Cut(a.Addr, ":")
	return s3.NewFromConfig(a.Config, func(o *s3.Options) {
		o.Region, o.UsePathStyle, o.BaseEndpoint = region, path, aws.String("http://"+host+":"+port)
	})
}

// A region's hosts send requests for other regions' buckets on to theirs, and
// take only signatures for the region. A host without a region does neither.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/Redirects.html
func TestRegionalHosts(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	_, port, _ := strings.Cut(a.Addr, ":")
	const domain = ".localhost.localstack.cloud"
	central := at(a, "eu-central-1", "s3.eu-central-1"+domain, true)
	name, home := aws.String("central-"+a.ID), aws.String("home-"+a.ID)
	must(central.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "eu-central-1"},
	}))(t)
	must(at(a, "us-east-1", "s3.us-east-1"+domain, true).CreateBucket(ctx, &s3.CreateBucketInput{Bucket: home}))(t)
	key := aws.String("a/b c")
	must(central.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: strings.NewReader("text")}))(t)

	const redirect = `<Code>PermanentRedirect</Code><Message>The bucket you are attempting to access must be addressed using the specified endpoint. Please send all future requests to this endpoint.</Message><Endpoint>%s:%s</Endpoint><Bucket>%s</Bucket>`
	for _, c := range []struct {
		what, method, url, body, bucket, region, endpoint string
	}{
		{"by path", "GET", "s3.us-west-2" + domain + "/" + *name, "", *name, "eu-central-1", "s3.eu-central-1" + domain},
		{"by host", "GET", *name + ".s3.us-west-2" + domain + "/a/b%20c", "", *name, "eu-central-1", *name + ".s3.eu-central-1" + domain},
		{"with a dash", "GET", *name + ".s3-us-west-2" + domain + "/", "", *name, "eu-central-1", *name + ".s3.eu-central-1" + domain},
		{"over both protocols", "GET", *name + ".s3.dualstack.us-west-2" + domain + "/", "", *name, "eu-central-1", *name + ".s3.eu-central-1" + domain},
		{"for the region without a name", "GET", *home + ".s3.us-west-2" + domain + "/", "", *home, "us-east-1", "s3" + domain},
		{"below another domain", "DELETE", *name + ".s3.us-west-2.localhost/a", "", *name, "eu-central-1", *name + ".s3.eu-central-1.localhost"},
		{"below AWS's domain", "GET", *name + ".s3.us-west-2.amazonaws.com/a", "", *name, "eu-central-1", *name + ".s3.eu-central-1.amazonaws.com"},
		{"with a body that is not read", "PUT", "s3.us-west-2" + domain + "/" + *name + "?tagging", "<nonsense", *name, "eu-central-1", "s3.eu-central-1" + domain},
		{"HeadBucket", "HEAD", *name + ".s3.us-west-2" + domain + "/", "", *name, "eu-central-1", ""},
		{"HeadObject", "HEAD", *name + ".s3.us-west-2" + domain + "/nothing", "", *name, "eu-central-1", ""},
	} {
		host, path, _ := strings.Cut(c.url, "/")
		resp := must(a.HTTP.Do(request(t, c.method, "http://"+host+":"+port+"/"+path, c.body)))(t)
		defer resp.Body.Close()
		body := string(must(io.ReadAll(resp.Body))(t))
		want := fmt.Sprintf(redirect, c.endpoint, port, c.bucket)
		if c.method == "HEAD" {
			want = ""
		}
		if resp.StatusCode != 301 || resp.Header.Get("x-amz-bucket-region") != c.region || !strings.Contains(body, want) ||
			c.method == "HEAD" && body != "" || resp.Header.Get("Location") != "" {
			t.Errorf("%s: %s %v %s, want %s", c.what, resp.Status, resp.Header, body, want)
		}
	}

	west := at(a, "us-west-2", "s3.us-west-2"+domain, false)
	_, err := west.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: name})
	refused(t, err, "PermanentRedirect")
	_, err = west.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: name, CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "us-west-2"},
	})
	refused(t, err, "BucketAlreadyOwnedByYou")
	_, err = west.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: aws.String("nobody-" + a.ID)})
	refused(t, err, "NoSuchBucket")
	// Every region tells where a bucket is, by path.
	location := must(at(a, "us-west-2", "s3.us-west-2"+domain, true).GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: name}))(t)
	if location.LocationConstraint != "eu-central-1" {
		t.Errorf("location %q", location.LocationConstraint)
	}

	// The signature is looked at first.
	_, err = at(a, "us-west-2", "s3.eu-central-1"+domain, true).GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key})
	if message := refused(t, err, "AuthorizationHeaderMalformed"); message != "The authorization header is malformed; the region 'us-west-2' is wrong; expecting 'eu-central-1'" {
		t.Errorf("message %q", message)
	}
	_, err = at(a, "eu-central-1", "s3.us-west-2"+domain, true).GetObject(ctx, &s3.GetObjectInput{Bucket: name, Key: key})
	refused(t, err, "AuthorizationHeaderMalformed")

	// A bucket's own region serves it, and so does a host that names none, for any signature.
	for _, client := range []*s3.Client{central, a.S3, a.VirtualHosts(), at(a, "us-west-2", "s3"+domain, false), at(a, "eu-central-1", "s3.eu-central-1"+domain, false)} {
		must(client.HeadObject(ctx, &s3.HeadObjectInput{Bucket: name, Key: key}))(t)
	}
	// Listings tell the region too, in a header that is in no model.
	for _, query := range []string{"", "?list-type=2"} {
		resp := must(a.HTTP.Do(request(t, "GET", a.URL+"/"+*name+query, "")))(t)
		resp.Body.Close()
		if region := resp.Header.Get("x-amz-bucket-region"); resp.StatusCode != 200 || region != "eu-central-1" {
			t.Errorf("GET %s: %s, region %q", query, resp.Status, region)
		}
	}
	must(west.CreateBucket(ctx, &s3.CreateBucketInput{
		Bucket: aws.String("west-" + a.ID), CreateBucketConfiguration: &types.CreateBucketConfiguration{LocationConstraint: "us-west-2"},
	}))(t)
	// A copy's source may be elsewhere.
	must(west.CopyObject(ctx, &s3.CopyObjectInput{Bucket: aws.String("west-" + a.ID), Key: key, CopySource: aws.String(*name + "/a/b%20c")}))(t)
}
