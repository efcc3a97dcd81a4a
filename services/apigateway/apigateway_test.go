package apigateway

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	apigw "github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

const acct, region = "000000000000", "us-east-1"

var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// bed is the service with an API and a function behind it.
type bed struct {
	*Service
	t         *testing.T
	api, root string

	mu sync.Mutex
	// answer is what the function does.
	answer func(in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
	calls  []*api.Call
	asked  []*lambda.InvokeInput
}

// Invoke implements Functions.
func (b *bed) Invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	b.mu.Lock()
	b.calls, b.asked = append(b.calls, api.CallFrom(ctx)), append(b.asked, in)
	answer := b.answer
	b.mu.Unlock()
	return answer(in)
}

// says is a function that answers with a payload.
func says(payload string) func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	return func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{Payload: []byte(payload)}, nil
	}
}

func open(t *testing.T, change ...func(*apigw.CreateRestApiInput)) *bed {
	t.Helper()
	db, blobs := storagetest.Open(t)
	b := &bed{t: t, answer: says(`{"statusCode":200,"body":"ok"}`)}
	b.Service = New(service.Env{DB: db, Blobs: blobs, Clock: clock.At(start), IDs: ids.From(rand.NewChaCha8([32]byte{1})), Log: slog.New(slog.DiscardHandler)}, b)
	in := &apigw.CreateRestApiInput{Name: "api"}
	for _, f := range change {
		f(in)
	}
	made := do(b, b.createRestAPI, in)
	b.api, b.root = made.Id, made.RootResourceId
	return b
}

func (b *bed) ctx() context.Context {
	return api.WithCall(b.t.Context(), &api.Call{Account: acct, Region: region, Principal: api.Root(acct), Time: start})
}

func do[In, Out any](b *bed, f func(context.Context, *In) (*Out, error), in *In) *Out {
	b.t.Helper()
	out, err := f(b.ctx(), in)
	if err != nil {
		b.t.Fatalf("%T %+v: %v", in, in, err)
	}
	return out
}

func refused[In, Out any](b *bed, f func(context.Context, *In) (*Out, error), in *In, want string) {
	b.t.Helper()
	_, err := f(b.ctx(), in)
	if got := shown(err); got != want {
		b.t.Errorf("%T %+v:\n got %s\nwant %s", in, in, got, want)
	}
}

func shown(err error) string {
	var plain *api.Error
	var modelled api.ModelledError
	switch {
	case err == nil:
		return "no error"
	case errors.As(err, &plain):
		return fmt.Sprintf("%d %s: %s", plain.Status, plain.Code, plain.Message)
	case errors.As(err, &modelled):
		return fmt.Sprintf("%d %v", modelled.Shape().Status, modelled)
	}
	return "unexpected: " + err.Error()
}

// resource makes a path, and returns the last resource's id.
func (b *bed) resource(path string) string {
	b.t.Helper()
	id := b.root
	for part := range strings.SplitSeq(strings.Trim(path, "/"), "/") {
		if part == "" {
			continue
		}
		next := ""
		for _, r := range do(b, b.getResources, &apigw.GetResourcesInput{RestApiId: b.api, Limit: new(int32(500))}).Items {
			if r.ParentId == id && r.PathPart == part {
				next = r.Id
			}
		}
		if next == "" {
			next = do(b, b.createResource, &apigw.CreateResourceInput{RestApiId: b.api, ParentId: id, PathPart: part}).Id
		}
		id = next
	}
	return id
}

func uri(function string) string {
	return "arn:aws:apigateway:us-east-1:lambda:path/2015-03-31/functions/" + function + "/invocations"
}

