package apigateway

import (
	"context"
	"slices"
	"strings"

	apigw "github.com/virga-cloud/virga/api/apigateway"
)

// method is what a resource does for one HTTP method.
type method struct {
	HTTPMethod, Authorization string
	APIKeyRequired            bool
	OperationName             string
	RequestParameters         map[string]bool
	RequestModels             map[string]string
	Responses                 map[string]*apigw.MethodResponse
	Integration               *integration
}

// integration is what a method calls.
type integration struct {
	Type, HTTPMethod, URI, Credentials string
	Passthrough, CacheNamespace        string
	RequestTemplates                   map[string]string
	Timeout                            int32
	Responses                          map[string]*apigw.IntegrationResponse
}

// defaultTimeout is how long an integration may take where it does not say, in milliseconds.
// https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html
const defaultTimeout = 29000

var httpMethods = []string{"ANY", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT"}

// method finds a method.
func (a *restAPI) method(resource, name string) (*method, error) {
	r := a.Resources[resource]
	if r == nil {
		return nil, errNoResource
	}
	m := r.Methods[name]
	if m == nil {
		return nil, errNoMethod
	}
	return m, nil
}

func (s *Service) putMethod(ctx context.Context, in *apigw.PutMethodInput) (*apigw.Method, error) {
	name := strings.ToUpper(in.HttpMethod)
	if !slices.Contains(httpMethods, name) {
		return nil, badRequest("Invalid HttpMethod specified. Valid options are GET,PUT,POST,DELETE,PATCH,OPTIONS,HEAD,ANY")
	}
	switch in.AuthorizationType {
	case "NONE", "AWS_IAM":
	case "CUSTOM", "COGNITO_USER_POOLS":
		return nil, badRequest("Invalid authorizer ID specified. Setting the authorization type to CUSTOM or COGNITO_USER_POOLS requires a valid authorizer.")
	default:
		return nil, badRequest("Invalid Authorization Type specified. Valid options are NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS")
	}
	if in.RequestValidatorId != "" {
		return nil, badRequest("Invalid Request Validator identifier specified")
	}
	m := &method{
		HTTPMethod: name, Authorization: in.AuthorizationType, APIKeyRequired: in.ApiKeyRequired != nil && *in.ApiKeyRequired,
		OperationName: in.OperationName, RequestParameters: in.RequestParameters, RequestModels: in.RequestModels,
	}
	err := s.change(ctx, in.RestApiId, func(a *restAPI) error {
		r := a.Resources[in.ResourceId]
		if r == nil {
			return errNoResource
		}
		if r.Methods[name] != nil {
			return conflict("Method already exists for this resource")
		}
		if r.Methods == nil {
			r.Methods = map[string]*method{}
		}
		r.Methods[name] = m
		return nil
	})
	if err != nil {
		return nil, err
	}
	return m.describe(), nil
}

func (m *method) describe() *apigw.Method {
	out := &apigw.Method{
		HttpMethod: m.HTTPMethod, AuthorizationType: m.Authorization, ApiKeyRequired: new(m.APIKeyRequired),
		OperationName: m.OperationName, RequestParameters: m.RequestParameters, RequestModels: m.RequestModels,
		MethodResponses: m.Responses,
	}
	if m.Integration != nil {
		out.MethodIntegration = m.Integration.describe()
	}
	return out
}

func (s *Service) getMethod(ctx context.Context, in *apigw.GetMethodInput) (*apigw.Method, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, err := a.method(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	return m.describe(), nil
}

func (s *Service) deleteMethod(ctx context.Context, in *apigw.DeleteMethodInput) (*apigw.DeleteMethodOutput, error) {
	return &apigw.DeleteMethodOutput{}, s.change(ctx, in.RestApiId, func(a *restAPI) error {
		if _, err := a.method(in.ResourceId, in.HttpMethod); err != nil {
			return err
		}
		delete(a.Resources[in.ResourceId].Methods, in.HttpMethod)
		return nil
	})
}

// changeMethod edits a method.
func (s *Service) changeMethod(ctx context.Context, api, resource, name string, edit func(*method) error) error {
	return s.change(ctx, api, func(a *restAPI) error {
		m, err := a.method(resource, name)
		if err != nil {
			return err
		}
		return edit(m)
	})
}

func (s *Service) putMethodResponse(ctx context.Context, in *apigw.PutMethodResponseInput) (*apigw.MethodResponse, error) {
	out := &apigw.MethodResponse{StatusCode: in.StatusCode, ResponseParameters: in.ResponseParameters, ResponseModels: in.ResponseModels}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *method) error {
		if m.Responses[in.StatusCode] != nil {
			return conflict("Response already exists for this resource")
		}
		if m.Responses == nil {
			m.Responses = map[string]*apigw.MethodResponse{}
		}
		m.Responses[in.StatusCode] = out
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) getMethodResponse(ctx context.Context, in *apigw.GetMethodResponseInput) (*apigw.MethodResponse, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	m, err := a.method(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	if r := m.Responses[in.StatusCode]; r != nil {
		return r, nil
	}
	return nil, errNoResponse
}

func (s *Service) deleteMethodResponse(ctx context.Context, in *apigw.DeleteMethodResponseInput) (*apigw.DeleteMethodResponseOutput, error) {
	return &apigw.DeleteMethodResponseOutput{}, s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *method) error {
		if m.Responses[in.StatusCode] == nil {
			return errNoResponse
		}
		delete(m.Responses, in.StatusCode)
		return nil
	})
}
