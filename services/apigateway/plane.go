package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Routes implements service.DataPlane: the hosts and paths of deployed APIs.
func (s *Service) Routes() []service.Route {
	return []service.Route{
		{Host: "{api}.execute-api", Serve: func(w http.ResponseWriter, r *http.Request, v service.Vars) {
			stage, rest, _ := strings.Cut(strings.TrimPrefix(v["rest"], "/"), "/")
			s.serve(w, r, v["api"], stage, "/"+rest)
		}},
		{Path: "/restapis/{api}/{stage}/_user_request_", Serve: s.servePath},
		{Path: "/_aws/execute-api/{api}/{stage}", Serve: s.servePath},
	}
}

func (s *Service) servePath(w http.ResponseWriter, r *http.Request, v service.Vars) {
	path := v["rest"]
	if path == "" {
		path = "/"
	}
	s.serve(w, r, v["api"], v["stage"], path)
}

// maxPayload is the largest request body, in bytes.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const maxPayload = 10 << 20

// exchange is one request to a deployed API.
type exchange struct {
	service    *Service
	w          http.ResponseWriter
	r          *http.Request
	id         string // request id
	now        time.Time
	owner      *apiOwner
	api        string
	stage      *stage
	deployment *deployment
	// path is the request's path in the stage, still encoded.
	path     string
	resource *resource
	method   *method
	params   map[string]string
}

// gatewayError is an answer that API Gateway gives itself.
type gatewayError struct {
	status        int
	kind, message string
}

// The answers of the gateway, by their default templates.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
var (
	forbidden     = gatewayError{403, "ForbiddenException", "Forbidden"}
	missingToken  = gatewayError{403, "MissingAuthenticationTokenException", "Missing Authentication Token"}
	tooLong       = gatewayError{413, "RequestTooLargeException", "Request Too Long"}
	badGateway    = gatewayError{502, "InternalServerErrorException", "Internal server error"}
	internalError = gatewayError{500, "InternalServerErrorException", "Internal server error"}
	timedOut      = gatewayError{504, "InternalServerErrorException", "Endpoint request timed out"}
)

func (s *Service) serve(w http.ResponseWriter, r *http.Request, id, stageName, path string) {
	x := &exchange{service: s, w: w, r: r, id: s.env.IDs.UUID(), now: s.env.Clock.Now(), api: id, path: path}
	w.Header().Set("X-Amzn-Requestid", x.id)
	if err := x.find(stageName); err != nil {
		if errors.Is(err, storage.ErrNotFound) {
			x.refuse(forbidden)
			return
		}
		s.env.Log.Error("cannot serve an API", "api", id, "error", err)
		x.refuse(internalError)
		return
	}
	if !x.route() {
		x.refuse(missingToken)
		return
	}
	if x.method.APIKeyRequired { // no key can be valid: there are none yet
		x.refuse(forbidden)
		return
	}
	if x.method.Authorization == "AWS_IAM" && r.Header.Get("Authorization") == "" && !r.URL.Query().Has("X-Amz-Signature") {
		x.refuse(missingToken)
		return
	}
	x.proxy()
}

// find reads the stage and its deployment.
func (x *exchange) find(name string) error {
	s := x.service
	return s.env.DB.View(func(tx storage.Tx) (err error) {
		if x.owner, err = storage.GetRecord[apiOwner](tx, ownerKey(x.api)); err != nil {
			return err
		}
		if x.stage, err = s.stages.Get(tx, stageKey(x.api, name)); err != nil {
			return err
		}
		x.deployment, err = s.deployments.Get(tx, deploymentKey(x.api, x.stage.Deployment))
		return err
	})
}

func (x *exchange) refuse(e gatewayError) {
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Amzn-Errortype", e.kind)
	x.w.WriteHeader(e.status)
	json.NewEncoder(x.w).Encode(map[string]string{"message": e.message})
}

// route finds the method for the path: literal parts before variables, and
// those before greedy ones; the method itself before ANY.
func (x *exchange) route() bool {
	var parts []string
	if p := strings.Trim(x.path, "/"); p != "" {
		for _, part := range strings.Split(p, "/") {
			if u, err := url.PathUnescape(part); err == nil {
				part = u
			}
			parts = append(parts, part)
		}
	}
	x.params = map[string]string{}
	return x.descend(x.deployment.Root, parts)
}

func (x *exchange) descend(id string, parts []string) bool {
	if len(parts) == 0 {
		r := x.deployment.Resources[id]
		m := r.Methods[x.r.Method]
		if m == nil {
			m = r.Methods["ANY"]
		}
		if m == nil || m.Integration == nil {
			return false
		}
		x.resource, x.method = r, m
		return true
	}
	var variable, greedy *resource
	for _, r := range x.deployment.Resources {
		switch {
		case r.Parent != id || r.PathPart == "":
		case isGreedy(r.PathPart):
			greedy = r
		case isVariable(r.PathPart):
			variable = r
		case r.PathPart == parts[0]:
			if x.descend(r.ID, parts[1:]) {
				return true
			}
		}
	}
	if variable != nil && x.descend(variable.ID, parts[1:]) {
		x.params[strings.Trim(variable.PathPart, "{}")] = parts[0]
		return true
	}
	if greedy != nil && x.descend(greedy.ID, nil) {
		x.params[strings.Trim(greedy.PathPart, "{+}")] = strings.Join(parts, "/")
		return true
	}
	return false
}

