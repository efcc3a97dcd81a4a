package apigateway

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	apigw "github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/ids"
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
	service *Service
	w       http.ResponseWriter
	r       *http.Request
	// id and extended are the request's ids.
	id, extended string
	now          time.Time
	owner        *apiOwner
	api          string
	stage        *stage
	deployment   *deployment
	// path is the request's path in the stage, still encoded.
	path     string
	resource *resource
	method   *method
	params   map[string]string
}

// gatewayError is an answer that API Gateway gives itself.
type gatewayError struct {
	status int
	kind   string
	body   string
}

// The answers of the gateway, byte for byte.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/supported-gateway-response-types.html
var (
	forbidden     = gatewayError{403, "ForbiddenException", `{"message":"Forbidden"}`}
	missingToken  = gatewayError{403, "MissingAuthenticationTokenException", `{"message":"Missing Authentication Token"}`}
	tooLong       = gatewayError{413, "RequestTooLargeException", `{"message":"Request Too Long"}`}
	unsupported   = gatewayError{415, "BadRequestException", `{"message": "Unsupported Media Type"}`}
	badGateway    = gatewayError{502, "InternalServerErrorException", `{"message": "Internal server error"}`}
	internalError = gatewayError{500, "InternalServerErrorException", `{"message": "Internal server error"}`}
	timedOut      = gatewayError{504, "InternalServerErrorException", `{"message": "Endpoint request timed out"}`}
)

func (s *Service) serve(w http.ResponseWriter, r *http.Request, id, stageName, path string) {
	x := &exchange{service: s, w: w, r: r, id: s.env.IDs.UUID(), now: s.env.Clock.Now(), api: id, path: path}
	x.extended = s.env.IDs.String(ids.UpperAlphanumeric, 15) + "="
	w.Header().Set("X-Amzn-Requestid", x.id)
	w.Header().Set("X-Amz-Apigw-Id", x.extended)
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
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxPayload))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		x.refuse(tooLong)
	case err != nil:
		x.refuse(internalError)
	case x.method.Integration.Type == string(apigw.IntegrationTypeMock):
		x.mock(body)
	default:
		x.proxy(body)
	}
}

// find reads the stage and its deployment.
func (x *exchange) find(name string) error {
	s := x.service
	return s.env.DB.View(func(tx storage.Tx) (err error) {
		if x.owner, err = storage.GetRecord[apiOwner](tx, ownerKey(x.api)); err != nil {
			return err
		}
		if x.owner.Disabled { // as if there were no such host
			return storage.ErrNotFound
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
	h.Set("X-Amzn-Errortype", e.kind)
	x.write(e.status, "application/json", []byte(e.body))
}

// write sends a whole answer, at once.
func (x *exchange) write(status int, contentType string, body []byte) {
	h := x.w.Header()
	if h.Get("Content-Type") == "" {
		h.Set("Content-Type", contentType)
	}
	if status != http.StatusNoContent && status != http.StatusNotModified {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	x.w.WriteHeader(status)
	// Who does not read the answer does not want it.
	_, _ = x.w.Write(body)
}

// route finds the method for the path: literal parts before variables, and
// those before greedy ones; the method itself before ANY. A resource that has
// not the method leaves it to those that match less closely.
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
