package dynamodb

import (
	"context"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/services/service"
)

// Cross implements service.CrossOrigin: pages of all origins may do everything.
func (s *Service) Cross(_ context.Context, c service.Crossing) ([]api.Field, error) {
	if c.Origin == "" {
		return nil, nil
	}
	fields := []api.Field{
		{Name: "Access-Control-Allow-Origin", Value: "*"},
		{Name: "Access-Control-Expose-Headers", Value: "x-amzn-RequestId,x-amzn-ErrorType,x-amz-request-id,x-amz-id-2,x-amzn-ErrorMessage,Date"},
	}
	if !c.Preflight {
		return fields, nil
	}
	fields = append(fields, api.Field{Name: "Access-Control-Max-Age", Value: "172800"})
	if c.Headers != "" {
		fields = append(fields, api.Field{Name: "Access-Control-Allow-Headers", Value: c.Headers})
	}
	if c.Method != "" {
		fields = append(fields, api.Field{Name: "Access-Control-Allow-Methods", Value: c.Method})
	}
	return fields, nil
}
