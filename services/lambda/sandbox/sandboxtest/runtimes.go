package sandboxtest

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/services/lambda/sandbox"
)

// RunPython tests functions of runtime python3.11, and RunNode those of nodejs20.x, on a launcher:
// what AWS documents of handlers, contexts, logs and errors.
func RunPython(t *testing.T, l sandbox.Launcher) { run(t, l, "python3.11", ".py", python) }
func RunNode(t *testing.T, l sandbox.Launcher)   { run(t, l, "nodejs20.x", ".js", node) }

// program is a function and what its invocation must give.
type program struct {
	name  string
	files map[string]string
	// layer is the merged layers.
	layer   map[string]string
	handler string
	event   string
	change  func(*sandbox.Invocation)
	// response is the JSON of the response.
	response string
	// failure is the error's type and message, where there is one, and trace a
	// regular expression for its stack trace.
	errorType, errorMessage, trace string
	// log is a regular expression for the invocation's log.
	log string
}

func run(t *testing.T, l sandbox.Launcher, runtime, ext string, programs []program) {
	if err := l.Place(t.Context(), Function("place", runtime, "index.handler", t.TempDir())); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("%v; testsuite/setup/run.sh installs what is missing", err)
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.Write([]byte("this is AWS")) })}
	line := newListener(make(chan net.Conn))
	go server.Serve(line)
	defer server.Close()
	b := NewBed(t, l, func(o *sandbox.Options) { o.ServeAWS = line.serve })
	t.Run("functions", func(t *testing.T) {
		for _, p := range programs {
			t.Run(p.name, func(t *testing.T) {
				t.Parallel()
				p.run(t, b, runtime, ext)
			})
		}
	})
}

// run invokes the program once.
func (p program) run(t *testing.T, b *Bed, runtime, ext string) {
	handler := p.handler
	if handler == "" {
		handler = "index.handler"
	}
	spec := Function("f", runtime, handler, lay(t, p.files, ext))
	if p.layer != nil {
		spec.LayerDir = lay(t, p.layer, ext)
	}
	// Functions of their own to the fleet, of one name to themselves.
	spec.Key.Function += "-" + p.name
	p.check(t, b, spec)
	b.Retire(func(k sandbox.Key) bool { return k == spec.Key })
}

