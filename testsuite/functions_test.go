package testsuite

import (
	"archive/zip"
	"bytes"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// trustLambda lets Lambda assume a role.
const trustLambda = `{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}`

// integrationURI is a function's address in an API's integration.
func integrationURI(function string) string {
	return "arn:aws:apigateway:" + harness.Region + ":lambda:path/2015-03-31/functions/" + function + "/invocations"
}

// python is a deployment package with one module, app.py.
func python(t *testing.T, source string) []byte {
	t.Helper()
	return program(t, "app.py", source)
}

// program is a deployment package with one file that may be run.
func program(t *testing.T, name, source string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name, Method: zip.Deflate}
	h.SetMode(0o755)
	w, err := z.CreateHeader(h)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := w.Write([]byte(source)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// function creates a Python function whose handler is app.handler.
func function(t *testing.T, a *harness.Account, name, source string, options ...func(*lambda.CreateFunctionInput)) *lambda.CreateFunctionOutput {
	t.Helper()
	in := &lambda.CreateFunctionInput{
		FunctionName: aws.String(name), Runtime: types.RuntimePython311, Handler: aws.String("app.handler"),
		Role: aws.String("arn:aws:iam::" + a.ID + ":role/functions"),
		Code: &types.FunctionCode{ZipFile: python(t, source)}, Timeout: aws.Int32(20),
	}
	for _, o := range options {
		o(in)
	}
	return must(a.Lambda.CreateFunction(t.Context(), in))(t)
}

// withEnv sets one environment variable of a function.
func withEnv(name, value string) func(*lambda.CreateFunctionInput) {
	return func(in *lambda.CreateFunctionInput) {
		in.Environment = &types.Environment{Variables: map[string]string{name: value}}
	}
}

// invoke calls the echo function and checks that it answers.
func invoke(t *testing.T, a *harness.Account, name string) {
	t.Helper()
	out := must(a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &name, Payload: []byte(`{"n": 1}`)}))(t)
	if out.FunctionError != nil || string(out.Payload) != `{"n": 1}` {
		t.Errorf("%s answers %s", name, out.Payload)
	}
}