// method adds a method that calls a function, whose name says which it is.
func (b *bed) method(path, name string, change ...func(*apigw.PutIntegrationInput)) string {
	b.t.Helper()
	id := b.resource(path)
	do(b, b.putMethod, &apigw.PutMethodInput{RestApiId: b.api, ResourceId: id, HttpMethod: name, AuthorizationType: "NONE"})
	in := &apigw.PutIntegrationInput{RestApiId: b.api, ResourceId: id, HttpMethod: name, Type: "AWS_PROXY", IntegrationHttpMethod: "POST",
		Uri: uri("arn:aws:lambda:us-east-1:000000000000:function:f")}
	for _, f := range change {
		f(in)
	}
	do(b, b.putIntegration, in)
	return id
}

func (b *bed) deploy() {
	b.t.Helper()
	do(b, b.createDeployment, &apigw.CreateDeploymentInput{RestApiId: b.api, StageName: "prod", Variables: map[string]string{"v": "w"}})
}

// send makes a request to the stage prod.
func (b *bed) send(method, path, body string, header ...string) *http.Response {
	b.t.Helper()
	path, query, _ := strings.Cut(path, "?")
	r := httptest.NewRequestWithContext(b.t.Context(), method, "/?"+query, strings.NewReader(body))
	r.Host = b.api + ".execute-api.localhost:4566"
	for i := 0; i < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	for _, route := range b.Routes() {
		if route.Host != "" {
			route.Serve(w, r, service.Vars{"api": b.api, "rest": "/prod" + path})
		}
	}
	return w.Result()
}

// check compares an answer's status, error type and body.
func check(t *testing.T, what string, r *http.Response, want string) {
	t.Helper()
	body, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	if got := strings.TrimSpace(fmt.Sprint(r.StatusCode, " ", r.Header.Get("X-Amzn-Errortype"), " ", string(body))); got != want {
		t.Errorf("%s:\n got %s\nwant %s", what, got, want)
	}
	if r.Header.Get("X-Amzn-Requestid") == "" || r.Header.Get("X-Amz-Apigw-Id") == "" {
		t.Errorf("%s: ids are missing in %v", what, r.Header)
	}
}

const (
	noToken   = `403 MissingAuthenticationTokenException {"message":"Missing Authentication Token"}`
	badAnswer = `502 InternalServerErrorException {"message": "Internal server error"}`
	failed    = `500 InternalServerErrorException {"message": "Internal server error"}`
)

