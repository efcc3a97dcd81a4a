package testsuite

import (
	"encoding/json"
	"os/exec"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/virga-cloud/virga/testsuite/harness"
	"github.com/virga-cloud/virga/testsuite/images"
)

// A bootstrap is any program that speaks the Runtime API: here a shell with curl.
// https://docs.aws.amazon.com/lambda/latest/dg/runtimes-walkthrough.html
const bootstrap = `#!/bin/sh
set -eu
api=http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime
while true; do
  event=$(curl -sS -D "${TMPDIR:-/tmp}/headers" "$api/invocation/next")
  id=$(grep -i lambda-runtime-aws-request-id "${TMPDIR:-/tmp}/headers" | tr -d '\r' | cut -d' ' -f2)
  curl -sS -o /dev/null "$api/invocation/$id/response" -d "{\"event\": $event, \"runtime\": \"shell\", \"handler\": \"$_HANDLER\"}"
done
`

// Every runtime gives back what its function returns, in both executors.
func TestRuntimes(t *testing.T) {
	for _, executor := range []string{harness.Process, harness.Docker} {
		t.Run(executor, func(t *testing.T) {
			t.Parallel()
			var env []string
			if executor == harness.Docker {
				images.Need(t, images.Python, images.Node, images.Provided)
				env = append(env, "LAMBDA_RUNTIME_IMAGE_MAPPING="+images.Mapping())
			} else if _, err := exec.LookPath("node"); err != nil {
				missing(t, "node is needed (Debian: apt-get install nodejs)")
			}
			a := harness.Start(t, harness.Options{Executor: executor, Env: env}).Account(t)
			for _, c := range []struct {
				runtime       types.Runtime
				handler, name string
				file, source  string
			}{
				{types.RuntimePython311, "app.handler", "python", "app.py",
					"def handler(event, context): return {'event': event, 'runtime': 'python', 'handler': 'app.handler'}"},
				{types.RuntimeNodejs20x, "index.handler", "node", "index.mjs",
					"export const handler = async (event) => ({event, runtime: 'node', handler: 'index.handler'});"},
				{types.RuntimeProvidedal2023, "any", "shell", "bootstrap", bootstrap},
			} {
				must(a.Lambda.CreateFunction(t.Context(), &lambda.CreateFunctionInput{
					FunctionName: &c.name, Runtime: c.runtime, Handler: &c.handler, Role: aws.String("arn:aws:iam::" + a.ID + ":role/functions"),
					Code: &types.FunctionCode{ZipFile: program(t, c.file, c.source)}, Timeout: aws.Int32(30),
				}))(t)
				for n := range 2 {
					out := must(a.Lambda.Invoke(t.Context(), &lambda.InvokeInput{FunctionName: &c.name, Payload: []byte(`{"text": "grün 🌧"}`)}))(t)
					var got struct {
						Event            map[string]string
						Runtime, Handler string
					}
					if err := json.Unmarshal(out.Payload, &got); err != nil || out.FunctionError != nil || got.Event["text"] != "grün 🌧" || got.Runtime != c.name || got.Handler != c.handler {
						t.Errorf("%s, call %d: %s %v", c.runtime, n, out.Payload, err)
					}
				}
			}
		})
	}
}
