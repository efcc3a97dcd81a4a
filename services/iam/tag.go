package iam

import (
	"context"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/storage"
)

// tagMap refuses keys that differ by case alone.
func tagMap(tags []*iam.Tag) (map[string]string, error) {
	m := make(map[string]string, len(tags))
	for _, t := range tags {
		if _, there := m[sameKey(m, t.Key)]; there {
			return nil, errDuplicateTags()
		}
		m[t.Key] = t.Value
	}
	return m, nil
}

// sameKey is the key in m that differs from key by case alone, or key.
func sameKey(m map[string]string, key string) string {
	for k := range m {
		if strings.EqualFold(k, key) {
			return k
		}
	}
	return key
}

func tagList(m map[string]string) []*iam.Tag {
	list := []*iam.Tag{}
	for k, v := range m {
		list = append(list, &iam.Tag{Key: k, Value: v})
	}
	slices.SortFunc(list, func(a, b *iam.Tag) int { return strings.Compare(a.Key, b.Key) })
	return list
}

// tag adds tags to an entity.
func (s *Service) tag(ctx context.Context, k kind, name string, list []*iam.Tag) error {
	tags, err := tagMap(list)
	if err != nil {
		return err
	}
	return s.change(ctx, k, name, func(_ storage.Tx, e *entity) error {
		if e.Tags == nil {
			e.Tags = map[string]string{}
		}
		for key, value := range tags {
			e.Tags[sameKey(e.Tags, key)] = value
		}
		if len(e.Tags) > maxTags {
			return errTooManyTags()
		}
		return nil
	})
}

// maxTags is how many tags an entity may have.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
const maxTags = 50

func (s *Service) untag(ctx context.Context, k kind, name string, keys []string) error {
	return s.change(ctx, k, name, func(_ storage.Tx, e *entity) error {
		for _, key := range keys {
			delete(e.Tags, key)
		}
		return nil
	})
}

// tags is a page of an entity's tags.
func (s *Service) tags(ctx context.Context, k kind, name, marker string, max *int32) ([]*iam.Tag, string, *bool, error) {
	e, err := s.view(ctx, k, name)
	if err != nil {
		return nil, "", nil, err
	}
	list, next, truncated := page(tagList(e.Tags), marker, max, func(t *iam.Tag) string { return t.Key })
	return list, next, truncated, nil
}

func (s *Service) tagRole(ctx context.Context, in *iam.TagRoleInput) (*iam.TagRoleOutput, error) {
	return &iam.TagRoleOutput{}, s.tag(ctx, roles, in.RoleName, in.Tags)
}

func (s *Service) untagRole(ctx context.Context, in *iam.UntagRoleInput) (*iam.UntagRoleOutput, error) {
	return &iam.UntagRoleOutput{}, s.untag(ctx, roles, in.RoleName, in.TagKeys)
}

func (s *Service) listRoleTags(ctx context.Context, in *iam.ListRoleTagsInput) (*iam.ListRoleTagsOutput, error) {
	tags, next, truncated, err := s.tags(ctx, roles, in.RoleName, in.Marker, in.MaxItems)
	return &iam.ListRoleTagsOutput{Tags: tags, Marker: next, IsTruncated: truncated}, err
}

func (s *Service) tagUser(ctx context.Context, in *iam.TagUserInput) (*iam.TagUserOutput, error) {
	return &iam.TagUserOutput{}, s.tag(ctx, users, in.UserName, in.Tags)
}

func (s *Service) untagUser(ctx context.Context, in *iam.UntagUserInput) (*iam.UntagUserOutput, error) {
	return &iam.UntagUserOutput{}, s.untag(ctx, users, in.UserName, in.TagKeys)
}

func (s *Service) listUserTags(ctx context.Context, in *iam.ListUserTagsInput) (*iam.ListUserTagsOutput, error) {
	tags, next, truncated, err := s.tags(ctx, users, in.UserName, in.Marker, in.MaxItems)
	return &iam.ListUserTagsOutput{Tags: tags, Marker: next, IsTruncated: truncated}, err
}
