package lambda

import (
	"context"
	"errors"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/ids"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
)

// publish makes a numbered version of $LATEST, unless the last one is the same.
// The caller stores f.
func (s *Service) publish(tx storage.Tx, r reference, f *function, from *version, description string) (*version, error) {
	if f.LastVersion > 0 {
		last, err := storage.GetRecord[version](tx, versionKey(r.owner, r.name, strconv.Itoa(f.LastVersion)))
		if err == nil && last.Revision == from.Revision {
			return last, nil
		} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, err
		}
	}
	f.LastVersion++
	v := *from
	v.Version = strconv.Itoa(f.LastVersion)
	if description != "" {
		v.Description = description
	}
	return &v, s.putVersion(tx, r.owner, &v, true)
}

func (s *Service) publishVersion(ctx context.Context, in *lam.PublishVersionInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, errInvalidValue("PublishTo is not supported by Virga.")
	}
	r.qualifier = ""
	var v *version
	err = s.env.DB.Update(func(tx storage.Tx) error {
		from, err := s.find(tx, r)
		if err != nil {
			return err
		}
		if in.RevisionId != "" && in.RevisionId != from.Revision {
			return errRevision()
		}
		if in.CodeSha256 != "" && in.CodeSha256 != from.CodeSHA256 {
			return errInvalidValue("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, from.CodeSHA256)
		}
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		if v, err = s.publish(tx, r, f, from, in.Description); err != nil {
			return err
		}
		return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
	})
	if err != nil {
		return nil, err
	}
	return v.describe(r), nil
}

func (s *Service) listVersionsByFunction(ctx context.Context, in *lam.ListVersionsByFunctionInput) (*lam.ListVersionsByFunctionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	var all []*version
	err = s.env.DB.View(func(tx storage.Tx) error {
		if _, err := s.function(tx, r); err != nil {
			return err
		}
		all, err = s.versions(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	limit := min(int(or(in.MaxItems, defaultPage)), defaultPage)
	out := &lam.ListVersionsByFunctionOutput{Versions: []*lam.FunctionConfiguration{}}
	for _, v := range all {
		if in.Marker != "" && sortable(v.Version) < sortable(in.Marker) {
			continue
		}
		if len(out.Versions) == limit {
			out.NextMarker = v.Version
			break
		}
		r.qualifier = v.Version
		out.Versions = append(out.Versions, v.describe(r))
	}
	return out, nil
}

// alias is the record of an alias.
type alias struct {
	Name, Version, Description, Revision string
	// Weights are the shares of other versions, between 0 and 1.
	Weights map[string]float64
}

// pick chooses the version that an invocation of the alias runs.
func (a *alias) pick(source *ids.Source) string {
	if len(a.Weights) == 0 {
		return a.Version
	}
	var b [4]byte
	source.Read(b[:])
	n, _ := new(big.Float).SetInt(new(big.Int).SetBytes(b[:])).Float64()
	at := n / (1 << 32)
	for v, share := range a.Weights {
		if at -= share; at < 0 {
			return v
		}
	}
	return a.Version
}

func (a *alias) describe(r reference) *lam.AliasConfiguration {
	c := &lam.AliasConfiguration{
		AliasArn: r.arn() + ":" + a.Name, Name: a.Name, FunctionVersion: a.Version,
		Description: new(a.Description), RevisionId: a.Revision,
	}
	if len(a.Weights) > 0 {
		c.RoutingConfig = &lam.AliasRoutingConfiguration{AdditionalVersionWeights: a.Weights}
	}
	return c
}

// checkAlias makes sure that what an alias points at exists.
func (s *Service) checkAlias(tx storage.Tx, r reference, a *alias) error {
	for _, v := range append([]string{a.Version}, mapKeys(a.Weights)...) {
		if !isVersion(v) {
			return errInvalidValue("Alias can only point to a function version, not to another alias.")
		}
		if _, err := s.find(tx, reference{r.owner, r.name, v}); err != nil {
			return err
		}
	}
	if len(a.Weights) > 0 && a.Version == latest {
		return errInvalidValue("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	for v, share := range a.Weights {
		if v == a.Version || share < 0 || share > 1 {
			return errInvalidValue("Invalid function version %s. Function version %s is already included in routing configuration.", v, v)
		}
	}
	return nil
}

func (s *Service) createAlias(ctx context.Context, in *lam.CreateAliasInput) (*lam.AliasConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if isVersion(in.Name) {
		return nil, errValidation("1 validation error detected: Value '%s' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)", in.Name)
	}
	a := &alias{Name: in.Name, Version: in.FunctionVersion, Description: in.Description, Revision: s.env.IDs.UUID()}
	if in.RoutingConfig != nil {
		a.Weights = in.RoutingConfig.AdditionalVersionWeights
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if err := s.checkAlias(tx, r, a); err != nil {
			return err
		}
		key := aliasKey(r.owner, r.name, a.Name)
		if _, err := tx.Get(key); !errors.Is(err, storage.ErrNotFound) {
			return either(err, errAliasExists(r, a.Name))
		}
		return storage.PutRecord(tx, key, a)
	})
	if err != nil {
		return nil, err
	}
	return a.describe(r), nil
}

func (s *Service) updateAlias(ctx context.Context, in *lam.UpdateAliasInput) (*lam.AliasConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	next := s.env.IDs.UUID()
	var a *alias
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if a, err = s.readAlias(tx, r, in.Name); err != nil {
			return err
		}
		if in.RevisionId != "" && in.RevisionId != a.Revision {
			return errRevision()
		}
		if in.FunctionVersion != "" {
			a.Version = in.FunctionVersion
		}
		if in.Description != nil {
			a.Description = *in.Description
		}
		if in.RoutingConfig != nil {
			a.Weights = in.RoutingConfig.AdditionalVersionWeights
		}
		a.Revision = next
		if err := s.checkAlias(tx, r, a); err != nil {
			return err
		}
		return storage.PutRecord(tx, aliasKey(r.owner, r.name, a.Name), a)
	})
	if err != nil {
		return nil, err
	}
	return a.describe(r), nil
}

func (s *Service) readAlias(tx storage.Tx, r reference, name string) (*alias, error) {
	a, err := storage.GetRecord[alias](tx, aliasKey(r.owner, r.name, name))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errAliasNotFound(r, name)
	}
	return a, err
}

