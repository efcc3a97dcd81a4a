package apigateway

import (
	"encoding/base64"
	"fmt"
	"net"
	"net/url"
	"strings"

	"github.com/virga-cloud/virga/api/ids"
)

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
	headers["X-Amzn-Trace-Id"] = []string{fmt.Sprintf("Root=1-%08x-%s", x.now.Unix(), x.service.env.IDs.String(ids.Hex, 24))}
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
			ResourceID: x.resource.ID, ResourcePath: x.resource.Path, HTTPMethod: x.r.Method, ExtendedID: x.extended,
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
