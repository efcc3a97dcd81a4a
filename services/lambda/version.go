package lambda

import (
	"context"
	"errors"
	"strconv"

	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
)

// publish makes a numbered version of $LATEST, unless the last one has the
// same code and configuration: then made is false, and that one is the answer.
func (s *Service) publish(tx storage.Tx, r reference, from *version, description, revision string) (v *version, made bool, err error) {
	f, err := s.function(tx, r)
	if err != nil {
		return nil, false, err
	}
	if f.LastVersion > 0 {
		last, err := storage.GetRecord[version](tx, versionKey(r.owner, r.name, strconv.Itoa(f.LastVersion)))
		if err == nil && last.Content == from.Content {
			return last, false, nil
		} else if err != nil && !errors.Is(err, storage.ErrNotFound) {
			return nil, false, err
		}
	}
	f.LastVersion++
	next := *from
	next.Version, next.Revision = strconv.Itoa(f.LastVersion), revision
	if description != "" {
		next.Description = description
	}
	return &next, true, errors.Join(s.addVersion(tx, r, &next), storage.PutRecord(tx, functionKey(r.owner, r.name), f))
}

func (s *Service) publishVersion(ctx context.Context, in *lam.PublishVersionInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if in.PublishTo != "" {
		return nil, errUnsupported("PublishTo is")
	}
	revision, next := s.env.IDs.UUID(), s.env.IDs.UUID()
	var v *version
	err = s.env.DB.Update(func(tx storage.Tx) error {
		from, err := s.latest(tx, r, in.RevisionId)
		if err != nil {
			return err
		}
		if in.CodeSha256 != "" && in.CodeSha256 != from.CodeSHA256 {
			return errInvalidValue("CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try again with the CodeSHA256 in $LATEST.", in.CodeSha256, from.CodeSHA256)
		}
		var made bool
		if v, made, err = s.publish(tx, r, from, in.Description, revision); err != nil || !made {
			return err
		}
		// Publishing counts as a change of $LATEST.
		changed := *from
		changed.Revision = next
		return storage.PutRecord(tx, versionKey(r.owner, r.name, latest), &changed)
	})
	if err != nil {
		return nil, err
	}
	return v.describe(r.at(v.Version)), nil
}

// versions are all versions of a function, $LATEST first.
func (s *Service) versions(tx storage.Tx, r reference) ([]*version, error) {
	var all []*version
	for item, err := range storage.Records[version](tx, storage.Prefix(versionsKey(r.owner, r.name))) {
		if err != nil {
			return nil, err
		}
		all = append(all, item.Value)
	}
	return all, nil
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
	out := &lam.ListVersionsByFunctionOutput{Versions: []*lam.FunctionConfiguration{}}
	for _, v := range all {
		if in.Marker != "" && sortable(v.Version) < sortable(in.Marker) {
			continue
		}
		if len(out.Versions) == pageSize(in.MaxItems) {
			out.NextMarker = v.Version
			break
		}
		out.Versions = append(out.Versions, v.listed(r.at(v.Version)))
	}
	return out, nil
}
