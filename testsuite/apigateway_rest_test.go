package testsuite

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigateway/types"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/virga-cloud/virga/testsuite/harness"
)

// restAPI is an API whose methods call one function.
type restAPI struct {
	*harness.Account
	id, root, function string
}

func newRestAPI(t *testing.T, a *harness.Account, source string) *restAPI {
	t.Helper()
	f := function(t, a, "backend", source)
	api := must(a.APIGateway.CreateRestApi(t.Context(), &apigateway.CreateRestApiInput{Name: aws.String("api")}))(t)
	return &restAPI{a, *api.Id, *api.RootResourceId, *f.FunctionArn}
}

// resource adds a resource and returns its id.
func (r *restAPI) resource(t *testing.T, parent, part string) string {
	t.Helper()
	return *must(r.APIGateway.CreateResource(t.Context(), &apigateway.CreateResourceInput{RestApiId: &r.id, ParentId: &parent, PathPart: &part}))(t).Id
}

// method adds a method that calls the function.
func (r *restAPI) method(t *testing.T, resource, method string) {
	t.Helper()
	ctx := t.Context()
	must(r.APIGateway.PutMethod(ctx, &apigateway.PutMethodInput{RestApiId: &r.id, ResourceId: &resource, HttpMethod: &method, AuthorizationType: aws.String("NONE")}))(t)
	must(r.APIGateway.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: &r.id, ResourceId: &resource, HttpMethod: &method, Type: types.IntegrationTypeAwsProxy,
		IntegrationHttpMethod: aws.String("POST"), Uri: aws.String(integrationURI(r.function)),
	}))(t)
}

func (r *restAPI) permit(t *testing.T) {
	t.Helper()
	must(r.Lambda.AddPermission(t.Context(), &lambda.AddPermissionInput{
		FunctionName: &r.function, StatementId: aws.String("api"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String("apigateway.amazonaws.com"),
		SourceArn: aws.String("arn:aws:execute-api:" + harness.Region + ":" + r.ID + ":" + r.id + "/*/*/*"),
	}))(t)
}

func (r *restAPI) deploy(t *testing.T, stage string) {
	t.Helper()
	must(r.APIGateway.CreateDeployment(t.Context(), &apigateway.CreateDeploymentInput{
		RestApiId: &r.id, StageName: &stage, Variables: map[string]string{"colour": "grey"},
	}))(t)
}

// url is the address that AWS would give the API.
func (r *restAPI) url(path string) string {
	return "http://" + r.id + ".execute-api." + harness.Region + ".amazonaws.com" + path
}

// What a function is told of a request.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
func TestRestAPIEvents(t *testing.T) {
	t.Parallel()
	r := newRestAPI(t, harness.New(t), `
import json
def handler(event, context):
    return {"statusCode": 201, "headers": {"X-One": "1"}, "multiValueHeaders": {"X-Many": ["a", "b"]}, "body": json.dumps(event)}
`)
	orders := r.resource(t, r.root, "orders")
	r.method(t, r.resource(t, orders, "{id}"), "POST")
	r.permit(t)
	r.deploy(t, "prod")

	resp, err := r.HTTP.Do(request(t, "POST", r.url("/prod/orders/a%20b?x=1&x=2&y=z"), `{"n": 1}`, "Content-Type", "application/json", "X-Trace", "t"))
	if err != nil {
		t.Fatal(err)
	}
	body := read(t, resp.Body)
	if resp.StatusCode != 201 || resp.Header.Get("X-One") != "1" || strings.Join(resp.Header.Values("X-Many"), ",") != "a,b" || resp.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%s %v", resp.Status, resp.Header)
	}
	var event struct {
		Resource, Path, HTTPMethod, Body                               string
		Headers, QueryStringParameters, PathParameters, StageVariables map[string]string
		MultiValueQueryStringParameters                                map[string][]string
		IsBase64Encoded                                                bool
		RequestContext                                                 struct {
			Stage, Path, ResourcePath, AccountID, APIID, HTTPMethod, RequestID, DomainName string
			Identity                                                                       struct{ SourceIP string }
		}
	}
	if err := json.Unmarshal([]byte(body), &event); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	if event.Resource != "/orders/{id}" || event.Path != "/orders/a b" || event.HTTPMethod != "POST" || event.Body != `{"n": 1}` || event.IsBase64Encoded {
		t.Errorf("the event is %s", body)
	}
	if event.PathParameters["id"] != "a b" || event.StageVariables["colour"] != "grey" || event.Headers["X-Trace"] != "t" {
		t.Errorf("the event is %s", body)
	}
	if event.QueryStringParameters["x"] != "2" || len(event.MultiValueQueryStringParameters["x"]) != 2 || event.QueryStringParameters["y"] != "z" {
		t.Errorf("the event's query is %v", event.MultiValueQueryStringParameters)
	}
	if c := event.RequestContext; c.Stage != "prod" || c.Path != "/prod/orders/a b" || c.ResourcePath != "/orders/{id}" || c.AccountID != r.ID || c.APIID != r.id || c.Identity.SourceIP != "127.0.0.1" {
		t.Errorf("the event's context is %+v", c)
	}
}

