package testsuite

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/virga-cloud/virga/testsuite/harness"
)

const echo = `
def handler(event, context):
    return event
`

func TestFunctions(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	code := python(t, echo)
	created := must(a.Lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("echo"), Role: aws.String("arn:aws:iam::" + a.ID + ":role/r"), Runtime: types.RuntimePython311,
		Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: code}, Tags: map[string]string{"stage": "test"},
	}))(t)
	sum := sha256.Sum256(code)
	if want := base64.StdEncoding.EncodeToString(sum[:]); *created.CodeSha256 != want || created.CodeSize != int64(len(code)) {
		t.Errorf("code %s of %d bytes, want %s of %d", *created.CodeSha256, created.CodeSize, want, len(code))
	}
	if want := "arn:aws:lambda:us-east-1:" + a.ID + ":function:echo"; *created.FunctionArn != want {
		t.Errorf("ARN %s", *created.FunctionArn)
	}
	if *created.Timeout != 3 || *created.MemorySize != 128 || *created.Version != "$LATEST" || created.PackageType != types.PackageTypeZip || created.Architectures[0] != types.ArchitectureX8664 {
		t.Errorf("defaults %+v", created)
	}
	_, err := a.Lambda.CreateFunction(ctx, &lambda.CreateFunctionInput{
		FunctionName: aws.String("echo"), Role: created.Role, Runtime: types.RuntimePython311, Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: code},
	})
	if said := refused(t, err, "ResourceConflictException"); said != "Function already exist: echo" {
		t.Errorf("a second of the name: %q", said)
	}

	// By name, ARN and partial ARN; the package can be downloaded.
	for _, name := range []string{"echo", *created.FunctionArn, a.ID + ":function:echo", *created.FunctionArn + ":$LATEST"} {
		got := must(a.Lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: &name}))(t)
		if got.Configuration.State != types.StateActive || got.Tags["stage"] != "test" {
			t.Errorf("%s: state %s, tags %v", name, got.Configuration.State, got.Tags)
		}
		if status, body := exchange(t, a.HTTP, request(t, "GET", *got.Code.Location, "")); status != http.StatusOK || body != string(code) {
			t.Errorf("%s: the package: %d, %d bytes", name, status, len(body))
		}
	}
	_, err = a.Lambda.GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: aws.String("none")})
	if said := refused(t, err, "ResourceNotFoundException"); said != "Function not found: arn:aws:lambda:us-east-1:"+a.ID+":function:none" {
		t.Errorf("no function: %q", said)
	}

	changed := must(a.Lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{
		FunctionName: aws.String("echo"), Timeout: aws.Int32(30), MemorySize: aws.Int32(256), Description: aws.String("gives back"),
		Environment: &types.Environment{Variables: map[string]string{"AB": "1"}},
	}))(t)
	if *changed.Timeout != 30 || *changed.MemorySize != 256 || changed.Environment.Variables["AB"] != "1" || *changed.RevisionId == *created.RevisionId {
		t.Errorf("changed: %+v", changed)
	}
	_, err = a.Lambda.UpdateFunctionConfiguration(ctx, &lambda.UpdateFunctionConfigurationInput{FunctionName: aws.String("echo"), RevisionId: created.RevisionId, Timeout: aws.Int32(9)})
	refused(t, err, "PreconditionFailedException")

	must(a.Lambda.DeleteFunction(ctx, &lambda.DeleteFunctionInput{FunctionName: aws.String("echo")}))(t)
	_, err = a.Lambda.GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: aws.String("echo")})
	refused(t, err, "ResourceNotFoundException")
}