// proxy calls the function and answers what it says.
func (x *exchange) proxy() {
	body, err := io.ReadAll(http.MaxBytesReader(x.w, x.r.Body, maxPayload))
	if err != nil {
		var large *http.MaxBytesError
		if errors.As(err, &large) {
			x.refuse(tooLong)
		} else {
			x.refuse(internalError)
		}
		return
	}
	event, err := json.Marshal(x.event(body))
	if err != nil {
		x.refuse(internalError)
		return
	}
	uri := x.method.Integration.URI
	for name, value := range x.stage.Variables {
		uri = strings.ReplaceAll(uri, "${stageVariables."+name+"}", value)
	}
	function := lambdaURI.FindStringSubmatch(uri)
	if function == nil {
		x.refuse(internalError)
		return
	}
	ctx, cancel := context.WithTimeout(x.r.Context(), time.Duration(x.method.Integration.Timeout)*time.Millisecond)
	defer cancel()
	out, err := x.service.functions.Invoke(api.WithCall(ctx, x.call()), &lambda.InvokeInput{FunctionName: function[1], Payload: event})
	switch {
	case errors.Is(err, context.DeadlineExceeded):
		x.refuse(timedOut)
	case err != nil:
		x.service.env.Log.Warn("an API's function was not called", "api", x.api, "function", function[1], "error", err)
		x.refuse(internalError)
	case out.FunctionError != "":
		x.refuse(badGateway)
	default:
		x.answer(out.Payload)
	}
}

// call is the invocation's: the service acts for the API's method.
func (x *exchange) call() *api.Call {
	method := x.r.Method
	if x.method.HTTPMethod == "ANY" {
		method = x.r.Method
	}
	source := api.ARN{Partition: api.PartitionOf(x.owner.Region), Service: "execute-api", Region: x.owner.Region,
		Account: x.owner.Account, Resource: x.api + "/" + x.stage.Name + "/" + method + x.resource.Path}.String()
	return &api.Call{
		Account: x.owner.Account, Region: x.owner.Region, RequestID: x.service.env.IDs.UUID(), Time: x.now,
		Operation: lambda.Invoke.Spec(), Principal: api.ServicePrincipal("apigateway.amazonaws.com", source, x.owner.Account),
	}
}

// proxyEvent is what a function receives: the payload format version 1.0.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html
type proxyEvent struct {
	Resource                        string              `json:"resource"`
	Path                            string              `json:"path"`
	HTTPMethod                      string              `json:"httpMethod"`
	Headers                         map[string]string   `json:"headers"`
	MultiValueHeaders               map[string][]string `json:"multiValueHeaders"`
	QueryStringParameters           map[string]string   `json:"queryStringParameters"`
	MultiValueQueryStringParameters map[string][]string `json:"multiValueQueryStringParameters"`
	PathParameters                  map[string]string   `json:"pathParameters"`
	StageVariables                  map[string]string   `json:"stageVariables"`
	RequestContext                  eventContext        `json:"requestContext"`
	Body                            *string             `json:"body"`
	IsBase64Encoded                 bool                `json:"isBase64Encoded"`
}

type eventContext struct {
	ResourceID       string        `json:"resourceId"`
	ResourcePath     string        `json:"resourcePath"`
	HTTPMethod       string        `json:"httpMethod"`
	ExtendedID       string        `json:"extendedRequestId"`
	RequestTime      string        `json:"requestTime"`
	Path             string        `json:"path"`
	AccountID        string        `json:"accountId"`
	Protocol         string        `json:"protocol"`
	Stage            string        `json:"stage"`
	DomainPrefix     string        `json:"domainPrefix"`
	RequestTimeEpoch int64         `json:"requestTimeEpoch"`
	RequestID        string        `json:"requestId"`
	Identity         eventIdentity `json:"identity"`
	DomainName       string        `json:"domainName"`
	DeploymentID     string        `json:"deploymentId"`
	APIID            string        `json:"apiId"`
}

type eventIdentity struct {
	CognitoIdentityPoolID         *string `json:"cognitoIdentityPoolId"`
	AccountID                     *string `json:"accountId"`
	CognitoIdentityID             *string `json:"cognitoIdentityId"`
	Caller                        *string `json:"caller"`
	SourceIP                      string  `json:"sourceIp"`
	PrincipalOrgID                *string `json:"principalOrgId"`
	AccessKey                     *string `json:"accessKey"`
	CognitoAuthenticationType     *string `json:"cognitoAuthenticationType"`
	CognitoAuthenticationProvider *string `json:"cognitoAuthenticationProvider"`
	UserARN                       *string `json:"userArn"`
	UserAgent                     string  `json:"userAgent"`
	User                          *string `json:"user"`
}

