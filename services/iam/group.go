package iam

import (
	"context"
	"slices"

	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/storage"
)

func (e *entity) group(account string) *iam.Group {
	return &iam.Group{Path: e.Path, GroupName: e.Name, GroupId: e.ID, Arn: e.arn(groups, account), CreateDate: e.Created}
}

func (s *Service) createGroup(ctx context.Context, in *iam.CreateGroupInput) (*iam.CreateGroupOutput, error) {
	e, err := s.newEntity(ctx, groups, in.Path, in.GroupName, nil)
	if err != nil {
		return nil, err
	}
	if err := s.create(ctx, groups, e); err != nil {
		return nil, err
	}
	return &iam.CreateGroupOutput{Group: e.group(account(ctx))}, nil
}

func (s *Service) deleteGroup(ctx context.Context, in *iam.DeleteGroupInput) (*iam.DeleteGroupOutput, error) {
	return &iam.DeleteGroupOutput{}, s.remove(ctx, groups, in.GroupName)
}

// members are the users in a group, by name.
func (s *Service) members(tx storage.Tx, account, group string) ([]*entity, error) {
	all, err := records[entity](tx, storage.Prefix(users.entitiesKey(account)))
	return slices.DeleteFunc(all, func(e *entity) bool { return !slices.Contains(e.Groups, fold(group)) }), err
}

func (s *Service) getGroup(ctx context.Context, in *iam.GetGroupInput) (*iam.GetGroupOutput, error) {
	var g *entity
	var all []*entity
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		if g, err = s.get(tx, groups, account(ctx), in.GroupName); err != nil {
			return err
		}
		all, err = s.members(tx, account(ctx), in.GroupName)
		return err
	})
	if err != nil {
		return nil, err
	}
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(e *entity) string { return fold(e.Name) })
	out := &iam.GetGroupOutput{Group: g.group(account(ctx)), Users: []*iam.User{}, Marker: next, IsTruncated: truncated}
	for _, e := range items {
		out.Users = append(out.Users, e.user(account(ctx)))
	}
	return out, nil
}

func (s *Service) listGroups(ctx context.Context, in *iam.ListGroupsInput) (*iam.ListGroupsOutput, error) {
	all, err := s.list(ctx, groups, in.PathPrefix)
	if err != nil {
		return nil, err
	}
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(e *entity) string { return fold(e.Name) })
	out := &iam.ListGroupsOutput{Groups: []*iam.Group{}, Marker: next, IsTruncated: truncated}
	for _, e := range items {
		out.Groups = append(out.Groups, e.group(account(ctx)))
	}
	return out, nil
}

func (s *Service) listGroupsForUser(ctx context.Context, in *iam.ListGroupsForUserInput) (*iam.ListGroupsForUserOutput, error) {
	var all []*entity
	err := s.env.DB.View(func(tx storage.Tx) error {
		all = nil
		u, err := s.get(tx, users, account(ctx), in.UserName)
		if err != nil {
			return err
		}
		for _, name := range u.Groups {
			g, err := s.get(tx, groups, account(ctx), name)
			if err != nil {
				return err
			}
			all = append(all, g)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(e *entity) string { return fold(e.Name) })
	out := &iam.ListGroupsForUserOutput{Groups: []*iam.Group{}, Marker: next, IsTruncated: truncated}
	for _, e := range items {
		out.Groups = append(out.Groups, e.group(account(ctx)))
	}
	return out, nil
}

// join changes a user with a group that exists. The group is written too, so
// that it is not deleted meanwhile.
func (s *Service) join(ctx context.Context, user, group string, edit func(groups []string, at int, in bool) []string) error {
	return s.change(ctx, users, user, func(tx storage.Tx, e *entity) error {
		g, err := s.get(tx, groups, account(ctx), group)
		if err != nil {
			return err
		}
		at, in := slices.BinarySearch(e.Groups, fold(group))
		e.Groups = edit(e.Groups, at, in)
		return storage.PutRecord(tx, groups.entityKey(account(ctx), group), g)
	})
}

func (s *Service) addUserToGroup(ctx context.Context, in *iam.AddUserToGroupInput) (*iam.AddUserToGroupOutput, error) {
	return &iam.AddUserToGroupOutput{}, s.join(ctx, in.UserName, in.GroupName, func(all []string, at int, there bool) []string {
		if there {
			return all
		}
		return slices.Insert(all, at, fold(in.GroupName))
	})
}

func (s *Service) removeUserFromGroup(ctx context.Context, in *iam.RemoveUserFromGroupInput) (*iam.RemoveUserFromGroupOutput, error) {
	return &iam.RemoveUserFromGroupOutput{}, s.join(ctx, in.UserName, in.GroupName, func(all []string, at int, there bool) []string {
		if !there {
			return all
		}
		return slices.Delete(all, at, at+1)
	})
}
