package apigateway

import (
	"context"
	"regexp"
	"strings"

	"github.com/virga-cloud/virga/api"
	apigw "github.com/virga-cloud/virga/api/apigateway"
)

// lambdaURI is the URI of an integration with a function.
var lambdaURI = regexp.MustCompile(`^arn:aws[a-z-]*:apigateway:[a-z0-9-]+:lambda:path/2015-03-31/functions/(.+)/invocations$`)

func (s *Service) putIntegration(ctx context.Context, in *apigw.PutIntegrationInput) (*apigw.Integration, error) {
	switch {
	case in.Type != apigw.IntegrationTypeAwsProxy && in.Type != apigw.IntegrationTypeMock:
		return nil, notImplemented("An integration of type " + string(in.Type))
	case in.ConnectionType == apigw.ConnectionTypeVpcLink, in.ConnectionId != "", in.TlsConfig != nil, in.IntegrationTarget != "":
		return nil, notImplemented("An integration through a VPC link or with a TLS configuration")
	case in.ResponseTransferMode == apigw.ResponseTransferModeStream:
		return nil, notImplemented("An integration that streams its response")
	case in.Credentials != "":
		return nil, notImplemented("An integration with credentials of its own")
	case len(in.RequestParameters) > 0:
		return nil, notImplemented("An integration that maps request parameters")
	}
	if in.Type == apigw.IntegrationTypeMock {
		if err := checkMock(in.RequestTemplates); err != nil {
			return nil, err
		}
		in.Uri, in.IntegrationHttpMethod = "", "" // a MOCK integration has none
	} else if err := checkFunction(in); err != nil {
		return nil, err
	}
	i := &integration{
		Type: string(in.Type), HTTPMethod: in.IntegrationHttpMethod, URI: in.Uri, Passthrough: in.PassthroughBehavior,
		CacheNamespace: in.CacheNamespace, RequestTemplates: in.RequestTemplates, Timeout: defaultTimeout,
	}
	if i.Passthrough == "" {
		i.Passthrough = "WHEN_NO_MATCH"
	}
	if i.CacheNamespace == "" {
		i.CacheNamespace = in.ResourceId
	}
	if in.TimeoutInMillis != nil {
		if i.Timeout = *in.TimeoutInMillis; i.Timeout < 50 || i.Timeout > defaultTimeout {
			return nil, badRequest("Timeout should be between 50 ms and 29000 ms")
		}
	}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *method) error {
		m.Integration = i
		return nil
	})
	if err != nil {
		return nil, err
	}
	return i.describe(), nil
}

// checkFunction checks that an integration names a function.
func checkFunction(in *apigw.PutIntegrationInput) error {
	arn, err := api.ParseARN(in.Uri)
	switch {
	case in.IntegrationHttpMethod == "":
		return badRequest("Enumeration value for HttpMethod must be non-empty")
	case err != nil || arn.Service != "apigateway":
		return badRequest("Invalid ARN specified in the request")
	case !strings.HasPrefix(arn.Resource, "path/") && !strings.HasPrefix(arn.Resource, "action/"):
		return badRequest("AWS ARN for integration must contain path or action")
	case !lambdaURI.MatchString(in.Uri):
		return badRequest("Integrations of type 'AWS_PROXY' currently only supports Lambda function and Firehose stream invocations.")
	}
	return nil
}

func (i *integration) describe() *apigw.Integration {
	return &apigw.Integration{
		Type: apigw.IntegrationType(i.Type), HttpMethod: i.HTTPMethod, Uri: i.URI, PassthroughBehavior: i.Passthrough,
		TimeoutInMillis: new(i.Timeout), CacheNamespace: i.CacheNamespace, CacheKeyParameters: []string{},
		RequestTemplates: i.RequestTemplates, IntegrationResponses: i.Responses,
	}
}

// integration finds the integration of a method.
func (a *restAPI) integration(resource, name string) (*integration, error) {
	m, err := a.method(resource, name)
	if err != nil {
		return nil, err
	}
	if m.Integration == nil {
		return nil, errNoIntegration
	}
	return m.Integration, nil
}

func (s *Service) getIntegration(ctx context.Context, in *apigw.GetIntegrationInput) (*apigw.Integration, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	i, err := a.integration(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	return i.describe(), nil
}

func (s *Service) deleteIntegration(ctx context.Context, in *apigw.DeleteIntegrationInput) (*apigw.DeleteIntegrationOutput, error) {
	return &apigw.DeleteIntegrationOutput{}, s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *method) error {
		if m.Integration == nil {
			return errNoIntegration
		}
		m.Integration = nil
		return nil
	})
}

func (s *Service) putIntegrationResponse(ctx context.Context, in *apigw.PutIntegrationResponseInput) (*apigw.IntegrationResponse, error) {
	out := &apigw.IntegrationResponse{
		StatusCode: in.StatusCode, SelectionPattern: in.SelectionPattern, ResponseParameters: in.ResponseParameters,
		ResponseTemplates: in.ResponseTemplates, ContentHandling: in.ContentHandling,
	}
	if _, err := regexp.Compile(in.SelectionPattern); err != nil {
		return nil, badRequest("Invalid selection pattern specified: " + in.SelectionPattern)
	}
	err := s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *method) error {
		if m.Integration == nil {
			return errNoIntegration
		}
		if m.Integration.Type == string(apigw.IntegrationTypeMock) {
			if err := checkMockResponse(m, out); err != nil {
				return err
			}
		}
		if m.Integration.Responses == nil {
			m.Integration.Responses = map[string]*apigw.IntegrationResponse{}
		}
		m.Integration.Responses[in.StatusCode] = out
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) getIntegrationResponse(ctx context.Context, in *apigw.GetIntegrationResponseInput) (*apigw.IntegrationResponse, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	i, err := a.integration(in.ResourceId, in.HttpMethod)
	if err != nil {
		return nil, err
	}
	if r := i.Responses[in.StatusCode]; r != nil {
		return r, nil
	}
	return nil, errNoResponse
}

func (s *Service) deleteIntegrationResponse(ctx context.Context, in *apigw.DeleteIntegrationResponseInput) (*apigw.DeleteIntegrationResponseOutput, error) {
	return &apigw.DeleteIntegrationResponseOutput{}, s.changeMethod(ctx, in.RestApiId, in.ResourceId, in.HttpMethod, func(m *method) error {
		if m.Integration == nil {
			return errNoIntegration
		}
		if m.Integration.Responses[in.StatusCode] == nil {
			return errNoResponse
		}
		delete(m.Integration.Responses, in.StatusCode)
		return nil
	})
}
