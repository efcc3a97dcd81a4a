package apigateway

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"mime"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/lambda"
)

// proxy calls the function and answers what it says. When the integration's
// time is over the client is told so; the function goes on, as on AWS.
func (x *exchange) proxy(body []byte) {
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
	going := context.WithoutCancel(x.r.Context())
	deadline, cancel := context.WithTimeout(going, time.Duration(x.method.Integration.Timeout)*time.Millisecond)
	defer cancel()
	told := make(chan struct{})
	inTime := context.AfterFunc(deadline, func() {
		defer close(told)
		// The connection is taken until the function has ended.
		x.w.Header().Set("Connection", "close")
		x.refuse(timedOut)
		if f, ok := x.w.(http.Flusher); ok {
			f.Flush()
		}
	})
	out, err := x.service.functions.Invoke(api.WithCall(going, x.call(function[1])), &lambda.InvokeInput{FunctionName: function[1], Payload: event})
	if !inTime() {
		<-told
		return
	}
	switch {
	case err != nil:
		x.service.env.Log.Warn("an API's function was not called", "api", x.api, "function", function[1], "error", err)
		x.refuse(internalError)
	case out.FunctionError != "":
		x.refuse(badGateway)
	default:
		x.answer(out.Payload)
	}
}

// call is the invocation's: the service acts for the API's method, in the
// function's region.
func (x *exchange) call(function string) *api.Call {
	source := api.ARN{Partition: api.PartitionOf(x.owner.Region), Service: "execute-api", Region: x.owner.Region,
		Account: x.owner.Account, Resource: x.api + "/" + x.stage.Name + "/" + x.r.Method + x.resource.Path}.String()
	region := x.owner.Region
	if arn, err := api.ParseARN(function); err == nil {
		region = arn.Region
	}
	return &api.Call{
		Account: x.owner.Account, Region: region, RequestID: x.service.env.IDs.UUID(), Time: x.now,
		Operation: lambda.Invoke.Spec(), Principal: api.ServicePrincipal("apigateway.amazonaws.com", source, x.owner.Account),
	}
}

// binary says whether the first media type of a header is one of the API's
// binary ones.
func (x *exchange) binary(header string) bool {
	first, _, _ := strings.Cut(header, ",")
	t, _, err := mime.ParseMediaType(first)
	if err != nil {
		t = ""
	}
	main, _, _ := strings.Cut(t, "/")
	for _, b := range x.deployment.Binary {
		if prefix, ok := strings.CutSuffix(b, "/*"); b == "*/*" || t != "" && (b == t || ok && prefix == main) {
			return true
		}
	}
	return false
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
	if *v = scalar(b); *v == "null" {
		*v = ""
	}
	return nil
}

// readProxyResponse reads a function's answer, which must be in the form that
// is asked for: an object that is not empty and has no other members, in any case.
func readProxyResponse(payload []byte) (out proxyResponse, ok bool) {
	var members map[string]json.RawMessage
	if json.Unmarshal(payload, &members) != nil || len(members) == 0 {
		return out, false
	}
	for name := range members {
		switch name {
		case "statusCode", "headers", "multiValueHeaders", "body", "isBase64Encoded":
		default:
			return out, false
		}
	}
	return out, json.Unmarshal(payload, &out) == nil
}

// answer sends a function's answer. One in another form is a bad gateway, as
// on AWS.
func (x *exchange) answer(payload []byte) {
	out, ok := readProxyResponse(payload)
	if !ok {
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
	if out.Body != nil && out.IsBase64Encoded && x.binary(x.r.Header.Get("Accept")) {
		decoded, err := base64.StdEncoding.DecodeString(*out.Body)
		if err != nil {
			x.refuse(badGateway)
			return
		}
		body = decoded
	}
	h := x.w.Header()
	for name, values := range out.MultiValueHeaders {
		for _, value := range values {
			h.Add(name, string(value))
		}
	}
	for name, value := range out.Headers { // both make one list, without the same twice
		if !slices.Contains(h.Values(name), string(value)) {
			h.Add(name, string(value))
		}
	}
	h.Del("Content-Length")
	x.write(status, "application/json", body)
}
