package dynamodb

import (
	"context"
	"fmt"
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

// tagPattern is what keys and values of tags are made of.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/Tagging.html
const tagPattern = `([\p{L}\p{Z}\p{N}_.:/=+\-@]*)`

var tagText = regexp.MustCompile("^" + tagPattern + "$")

// tag gives the table tags.
func (t *table) tag(tags []*ddb.Tag) error {
	given := map[string]bool{}
	for i, tag := range tags {
		if given[tag.Key] {
			return errValidation("Duplicate tag key: %s", tag.Key)
		}
		given[tag.Key] = true
		if !tagText.MatchString(tag.Key) {
			return errConstraint(tag.Key, fmt.Sprintf("tags.%d.member.key", i+1), "satisfy regular expression pattern: "+tagPattern)
		}
		if !tagText.MatchString(tag.Value) {
			return errConstraint(tag.Value, fmt.Sprintf("tags.%d.member.value", i+1), "satisfy regular expression pattern: "+tagPattern)
		}
		if t.Tags == nil {
			t.Tags = map[string]string{}
		}
		t.Tags[tag.Key] = tag.Value
	}
	if len(t.Tags) > maxTags {
		return errParameter("Too many tags: a resource may have %d", maxTags)
	}
	return nil
}

// taggedTable is the table that an ARN names. What is not like an ARN at all
// belongs to nobody, so that AWS finds no permission for it.
func taggedTable(ctx context.Context, arn string) (tableID, error) {
	if parts := strings.SplitN(arn, ":", 6); len(parts) < 6 || slices.Contains(parts, "") || !strings.Contains(parts[5], "/") {
		call := api.CallFrom(ctx)
		return tableID{}, errDenied(call.Principal.ARN, call.Operation, arn)
	}
	parsed, err := api.ParseARN(arn)
	name, ok := strings.CutPrefix(parsed.Resource, "table/")
	if err != nil || !ok || parsed.Service != "dynamodb" || strings.Contains(name, "/") || len(name) < minName {
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

func (s *Service) tagResource(ctx context.Context, in *ddb.TagResourceInput) (*ddb.TagResourceOutput, error) {
	id, err := taggedTable(ctx, in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if len(in.Tags) == 0 {
		return nil, errValidation("Atleast one Tag needs to be provided as Input.")
	}
	return &ddb.TagResourceOutput{}, s.changeTags(id, errNoSuchResource(in.ResourceArn), func(t *table) error { return t.tag(in.Tags) })
}

func (s *Service) untagResource(ctx context.Context, in *ddb.UntagResourceInput) (*ddb.UntagResourceOutput, error) {
	id, err := taggedTable(ctx, in.ResourceArn)
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

func (s *Service) listTagsOfResource(ctx context.Context, in *ddb.ListTagsOfResourceInput) (*ddb.ListTagsOfResourceOutput, error) {
	id, err := taggedTable(ctx, in.ResourceArn)
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