func TestRestAPIs(t *testing.T) {
	b := open(t)
	got := do(b, b.getRestAPI, &apigw.GetRestApiInput{RestApiId: b.api})
	if len(got.Id) != 10 || got.RootResourceId != b.root || got.ApiKeySource != "HEADER" || *got.DisableExecuteApiEndpoint || got.Tags != nil || got.EndpointConfiguration.Types[0] != "EDGE" {
		t.Errorf("got %+v", got)
	}
	refused(b, b.getRestAPI, &apigw.GetRestApiInput{RestApiId: strings.ToUpper(b.api)}, "404 NotFoundException: Invalid API identifier specified 000000000000:"+strings.ToUpper(b.api))
	custom := do(b, b.createRestAPI, &apigw.CreateRestApiInput{Name: "c", Tags: map[string]string{"_custom_id_": "mine"}})
	if custom.Id != "mine" {
		t.Errorf("the custom id is %s", custom.Id)
	}
	if _, err := b.createRestAPI(b.ctx(), &apigw.CreateRestApiInput{Name: "c", Tags: map[string]string{"_custom_id_": "mine"}}); err == nil {
		t.Error("an id is given twice")
	}
	for _, size := range []int32{1, 25} {
		n, in := 0, &apigw.GetRestApisInput{Limit: new(size)}
		for {
			out := do(b, b.getRestAPIs, in)
			n += len(out.Items)
			if in.Position = out.Position; in.Position == "" {
				break
			}
		}
		if n != 2 {
			t.Errorf("%d APIs in pages of %d", n, size)
		}
	}
	b.method("/a", "GET")
	b.deploy()
	do(b, b.deleteRestAPI, &apigw.DeleteRestApiInput{RestApiId: b.api})
	do(b, b.deleteRestAPI, &apigw.DeleteRestApiInput{RestApiId: "mine"})
	if err := b.env.DB.View(func(tx storage.Tx) error {
		for e, err := range tx.Scan(storage.Prefix(storage.Key{}.String("apigw"))) {
			if err != nil {
				return err
			}
			t.Errorf("left behind: %q", e.Key)
		}
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	check(t, "a deleted API", b.send("GET", "/a", ""), `403 ForbiddenException {"message":"Forbidden"}`)
}

func TestResources(t *testing.T) {
	b := open(t)
	b.resource("/pets/{id}")
	proxy := b.resource("/{proxy+}")
	create := func(parent, part, want string) {
		t.Helper()
		refused(b, b.createResource, &apigw.CreateResourceInput{RestApiId: b.api, ParentId: parent, PathPart: part}, want)
	}
	create(b.root, "pets", "409 ConflictException: Another resource with the same parent already has this name: pets")
	create(b.root, "{other}", "400 BadRequestException: A sibling ({proxy+}) of this resource already has a variable path part -- only one is allowed")
	create(b.resource("/pets"), "{rest+}", "400 BadRequestException: A sibling ({id}) of this resource already has a variable path part -- only one is allowed")
	create(proxy, "child", "400 BadRequestException: Cannot create a child of a resource with a greedy path variable: {proxy+}")
	create("none", "a", "404 NotFoundException: Invalid Resource identifier specified")
	create(b.root, "a b", "400 BadRequestException: Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	b.method("/pets/{id}", "GET")
	for _, embed := range [][]string{nil, {"methods"}} {
		for _, r := range do(b, b.getResources, &apigw.GetResourcesInput{RestApiId: b.api, Embed: embed}).Items {
			if r.Path == "/pets/{id}" && (r.ResourceMethods["GET"].MethodIntegration != nil) != (embed != nil) {
				t.Errorf("embedding %v: %+v", embed, r.ResourceMethods["GET"])
			}
			if r.Path == "/" && (r.ParentId != "" || r.PathPart != "" || r.ResourceMethods != nil) {
				t.Errorf("the root: %+v", r)
			}
		}
	}
	do(b, b.deleteResource, &apigw.DeleteResourceInput{RestApiId: b.api, ResourceId: b.resource("/pets")})
	if n := len(do(b, b.getResources, &apigw.GetResourcesInput{RestApiId: b.api}).Items); n != 2 {
		t.Errorf("%d resources are left", n)
	}
}

func TestMethodsAndDeployments(t *testing.T) {
	b := open(t)
	refused(b, b.createDeployment, &apigw.CreateDeploymentInput{RestApiId: b.api}, "400 BadRequestException: The REST API doesn't contain any methods")
	method := func(name, authorization, want string) {
		t.Helper()
		refused(b, b.putMethod, &apigw.PutMethodInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: name, AuthorizationType: authorization}, want)
	}
	method("WRONG", "NONE", "400 BadRequestException: Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	method("GET", "CUSTOM", "400 BadRequestException: Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
	method("GET", "NONE", "no error")
	method("GET", "NONE", "409 ConflictException: Method already exists for this resource")
	refused(b, b.createDeployment, &apigw.CreateDeploymentInput{RestApiId: b.api}, "400 BadRequestException: No integration defined for method")
	refused(b, b.getIntegration, &apigw.GetIntegrationInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: "GET"}, "404 NotFoundException: Invalid Integration identifier specified")
	refused(b, b.getMethod, &apigw.GetMethodInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: "POST"}, "404 NotFoundException: Invalid Method identifier specified")
	put := func(in apigw.PutIntegrationInput, want string) {
		t.Helper()
		in.RestApiId, in.ResourceId, in.HttpMethod = b.api, b.root, "GET"
		refused(b, b.putIntegration, &in, want)
	}
	put(apigw.PutIntegrationInput{Type: "AWS_PROXY", Uri: uri("arn")}, "400 BadRequestException: Enumeration value for HttpMethod must be non-empty")
	put(apigw.PutIntegrationInput{Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: "invalid"}, "400 BadRequestException: Invalid ARN specified in the request")
	put(apigw.PutIntegrationInput{Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: "arn:aws:apigateway:us-east-1:lambda:wrong"}, "400 BadRequestException: AWS ARN for integration must contain path or action")
	put(apigw.PutIntegrationInput{Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: "arn:aws:apigateway:us-east-1:s3:path/b/k"}, "400 BadRequestException: Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
	put(apigw.PutIntegrationInput{Type: "HTTP", IntegrationHttpMethod: "GET", Uri: "http://example.com"}, "501 NotImplementedException: An integration of type HTTP is not implemented by Virga.")
	put(apigw.PutIntegrationInput{Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: uri("arn:aws:lambda:us-east-1:000000000000:function:f")}, "no error")
	i := do(b, b.getIntegration, &apigw.GetIntegrationInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: "GET"})
	if i.CacheNamespace != b.root || *i.TimeoutInMillis != 29000 || i.PassthroughBehavior != "WHEN_NO_MATCH" || i.HttpMethod != "POST" {
		t.Errorf("the integration: %+v", i)
	}
	d := do(b, b.createDeployment, &apigw.CreateDeploymentInput{RestApiId: b.api})
	stage := func(name, deployment, want string) {
		t.Helper()
		refused(b, b.createStage, &apigw.CreateStageInput{RestApiId: b.api, StageName: name, DeploymentId: deployment}, want)
	}
	stage("s", "none", "400 BadRequestException: Deployment id does not exist")
	stage("s", d.Id, "no error")
	stage("s", d.Id, "409 ConflictException: Stage already exists")
	refused(b, b.deleteDeployment, &apigw.DeleteDeploymentInput{RestApiId: b.api, DeploymentId: d.Id}, "400 BadRequestException: Active stages pointing to this deployment must be moved or deleted")
	do(b, b.deleteStage, &apigw.DeleteStageInput{RestApiId: b.api, StageName: "s"})
	refused(b, b.getStage, &apigw.GetStageInput{RestApiId: b.api, StageName: "s"}, "404 NotFoundException: Invalid stage identifier specified")
	do(b, b.deleteDeployment, &apigw.DeleteDeploymentInput{RestApiId: b.api, DeploymentId: d.Id})
	refused(b, b.getDeployment, &apigw.GetDeploymentInput{RestApiId: b.api, DeploymentId: d.Id}, "404 NotFoundException: Invalid Deployment identifier specified")
}

func TestRouting(t *testing.T) {
	b := open(t)
	b.method("/", "GET")
	b.method("/test", "POST")
	b.method("/test/any", "ANY")
	b.method("/test/any", "PUT")
	b.method("/{proxy+}", "OPTIONS")
	b.method("/pets/{id}/toys/{toy}", "GET")
	b.method("/pets/mine/toys", "GET")
	b.method("/files/{name+}", "ANY")
	b.deploy()
	b.method("/later", "GET")
	for _, c := range []struct{ method, path, resource, params string }{
		{"GET", "/", "/", "null"},
		{"GET", "", "/", "null"},
		{"POST", "/", "", ""},
		{"POST", "/test", "/test", "null"},
		{"POST", "/test/", "/test", "null"},
		// A method that the literal resource has not is found further on.
		{"OPTIONS", "/test", "/{proxy+}", `{"proxy":"test"}`},
		{"OPTIONS", "/test/any", "/test/any", "null"},
		{"GET", "/test", "", ""},
		{"GET", "/pets/7/toys/ball", "/pets/{id}/toys/{toy}", `{"id":"7","toy":"ball"}`},
		{"GET", "/pets/mine/toys", "/pets/mine/toys", "null"},
		{"GET", "/pets/mine/toys/ball", "/pets/{id}/toys/{toy}", `{"id":"mine","toy":"ball"}`},
		{"GET", "/files/a/b//c.txt", "/files/{name+}", `{"name":"a/b//c.txt"}`},
		{"GET", "/files/a%20b", "/files/{name+}", `{"name":"a b"}`},
		{"GET", "/files", "", ""},
		{"GET", "/later", "", ""}, // was not deployed
	} {
		b.asked = nil
		r := b.send(c.method, c.path, "")
		if c.resource == "" {
			check(t, c.method+" "+c.path, r, noToken)
			continue
		}
		check(t, c.method+" "+c.path, r, "200  ok")
		var event struct {
			Resource       string          `json:"resource"`
			PathParameters json.RawMessage `json:"pathParameters"`
		}
		if err := json.Unmarshal(b.asked[0].Payload, &event); err != nil || event.Resource != c.resource || string(event.PathParameters) != c.params {
			t.Errorf("%s %s: %s %s, %v", c.method, c.path, event.Resource, event.PathParameters, err)
		}
	}
}

func TestEvent(t *testing.T) {
	b := open(t, func(in *apigw.CreateRestApiInput) { in.BinaryMediaTypes = []string{"image/png"} })
	id := b.method("/p/{name}", "ANY")
	b.deploy()
	b.send("POST", "/p/a%20b?x=1&x=2&y=%26", "body", "X-Custom", "1", "X-Custom", "2", "User-Agent", "test/1").Body.Close()
	var got map[string]any
	if err := json.Unmarshal(b.asked[0].Payload, &got); err != nil {
		t.Fatal(err)
	}
	context := got["requestContext"].(map[string]any)
	headers := got["headers"].(map[string]any)
	trace := headers["X-Amzn-Trace-Id"]
	deployment := do(b, b.getDeployments, &apigw.GetDeploymentsInput{RestApiId: b.api}).Items[0].Id
	host := b.api + ".execute-api.localhost:4566"
	list := func(values ...any) any { return values }
	want := map[string]any{
		"resource": "/p/{name}", "path": "/p/a b", "httpMethod": "POST", "body": "body", "isBase64Encoded": false,
		"headers": map[string]any{"X-Custom": "2", "User-Agent": "test/1", "Host": host, "X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "http", "X-Forwarded-Port": "4566", "X-Amzn-Trace-Id": trace},
		"multiValueHeaders": map[string]any{"X-Custom": list("1", "2"), "User-Agent": list("test/1"), "Host": list(host), "X-Forwarded-For": list("192.0.2.1"),
			"X-Forwarded-Proto": list("http"), "X-Forwarded-Port": list("4566"), "X-Amzn-Trace-Id": list(trace)},
		"queryStringParameters":           map[string]any{"x": "2", "y": "&"},
		"multiValueQueryStringParameters": map[string]any{"x": list("1", "2"), "y": list("&")},
		"pathParameters":                  map[string]any{"name": "a b"},
		"stageVariables":                  map[string]any{"v": "w"},
		"requestContext": map[string]any{
			"resourceId": id, "resourcePath": "/p/{name}", "httpMethod": "POST", "extendedRequestId": context["extendedRequestId"], "requestId": context["requestId"],
			"requestTime": "02/Jan/2026:03:04:05 +0000", "requestTimeEpoch": float64(start.UnixMilli()), "path": "/prod/p/a b", "accountId": acct, "protocol": "HTTP/1.1",
			"stage": "prod", "domainPrefix": b.api, "domainName": b.api + ".execute-api.localhost", "deploymentId": deployment, "apiId": b.api,
			"identity": map[string]any{
				"cognitoIdentityPoolId": nil, "accountId": nil, "cognitoIdentityId": nil, "caller": nil, "sourceIp": "192.0.2.1", "principalOrgId": nil, "accessKey": nil,
				"cognitoAuthenticationType": nil, "cognitoAuthenticationProvider": nil, "userArn": nil, "userAgent": "test/1", "user": nil,
			},
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the event (-want +got):\n%s", diff)
	}
	if call := b.calls[0]; call.Principal.Service != "apigateway.amazonaws.com" || call.Principal.SourceARN != "arn:aws:execute-api:us-east-1:000000000000:"+b.api+"/prod/POST/p/{name}" || call.Account != acct {
		t.Errorf("called by %+v", call.Principal)
	}
	for _, c := range []struct{ contentType, body, want string }{
		{"", "", `null,"isBase64Encoded":false}`},
		{"text/plain", "\"é", `"\"é","isBase64Encoded":false}`},
		{"image/png; q=1", "\xff\x00", `"/wA=","isBase64Encoded":true}`},
	} {
		b.asked = nil
		b.send("PUT", "/p/x", c.body, "Content-Type", c.contentType).Body.Close()
		if event := string(b.asked[0].Payload); !strings.HasSuffix(event, `"body":`+c.want) || !strings.Contains(event, `"queryStringParameters":null,"multiValueQueryStringParameters":null`) {
			t.Errorf("%q as %s: %s", c.body, c.contentType, event)
		}
	}
}

func TestAnswers(t *testing.T) {
	b := open(t, func(in *apigw.CreateRestApiInput) { in.BinaryMediaTypes = []string{"image/*"} })
	b.method("/", "ANY")
	b.deploy()
	for payload, want := range map[string]string{
		`{"statusCode":200}`:                "200",
		`{"statusCode":"201","body":"x"}`:   "201  x",
		`{"body":"x"}`:                      "200  x",
		`{"headers":{"a":"b"}}`:             "200",
		`{"statusCode":200,"headers":null}`: "200",
		`{"statusCode":200,"body":"dGVzdC1kYXRh","isBase64Encoded":true}`: "200  dGVzdC1kYXRh",
		`{"statusCode":200,"isBase64Encoded":true}`:                       "200",
		`{}`:     badAnswer,
		`null`:   badAnswer,
		`"text"`: badAnswer,
		`[1]`:    badAnswer,
		`{"statusCode":200,"wrongValue":"value"}`:                            badAnswer,
		`{"StatusCode":200}`:                                                 badAnswer,
		`{"statusCode":"test"}`:                                              badAnswer,
		`{"statusCode":99}`:                                                  badAnswer,
		`{"statusCode":200,"body":{"a":1}}`:                                  badAnswer,
		`{"statusCode":200,"headers":{"a":{}}}`:                              badAnswer,
		`{"statusCode":200,"multiValueHeaders":{"test-multi":"not a list"}}`: badAnswer,
	} {
		b.answer = says(payload)
		check(t, payload, b.send("GET", "/", ""), want)
	}
	b.answer = says(`{"statusCode":200,"headers":{"bool":true,"n":1,"multi":"solo","same":"x"},"multiValueHeaders":{"multi":["a","b"],"same":["x","y"]},"body":""}`)
	r := b.send("GET", "/", "")
	for name, want := range map[string][]string{"bool": {"true"}, "n": {"1"}, "multi": {"a", "b", "solo"}, "same": {"x", "y"}, "content-type": {"application/json"}, "content-length": {"0"}} {
		if got := r.Header.Values(name); !slices.Equal(got, want) {
			t.Errorf("header %s: %v, want %v", name, got, want)
		}
	}
	b.answer = says(`{"statusCode":200,"headers":{"content-type":"image/png"},"body":"/wA=","isBase64Encoded":true}`)
	for accept, want := range map[string]string{"image/webp,text/html": "200  \xff\x00", "text/html,image/webp": "200  /wA=", "": "200  /wA="} {
		r := b.send("GET", "/", "", "Accept", accept)
		check(t, accept, r, want)
		if got := r.Header.Values("Content-Type"); !slices.Equal(got, []string{"image/png"}) {
			t.Errorf("content type %v", got)
		}
	}
	b.answer = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		return &lambda.InvokeOutput{FunctionError: "Unhandled", Payload: []byte(`{"errorMessage":"no"}`)}, nil
	}
	check(t, "an error of the function", b.send("GET", "/", ""), badAnswer)
	b.answer = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) { return nil, errors.New("no permission") }
	check(t, "no function", b.send("GET", "/", ""), failed)
	check(t, "a large request", b.send("POST", "/", strings.Repeat("x", maxPayload+1)), `413 RequestTooLargeException {"message":"Request Too Long"}`)
}

// When the integration's time is over the client has its answer, whatever the
// function does.
func TestTimeout(t *testing.T) {
	b := open(t)
	b.method("/", "GET", func(in *apigw.PutIntegrationInput) { in.TimeoutInMillis = new(int32(50)) })
	b.deploy()
	ended, cancelled := make(chan struct{}), make(chan error, 1)
	b.answer = func(*lambda.InvokeInput) (*lambda.InvokeOutput, error) {
		<-ended
		return &lambda.InvokeOutput{Payload: []byte(`{"body":"late"}`)}, nil
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.Routes()[0].Serve(w, r, service.Vars{"api": b.api, "rest": "/prod/"})
		cancelled <- r.Context().Err()
	}))
	defer server.Close()
	r, err := server.Client().Get(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	check(t, "a slow function", r, `504 InternalServerErrorException {"message": "Endpoint request timed out"}`)
	r.Body.Close()
	close(ended)
	<-cancelled
}

