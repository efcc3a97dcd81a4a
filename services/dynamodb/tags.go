package dynamodb

import (
	"context"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// maxTags is how many tags a table may have.
const maxTags = 50

// tagText is what keys and values of tags are made of.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
var tagText = regexp.MustCompile(`^[\p{L}\p{Z}\p{N}_.:/=+\-@]*$`)

// tag gives the table tags.
func (t *table) tag(tags []*ddb.Tag) error {
	given := map[string]bool{}
	for _, tag := range tags {
		switch {
		case given[tag.Key]:
			return errValidation("Duplicate Tag Keys provided as input: Duplicate Tag Key found %s", tag.Key)
		case strings.HasPrefix(strings.ToLower(tag.Key), "aws:"):
			return errValidation("Tag Key cannot be prefixed with aws:, Key: %s", tag.Key)
		case !tagText.MatchString(tag.Key):
			return errValidation("The Tag Key provided is invalid, Key: %s", tag.Key)
		case !tagText.MatchString(tag.Value):
			return errValidation("The Tag Value provided is invalid, Value: %s", tag.Value)
		}
		given[tag.Key] = true
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		t.Tags[tag.Key] = tag.Value
	}
	if len(t.Tags) > maxTags {
		return errValidation("Number of Tags exceed the current limit for the provided ResourceArn")
	}
	return nil
}

// taggedTable is the table that an ARN names.
func taggedTable(arn string) (tableID, error) {
	if !strings.HasPrefix(arn, "arn:") {
		return tableID{}, errParameter("ARNs must start with 'arn:': %s", arn)
	}
	parsed, err := api.ParseARN(arn)
	if err != nil || parsed.Service != "dynamodb" {
		return tableID{}, errParameter("Provided Arn is not a DynamoDB resource arn: %s", arn)
	}
	name, ok := strings.CutPrefix(parsed.Resource, "table/")
	switch {
	case ok && strings.Contains(name, "/"):
		return tableID{}, errParameter("Invalid resource arn provided, only table or stream is accepted. Provided resource arn: %s", arn)
	case !ok || parsed.Region == "" || parsed.Account == "" || checkName(name, "resourceArn") != nil:
		return tableID{}, errValidation("Invalid TableArn: Invalid ResourceArn provided as input %s", arn)
	}
	return tableID{parsed.Account, parsed.Region, name}, nil
}

// changeTags changes the tags of a table; missing is the error when there is none.
func (s *Service) changeTags(id tableID, missing error, change func(*table) error) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		t, err := s.tagged(tx, id, missing)
		if err != nil {
			return err
		}
		if err := change(t); err != nil {
			return err
		}
		return storage.PutRecord(tx, t.storageKey(), t)
	})
}

func (s *Service) tagged(tx storage.Tx, id tableID, missing error) (*table, error) {
	t, err := s.record(tx, id)
	if isNoTable(err) {
		return nil, missing
	}
	return t, err
}

func (s *Service) tagResource(_ context.Context, in *ddb.TagResourceInput) (*ddb.TagResourceOutput, error) {
	id, err := taggedTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, errValidation("Atleast one Tag needs to be provided as Input.")
	}
	return &ddb.TagResourceOutput{}, s.changeTags(id, errNoSuchResource(in.ResourceArn), func(t *table) error { return t.tag(in.Tags) })
}

func (s *Service) untagResource(_ context.Context, in *ddb.UntagResourceInput) (*ddb.UntagResourceOutput, error) {
	id, err := taggedTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.TagKeys) == 0 {
		return nil, errValidation("Atleast one Tag Key needs to be provided as Input.")
	}
	return &ddb.UntagResourceOutput{}, s.changeTags(id, errNoTable(), func(t *table) error {
		for _, key := range in.TagKeys {
			delete(t.Tags, key)
		}
		return nil
	})
}

func (s *Service) listTagsOfResource(_ context.Context, in *ddb.ListTagsOfResourceInput) (*ddb.ListTagsOfResourceOutput, error) {
	id, err := taggedTable(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	out := &ddb.ListTagsOfResourceOutput{Tags: []*ddb.Tag{}}
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := s.tagged(tx, id, errNoSuchResource(in.ResourceArn))
		if err != nil {
			return err
		}
		for _, key := range slices.Sorted(maps.Keys(t.Tags)) {
			out.Tags = append(out.Tags, &ddb.Tag{Key: key, Value: t.Tags[key]})
		}
		return nil
	})
	return out, err
}
