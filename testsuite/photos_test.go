package testsuite

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"math"
	"math/rand/v2"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	apigatewaytypes "github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	lambdatypes "github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	s3types "github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/virga-cloud/virga/testsuite/harness"
	"github.com/virga-cloud/virga/testsuite/images"
)

// The main job: a photo is uploaded, the upload triggers a function, the function
// writes a thumbnail and a row, and an API invokes a function that lists the rows.
func TestPhotos(t *testing.T) {
	photo := photograph(t, 4000, 3000)
	for _, executor := range []string{harness.Process, harness.Docker} {
		t.Run(executor, func(t *testing.T) {
			t.Parallel()
			var env []string
			if executor == harness.Docker {
				images.Need(t, images.Python, images.Node)
				env = append(env, "LAMBDA_RUNTIME_IMAGE_MAPPING="+images.Mapping())
			} else {
				needModules(t)
			}
			server := harness.Start(t, harness.Options{Executor: executor, Env: env})
			p := photos{Account: server.Account(t)}
			p.build(t)
			p.upload(t, "summer/the lake & hills.jpg", photo)
			p.check(t, "summer/the lake & hills.jpg", len(photo))
		})
	}
}

// photos is the example's set-up in one account.
type photos struct {
	*harness.Account
	api string
}

// build is what examples/photos/run.sh does.
func (p *photos) build(t *testing.T) {
	ctx := t.Context()
	for _, bucket := range []string{"photos", "thumbnails"} {
		must(p.S3.CreateBucket(ctx, &s3.CreateBucketInput{Bucket: aws.String(bucket + "-" + p.ID)}))(t)
	}
	must(p.DynamoDB.CreateTable(ctx, &dynamodb.CreateTableInput{
		TableName: aws.String("Photos"), BillingMode: dynamodbtypes.BillingModePayPerRequest,
		AttributeDefinitions: []dynamodbtypes.AttributeDefinition{{AttributeName: aws.String("photo"), AttributeType: dynamodbtypes.ScalarAttributeTypeS}},
		KeySchema:            []dynamodbtypes.KeySchemaElement{{AttributeName: aws.String("photo"), KeyType: dynamodbtypes.KeyTypeHash}},
	}))(t)
	if err := dynamodb.NewTableExistsWaiter(p.DynamoDB).Wait(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("Photos")}, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	role := must(p.IAM.CreateRole(ctx, &iam.CreateRoleInput{
		RoleName: aws.String("photos"), AssumeRolePolicyDocument: aws.String(trustLambda),
	}))(t).Role.Arn

	thumbnail := p.function(t, &lambda.CreateFunctionInput{
		FunctionName: aws.String("photos-thumbnail"), Role: role, Runtime: lambdatypes.RuntimePython311, Handler: aws.String("app.handler"),
		Environment: &lambdatypes.Environment{Variables: map[string]string{"TABLE": "Photos", "THUMBNAILS": "thumbnails-" + p.ID}},
		Code:        &lambdatypes.FunctionCode{ZipFile: zipped(t, map[string]string{"app.py": "../examples/photos/thumbnail/app.py"})},
	})
	list := p.function(t, &lambda.CreateFunctionInput{
		FunctionName: aws.String("photos-list"), Role: role, Runtime: lambdatypes.RuntimeNodejs20x, Handler: aws.String("index.handler"),
		Environment: &lambdatypes.Environment{Variables: map[string]string{"TABLE": "Photos"}},
		Code:        &lambdatypes.FunctionCode{ZipFile: listPackage(t)},
	})

	must(p.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: thumbnail, StatementId: aws.String("s3"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("s3.amazonaws.com"),
		SourceArn: aws.String("arn:aws:s3:::photos-" + p.ID), SourceAccount: aws.String(p.ID),
	}))(t)
	must(p.S3.PutBucketNotificationConfiguration(ctx, &s3.PutBucketNotificationConfigurationInput{
		Bucket: aws.String("photos-" + p.ID),
		NotificationConfiguration: &s3types.NotificationConfiguration{LambdaFunctionConfigurations: []s3types.LambdaFunctionConfiguration{
			{LambdaFunctionArn: thumbnail, Events: []s3types.Event{"s3:ObjectCreated:*"}},
		}},
	}))(t)

	api := must(p.APIGateway.CreateRestApi(ctx, &apigateway.CreateRestApiInput{Name: aws.String("photos")}))(t)
	p.api = *api.Id
	resource := must(p.APIGateway.CreateResource(ctx, &apigateway.CreateResourceInput{
		RestApiId: api.Id, ParentId: api.RootResourceId, PathPart: aws.String("photos"),
	}))(t)
	must(p.APIGateway.PutMethod(ctx, &apigateway.PutMethodInput{
		RestApiId: api.Id, ResourceId: resource.Id, HttpMethod: aws.String("GET"), AuthorizationType: aws.String("NONE"),
	}))(t)
	must(p.APIGateway.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: api.Id, ResourceId: resource.Id, HttpMethod: aws.String("GET"),
		Type: apigatewaytypes.IntegrationTypeAwsProxy, IntegrationHttpMethod: aws.String("POST"), Uri: aws.String(integrationURI(*list)),
	}))(t)
	must(p.Lambda.AddPermission(ctx, &lambda.AddPermissionInput{
		FunctionName: list, StatementId: aws.String("api"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
		SourceArn: aws.String(fmt.Sprintf("arn:aws:execute-api:%s:%s:%s/*/GET/photos", harness.Region, p.ID, p.api)),
	}))(t)
	must(p.APIGateway.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: api.Id, StageName: aws.String("prod")}))(t)
}