// Literal parts of a path win over variables, and those over greedy ones; a method
// over ANY. What fits nothing lacks an authentication token.
func TestRestAPIRouting(t *testing.T) {
	t.Parallel()
	r := newRestAPI(t, harness.New(t), `
def handler(event, context):
    return {"statusCode": 200, "body": event["resource"] + " " + event["requestContext"]["httpMethod"] + " " + str((event["pathParameters"] or {}))}
`)
	r.method(t, r.root, "GET")
	photos := r.resource(t, r.root, "photos")
	r.method(t, photos, "GET")
	one := r.resource(t, photos, "{id}")
	r.method(t, one, "ANY")
	r.method(t, r.resource(t, photos, "latest"), "GET")
	r.method(t, r.resource(t, r.resource(t, r.root, "files"), "{proxy+}"), "ANY")
	r.permit(t)
	r.deploy(t, "prod")
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/prod/", "/ GET {}"},
		{"GET", "/prod", "/ GET {}"},
		{"GET", "/prod/photos", "/photos GET {}"},
		{"GET", "/prod/photos/latest", "/photos/latest GET {}"},
		{"DELETE", "/prod/photos/7", "/photos/{id} DELETE {'id': '7'}"},
		{"PUT", "/prod/files/a/b/c", "/files/{proxy+} PUT {'proxy': 'a/b/c'}"},
	} {
		for _, url := range []string{r.url(c.path), r.URL + "/restapis/" + r.id + "/prod/_user_request_" + strings.TrimPrefix(c.path, "/prod")} {
			if status, body := exchange(t, r.HTTP, request(t, c.method, url, "")); status != 200 || body != c.want {
				t.Errorf("%s %s: %d %s, want %s", c.method, url, status, body, c.want)
			}
		}
	}
	for _, c := range []struct {
		method, path string
		message      string
	}{
		{"GET", "/prod/nothing", "Missing Authentication Token"},
		{"POST", "/prod/photos", "Missing Authentication Token"},
		{"GET", "/prod/files", "Missing Authentication Token"},
		{"GET", "/test/photos", "Forbidden"},
	} {
		if status, body := exchange(t, r.HTTP, request(t, c.method, r.url(c.path), "")); status != http.StatusForbidden || strings.TrimSpace(body) != `{"message":"`+c.message+`"}` {
			t.Errorf("%s %s: %d %s", c.method, c.path, status, body)
		}
	}
}

// An answer that is not in the form that is asked for, and a function that fails, are a
// bad gateway; a function that may not be called is an error of the API.
func TestRestAPIErrors(t *testing.T) {
	t.Parallel()
	r := newRestAPI(t, harness.New(t), `
def handler(event, context):
    do = event["queryStringParameters"]["do"]
    if do == "raise":
        raise ValueError("no")
    if do == "text":
        return "text"
    if do == "status":
        return {"statusCode": "many"}
    return {"statusCode": 404, "body": "none"}
`)
	r.method(t, r.root, "GET")
	r.deploy(t, "prod")
	status, body := exchange(t, r.HTTP, request(t, "GET", r.url("/prod?do=answer"), ""))
	if status != 500 || strings.TrimSpace(body) != `{"message": "Internal server error"}` {
		t.Errorf("without permission: %d %s", status, body)
	}
	r.permit(t)
	for do, want := range map[string]int{"answer": 404, "raise": 502, "text": 502, "status": 502} {
		if status, body := exchange(t, r.HTTP, request(t, "GET", r.url("/prod?do="+do), "")); status != want {
			t.Errorf("%s: %d %s, want %d", do, status, body, want)
		}
	}
}

