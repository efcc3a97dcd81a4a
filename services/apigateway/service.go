// Package apigateway is Amazon API Gateway's REST APIs (version 1): APIs with
// their resources, methods and Lambda proxy integrations, deployments and
// stages, and the data plane that serves what was deployed.
//
// # Vocabulary
//
// A resource is a node of an API's tree of paths. A deployment is a snapshot
// of all resources; a stage is a name in the URL under which a deployment is
// served.
//
// # Powers and limits
//
// Integrations are Lambda proxies (AWS_PROXY), and MOCK with fixed answers, as
// a CORS preflight has them; the other types are refused, and so are templates
// with variables and mappings of parameters.
// An API's own methods may ask for a signature (AWS_IAM), which must then be
// there, or for an API key, of which none can exist yet, so that nobody is let in.
package apigateway

import (
	"context"
	"errors"

	"github.com/virga-cloud/virga/api"
	apigw "github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Functions runs the functions behind APIs.
type Functions interface {
	Invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
}

// Service is API Gateway.
type Service struct {
	env         service.Env
	functions   Functions
	deployments *storage.Cache[deployment]
	stages      *storage.Cache[stage]
}

// New is the service.
func New(env service.Env, functions Functions) *Service {
	return &Service{
		env: env, functions: functions,
		deployments: storage.NewCache[deployment](256), stages: storage.NewCache[stage](256),
	}
}

// Model implements service.Service.
func (s *Service) Model() *api.Model { return &apigw.Model }

// Operations implements service.Service.
func (s *Service) Operations() []api.Handler {
	return []api.Handler{
		apigw.CreateRestApi.Handle(s.createRestAPI).WithoutEffect("minimumCompressionSize", "apiKeySource", "endpointConfiguration", "policy", "securityPolicy", "endpointAccessMode"),
		apigw.DeleteRestApi.Handle(s.deleteRestAPI),
		apigw.GetRestApi.Handle(s.getRestAPI),
		apigw.GetRestApis.Handle(s.getRestAPIs),

		apigw.CreateResource.Handle(s.createResource),
		apigw.DeleteResource.Handle(s.deleteResource),
		apigw.GetResource.Handle(s.getResource),
		apigw.GetResources.Handle(s.getResources),

		apigw.PutMethod.Handle(s.putMethod).WithoutEffect("operationName", "requestParameters", "requestModels", "authorizationScopes"),
		apigw.GetMethod.Handle(s.getMethod),
		apigw.DeleteMethod.Handle(s.deleteMethod),
		apigw.PutMethodResponse.Handle(s.putMethodResponse).WithoutEffect("responseModels"),
		apigw.GetMethodResponse.Handle(s.getMethodResponse),
		apigw.DeleteMethodResponse.Handle(s.deleteMethodResponse),

		apigw.PutIntegration.Handle(s.putIntegration).WithoutEffect("cacheNamespace", "cacheKeyParameters", "contentHandling"),
		apigw.GetIntegration.Handle(s.getIntegration),
		apigw.DeleteIntegration.Handle(s.deleteIntegration),
		apigw.PutIntegrationResponse.Handle(s.putIntegrationResponse).WithoutEffect("contentHandling"),
		apigw.GetIntegrationResponse.Handle(s.getIntegrationResponse),
		apigw.DeleteIntegrationResponse.Handle(s.deleteIntegrationResponse),

		apigw.CreateDeployment.Handle(s.createDeployment).WithoutEffect("cacheClusterEnabled", "cacheClusterSize", "tracingEnabled"),
		apigw.DeleteDeployment.Handle(s.deleteDeployment),
		apigw.GetDeployment.Handle(s.getDeployment).WithoutEffect("embed"),
		apigw.GetDeployments.Handle(s.getDeployments),

		apigw.CreateStage.Handle(s.createStage).WithoutEffect("cacheClusterEnabled", "cacheClusterSize", "documentationVersion", "tracingEnabled"),
		apigw.DeleteStage.Handle(s.deleteStage),
		apigw.GetStage.Handle(s.getStage),
		apigw.GetStages.Handle(s.getStages),
	}
}

// The keys of API Gateway, in order:
//
//	apigw / api   / account / region / api               REST API with all its resources
//	apigw / dep   / api / deployment                     deployment: the resources as they were
//	apigw / owner / api                                  account and region of an API: hosts name only its id
//	apigw / stage / api / stage                          stage
func apisKey(account, region string) storage.Key {
	return storage.Key{}.String("apigw").String("api").String(account).String(region)
}

func apiKey(account, region, id string) storage.Key { return apisKey(account, region).String(id) }

func ownerKey(id string) storage.Key {
	return storage.Key{}.String("apigw").String("owner").String(id)
}

func deploymentsKey(id string) storage.Key {
	return storage.Key{}.String("apigw").String("dep").String(id)
}

func deploymentKey(id, deployment string) storage.Key { return deploymentsKey(id).String(deployment) }

func stagesKey(id string) storage.Key {
	return storage.Key{}.String("apigw").String("stage").String(id)
}

func stageKey(id, name string) storage.Key { return stagesKey(id).String(name) }

// absent makes storage's ErrNotFound the given error.
func absent(err, otherwise error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return otherwise
	}
	return err
}

func notFound(message string) error { return &apigw.NotFoundException{Message: message} }

func badRequest(message string) error { return &apigw.BadRequestException{Message: message} }

func conflict(message string) error { return &apigw.ConflictException{Message: message} }

func notImplemented(what string) error {
	return api.Errorf("NotImplementedException", 501, "%s is not implemented by Virga.", what)
}

var (
	errNoResource    = notFound("Invalid Resource identifier specified")
	errNoMethod      = notFound("Invalid Method identifier specified")
	errNoIntegration = notFound("Invalid Integration identifier specified")
	errNoResponse    = notFound("Invalid Response status code specified")
	errNoDeployment  = notFound("Invalid Deployment identifier specified")
	errNoStage       = notFound("Invalid stage identifier specified")
)
