package lambda

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

// function is the record of what all versions share.
type function struct {
	// LastVersion is the highest number that was published.
	LastVersion int
	Tags        map[string]string
	// Policies are the resource policies by qualifier; "" is the function's own.
	Policies map[string]*policy
}

// version is the record of one version: its configuration and its code.
type version struct {
	Name, Version string
	configuration
	LastModified time.Time
	// Revision is what callers see and give as RevisionId.
	Revision string
	// Build changes with every update, and is kept when a version is published:
	// sandboxes of another build are retired.
	Build string
	// Content stands for code and configuration: publishing what has not
	// changed makes no new version.
	Content string
	deployment
}

// newFunctionName is what the name of a new function looks like.
const newFunctionName = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?`

// maxName is how long the name of a function may be.
const maxName = 64

func (s *Service) createFunction(ctx context.Context, in *lam.CreateFunctionInput) (*lam.FunctionConfiguration, error) {
	call := api.CallFrom(ctx)
	r, err := resolve(ctx, in.FunctionName, "")
	switch {
	case err != nil:
		return nil, err
	case strings.Contains(r.name, "."):
		return nil, errConstraint(in.FunctionName, "functionName", "Member must satisfy regular expression pattern: "+newFunctionName)
	case len(r.name) > maxName:
		return nil, errFunctionNameTooLong(r.name)
	}
	if err := checkNew(in); err != nil {
		return nil, err
	}
	r = r.at("")
	v := &version{Name: r.name, Version: latest, configuration: newConfiguration(in), LastModified: call.Time, Revision: s.env.IDs.UUID(), Build: s.env.IDs.UUID()}
	if err := v.configure(shared{in.Environment, in.DeadLetterConfig, in.EphemeralStorage, in.ImageConfig, in.LoggingConfig, in.TracingConfig, in.SnapStart, in.VpcConfig}); err != nil {
		return nil, err
	}
	code, err := s.receive(ctx, v.PackageType, in.Code)
	if err != nil {
		return nil, err
	}
	v.deployment = code
	v.Content = v.content()
	publish := in.Publish != nil && *in.Publish
	first := *v
	first.Version, first.Revision = "1", s.env.IDs.UUID()
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := tx.Get(functionKey(r.owner, r.name)); err == nil {
			return errFunctionExists(r.name)
		} else if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		f := &function{Tags: in.Tags}
		if err := s.addVersion(tx, r, v); err != nil {
			return err
		}
		if publish {
			f.LastVersion = 1
			if err := s.addVersion(tx, r, &first); err != nil {
				return err
			}
		}
		return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
	})
	if err != nil {
		s.env.Blobs.Discard(code.Code)
		return nil, err
	}
	if publish {
		v = &first
	}
	return v.beingCreated(r), nil
}

// checkNew makes the checks of a new function that the model cannot express.
func checkNew(in *lam.CreateFunctionInput) error {
	image := in.PackageType == lam.PackageTypeImage
	switch {
	case in.PublishTo != "":
		return errUnsupported("PublishTo is")
	case len(in.Layers) > 0:
		return errUnsupported("Layers are")
	case len(in.FileSystemConfigs) > 0:
		return errUnsupported("FileSystemConfigs are")
	case in.TenancyConfig != nil, in.CapacityProviderConfig != nil, in.DurableConfig != nil:
		return errUnsupported("TenancyConfig, CapacityProviderConfig and DurableConfig are")
	case in.CodeSigningConfigArn != "": // no operation makes one
		return &lam.CodeSigningConfigNotFoundException{Type: "User", Message: "The code signing configuration cannot be found."}
	case len(in.Tags) > maxTags:
		return errTooManyTags()
	case image && (in.Runtime != "" || in.Handler != ""):
		return errInvalidValue("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
	case !image && in.Runtime == "":
		return errInvalidValue("Runtime is mandatory for functions created with deployment packages.")
	case !image && in.Handler == "":
		return errInvalidValue("Handler is mandatory for functions created with deployment packages.")
	}
	return checkLimits(in.Timeout, in.MemorySize)
}

// addVersion stores a version that is new, and holds on to its code.
func (s *Service) addVersion(tx storage.Tx, r reference, v *version) error {
	if err := s.env.Blobs.Link(tx, v.Code); err != nil {
		return err
	}
	return storage.PutRecord(tx, versionKey(r.owner, r.name, v.Version), v)
}

// dropVersion deletes a version, and lets go of its code.
func (s *Service) dropVersion(tx storage.Tx, r reference, v *version) error {
	if err := s.env.Blobs.Unlink(tx, v.Code); err != nil {
		return err
	}
	return tx.Delete(versionKey(r.owner, r.name, v.Version))
}

// find is the version that a reference names, itself or through an alias. The
// record is shared and must not be changed.
func (s *Service) find(tx storage.Tx, r reference) (*version, error) {
	v := r.orLatest().qualifier
	if !isVersion(v) {
		a, err := storage.GetRecord[alias](tx, aliasKey(r.owner, r.name, v))
		if errors.Is(err, storage.ErrNotFound) {
			return nil, errFunctionNotFound(r)
		} else if err != nil {
			return nil, err
		}
		v = a.pick(s.env.IDs)
	}
	found, err := s.records.Get(tx, versionKey(r.owner, r.name, v))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errFunctionNotFound(r)
	}
	return found, err
}

// function reads what all versions share.
func (s *Service) function(tx storage.Tx, r reference) (*function, error) {
	f, err := storage.GetRecord[function](tx, functionKey(r.owner, r.name))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errFunctionNotFound(r.at(""))
	}
	return f, err
}

func (s *Service) getFunction(ctx context.Context, in *lam.GetFunctionInput) (*lam.GetFunctionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var v *version
	var f *function
	err = s.env.DB.View(func(tx storage.Tx) error {
		if v, err = s.find(tx, r); err != nil {
			return err
		}
		f, err = s.function(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	out := &lam.GetFunctionOutput{Configuration: v.describe(r)}
	if len(f.Tags) > 0 {
		out.Tags = f.Tags
	}
	if v.PackageType == string(lam.PackageTypeImage) {
		out.Code = &lam.FunctionCodeLocation{RepositoryType: "ECR", ImageUri: v.Image, ResolvedImageUri: v.Image}
	} else {
		out.Code = &lam.FunctionCodeLocation{RepositoryType: "S3", Location: codeLocation(api.CallFrom(ctx), r, v)}
	}
	return out, nil
}

func (s *Service) getFunctionConfiguration(ctx context.Context, in *lam.GetFunctionConfigurationInput) (*lam.FunctionConfiguration, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var v *version
	err = s.env.DB.View(func(tx storage.Tx) error {
		v, err = s.find(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return v.describe(r), nil
}

func (s *Service) getFunctionCodeSigningConfig(ctx context.Context, in *lam.GetFunctionCodeSigningConfigInput) (*lam.GetFunctionCodeSigningConfigOutput, error) {
	r, err := resolve(ctx, in.FunctionName, "")
	if err != nil {
		return nil, err
	}
	err = s.env.DB.View(func(tx storage.Tx) error {
		_, err := s.function(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &lam.GetFunctionCodeSigningConfigOutput{FunctionName: r.name}, nil
}

// defaultPage is how many items a page holds at most, and where the caller does not say.
const defaultPage = 50

// pageSize is how many items the caller gets.
func pageSize(asked *int32) int { return min(int(or(asked, defaultPage)), defaultPage) }

// listFunctions lists $LATEST of every function, or all versions. A page begins
// with what its marker names: a function, or a function and a version with a
// colon between.
func (s *Service) listFunctions(ctx context.Context, in *lam.ListFunctionsInput) (*lam.ListFunctionsOutput, error) {
	call := api.CallFrom(ctx)
	o := owner{call.Account, call.Region}
	all := in.FunctionVersion == lam.FunctionVersionAll
	scan := storage.Prefix(ownVersionsKey(o))
	if in.Marker != "" {
		name, v, found := strings.Cut(in.Marker, ":")
		scan.Start = versionsKey(o, name)
		if found {
			scan.Start = versionKey(o, name, v)
		}
	}
	var out *lam.ListFunctionsOutput
	err := s.env.DB.View(func(tx storage.Tx) error {
		out = &lam.ListFunctionsOutput{Functions: []*lam.FunctionConfiguration{}}
		for item, err := range storage.Records[version](tx, scan) {
			if err != nil {
				return err
			}
			v := item.Value
			if v.Version != latest && !all {
				continue
			}
			r := reference{o, v.Name, ""}
			if all {
				r = r.at(v.Version)
			}
			if len(out.Functions) == pageSize(in.MaxItems) {
				if out.NextMarker = v.Name; all {
					out.NextMarker += ":" + v.Version
				}
				return nil
			}
			out.Functions = append(out.Functions, v.listed(r))
		}
		return nil
	})
	return out, err
}

func (s *Service) deleteFunction(ctx context.Context, in *lam.DeleteFunctionInput) (*lam.DeleteFunctionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	switch {
	case err != nil:
		return nil, err
	case r.qualifier == latest:
		return nil, errInvalidValue("$LATEST version cannot be deleted without deleting the function.")
	case aliasName.MatchString(r.qualifier):
		return nil, errInvalidValue("Deletion of aliases is not currently supported.")
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		if r.qualifier != "" {
			return s.deleteVersion(tx, r, f)
		}
		all, err := s.versions(tx, r)
		if err != nil {
			return err
		}
		for _, v := range all {
			if err := s.dropVersion(tx, r, v); err != nil {
				return err
			}
		}
		for _, all := range []storage.Key{aliasesKey(r.owner, r.name), eventInvokesKey(r.owner, r.name)} {
			if err := storage.DeleteRange(tx, storage.Prefix(all)); err != nil {
				return err
			}
		}
		return tx.Delete(functionKey(r.owner, r.name))
	})
	if err != nil {
		return nil, err
	}
	arn := r.arn()
	s.fleet.retire(func(k sandbox.Key) bool {
		return k.Function == arn && (r.qualifier == "" || k.Version == r.qualifier)
	})
	return &lam.DeleteFunctionOutput{StatusCode: new(int32(204))}, nil
}

// deleteVersion deletes one version with what belongs to it alone. One that
// is not there is no error, as on AWS.
func (s *Service) deleteVersion(tx storage.Tx, r reference, f *function) error {
	v, err := storage.GetRecord[version](tx, versionKey(r.owner, r.name, r.qualifier))
	if errors.Is(err, storage.ErrNotFound) {
		return nil
	} else if err != nil {
		return err
	}
	var names []string
	for item, err := range storage.Records[alias](tx, storage.Prefix(aliasesKey(r.owner, r.name))) {
		if err != nil {
			return err
		}
		if a := item.Value; a.Version == r.qualifier || a.OtherVersion == r.qualifier {
			names = append(names, a.Name)
		}
	}
	if len(names) > 0 {
		return errVersionReferenced(names)
	}
	delete(f.Policies, r.qualifier)
	return errors.Join(s.dropVersion(tx, r, v), tx.Delete(eventInvokeKey(r.owner, r.name, r.qualifier)),
		storage.PutRecord(tx, functionKey(r.owner, r.name), f))
}

// or is what p points at, and otherwise the second.
func or[T any](p *T, otherwise T) T {
	if p == nil {
		return otherwise
	}
	return *p
}