func TestStageVariablesAndRegions(t *testing.T) {
	b := open(t)
	b.method("/", "GET", func(in *apigw.PutIntegrationInput) {
		in.Uri = uri("arn:aws:lambda:eu-west-1:000000000000:function:f:${stageVariables.v}")
	})
	b.deploy()
	check(t, "a request", b.send("GET", "/", ""), "200  ok")
	if got := b.asked[0].FunctionName; got != "arn:aws:lambda:eu-west-1:000000000000:function:f:w" || b.calls[0].Region != "eu-west-1" {
		t.Errorf("called %s in %s", got, b.calls[0].Region)
	}
}

func TestWhoIsLetIn(t *testing.T) {
	b := open(t)
	b.method("/", "GET")
	iam, key := b.resource("/iam"), b.resource("/key")
	do(b, b.putMethod, &apigw.PutMethodInput{RestApiId: b.api, ResourceId: iam, HttpMethod: "GET", AuthorizationType: "AWS_IAM"})
	do(b, b.putMethod, &apigw.PutMethodInput{RestApiId: b.api, ResourceId: key, HttpMethod: "GET", AuthorizationType: "NONE", ApiKeyRequired: new(true)})
	for _, id := range []string{iam, key} {
		do(b, b.putIntegration, &apigw.PutIntegrationInput{RestApiId: b.api, ResourceId: id, HttpMethod: "GET", Type: "AWS_PROXY", IntegrationHttpMethod: "POST", Uri: uri("arn:aws:lambda:us-east-1:000000000000:function:f")})
	}
	b.deploy()
	check(t, "unsigned", b.send("GET", "/iam", ""), noToken)
	check(t, "signed", b.send("GET", "/iam", "", "Authorization", "AWS4-HMAC-SHA256 ..."), "200  ok")
	check(t, "without a key", b.send("GET", "/key", ""), `403 ForbiddenException {"message":"Forbidden"}`)
	w := httptest.NewRecorder()
	b.Routes()[0].Serve(w, httptest.NewRequestWithContext(t.Context(), "GET", "/", nil), service.Vars{"api": b.api, "rest": "/none/"})
	check(t, "another stage", w.Result(), `403 ForbiddenException {"message":"Forbidden"}`)

	off := open(t, func(in *apigw.CreateRestApiInput) { in.DisableExecuteApiEndpoint = new(true) })
	off.method("/", "GET")
	off.deploy()
	check(t, "a disabled endpoint", off.send("GET", "/", ""), `403 ForbiddenException {"message":"Forbidden"}`)
}

