// Package services puts the services together: the index of the product. It is
// the one place that knows which service asks which.
package services

import (
	"context"
	"strings"

	"github.com/virga-cloud/virga/auth"
	"github.com/virga-cloud/virga/services/apigateway"
	"github.com/virga-cloud/virga/services/dynamodb"
	"github.com/virga-cloud/virga/services/iam"
	"github.com/virga-cloud/virga/services/lambda"
	"github.com/virga-cloud/virga/services/s3"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/services/sts"
)

// All are the services, and what the server needs of them besides.
type All struct {
	Services []service.Service
	// Credentials knows the keys that IAM and STS issued.
	Credentials auth.Provider
}

// New makes all services. Errors are of the configuration.
func New(env service.Env) (*All, error) {
	identities := iam.New(env)
	tokens := sts.New(env, identities)
	objects := s3.New(env)
	functions, err := lambda.New(env, objects, tokens)
	if err != nil {
		return nil, err
	}
	objects.Notify(functions)
	tables := dynamodb.New(env, objects)
	return &All{
		Services: []service.Service{
			apigateway.New(env, functions),
			tables,
			tables.Streams(),
			identities,
			functions,
			objects,
			tokens,
		},
		Credentials: credentials{identities, tokens},
	}, nil
}

// credentials asks the service that issued a key: ids of long-term keys begin
// with AKIA, those of temporary ones with ASIA.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html
type credentials struct{ longTerm, temporary auth.Provider }

// Credentials implements auth.Provider.
func (c credentials) Credentials(ctx context.Context, id string) (*auth.Credentials, error) {
	switch {
	case strings.HasPrefix(id, "AKIA"):
		return c.longTerm.Credentials(ctx, id)
	case strings.HasPrefix(id, "ASIA"):
		return c.temporary.Credentials(ctx, id)
	}
	return nil, auth.ErrUnknownKey
}