// lay writes files into a new directory.
func lay(t *testing.T, files map[string]string, ext string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	for name, text := range files {
		if !strings.Contains(name, ".") {
			name += ext
		}
		file := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func (p program) check(t *testing.T, b *Bed, spec *sandbox.Spec) {
	event := p.event
	if event == "" {
		event = "{}"
	}
	in := NewInvocation(spec, event)
	if p.change != nil {
		p.change(in)
	}
	res, err := b.Invoke(t.Context(), spec, in)
	if err != nil {
		t.Fatal(err)
	}
	fill := strings.NewReplacer("REQUESTID", in.RequestID, "FUNCTIONARN", in.FunctionARN)
	if p.log != "" && !regexp.MustCompile(fill.Replace(p.log)).Match(res.LogTail) {
		t.Errorf("the log is\n%s", res.LogTail)
	}
	if p.errorType == "" {
		if want := fill.Replace(p.response); string(res.Payload) != want || res.FunctionError != "" {
			t.Errorf("the response is %s (%s), want %s\nlog:\n%s", res.Payload, res.FunctionError, want, res.LogTail)
		}
		return
	}
	var f Failure
	if err := json.Unmarshal(res.Payload, &f); err != nil {
		t.Fatalf("%s: %v", res.Payload, err)
	}
	if f.ErrorType != p.errorType || !regexp.MustCompile("^"+fill.Replace(p.errorMessage)+"$").MatchString(f.ErrorMessage) || res.FunctionError != "Unhandled" {
		t.Errorf("the error is %s (%q)", res.Payload, res.FunctionError)
	}
	if trace := strings.Join(append(f.StackTrace, f.Trace...), "\n"); p.trace != "" && !regexp.MustCompile(p.trace).MatchString(trace) {
		t.Errorf("the trace is\n%s", trace)
	}
}

func withContext(in *sandbox.Invocation) {
	in.FunctionARN += ":blue"
	in.ClientContext = `{"client":{"app_title":"Photos"},"custom":{"a":"b"},"env":{"locale":"en"}}`
	in.CognitoIdentity = `{"cognitoIdentityId":"us-east-1:1","cognitoIdentityPoolId":"us-east-1:2"}`
}

// Facts: https://docs.aws.amazon.com/lambda/latest/dg/python-handler.html and the pages after it.
var python = []program{
	{
		name:     "an event is a Python value and so is the response",
		files:    map[string]string{"index": "def handler(event, context):\n    return {'sum': sum(event['n']), 'é': None}\n"},
		event:    `{"n":[1,2,3.5]}`,
		response: `{"sum": 6.5, "\u00e9": null}`,
	},
	{
		name: "the context",
		files: map[string]string{"index": `
def handler(event, c):
    left = c.get_remaining_time_in_millis()
    return [c.function_name, c.function_version, c.invoked_function_arn, c.memory_limit_in_mb, c.aws_request_id,
            c.log_group_name, '[$LATEST]' in c.log_stream_name, 0 < left <= 30000, c.identity.cognito_identity_id,
            c.client_context.client.app_title, c.client_context.custom, c.client_context.env]
`},
		change:   withContext,
		response: `["f", "$LATEST", "FUNCTIONARN", "128", "REQUESTID", "/aws/lambda/f", true, true, "us-east-1:1", "Photos", {"a": "b"}, {"locale": "en"}]`,
	},
	{
		name:     "a handler in a package",
		files:    map[string]string{"src/app/main": "from src.app.other import value\ndef go(event, context):\n    return value\n", "src/app/other": "value = 7\n"},
		handler:  "src/app/main.go",
		response: `7`,
	},
	{
		name:     "a module of a layer",
		files:    map[string]string{"index": "from shared import value\ndef handler(event, context):\n    return value\n"},
		layer:    map[string]string{"python/shared": "value = 'of the layer'\n"},
		response: `"of the layer"`,
	},
	{
		name: "print and logging",
		files: map[string]string{"index": `
import logging
print('loading')
logger = logging.getLogger()
logger.setLevel('INFO')
def handler(event, context):
    print('one\ntwo')
    logger.info('hello %s', 'world')
    logging.getLogger('other').warning('careful')
    logger.debug('not this')
`},
		response: `null`,
		log: `^loading
START RequestId: REQUESTID Version: \$LATEST
one
two
\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tREQUESTID\thello world
\[WARNING\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tREQUESTID\tcareful
END RequestId: REQUESTID\n`,
	},
	{
		name:      "an exception",
		files:     map[string]string{"index": "def handler(event, context):\n    raise ValueError('bad é')\n"},
		errorType: "ValueError", errorMessage: "bad é",
		trace: `^  File ".*/index.py", line 2, in handler\n    raise ValueError\('bad é'\)\n$`,
		log:   `\[ERROR\] ValueError: bad é\nTraceback \(most recent call last\):\n  File ".*/index.py", line 2, in handler\n`,
	},
	{
		name:      "a response that is not JSON",
		files:     map[string]string{"index": "def handler(event, context):\n    return {1, 2}\n"},
		errorType: "Runtime.MarshalError", errorMessage: "Unable to marshal response: Object of type set is not JSON serializable",
	},
	{
		name:      "no such module",
		files:     map[string]string{"other": ""},
		errorType: "Runtime.ImportModuleError", errorMessage: "Unable to import module 'index': No module named 'index'",
		log: `\[ERROR\] Runtime.ImportModuleError: Unable to import module 'index': No module named 'index'\n`,
	},
	{
		name:      "no such handler",
		files:     map[string]string{"index": ""},
		errorType: "Runtime.HandlerNotFound", errorMessage: "Handler 'handler' missing on module 'index'",
	},
	{
		name:      "a handler without a module",
		files:     map[string]string{"index": ""},
		handler:   "handler",
		errorType: "Runtime.MalformedHandlerName", errorMessage: `Bad handler 'handler': not enough values to unpack \(expected 2, got 1\)`,
	},
	{
		name:      "a syntax error",
		files:     map[string]string{"index": "def handler(event, context)\n    return 1\n"},
		errorType: "Runtime.UserCodeSyntaxError", errorMessage: `Syntax error in module 'index': expected ':' \(index.py, line 1\)`,
		trace: `^  File ".*/index.py" Line 1\n    def handler\(event, context\)\n$`,
	},
	{
		name:      "sys.exit",
		files:     map[string]string{"index": "import sys\ndef handler(event, context):\n    sys.exit(3)\n"},
		errorType: "Runtime.ExitError", errorMessage: "RequestId: REQUESTID Error: Runtime exited with error: exit status 3",
	},
	{
		name: "AWS",
		files: map[string]string{"index": `
import os, urllib.request
def handler(event, context):
    return urllib.request.urlopen(os.environ['AWS_ENDPOINT_URL'] + '/x').read().decode()
`},
		response: `"this is AWS"`,
	},
	{
		name: "the environment",
		files: map[string]string{"index": `
import os
def handler(event, context):
    here = os.environ['LAMBDA_TASK_ROOT']
    return [os.environ['AWS_EXECUTION_ENV'], os.environ['_HANDLER'], os.getcwd() == os.path.realpath(here), __file__ == here + '/index.py']
`},
		response: `["AWS_Lambda_python3.11", "index.handler", true, true]`,
	},
}

// Facts: https://docs.aws.amazon.com/lambda/latest/dg/nodejs-handler.html and the pages after it.
var node = []program{
	{
		name:     "an async handler",
		files:    map[string]string{"index": "exports.handler = async (event) => ({ sum: event.n.reduce((a, b) => a + b), nothing: undefined });\n"},
		event:    `{"n":[1,2,3.5]}`,
		response: `{"sum":6.5}`,
	},
	{
		name:     "a callback, which waits for the event loop",
		files:    map[string]string{"index": "let late = false;\nexports.handler = (event, context, callback) => { setTimeout(() => { late = true; console.log('late', late); }, 50); callback(null, 'done'); };\n"},
		response: `"done"`,
		log:      `\tINFO\tlate true\nEND `,
	},
	{
		name:     "a callback that does not wait",
		files:    map[string]string{"index": "exports.handler = (event, context, callback) => { context.callbackWaitsForEmptyEventLoop = false; setTimeout(() => {}, 60000); callback(null, 'done'); };\n"},
		response: `"done"`,
	},
	{
		name:     "an ES module by its extension",
		files:    map[string]string{"index.mjs": "import { value } from './other.mjs';\nexport const handler = async () => value;\n", "other.mjs": "export const value = await Promise.resolve(8);\n"},
		response: `8`,
	},
	{
		name:     "an ES module by its package",
		files:    map[string]string{"src/index": "import fs from 'fs';\nexport const handler = async () => typeof fs.readFileSync;\n", "package.json": `{"type":"module"}`},
		handler:  "src/index.handler",
		response: `"function"`,
	},
	{
		name:     "a module of a layer",
		files:    map[string]string{"index": "const { value } = require('shared');\nexports.handler = async () => value;\n"},
		layer:    map[string]string{"nodejs/node_modules/shared/index": "exports.value = 'of the layer';\n"},
		response: `"of the layer"`,
	},
	{
		name:     "a response of nothing is null",
		files:    map[string]string{"index": "exports.handler = async () => {};\n"},
		response: `null`,
	},
	{
		name: "the context",
		files: map[string]string{"index": `
exports.handler = async (event, c) => {
  const left = c.getRemainingTimeInMillis();
  return [c.functionName, c.functionVersion, c.invokedFunctionArn, c.memoryLimitInMB, c.awsRequestId, c.logGroupName,
    c.logStreamName.includes('[$LATEST]'), left > 0 && left <= 30000, c.identity.cognitoIdentityId, c.clientContext.custom];
};
`},
		change:   withContext,
		response: `["f","$LATEST","FUNCTIONARN","128","REQUESTID","/aws/lambda/f",true,true,"us-east-1:1",{"a":"b"}]`,
	},
	{
		name: "the console",
		files: map[string]string{"index": `
console.log('loading');
exports.handler = async () => {
  console.log('a %s', 'b', { c: 1 });
  console.error('bad\nworse');
  console.warn('careful');
};
`},
		response: `null`,
		log: `^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tundefined\tINFO\tloading
START RequestId: REQUESTID Version: \$LATEST
\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\tREQUESTID\tINFO\ta b { c: 1 }
\S+\tREQUESTID\tERROR\tbad\rworse
\S+\tREQUESTID\tWARN\tcareful
END RequestId: REQUESTID\n`,
	},
	{
		name:      "an exception",
		files:     map[string]string{"index": "exports.handler = async () => { throw new TypeError('bad é'); };\n"},
		errorType: "TypeError", errorMessage: "bad é",
		trace: `^TypeError: bad é\n    at .*handler.*index.js:1`,
		log:   `\tREQUESTID\tERROR\tInvoke Error \t\{"errorType":"TypeError","errorMessage":"bad é","stack":\["TypeError: bad é",`,
	},
	{
		name:      "an error given to the callback",
		files:     map[string]string{"index": "exports.handler = (event, context, callback) => callback(new Error('no'));\n"},
		errorType: "Error", errorMessage: "no",
	},
	{
		name:      "no such module",
		files:     map[string]string{"other": ""},
		errorType: "Runtime.ImportModuleError", errorMessage: `(?s)Error: Cannot find module 'index'.*`,
	},
	{
		name:      "a module that needs one that is not there",
		files:     map[string]string{"index": "require('not-there');\n"},
		errorType: "Runtime.ImportModuleError", errorMessage: `(?s)Error: Cannot find module 'not-there'\nRequire stack:\n- .*/index.js.*`,
	},
	{
		name:      "no such handler",
		files:     map[string]string{"index": "exports.other = 1;\n"},
		errorType: "Runtime.HandlerNotFound", errorMessage: "index.handler is undefined or not exported",
	},
	{
		name:      "a syntax error",
		files:     map[string]string{"index": "exports.handler = async ( => 1;\n"},
		errorType: "Runtime.UserCodeSyntaxError", errorMessage: "SyntaxError: Unexpected token '=>'",
	},
	{
		name:      "a rejection that nobody handles",
		files:     map[string]string{"index": "exports.handler = async () => { Promise.reject(new Error('lost')); await new Promise((r) => setTimeout(r, 1000)); };\n"},
		errorType: "Runtime.UnhandledPromiseRejection", errorMessage: "Error: lost",
	},
	{
		name:      "process.exit",
		files:     map[string]string{"index": "exports.handler = async () => process.exit(3);\n"},
		errorType: "Runtime.ExitError", errorMessage: "RequestId: REQUESTID Error: Runtime exited with error: exit status 3",
	},
	{
		name: "a response stream",
		files: map[string]string{"index": `
exports.handler = awslambda.streamifyResponse(async (event, stream, context) => {
  stream.setContentType('text/plain');
  stream.write('a');
  await new Promise((r) => setTimeout(r, 20));
  stream.write('b');
  stream.end();
});
`},
		response: `ab`,
	},
	{
		name: "AWS",
		files: map[string]string{"index": `
exports.handler = async () => (await fetch(process.env.AWS_ENDPOINT_URL + '/x')).text();
`},
		response: `"this is AWS"`,
	},
}
