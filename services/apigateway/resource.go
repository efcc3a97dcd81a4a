package apigateway

import (
	"context"
	"regexp"
	"slices"
	"strings"

	apigw "github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/ids"
)

// resource is a node of an API's tree. Methods are by HTTP method, or "ANY".
type resource struct {
	ID, Parent, PathPart, Path string
	Methods                    map[string]*method
}

var pathPart = regexp.MustCompile(`^(\{[a-zA-Z0-9._\-:]+\+?\}|[a-zA-Z0-9._\-:]+)$`)

func (s *Service) createResource(ctx context.Context, in *apigw.CreateResourceInput) (*apigw.Resource, error) {
	if !pathPart.MatchString(in.PathPart) {
		return nil, badRequest("Resource's path part only allow a-zA-Z0-9._-: or a valid greedy path variable and curly braces at the beginning and the end.")
	}
	r := &resource{ID: s.env.IDs.String(ids.LowerAlphanumeric, 6), Parent: in.ParentId, PathPart: in.PathPart}
	err := s.change(ctx, in.RestApiId, func(a *restAPI) error {
		parent := a.Resources[in.ParentId]
		if parent == nil {
			return errNoResource
		}
		if strings.HasSuffix(parent.PathPart, "+}") {
			return badRequest("Cannot create a child of a resource with a greedy path variable: " + parent.PathPart)
		}
		for _, other := range a.Resources {
			if other.Parent != in.ParentId {
				continue
			}
			if other.PathPart == r.PathPart {
				return conflict("Another resource with the same parent already has this name: " + r.PathPart)
			}
			if isVariable(other.PathPart) && isVariable(r.PathPart) {
				return badRequest("A sibling (" + other.PathPart + ") of this resource already has a variable path part -- only one is allowed")
			}
		}
		r.Path = strings.TrimSuffix(parent.Path, "/") + "/" + r.PathPart
		a.Resources[r.ID] = r
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r.describe(false), nil
}

func isVariable(part string) bool { return strings.HasPrefix(part, "{") }

func isGreedy(part string) bool { return strings.HasSuffix(part, "+}") }

// describe is the resource as the API shows it: methods by name alone unless
// they are embedded.
func (r *resource) describe(methods bool) *apigw.Resource {
	out := &apigw.Resource{Id: r.ID, ParentId: r.Parent, PathPart: r.PathPart, Path: r.Path}
	if len(r.Methods) > 0 {
		out.ResourceMethods = map[string]*apigw.Method{}
		for name, m := range r.Methods {
			if out.ResourceMethods[name] = new(apigw.Method); methods {
				out.ResourceMethods[name] = m.describe()
			}
		}
	}
	return out
}

func (s *Service) getResource(ctx context.Context, in *apigw.GetResourceInput) (*apigw.Resource, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	r := a.Resources[in.ResourceId]
	if r == nil {
		return nil, errNoResource
	}
	return r.describe(slices.Contains(in.Embed, "methods")), nil
}

func (s *Service) getResources(ctx context.Context, in *apigw.GetResourcesInput) (*apigw.GetResourcesOutput, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	all := make([]*resource, 0, len(a.Resources))
	for _, r := range a.Resources {
		all = append(all, r)
	}
	items, position := page(all, in.Position, in.Limit, func(r *resource) string { return r.ID })
	out := &apigw.GetResourcesOutput{Items: []*apigw.Resource{}, Position: position}
	for _, r := range items {
		out.Items = append(out.Items, r.describe(slices.Contains(in.Embed, "methods")))
	}
	return out, nil
}

func (s *Service) deleteResource(ctx context.Context, in *apigw.DeleteResourceInput) (*apigw.DeleteResourceOutput, error) {
	return &apigw.DeleteResourceOutput{}, s.change(ctx, in.RestApiId, func(a *restAPI) error {
		switch {
		case a.Resources[in.ResourceId] == nil:
			return errNoResource
		case in.ResourceId == a.Root:
			return badRequest("Root resource cannot be deleted")
		}
		a.drop(in.ResourceId)
		return nil
	})
}

// drop removes a resource with all below it.
func (a *restAPI) drop(id string) {
	delete(a.Resources, id)
	for child, r := range a.Resources {
		if r.Parent == id {
			a.drop(child)
		}
	}
}
