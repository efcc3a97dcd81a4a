package iam

import (
	"context"
	"maps"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/storage"
)

// attach attaches a managed policy to an entity, once.
func (s *Service) attach(ctx context.Context, k kind, name, arn string) error {
	if _, err := api.ParseARN(arn); err != nil {
		return errPolicyARN()
	}
	return s.change(ctx, k, name, func(tx storage.Tx, e *entity) error {
		at, there := slices.BinarySearch(e.Attached, arn)
		if there {
			return nil
		}
		e.Attached = slices.Insert(e.Attached, at, arn)
		return s.count(ctx, tx, arn, 1)
	})
}

func (s *Service) detach(ctx context.Context, k kind, name, arn string) error {
	return s.change(ctx, k, name, func(tx storage.Tx, e *entity) error {
		at, there := slices.BinarySearch(e.Attached, arn)
		if !there {
			return errNotAttached(arn)
		}
		e.Attached = slices.Delete(e.Attached, at, at+1)
		return s.count(ctx, tx, arn, -1)
	})
}

// attached is a page of the policies attached to an entity, below a path.
func (s *Service) attached(ctx context.Context, k kind, name, path, marker string, max *int32) ([]*iam.AttachedPolicy, string, *bool, error) {
	e, err := s.view(ctx, k, name)
	if err != nil {
		return nil, "", nil, err
	}
	below := slices.DeleteFunc(e.Attached, func(arn string) bool {
		_, after, _ := strings.Cut(arn, ":policy")
		return !strings.HasPrefix(after, path)
	})
	arns, next, truncated := page(below, marker, max, func(arn string) string { return arn })
	list := []*iam.AttachedPolicy{}
	for _, arn := range arns {
		list = append(list, &iam.AttachedPolicy{PolicyArn: arn, PolicyName: policyName(arn)})
	}
	return list, next, truncated, nil
}

// embed puts an inline policy into an entity.
func (s *Service) embed(ctx context.Context, k kind, name, policy, document string) error {
	if err := checkPolicy(document); err != nil {
		return err
	}
	return s.change(ctx, k, name, func(_ storage.Tx, e *entity) error {
		if e.Embedded == nil {
			e.Embedded = map[string]string{}
		}
		e.Embedded[policy] = document
		return nil
	})
}

// embedded is an inline policy as answers hold it, with its entity.
func (s *Service) embedded(ctx context.Context, k kind, name, policy string) (*entity, string, error) {
	e, err := s.view(ctx, k, name)
	if err != nil {
		return nil, "", err
	}
	document, ok := e.Embedded[policy]
	if !ok {
		return nil, "", errNoEmbedded(k, policy)
	}
	return e, encodeDocument(document), nil
}

func (s *Service) unembed(ctx context.Context, k kind, name, policy string) error {
	return s.change(ctx, k, name, func(_ storage.Tx, e *entity) error {
		if _, ok := e.Embedded[policy]; !ok {
			return errNoEmbedded(k, policy)
		}
		delete(e.Embedded, policy)
		return nil
	})
}

// embeddedNames is a page of the names of an entity's inline policies.
func (s *Service) embeddedNames(ctx context.Context, k kind, name, marker string, max *int32) ([]string, string, *bool, error) {
	e, err := s.view(ctx, k, name)
	if err != nil {
		return nil, "", nil, err
	}
	names, next, truncated := page(slices.Sorted(maps.Keys(e.Embedded)), marker, max, func(n string) string { return n })
	return names, next, truncated, nil
}