func (s *Service) getAlias(ctx context.Context, in *lam.GetAliasInput) (*lam.AliasConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	var a *alias
	err = s.env.DB.View(func(tx storage.Tx) error {
		a, err = s.readAlias(tx, r, in.Name)
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.describe(r), nil
}

func (s *Service) deleteAlias(ctx context.Context, in *lam.DeleteAliasInput) (*lam.DeleteAliasOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	// Deleting an alias that is not there is no error, as on AWS.
	err = s.env.DB.Update(func(tx storage.Tx) error {
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		if f.Policies[in.Name] != nil {
			delete(f.Policies, in.Name)
			if err := storage.PutRecord(tx, functionKey(r.owner, r.name), f); err != nil {
				return err
			}
		}
		return tx.Delete(aliasKey(r.owner, r.name, in.Name))
	})
	if err != nil {
		return nil, err
	}
	return &lam.DeleteAliasOutput{}, nil
}

func (s *Service) listAliases(ctx context.Context, in *lam.ListAliasesInput) (*lam.ListAliasesOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	limit := min(int(or(in.MaxItems, defaultPage)), defaultPage)
	var out *lam.ListAliasesOutput
	err = s.env.DB.View(func(tx storage.Tx) error {
		out = &lam.ListAliasesOutput{Aliases: []*lam.AliasConfiguration{}}
		if _, err := s.function(tx, r); err != nil {
			return err
		}
		scan := storage.Prefix(aliasesKey(r.owner, r.name))
		if in.Marker != "" {
			scan.Start = aliasKey(r.owner, r.name, in.Marker)
		}
		for item, err := range storage.Records[alias](tx, scan) {
			if err != nil {
				return err
			}
			if in.FunctionVersion != "" && item.Value.Version != in.FunctionVersion {
				continue
			}
			if len(out.Aliases) == limit {
				out.NextMarker = item.Value.Name
				return nil
			}
			out.Aliases = append(out.Aliases, item.Value.describe(r))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return out, nil
}

// ListTags, TagResource and UntagResource take the function's ARN.
func (s *Service) tagged(ctx context.Context, arn string) (reference, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return reference{}, errValidation("1 validation error detected: Value '%s' at 'resource' failed to satisfy constraint: Member must satisfy regular expression pattern: %s", arn, functionNamePattern)
	}
	r, err := resolve(ctx, arn, "")
	if err == nil && r.qualifier != "" {
		return r, errInvalidValue("Tagging operations are permitted on Lambda functions only. Tags on aliases and versions are not supported. Please specify either a function name or a function ARN.")
	}
	return r, err
}

func (s *Service) listTags(ctx context.Context, in *lam.ListTagsInput) (*lam.ListTagsOutput, error) {
	r, err := s.tagged(ctx, in.Resource)
	if err != nil {
		return nil, err
	}
	var f *function
	err = s.env.DB.View(func(tx storage.Tx) error {
		f, err = s.function(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	if f.Tags == nil {
		f.Tags = map[string]string{}
	}
	return &lam.ListTagsOutput{Tags: f.Tags}, nil
}

func (s *Service) tagResource(ctx context.Context, in *lam.TagResourceInput) (*lam.TagResourceOutput, error) {
	return &lam.TagResourceOutput{}, s.retag(ctx, in.Resource, func(tags map[string]string) {
		for k, v := range in.Tags {
			tags[k] = v
		}
	})
}

func (s *Service) untagResource(ctx context.Context, in *lam.UntagResourceInput) (*lam.UntagResourceOutput, error) {
	return &lam.UntagResourceOutput{}, s.retag(ctx, in.Resource, func(tags map[string]string) {
		for _, k := range in.TagKeys {
			delete(tags, k)
		}
	})
}

func (s *Service) retag(ctx context.Context, arn string, edit func(map[string]string)) error {
	r, err := s.tagged(ctx, arn)
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
		edit(f.Tags)
		return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
	})
}

func mapKeys[V any](m map[string]V) []string {
	var keys []string
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}