// TestCORS puts a preflight in front of a method as the tutorials do it.
func TestCORS(t *testing.T) {
	b := open(t)
	b.method("/", "GET")
	at := func(in *apigw.PutIntegrationInput) {
		in.RestApiId, in.ResourceId, in.HttpMethod = b.api, b.root, "OPTIONS"
	}
	const origin = "method.response.header.Access-Control-Allow-Origin"
	do(b, b.putMethod, &apigw.PutMethodInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: "OPTIONS", AuthorizationType: "NONE"})
	do(b, b.putMethodResponse, &apigw.PutMethodResponseInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: "OPTIONS", StatusCode: "200", ResponseParameters: map[string]bool{origin: false}})
	for _, template := range []string{`{"statusCode": 200, "x": "$input.path('$')"}`, `#set($a=1){"statusCode": 200}`, "nothing", `{"body": 1}`} {
		in := &apigw.PutIntegrationInput{Type: "MOCK", RequestTemplates: map[string]string{"application/json": template}}
		at(in)
		refused(b, b.putIntegration, in, `501 NotImplementedException: A request template of a MOCK integration other than {"statusCode": 200}, with any code, is not implemented by Virga.`)
	}
	for _, template := range []string{`{"statusCode": 200}`, `{statusCode: 200}`} {
		in := &apigw.PutIntegrationInput{Type: "MOCK", RequestTemplates: map[string]string{"application/json": template}}
		at(in)
		if out := do(b, b.putIntegration, in); out.Uri != "" || out.HttpMethod != "" || out.Type != "MOCK" {
			t.Errorf("the integration: %+v", out)
		}
	}
	response := func(change func(*apigw.PutIntegrationResponseInput), want string) {
		t.Helper()
		in := &apigw.PutIntegrationResponseInput{RestApiId: b.api, ResourceId: b.root, HttpMethod: "OPTIONS", StatusCode: "200"}
		change(in)
		refused(b, b.putIntegrationResponse, in, want)
	}
	response(func(in *apigw.PutIntegrationResponseInput) {
		in.ResponseParameters = map[string]string{origin: "integration.response.header.x"}
	}, "501 NotImplementedException: A response parameter of a MOCK integration that is not a text in single quotes is not implemented by Virga.")
	response(func(in *apigw.PutIntegrationResponseInput) {
		in.ResponseParameters = map[string]string{"method.response.header.Other": "'x'"}
	}, "400 BadRequestException: Invalid mapping expression specified: Validation Result: warnings : [], errors : [Invalid mapping expression parameter specified: method.response.header.Other]")
	response(func(in *apigw.PutIntegrationResponseInput) {
		in.ResponseTemplates = map[string]string{"application/json": "$context.requestId"}
	}, "501 NotImplementedException: A response template of a MOCK integration with variables or directives is not implemented by Virga.")
	response(func(in *apigw.PutIntegrationResponseInput) {
		in.ResponseParameters = map[string]string{origin: "'*'"}
		in.ResponseTemplates = map[string]string{"application/json": ""}
	}, "no error")
	response(func(in *apigw.PutIntegrationResponseInput) {
		in.StatusCode, in.SelectionPattern = "404", `4\d{2}`
		in.ResponseTemplates = map[string]string{"application/json": `{"message":"gone"}`}
	}, "no error")
	b.deploy()
	r := b.send("OPTIONS", "/", "", "Origin", "http://localhost:3000")
	check(t, "a preflight", r, "200")
	if r.Header.Get("Access-Control-Allow-Origin") != "*" || r.Header.Get("Content-Type") != "application/json" || len(b.asked) != 0 {
		t.Errorf("the preflight: %v, %d calls", r.Header, len(b.asked))
	}
	// What no template is for is passed through, and selects a response itself.
	check(t, "a body of another type", b.send("OPTIONS", "/", `{"statusCode": 410}`, "Content-Type", "text/json"), `404  {"message":"gone"}`)
	check(t, "a body without a status", b.send("OPTIONS", "/", `{}`, "Content-Type", "text/json"), failed)
}
