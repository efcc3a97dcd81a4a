package testsuite

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/virga-cloud/virga/testsuite/harness"
)

const several = `
import os, sys, time

calls = 0

def handler(event, context):
    global calls
    calls += 1
    do = event.get("do")
    if do == "fail":
        raise ValueError("not today")
    if do == "exit":
        sys.exit(3)
    if do == "sleep":
        time.sleep(60)
    if do == "large":
        return "x" * (6 * 1024 * 1024 + 100)
    if do == "set":
        return {1, 2}
    print("called", calls)
    return {"calls": calls, "arn": context.invoked_function_arn, "memory": context.memory_limit_in_mb,
            "left": context.get_remaining_time_in_millis(), "id": context.aws_request_id,
            "name": os.environ["AWS_LAMBDA_FUNCTION_NAME"], "region": os.environ["AWS_REGION"], "own": os.environ["OWN"],
            "client": context.client_context.custom if context.client_context else None}
`

// The function is given its event and its context, keeps its memory between calls,
// and its last lines of output come back when they are asked for.
func TestInvoke(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	f := function(t, a, "several", several, withEnv("OWN", "variable"))
	for n := 1; n <= 2; n++ {
		out := must(a.Lambda.Invoke(ctx, &lambda.InvokeInput{
			FunctionName: f.FunctionName, Payload: []byte(`{}`), LogType: types.LogTypeTail,
			ClientContext: aws.String(base64.StdEncoding.EncodeToString([]byte(`{"custom": {"k": "v"}}`))),
		}))(t)
		if out.StatusCode != 200 || out.FunctionError != nil || aws.ToString(out.ExecutedVersion) != "$LATEST" {
			t.Errorf("%d %v %v", out.StatusCode, out.FunctionError, aws.ToString(out.ExecutedVersion))
		}
		var got struct {
			Calls, Left       int
			ARN, ID, Memory   string
			Name, Region, Own string
			Client            map[string]string
		}
		if err := json.Unmarshal(out.Payload, &got); err != nil {
			t.Fatalf("%v: %s", err, out.Payload)
		}
		if got.Calls != n || got.ARN != *f.FunctionArn || got.Memory != "128" || got.Name != "several" || got.Region != harness.Region || got.Own != "variable" || got.Client["k"] != "v" {
			t.Errorf("call %d was told %s", n, out.Payload)
		}
		if got.Left <= 0 || got.Left > 20_000 {
			t.Errorf("%d ms left of 20 s", got.Left)
		}
		log, err := base64.StdEncoding.DecodeString(aws.ToString(out.LogResult))
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range []string{"START RequestId: " + got.ID + " Version: $LATEST\n", "called", "END RequestId: " + got.ID + "\n", "REPORT RequestId: " + got.ID + "\t"} {
			if !strings.Contains(string(log), line) {
				t.Errorf("the log has no %q:\n%s", line, log)
			}
		}
	}
}

// An error of the function is an answer: 200, with X-Amz-Function-Error and the error.
// https://docs.aws.amazon.com/lambda/latest/dg/python-exceptions.html
func TestFunctionErrors(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	function(t, a, "several", several, withEnv("OWN", ""), func(in *lambda.CreateFunctionInput) { in.Timeout = aws.Int32(2) })
	for _, c := range []struct{ do, kind, message string }{
		{"fail", "ValueError", "not today"},
		{"exit", "Runtime.ExitError", "Error: Runtime exited with error: exit status 3"},
		{"sleep", "Sandbox.Timedout", "Task timed out after 2.00 seconds"},
		{"large", "Function.ResponseSizeTooLarge", "exceeded maximum allowed payload size (6291556 bytes)."},
		{"set", "Runtime.MarshalError", "Unable to marshal response: Object of type set is not JSON serializable"},
	} {
		out := must(a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("several"), Payload: []byte(`{"do": "` + c.do + `"}`)}))(t)
		var e struct {
			ErrorType, ErrorMessage string
			StackTrace              []string
		}
		if err := json.Unmarshal(out.Payload, &e); err != nil {
			t.Fatalf("%v: %s", err, out.Payload)
		}
		if out.StatusCode != 200 || aws.ToString(out.FunctionError) != "Unhandled" || e.ErrorType != c.kind || !strings.Contains(e.ErrorMessage, c.message) {
			t.Errorf("%s: %d %v %s", c.do, out.StatusCode, aws.ToString(out.FunctionError), out.Payload)
		}
		if c.do == "fail" && (len(e.StackTrace) == 0 || !strings.Contains(e.StackTrace[len(e.StackTrace)-1], "app.py")) {
			t.Errorf("%s: stack trace %q", c.do, e.StackTrace)
		}
	}
	// And after all that it works as on its first day.
	out := must(a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: aws.String("several"), Payload: []byte(`{}`)}))(t)
	if out.FunctionError != nil {
		t.Errorf("after errors: %s", out.Payload)
	}
}

func TestFunctionsThatDoNotStart(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	for _, c := range []struct{ name, source, kind string }{
		{"syntax", "def handler(:", "Runtime.UserCodeSyntaxError"},
		{"import", "import nothing_like_it", "Runtime.ImportModuleError"},
		{"handler", "def other(e, c): pass", "Runtime.HandlerNotFound"},
	} {
		function(t, a, c.name, c.source)
		out := must(a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &c.name}))(t)
		if aws.ToString(out.FunctionError) != "Unhandled" || !strings.Contains(string(out.Payload), `"`+c.kind+`"`) {
			t.Errorf("%s: %v %s", c.name, aws.ToString(out.FunctionError), out.Payload)
		}
	}
}

func TestInvocationsAreChecked(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	f := function(t, a, "echo", echo)
	_, err := a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: aws.String("none")})
	refused(t, err, "ResourceNotFoundException")
	_, err = a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: f.FunctionName, Payload: []byte("{")})
	refused(t, err, "InvalidRequestContentException")
	_, err = a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: f.FunctionName, Payload: []byte(`"` + strings.Repeat("x", 6<<20) + `"`)})
	refused(t, err, "RequestTooLargeException")
	_, err = a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: f.FunctionName, Qualifier: aws.String("7")})
	refused(t, err, "ResourceNotFoundException")
	dry := must(a.Lambda.Invoke(ctx, &lambda.InvokeInput{FunctionName: f.FunctionName, InvocationType: types.InvocationTypeDryRun}))(t)
	if dry.StatusCode != 204 {
		t.Errorf("a dry run answers %d", dry.StatusCode)
	}
}

// Calls that come at once run at once, each in an environment of its own.
func TestConcurrentInvocations(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	f := function(t, a, "pid", `
import os, time
def handler(event, context):
    time.sleep(0.5)
    return os.getpid()
`)
	answers := make(chan string)
	for range 3 {
		go func() {
			out, err := a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: f.FunctionName})
			if err != nil {
				answers <- err.Error()
				return
			}
			answers <- string(out.Payload)
		}()
	}
	pids := map[string]bool{}
	for range 3 {
		pids[<-answers] = true
	}
	if len(pids) != 3 {
		t.Errorf("three calls at once were answered by %v", pids)
	}
}