func TestFunctionsAreChecked(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	var empty bytes.Buffer
	if err := zip.NewWriter(&empty).Close(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, code string
		change     func(*lambda.CreateFunctionInput)
	}{
		{"not a zip", "InvalidParameterValueException", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = []byte("no") }},
		{"an empty zip", "InvalidParameterValueException", func(in *lambda.CreateFunctionInput) { in.Code.ZipFile = empty.Bytes() }},
		{"no code", "InvalidParameterValueException", func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{} }},
		{"no runtime", "InvalidParameterValueException", func(in *lambda.CreateFunctionInput) { in.Runtime = "" }},
		{"a bad name", "ValidationException", func(in *lambda.CreateFunctionInput) { in.FunctionName = aws.String("no spaces") }},
		{"a role that is none", "ValidationException", func(in *lambda.CreateFunctionInput) { in.Role = aws.String("role") }},
		{"too little memory", "ValidationException", func(in *lambda.CreateFunctionInput) { in.MemorySize = aws.Int32(64) }},
		{"too long", "ValidationException", func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(5401) }},
		{"a reserved variable", "InvalidParameterValueException", withEnv("AWS_REGION", "x")},
		{"an object that is not there", "InvalidParameterValueException", func(in *lambda.CreateFunctionInput) {
			in.Code = &types.FunctionCode{S3Bucket: aws.String("nowhere-" + a.ID), S3Key: aws.String("k")}
		}},
	} {
		in := &lambda.CreateFunctionInput{
			FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::" + a.ID + ":role/r"), Runtime: types.RuntimePython311,
			Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: python(t, echo)},
		}
		c.change(in)
		_, err := a.Lambda.CreateFunction(t.Context(), in)
		if got := code(t, err); got != c.code {
			t.Errorf("%s: %q, want %s (%v)", c.name, got, c.code, err)
		}
	}
}

func TestFunctionsAreListed(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	for _, name := range []string{"c", "a", "b"} {
		function(t, a, name, echo)
	}
	var names []string
	pages := lambda.NewListFunctionsPaginator(a.Lambda, &lambda.ListFunctionsInput{MaxItems: aws.Int32(2)})
	for pages.HasMorePages() {
		for _, f := range must(pages.NextPage(ctx))(t).Functions {
			names = append(names, *f.FunctionName)
		}
	}
	if !slices.Equal(names, []string{"a", "b", "c"}) {
		t.Errorf("listed %v", names)
	}
}

// Code comes from a bucket as well, and new code is what the next invocation runs.
// A published version keeps the code it was published with.
func TestCodeAndVersions(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	says := func(text string) []byte { return python(t, "def handler(e, c): return '"+text+"'") }
	name, key := bucket(t, a), aws.String("code.zip")
	must(a.S3.PutObject(ctx, &s3.PutObjectInput{Bucket: name, Key: key, Body: bytes.NewReader(says("one"))}))(t)
	function(t, a, "f", echo, func(in *lambda.CreateFunctionInput) { in.Code = &types.FunctionCode{S3Bucket: name, S3Key: key} })
	answers := func(qualifier, want string) {
		t.Helper()
		out := must(a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("f"), Qualifier: &qualifier}))(t)
		if got := strings.Trim(string(out.Payload), `"`); got != want {
			t.Errorf("%s answers %s, want %s", qualifier, got, want)
		}
	}
	answers("$LATEST", "one")
	first := must(a.Lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String("f")}))(t)
	if *first.Version != "1" || !strings.HasSuffix(*first.FunctionArn, ":f:1") {
		t.Errorf("published %s as %s", *first.Version, *first.FunctionArn)
	}
	must(a.Lambda.CreateAlias(ctx, &lambda.CreateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: first.Version}))(t)
	must(a.Lambda.UpdateFunctionCode(ctx, &lambda.UpdateFunctionCodeInput{FunctionName: aws.String("f"), ZipFile: says("two")}))(t)
	answers("$LATEST", "two")
	answers("1", "one")
	answers("live", "one")
	// Without a change there is nothing to publish.
	second := must(a.Lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String("f")}))(t)
	again := must(a.Lambda.PublishVersion(ctx, &lambda.PublishVersionInput{FunctionName: aws.String("f")}))(t)
	if *second.Version != "2" || *again.Version != "2" {
		t.Errorf("published %s and %s, want 2 twice", *second.Version, *again.Version)
	}
	must(a.Lambda.UpdateAlias(ctx, &lambda.UpdateAliasInput{FunctionName: aws.String("f"), Name: aws.String("live"), FunctionVersion: second.Version}))(t)
	answers("live", "two")
}

// A zip that would write outside its directory is not taken.
func TestCodeStaysInItsPlace(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	w, err := z.Create("../../outside.py")
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "x")
	z.Close()
	_, err = a.Lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
		FunctionName: aws.String("f"), Role: aws.String("arn:aws:iam::" + a.ID + ":role/r"), Runtime: types.RuntimePython311,
		Handler: aws.String("app.handler"), Code: &types.FunctionCode{ZipFile: b.Bytes()},
	})
	refused(t, err, "InvalidParameterValueException")
}