// function creates a function and waits until it can be invoked.
func (p *photos) function(t *testing.T, in *lambda.CreateFunctionInput) *string {
	in.Timeout, in.MemorySize = aws.Int32(60), aws.Int32(512)
	out := must(p.Lambda.CreateFunction(t.Context(), in))(t)
	waiter := lambda.NewFunctionActiveV2Waiter(p.Lambda)
	if err := waiter.Wait(t.Context(), &lambda.GetFunctionInput{FunctionName: in.FunctionName}, 30*time.Second); err != nil {
		t.Fatal(err)
	}
	return out.FunctionArn
}

func (p *photos) upload(t *testing.T, key string, photo []byte) {
	must(p.S3.PutObject(t.Context(), &s3.PutObjectInput{
		Bucket: aws.String("photos-" + p.ID), Key: aws.String(key), Body: bytes.NewReader(photo), ContentType: aws.String("image/jpeg"),
	}))(t)
	p.Drain(t)
}

// check looks at everything that the upload must have led to.
func (p *photos) check(t *testing.T, key string, size int) {
	ctx := t.Context()
	object, err := p.S3.GetObject(ctx, &s3.GetObjectInput{Bucket: aws.String("thumbnails-" + p.ID), Key: aws.String(key)})
	if err != nil {
		t.Fatalf("the thumbnail: %v", err)
	}
	defer object.Body.Close()
	thumbnail, err := jpeg.Decode(object.Body)
	if err != nil {
		t.Fatalf("the thumbnail: %v", err)
	}
	if got, want := thumbnail.Bounds().Size(), image.Pt(128, 96); got != want {
		t.Errorf("the thumbnail of a photo of 4000x3000 has %v, want %v", got, want)
	}
	if got := aws.ToString(object.ContentType); got != "image/jpeg" {
		t.Errorf("the thumbnail's type is %q", got)
	}
	// Top left is blue and bottom right is not: it is a picture of the photo.
	if r, _, b, _ := thumbnail.At(4, 4).RGBA(); b <= r {
		t.Errorf("the thumbnail's sky has red %d and blue %d", r>>8, b>>8)
	}
	if r, _, b, _ := thumbnail.At(124, 92).RGBA(); b >= r {
		t.Errorf("the thumbnail's ground has red %d and blue %d", r>>8, b>>8)
	}

	row := must(p.DynamoDB.GetItem(ctx, &dynamodb.GetItemInput{
		TableName: aws.String("Photos"), Key: map[string]dynamodbtypes.AttributeValue{"photo": &dynamodbtypes.AttributeValueMemberS{Value: key}},
	}))(t).Item
	for name, want := range map[string]string{"width": "4000", "height": "3000", "bytes": fmt.Sprint(size)} {
		if got, ok := row[name].(*dynamodbtypes.AttributeValueMemberN); !ok || got.Value != want {
			t.Errorf("the row's %s is %v, want %s", name, row[name], want)
		}
	}

	// The API, by the host that AWS would give it and by path.
	for _, url := range []string{
		"http://" + p.api + ".execute-api.localhost.localstack.cloud/prod/photos",
		"http://" + p.api + ".execute-api." + harness.Region + ".amazonaws.com/prod/photos",
		p.URL + "/restapis/" + p.api + "/prod/_user_request_/photos",
	} {
		resp, err := p.HTTP.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK || resp.Header.Get("Content-Type") != "application/json" {
			t.Errorf("GET %s: %s, %s, %s, %v", url, resp.Status, resp.Header.Get("Content-Type"), body, err)
			continue
		}
		var answer struct {
			Photos []struct {
				Photo, Thumbnail     string
				Width, Height, Bytes int
			}
		}
		if err := json.Unmarshal(body, &answer); err != nil {
			t.Errorf("GET %s: %v in %s", url, err, body)
			continue
		}
		if n := len(answer.Photos); n != 1 {
			t.Errorf("GET %s: %d photos, want 1: %s", url, n, body)
			continue
		}
		if got := answer.Photos[0]; got.Photo != key || got.Thumbnail != key || got.Width != 4000 || got.Height != 3000 || got.Bytes != size {
			t.Errorf("GET %s: %s", url, body)
		}
	}
}

