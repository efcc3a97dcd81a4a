package auth_test

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/auth"
)

// The services that the tests sign for, one of each family.
var (
	s3Service       = &api.Service{Name: "s3", SigningName: "s3", Protocols: []api.Protocol{api.RESTXML}}
	dynamodbService = &api.Service{Name: "dynamodb", SigningName: "dynamodb", Protocols: []api.Protocol{api.JSON}}
	lambdaService   = &api.Service{Name: "lambda", SigningName: "lambda", Protocols: []api.Protocol{api.RESTJSON}}
	stsService      = &api.Service{Name: "sts", SigningName: "sts", Protocols: []api.Protocol{api.Query}}
	ec2Service      = &api.Service{Name: "ec2", SigningName: "ec2", Protocols: []api.Protocol{api.EC2}}
	sqsService      = &api.Service{Name: "sqs", SigningName: "sqs", Protocols: []api.Protocol{api.JSON, api.Query}, QueryCompatible: true}
)

func setBody(r *http.Request, body string) {
	r.Body = io.NopCloser(strings.NewReader(body))
	r.ContentLength = int64(len(body))
}

// wantError authenticates, expects it to fail with an *api.Error, and returns that.
func wantError(t *testing.T, v *auth.Verifier, r *http.Request, target auth.Target, code string, status int) *api.Error {
	t.Helper()
	who, err := v.Authenticate(r, target)
	if err == nil {
		t.Fatalf("let in as %+v, want %s", who, code)
	}
	return wantAPIError(t, err, code, status)
}

func wantAPIError(t *testing.T, err error, code string, status int) *api.Error {
	t.Helper()
	var e *api.Error
	if !errors.As(err, &e) {
		t.Fatalf("error %v (%T), want an *api.Error %s", err, err, code)
	}
	if e.Code != code || e.Status != status {
		t.Fatalf("%s %d: %s, want %s %d", e.Code, e.Status, e.Message, code, status)
	}
	return e
}

func detail(e *api.Error, name string) string {
	for _, f := range e.Detail {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}
