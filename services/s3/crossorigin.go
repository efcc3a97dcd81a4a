package s3

import (
	"context"
	"errors"
	"slices"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/cors"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Cross implements service.CrossOrigin by the rules of the bucket. Everybody
// may ask: browsers send no credentials with a preflight.
// https://docs.aws.amazon.com/AmazonS3/latest/API/RESTOPTIONSobject.html
func (s *Service) Cross(_ context.Context, c service.Crossing) ([]api.Field, error) {
	if c.Preflight && c.Origin == "" {
		return nil, errBadRequest("Insufficient information. Origin request header needed.")
	}
	rules, found, err := s.crossingRules(c.Labels["Bucket"])
	if err != nil {
		return nil, err
	}
	headers, granted := cors.Allow(rules, cors.Crossing{Origin: c.Origin, Method: c.Method, Headers: cors.Names(c.Headers)})
	switch {
	case granted, !c.Preflight:
		return headers, nil
	case !found:
		return nil, errCrossing(c, "BUCKET", "Bucket not found")
	case len(rules) == 0:
		return nil, errCrossing(c, "BUCKET", "CORS is not enabled for this bucket.")
	case !slices.Contains(cors.Methods, c.Method):
		if c.Method == "" {
			c.Method = "null"
		}
		return nil, errBadRequest("Invalid Access-Control-Request-Method: " + c.Method)
	}
	resource := "BUCKET"
	if c.Labels["Key"] != "" {
		resource = "OBJECT"
	}
	return nil, errCrossing(c, resource, "This CORS request is not allowed. This is usually because the evalution of Origin, request method / Access-Control-Request-Method or Access-Control-Request-Headers are not whitelisted by the resource's CORS spec.")
}

// errCrossing refuses a preflight, with the word as S3 spells it.
func errCrossing(c service.Crossing, resource, why string) error {
	method := c.Method
	if method == "" {
		method = "OPTIONS"
	}
	return api.Errorf("AccessForbidden", 403, "CORSResponse: %s", why).With("Method", method).With("ResourceType", resource)
}

// crossingRules are the rules of a bucket; found is false when there is no such bucket.
func (s *Service) crossingRules(name string) (rules []*s3.CORSRule, found bool, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.buckets.Get(tx, keyBucket(name))
		if err != nil {
			return err
		}
		found = true
		c, err := s.settings.cors.of(tx, b)
		if c != nil {
			rules = c.CORSRules
		}
		return err
	})
	if errors.Is(err, storage.ErrNotFound) && !found {
		err = nil
	}
	return rules, found, err
}