// photograph is a JPEG with the size and detail of a camera's: a sky over a
// ground, with noise, some megabytes.
func photograph(t *testing.T, width, height int) []byte {
	t.Helper()
	random := rand.New(rand.NewPCG(1, 2))
	photo := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			grain := uint8(random.UintN(24))
			horizon := float64(height)/2 + 200*math.Sin(float64(x)/500)
			if float64(y) < horizon {
				photo.SetRGBA(x, y, color.RGBA{60 + grain, 110 + grain, 200 + grain, 255})
			} else {
				photo.SetRGBA(x, y, color.RGBA{150 + grain, 110 + grain, 60 + grain, 255})
			}
		}
	}
	var b bytes.Buffer
	if err := jpeg.Encode(&b, photo, &jpeg.Options{Quality: 85}); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// zipped is a deployment package of files on the disk, by their names in it.
func zipped(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, path := range files {
		body, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		w, err := z.Create(name)
		if err != nil {
			t.Fatal(err)
		}
		w.Write(body)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// packed packs the second function as the example does, with the AWS SDK for JavaScript.
var packed = sync.OnceValues(func() ([]byte, error) {
	if out, err := exec.Command("../examples/photos/package.sh", "list").CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w\n%s", err, out)
	}
	return os.ReadFile(filepath.FromSlash("../dist/photos/list.zip"))
})

func listPackage(t *testing.T) []byte {
	t.Helper()
	body, err := packed()
	if err != nil {
		missing(t, "the AWS SDK for JavaScript cannot be installed; npm and its registry are needed (%v)", err)
	}
	return body
}

// needModules lets the test go on when the python3.11 that the server will find has
// what the function imports.
func needModules(t *testing.T) {
	t.Helper()
	if out, err := exec.Command("python3.11", "-c", "import PIL, boto3").CombinedOutput(); err != nil {
		missing(t, "the first python3.11 in the PATH needs Pillow and boto3; testsuite/setup/run.sh puts Debian's, with both, into dist/runtimes (%v)\n%s", err, out)
	}
}

// missing skips a test whose needs the machine does not meet. Under CI the
// set-up must have met them.
func missing(t *testing.T, format string, args ...any) {
	t.Helper()
	if os.Getenv("CI") != "" {
		t.Fatalf(format, args...)
	}
	t.Skipf(format, args...)
}