func (x *exchange) event(body []byte) *proxyEvent {
	ip, _, err := net.SplitHostPort(x.r.RemoteAddr)
	if err != nil {
		ip = "127.0.0.1"
	}
	headers := x.r.Header.Clone()
	headers["Host"] = []string{x.r.Host}
	headers["X-Forwarded-For"] = append(headers["X-Forwarded-For"], ip)
	scheme, port := "http", "80"
	if x.r.TLS != nil {
		scheme, port = "https", "443"
	}
	domain := x.r.Host
	if h, p, err := net.SplitHostPort(x.r.Host); err == nil {
		domain, port = h, p
	}
	headers["X-Forwarded-Proto"], headers["X-Forwarded-Port"] = []string{scheme}, []string{port}
	prefix, _, _ := strings.Cut(domain, ".")
	query := x.r.URL.Query()
	path := x.path
	if u, err := url.PathUnescape(path); err == nil {
		path = u
	}
	e := &proxyEvent{
		Resource: x.resource.Path, Path: path, HTTPMethod: x.r.Method,
		Headers: lastOf(headers), MultiValueHeaders: headers,
		QueryStringParameters: lastOf(query), MultiValueQueryStringParameters: query,
		PathParameters: x.params, StageVariables: x.stage.Variables,
		RequestContext: eventContext{
			ResourceID: x.resource.ID, ResourcePath: x.resource.Path, HTTPMethod: x.r.Method, ExtendedID: x.id,
			RequestTime: x.now.UTC().Format("02/Jan/2006:15:04:05 -0700"), RequestTimeEpoch: x.now.UnixMilli(),
			Path: "/" + x.stage.Name + path, AccountID: x.owner.Account, Protocol: x.r.Proto, Stage: x.stage.Name,
			DomainPrefix: prefix, DomainName: domain, RequestID: x.id, DeploymentID: x.deployment.ID, APIID: x.api,
			Identity: eventIdentity{SourceIP: ip, UserAgent: x.r.UserAgent()},
		},
	}
	if len(query) == 0 {
		e.QueryStringParameters, e.MultiValueQueryStringParameters = nil, nil
	}
	if len(x.params) == 0 {
		e.PathParameters = nil
	}
	if len(body) > 0 {
		text := string(body)
		if x.binary(x.r.Header.Get("Content-Type")) {
			text, e.IsBase64Encoded = base64.StdEncoding.EncodeToString(body), true
		}
		e.Body = &text
	}
	return e
}

// lastOf is each name's last value, or nil when there are none.
func lastOf(all map[string][]string) map[string]string {
	one := make(map[string]string, len(all))
	for name, values := range all {
		one[name] = values[len(values)-1]
	}
	return one
}

// binary says whether a media type is one of the API's binary ones.
func (x *exchange) binary(header string) bool {
	for accepted := range strings.SplitSeq(header, ",") {
		t, _, err := mime.ParseMediaType(accepted)
		if err != nil {
			continue
		}
		for _, b := range x.deployment.Binary {
			main, sub, _ := strings.Cut(b, "/")
			tMain, _, _ := strings.Cut(t, "/")
			if b == "*/*" || b == t || sub == "*" && main == tMain {
				return true
			}
		}
	}
	return len(x.deployment.Binary) > 0 && header == "" && x.deployment.Binary[0] == "*/*"
}

// proxyResponse is what a function answers.
type proxyResponse struct {
	StatusCode        json.Number         `json:"statusCode"`
	Headers           map[string]scalar   `json:"headers"`
	MultiValueHeaders map[string][]scalar `json:"multiValueHeaders"`
	Body              *string             `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// scalar is a header's value: functions write numbers and booleans too.
type scalar string

// UnmarshalJSON reads a string, a number or a boolean.
func (v *scalar) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(v))
	}
	if len(b) > 0 && (b[0] == '{' || b[0] == '[') {
		return errors.New("a header's value is a string, a number or a boolean")
	}
	*v = scalar(b)
	return nil
}

// answer sends a function's answer. One that is not in the form that is
// asked for is a bad gateway, as on AWS.
func (x *exchange) answer(payload []byte) {
	var out proxyResponse
	if err := json.Unmarshal(payload, &out); err != nil {
		x.refuse(badGateway)
		return
	}
	status := http.StatusOK
	if out.StatusCode != "" {
		n, err := out.StatusCode.Int64()
		if err != nil || n < 100 || n > 599 {
			x.refuse(badGateway)
			return
		}
		status = int(n)
	}
	var body []byte
	if out.Body != nil {
		body = []byte(*out.Body)
	}
	if out.IsBase64Encoded && x.binary(x.r.Header.Get("Accept")) {
		decoded, err := base64.StdEncoding.DecodeString(*out.Body)
		if err != nil {
			x.refuse(badGateway)
			return
		}
		body = decoded
	}
	h := x.w.Header()
	h.Set("Content-Type", "application/json")
	for name, value := range out.Headers {
		h.Set(name, string(value))
	}
	for name, values := range out.MultiValueHeaders {
		h.Del(name)
		for _, value := range values {
			h.Add(name, string(value))
		}
	}
	h.Del("Content-Length")
	h.Set("X-Amz-Apigw-Id", x.id)
	x.w.WriteHeader(status)
	x.w.Write(body)
}
