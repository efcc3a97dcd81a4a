package lambda

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"

	"github.com/virga-cloud/virga/api/ids"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
)

// alias is the record of an alias.
type alias struct {
	Name, Version, Description, Revision string
	// OtherVersion gets the share Weight of the invocations, between 0 and 1
	// ("" there is none).
	OtherVersion string
	Weight       float64
}

// pick chooses the version that an invocation of the alias runs.
func (a *alias) pick(source *ids.Source) string {
	if a.OtherVersion == "" {
		return a.Version
	}
	var b [4]byte
	source.Read(b[:])
	if float64(binary.BigEndian.Uint32(b[:]))/(math.MaxUint32+1) < a.Weight {
		return a.OtherVersion
	}
	return a.Version
}

func (a *alias) describe(r reference) *lam.AliasConfiguration {
	c := &lam.AliasConfiguration{
		AliasArn: r.at(a.Name).qualified(), Name: a.Name, FunctionVersion: a.Version,
		Description: new(a.Description), RevisionId: a.Revision,
	}
	if a.OtherVersion != "" {
		c.RoutingConfig = &lam.AliasRoutingConfiguration{AdditionalVersionWeights: map[string]float64{a.OtherVersion: a.Weight}}
	}
	return c
}

// route sets where a second share of the invocations goes; nil leaves it as it
// is, and an empty one ends it.
func (a *alias) route(routing *lam.AliasRoutingConfiguration) error {
	if routing == nil {
		return nil
	}
	weights := routing.AdditionalVersionWeights
	if len(weights) > 1 {
		return errInvalidValue("Number of items in AdditionalVersionWeights cannot be greater than 1")
	}
	a.OtherVersion, a.Weight = "", 0
	for v, share := range weights {
		shown := fmt.Sprintf("{%s=%s}", v, float(share))
		const member = "routingConfig.additionalVersionWeights"
		if strings.Trim(v, "0123456789") != "" {
			return errConstraint(shown, member, "Map keys must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [0-9]+]")
		}
		if !(share >= 0 && share <= 1) {
			return errConstraint(shown, member, "Map value must satisfy constraint: [Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]")
		}
		a.OtherVersion, a.Weight = v, share
	}
	return nil
}

// float writes a number as Java does: with a decimal point.
func float(f float64) string {
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

// putAlias makes sure that what an alias points at exists, and stores it.
func (s *Service) putAlias(tx storage.Tx, r reference, a *alias) error {
	switch {
	case !isVersion(a.Version):
		return errInvalidValue("Alias can only point to a function version, not to another alias.")
	case a.OtherVersion == a.Version && a.Version != "":
		return errInvalidValue("Invalid function version %s. Function version %s is already included in routing configuration.", a.Version, a.Version)
	case a.OtherVersion != "" && a.Version == latest:
		return errInvalidValue("$LATEST is not supported for an alias pointing to more than 1 version")
	}
	for _, v := range []string{a.Version, a.OtherVersion} {
		if v == "" {
			continue
		}
		if _, err := s.find(tx, r.at(v)); err != nil {
			return err
		}
	}
	f, err := s.function(tx, r)
	if err != nil {
		return err
	}
	// The function is written too, so that a version that is being deleted
	// gets no alias, and one that is getting an alias is not deleted.
	return errors.Join(storage.PutRecord(tx, functionKey(r.owner, r.name), f), storage.PutRecord(tx, aliasKey(r.owner, r.name, a.Name), a))
}

func (s *Service) createAlias(ctx context.Context, in *lam.CreateAliasInput) (*lam.AliasConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if !aliasName.MatchString(in.Name) {
		return nil, errConstraint(in.Name, "name", "Member must satisfy regular expression pattern: (?!^[0-9]+$)([a-zA-Z0-9-_]+)")
	}
	a := &alias{Name: in.Name, Version: in.FunctionVersion, Description: in.Description, Revision: s.env.IDs.UUID()}
	if err := a.route(in.RoutingConfig); err != nil {
		return nil, err
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		_, err := tx.Get(aliasKey(r.owner, r.name, a.Name))
		switch {
		case errors.Is(err, storage.ErrNotFound):
			return s.putAlias(tx, r, a)
		case err == nil:
			return errAliasExists(r, a.Name)
		}
		return err
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
	if err := new(alias).route(in.RoutingConfig); err != nil {
		return nil, err
	}
	next := s.env.IDs.UUID()
	var a *alias
	err = s.env.DB.Update(func(tx storage.Tx) error {
		a, err = storage.GetRecord[alias](tx, aliasKey(r.owner, r.name, in.Name))
		if errors.Is(err, storage.ErrNotFound) {
			return errNoAliasToUpdate(r, in.Name)
		} else if err != nil {
			return err
		}
		if in.RevisionId != "" && in.RevisionId != a.Revision {
			return errRevision("GetFunction/GetAlias")
		}
		if in.FunctionVersion != "" {
			a.Version = in.FunctionVersion
		}
		a.Description = or(in.Description, a.Description)
		a.Revision = next
		if err := a.route(in.RoutingConfig); err != nil {
			return err
		}
		return s.putAlias(tx, r, a)
	})
	if err != nil {
		return nil, err
	}
	return a.describe(r), nil
}

func (s *Service) getAlias(ctx context.Context, in *lam.GetAliasInput) (*lam.AliasConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	var a *alias
	err = s.env.DB.View(func(tx storage.Tx) error {
		a, err = storage.GetRecord[alias](tx, aliasKey(r.owner, r.name, in.Name))
		if errors.Is(err, storage.ErrNotFound) {
			return errAliasNotFound(r, in.Name)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	return a.describe(r), nil
}

// deleteAlias deletes an alias with what belongs to it alone. One that is not
// there is no error, as on AWS.
func (s *Service) deleteAlias(ctx context.Context, in *lam.DeleteAliasInput) (*lam.DeleteAliasOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	if isVersion(in.Name) {
		return &lam.DeleteAliasOutput{}, nil // what it would delete belongs to a version
	}
	return &lam.DeleteAliasOutput{}, s.env.DB.Update(func(tx storage.Tx) error {
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		delete(f.Policies, in.Name)
		return errors.Join(storage.PutRecord(tx, functionKey(r.owner, r.name), f),
			tx.Delete(eventInvokeKey(r.owner, r.name, in.Name)), tx.Delete(aliasKey(r.owner, r.name, in.Name)))
	})
}

func (s *Service) listAliases(ctx context.Context, in *lam.ListAliasesInput) (*lam.ListAliasesOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
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
			if len(out.Aliases) == pageSize(in.MaxItems) {
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
