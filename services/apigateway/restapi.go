package apigateway

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	apigw "github.com/virga-cloud/virga/api/apigateway"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// restAPI is the record of an API with all its resources.
type restAPI struct {
	ID, Name, Description, Version string
	Root                           string
	Created                        time.Time
	Tags                           map[string]string
	Binary                         []string
	MinimumCompression             *int32
	KeySource, Policy              string
	Endpoints                      []string
	DisableExecute                 bool
	Resources                      map[string]*resource
}

// apiOwner is the record by which an API is found from its id.
type apiOwner struct {
	Account, Region string
	// Disabled says that the API has no execute-api endpoint.
	Disabled bool
}

// customID is the tag that chooses an API's id.
const customID = "_custom_id_"

func (s *Service) createRestAPI(ctx context.Context, in *apigw.CreateRestApiInput) (*apigw.RestApi, error) {
	call := api.CallFrom(ctx)
	if in.CloneFrom != "" {
		return nil, notImplemented("CreateRestApi with cloneFrom")
	}
	a := &restAPI{
		ID: s.env.IDs.String(ids.LowerAlphanumeric, 10), Root: s.env.IDs.String(ids.LowerAlphanumeric, 10),
		Name: in.Name, Description: in.Description, Version: in.Version, Created: call.Time.Truncate(time.Second),
		Tags: in.Tags, Binary: in.BinaryMediaTypes, MinimumCompression: in.MinimumCompressionSize,
		KeySource: string(in.ApiKeySource), Policy: in.Policy, Endpoints: []string{string(apigw.EndpointTypeEdge)},
		DisableExecute: in.DisableExecuteApiEndpoint != nil && *in.DisableExecuteApiEndpoint,
	}
	if id := in.Tags[customID]; id != "" {
		a.ID = id
	}
	if a.KeySource == "" {
		a.KeySource = string(apigw.ApiKeySourceTypeHeader)
	}
	if e := in.EndpointConfiguration; e != nil && len(e.Types) > 0 {
		a.Endpoints = nil
		for _, t := range e.Types {
			a.Endpoints = append(a.Endpoints, string(t))
		}
	}
	a.Resources = map[string]*resource{a.Root: {ID: a.Root, Path: "/"}}
	err := s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := tx.Get(ownerKey(a.ID)); err == nil {
			return conflict("Rest API id " + a.ID + " is already in use")
		} else if err := absent(err, nil); err != nil {
			return err
		}
		if err := storage.PutRecord(tx, ownerKey(a.ID), &apiOwner{call.Account, call.Region, a.DisableExecute}); err != nil {
			return err
		}
		return storage.PutRecord(tx, apiKey(call.Account, call.Region, a.ID), a)
	})
	if err != nil {
		return nil, err
	}
	return a.describe(), nil
}

func (a *restAPI) describe() *apigw.RestApi {
	out := &apigw.RestApi{
		Id: a.ID, Name: a.Name, Description: a.Description, Version: a.Version, CreatedDate: a.Created,
		BinaryMediaTypes: a.Binary, MinimumCompressionSize: a.MinimumCompression, ApiKeySource: apigw.ApiKeySourceType(a.KeySource),
		EndpointConfiguration: &apigw.EndpointConfiguration{}, Policy: a.Policy, Tags: a.Tags,
		DisableExecuteApiEndpoint: new(a.DisableExecute), RootResourceId: a.Root,
	}
	for _, e := range a.Endpoints {
		out.EndpointConfiguration.Types = append(out.EndpointConfiguration.Types, apigw.EndpointType(e))
	}
	return out
}

// read reads an API of the caller's.
func (s *Service) read(ctx context.Context, tx storage.Tx, id string) (*restAPI, error) {
	call := api.CallFrom(ctx)
	a, err := storage.GetRecord[restAPI](tx, apiKey(call.Account, call.Region, id))
	return a, absent(err, notFound("Invalid API identifier specified "+call.Account+":"+id))
}

// view reads an API in a transaction of its own.
func (s *Service) view(ctx context.Context, id string) (a *restAPI, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		a, err = s.read(ctx, tx, id)
		return err
	})
	return a, err
}

// change reads, edits and stores an API.
func (s *Service) change(ctx context.Context, id string, edit func(*restAPI) error) error {
	call := api.CallFrom(ctx)
	return s.env.DB.Update(func(tx storage.Tx) error {
		a, err := s.read(ctx, tx, id)
		if err != nil {
			return err
		}
		if err := edit(a); err != nil {
			return err
		}
		return storage.PutRecord(tx, apiKey(call.Account, call.Region, id), a)
	})
}

func (s *Service) getRestAPI(ctx context.Context, in *apigw.GetRestApiInput) (*apigw.RestApi, error) {
	a, err := s.view(ctx, in.RestApiId)
	if err != nil {
		return nil, err
	}
	return a.describe(), nil
}

func (s *Service) getRestAPIs(ctx context.Context, in *apigw.GetRestApisInput) (*apigw.GetRestApisOutput, error) {
	call := api.CallFrom(ctx)
	var all []*restAPI
	err := s.env.DB.View(func(tx storage.Tx) error {
		all = nil
		for item, err := range storage.Records[restAPI](tx, storage.Prefix(apisKey(call.Account, call.Region))) {
			if err != nil {
				return err
			}
			all = append(all, item.Value)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	items, position := page(all, in.Position, in.Limit, func(a *restAPI) string { return a.ID })
	out := &apigw.GetRestApisOutput{Items: []*apigw.RestApi{}, Position: position}
	for _, a := range items {
		out.Items = append(out.Items, a.describe())
	}
	return out, nil
}

func (s *Service) deleteRestAPI(ctx context.Context, in *apigw.DeleteRestApiInput) (*apigw.DeleteRestApiOutput, error) {
	call := api.CallFrom(ctx)
	err := s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.read(ctx, tx, in.RestApiId); err != nil {
			return err
		}
		for _, all := range []storage.Key{deploymentsKey(in.RestApiId), stagesKey(in.RestApiId)} {
			if err := storage.DeleteRange(tx, storage.Prefix(all)); err != nil {
				return err
			}
		}
		if err := tx.Delete(ownerKey(in.RestApiId)); err != nil {
			return err
		}
		return tx.Delete(apiKey(call.Account, call.Region, in.RestApiId))
	})
	return &apigw.DeleteRestApiOutput{}, err
}

// page cuts a list sorted by name: it starts at position and holds limit
// items, 25 where nothing is said and 500 at most.
func page[T any](all []T, position string, limit *int32, name func(T) string) (items []T, next string) {
	n := 25
	if limit != nil {
		n = min(max(int(*limit), 1), 500)
	}
	slices.SortFunc(all, func(a, b T) int { return strings.Compare(name(a), name(b)) })
	for _, x := range all {
		if name(x) < position {
			continue
		}
		if len(items) == n {
			return items, name(x)
		}
		items = append(items, x)
	}
	return items, ""
}