// A deployment is a picture of the API: later changes show with the next.
func TestRestAPIDeployments(t *testing.T) {
	t.Parallel()
	ctx := t.Context()
	r := newRestAPI(t, harness.New(t), "def handler(e, c): return {'statusCode': 200, 'body': e['resource']}")
	r.method(t, r.root, "GET")
	r.permit(t)
	r.deploy(t, "prod")
	r.method(t, r.resource(t, r.root, "late"), "GET")
	if status, _ := exchange(t, r.HTTP, request(t, "GET", r.url("/prod/late"), "")); status != 403 {
		t.Errorf("before it is deployed: %d", status)
	}
	r.deploy(t, "prod")
	if status, body := exchange(t, r.HTTP, request(t, "GET", r.url("/prod/late"), "")); status != 200 || body != "/late" {
		t.Errorf("after it is deployed: %d %s", status, body)
	}
	resources := must(r.APIGateway.GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: &r.id}))(t)
	if len(resources.Items) != 2 {
		t.Errorf("%d resources", len(resources.Items))
	}
	must(r.APIGateway.DeleteRestApi(ctx, &apigateway.DeleteRestApiInput{RestApiId: &r.id}))(t)
	_, err := r.APIGateway.GetRestApi(ctx, &apigateway.GetRestApiInput{RestApiId: &r.id})
	refused(t, err, "NotFoundException")
	if status, _ := exchange(t, r.HTTP, request(t, "GET", r.url("/prod/"), "")); status != 403 {
		t.Errorf("a deleted API answers %d", status)
	}
}

func TestRestAPIsAreChecked(t *testing.T) {
	t.Parallel()
	ctx, a := t.Context(), harness.New(t)
	r := newRestAPI(t, a, echo)
	r.resource(t, r.root, "photos")
	_, err := a.APIGateway.CreateResource(ctx, &apigateway.CreateResourceInput{RestApiId: &r.id, ParentId: &r.root, PathPart: aws.String("photos")})
	if said := refused(t, err, "ConflictException"); said != "Another resource with the same parent already has this name: photos" {
		t.Errorf("a second of the name: %q", said)
	}
	_, err = a.APIGateway.CreateResource(ctx, &apigateway.CreateResourceInput{RestApiId: &r.id, ParentId: &r.root, PathPart: aws.String("a/b")})
	refused(t, err, "BadRequestException")
	_, err = a.APIGateway.CreateDeployment(ctx, &apigateway.CreateDeploymentInput{RestApiId: &r.id, StageName: aws.String("prod")})
	if said := refused(t, err, "BadRequestException"); said != "The REST API doesn't contain any methods" {
		t.Errorf("nothing to deploy: %q", said)
	}
	_, err = a.APIGateway.PutIntegration(ctx, &apigateway.PutIntegrationInput{
		RestApiId: &r.id, ResourceId: &r.root, HttpMethod: aws.String("GET"), Type: types.IntegrationTypeAwsProxy,
		IntegrationHttpMethod: aws.String("POST"), Uri: aws.String(integrationURI(r.function)),
	})
	if said := refused(t, err, "NotFoundException"); said != "Invalid Method identifier specified" {
		t.Errorf("an integration without a method: %q", said)
	}
}

// Bodies of the media types that the API calls binary travel in base64.
func TestRestAPIBinary(t *testing.T) {
	t.Parallel()
	a := harness.New(t)
	f := function(t, a, "backend", `
import base64
def handler(event, context):
    assert event["isBase64Encoded"]
    body = base64.b64decode(event["body"])
    return {"statusCode": 200, "headers": {"Content-Type": "image/png"}, "body": base64.b64encode(body[::-1]).decode(), "isBase64Encoded": True}
`)
	api := must(a.APIGateway.CreateRestApi(t.Context(), &apigateway.CreateRestApiInput{Name: aws.String("api"), BinaryMediaTypes: []string{"image/*"}}))(t)
	r := &restAPI{a, *api.Id, *api.RootResourceId, *f.FunctionArn}
	r.method(t, r.root, "POST")
	r.permit(t)
	r.deploy(t, "prod")
	status, body := exchange(t, r.HTTP, request(t, "POST", r.url("/prod"), "\x00\xff\x01", "Content-Type", "image/png", "Accept", "image/png"))
	if status != 200 || body != "\x01\xff\x00" {
		t.Errorf("%d %q", status, body)
	}
}
