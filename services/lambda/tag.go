package lambda

import (
	"context"
	"maps"

	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
)

// maxTags is how many tags a function may have.
const maxTags = 50

func errTooManyTags() error { return errInvalidValue("Number of tags exceeds resource tag limit.") }

// tagged reads the ARN that tag operations take: tags belong to functions.
func tagged(ctx context.Context, arn string) (reference, error) {
	if _, err := resolveARN(arn); err != nil {
		return reference{}, errConstraint(arn, "resource", `Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:(function:[a-zA-Z0-9-_]+(:(\$LATEST|[a-zA-Z0-9-_]+))?|layer:([a-zA-Z0-9-_]+)|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|capacity-provider:[a-zA-Z0-9-_]+)`)
	}
	r, err := resolve(ctx, arn, "")
	if err == nil && r.qualifier != "" {
		err = errInvalidValue("Tags on function aliases and versions are not supported. Please specify a function ARN.")
	}
	return r, err
}

func (s *Service) listTags(ctx context.Context, in *lam.ListTagsInput) (*lam.ListTagsOutput, error) {
	r, err := tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	out := &lam.ListTagsOutput{}
	err = s.env.DB.View(func(tx storage.Tx) error {
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		if out.Tags = f.Tags; out.Tags == nil {
			out.Tags = map[string]string{}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

func (s *Service) tagResource(ctx context.Context, in *lam.TagResourceInput) (*lam.TagResourceOutput, error) {
	return &lam.TagResourceOutput{}, s.retag(ctx, in.Resource, func(tags map[string]string) error {
		if len(in.Tags) == 0 {
			return errInvalidValue("An error occurred and the request cannot be processed.")
		}
		maps.Copy(tags, in.Tags)
		if len(tags) > maxTags {
			return errTooManyTags()
		}
		return nil
	})
}

func (s *Service) untagResource(ctx context.Context, in *lam.UntagResourceInput) (*lam.UntagResourceOutput, error) {
	return &lam.UntagResourceOutput{}, s.retag(ctx, in.Resource, func(tags map[string]string) error {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
		return nil
	})
}

func (s *Service) retag(ctx context.Context, arn string, edit func(map[string]string) error) error {
	r, err := tagged(ctx, arn)
	if err != nil {
		return err
	}
	return s.env.DB.Update(func(tx storage.Tx) error {
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		if f.Tags == nil {
			f.Tags = map[string]string{}
		}
		if err := edit(f.Tags); err != nil {
			return err
		}
		return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
	})
}
