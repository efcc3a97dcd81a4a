package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/cmd/apigen/model"
)

// overrides are corrections to the models, by service: what a model leaves
// out (Smithy's XML names of S3's answers, the status of S3's errors) and
// where a hand-written type serves better. See api/overrides.json.
type overrides map[string]*serviceOverrides

type serviceOverrides struct {
	// Types maps shapes to Go types of hand-written packages.
	Types map[string]goType `json:"types"`
	// Operations corrects operations.
	Operations map[string]operationOverride `json:"operations"`
	// Errors gives the status and the code of errors. An error that the model
	// has not is added.
	Errors map[string]errorOverride `json:"errors"`
	// Pointers lists "Shape.Member" strings for which absent and empty differ.
	Pointers []string `json:"pointers"`
	// Protocols replaces the protocols the service answers in.
	Protocols []string `json:"protocols"`
	// XMLNamespace is the namespace of a service whose model no longer says it.
	XMLNamespace string `json:"xmlNamespace"`
	// LocationNames are the wire names that a model no longer says: of
	// "Structure.Member", and of "Map.key" and "Map.value".
	LocationNames map[string]string `json:"locationNames"`
	// Shapes are the shapes of "Structure.Member" where the model has a wider one.
	Shapes map[string]string `json:"shapes"`
	// Enums are the values of enumerations in the order in which the service
	// lists them in its errors.
	Enums map[string][]string `json:"enums"`
}

type goType struct {
	Import string `json:"import"`
	Type   string `json:"type"`
}

type operationOverride struct {
	OutputName      string `json:"outputName"`
	OutputNamespace string `json:"outputNamespace"`
	// ChecksumOptional says that the service takes a body without a checksum,
	// though clients are told to send one.
	ChecksumOptional bool `json:"checksumOptional"`
	// Status adds a member to the output that is the answer's HTTP status:
	// "Member Shape". The model has none where its service has several successes.
	Status string `json:"status"`
	// Header adds a member to the output that is a header of the answer:
	// "Member Shape Name". Some are sent and in no model.
	Header string `json:"header"`
	// Success is the status of a success where the service's is not the model's.
	Success int `json:"success"`
}

type errorOverride struct {
	Status int    `json:"status"`
	Code   string `json:"code"`
}

func loadOverrides(path string) (overrides, error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	o := overrides{}
	if err := json.Unmarshal(b, &o); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return o, nil
}

// apply corrects the model itself.
func (o *serviceOverrides) apply(m *model.Model) error {
	for at, name := range o.LocationNames {
		shape, member, _ := strings.Cut(at, ".")
		ref := m.Shapes.ByName[shape].Ref(member)
		if ref == nil {
			return fmt.Errorf("overrides: no member %s", at)
		}
		ref.LocationName = name
	}
	for at, to := range o.Shapes {
		shape, member, _ := strings.Cut(at, ".")
		ref := m.Shapes.ByName[shape].Ref(member)
		if ref == nil || m.Shapes.ByName[to] == nil {
			return fmt.Errorf("overrides: no member %s, or no shape %s", at, to)
		}
		ref.Shape = to
	}
	for name, op := range o.Operations {
		for _, added := range []struct{ member, location string }{{op.Status, "statusCode"}, {op.Header, "header"}} {
			if added.member == "" {
				continue
			}
			member, rest, _ := strings.Cut(added.member, " ")
			shape, wire, _ := strings.Cut(rest, " ")
			output := m.Operations.ByName[name].Output
			if output == nil || m.Shapes.ByName[shape] == nil {
				return fmt.Errorf("overrides: no output of %s, or no shape %s", name, shape)
			}
			members := &m.Shapes.ByName[output.Shape].Members
			members.Names = append(members.Names, member)
			members.ByName[member] = &model.Ref{Shape: shape, Location: added.location, LocationName: wire}
		}
	}
	for name, values := range o.Enums {
		s := m.Shapes.ByName[name]
		if s == nil || !slices.Equal(slices.Sorted(slices.Values(values)), slices.Sorted(slices.Values(s.Enum))) {
			return fmt.Errorf("overrides: no enumeration %s of these values", name)
		}
		s.Enum = values
	}
	return nil
}

// check refuses overrides that name what the model does not have.
func (o *serviceOverrides) check(m *model.Model) error {
	for name := range o.Types {
		if m.Shapes.ByName[name] == nil {
			return fmt.Errorf("overrides: no shape %s", name)
		}
	}
	for name := range o.Operations {
		if m.Operations.ByName[name] == nil {
			return fmt.Errorf("overrides: no operation %s", name)
		}
	}
	return nil
}
