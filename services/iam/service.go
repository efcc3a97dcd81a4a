// Package iam is AWS Identity and Access Management: roles, users, groups,
// access keys and policies. What it stores is not yet evaluated; access keys
// that it issued are verified in every mode. Policies of AWS's own can be
// attached, and are known by their ARN only.
//
// # Vocabulary
//
// An entity is what a policy can be attached to and embedded in: a role, a
// user or a group. IAM is global: its records belong to an account and to no region.
package iam

import (
	"errors"

	"github.com/virga-cloud/virga/api"
	iam "github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// Service is IAM.
type Service struct{ env service.Env }

// New is the service.
func New(env service.Env) *Service { return &Service{env} }

// Model implements service.Service.
func (s *Service) Model() *api.Model { return &iam.Model }

// Operations implements service.Service.
func (s *Service) Operations() []api.Handler {
	return []api.Handler{
		iam.CreateRole.Handle(s.createRole).WithoutEffect("PermissionsBoundary"),
		iam.DeleteRole.Handle(s.deleteRole),
		iam.GetRole.Handle(s.GetRole),
		iam.ListRoles.Handle(s.listRoles),
		iam.ListRoleTags.Handle(s.listRoleTags),
		iam.TagRole.Handle(s.tagRole),
		iam.UntagRole.Handle(s.untagRole),
		iam.UpdateAssumeRolePolicy.Handle(s.updateAssumeRolePolicy),
		iam.UpdateRole.Handle(s.updateRole),
		iam.UpdateRoleDescription.Handle(s.updateRoleDescription),
		iam.ListInstanceProfilesForRole.Handle(s.listInstanceProfilesForRole),

		iam.AttachRolePolicy.Handle(s.attachRolePolicy),
		iam.DetachRolePolicy.Handle(s.detachRolePolicy),
		iam.ListAttachedRolePolicies.Handle(s.listAttachedRolePolicies),
		iam.PutRolePolicy.Handle(s.putRolePolicy),
		iam.GetRolePolicy.Handle(s.getRolePolicy),
		iam.DeleteRolePolicy.Handle(s.deleteRolePolicy),
		iam.ListRolePolicies.Handle(s.listRolePolicies),

		iam.AttachUserPolicy.Handle(s.attachUserPolicy),
		iam.DetachUserPolicy.Handle(s.detachUserPolicy),
		iam.ListAttachedUserPolicies.Handle(s.listAttachedUserPolicies),
		iam.PutUserPolicy.Handle(s.putUserPolicy),
		iam.GetUserPolicy.Handle(s.getUserPolicy),
		iam.DeleteUserPolicy.Handle(s.deleteUserPolicy),
		iam.ListUserPolicies.Handle(s.listUserPolicies),

		iam.AttachGroupPolicy.Handle(s.attachGroupPolicy),
		iam.DetachGroupPolicy.Handle(s.detachGroupPolicy),
		iam.ListAttachedGroupPolicies.Handle(s.listAttachedGroupPolicies),
		iam.PutGroupPolicy.Handle(s.putGroupPolicy),
		iam.GetGroupPolicy.Handle(s.getGroupPolicy),
		iam.DeleteGroupPolicy.Handle(s.deleteGroupPolicy),
		iam.ListGroupPolicies.Handle(s.listGroupPolicies),

		iam.CreatePolicy.Handle(s.createPolicy),
		iam.DeletePolicy.Handle(s.deletePolicy),
		iam.GetPolicy.Handle(s.getPolicy),
		iam.ListPolicies.Handle(s.listPolicies).WithoutEffect("PolicyUsageFilter"),
		iam.GetPolicyVersion.Handle(s.getPolicyVersion),
		iam.ListPolicyVersions.Handle(s.listPolicyVersions),

		iam.CreateUser.Handle(s.createUser).WithoutEffect("PermissionsBoundary"),
		iam.DeleteUser.Handle(s.deleteUser),
		iam.GetUser.Handle(s.getUser),
		iam.ListUsers.Handle(s.listUsers),
		iam.ListUserTags.Handle(s.listUserTags),
		iam.TagUser.Handle(s.tagUser),
		iam.UntagUser.Handle(s.untagUser),
		iam.CreateAccessKey.Handle(s.createAccessKey),
		iam.DeleteAccessKey.Handle(s.deleteAccessKey),
		iam.ListAccessKeys.Handle(s.listAccessKeys),
		iam.UpdateAccessKey.Handle(s.updateAccessKey),

		iam.CreateGroup.Handle(s.createGroup),
		iam.DeleteGroup.Handle(s.deleteGroup),
		iam.GetGroup.Handle(s.getGroup),
		iam.ListGroups.Handle(s.listGroups),
		iam.ListGroupsForUser.Handle(s.listGroupsForUser),
		iam.AddUserToGroup.Handle(s.addUserToGroup),
		iam.RemoveUserFromGroup.Handle(s.removeUserFromGroup),
	}
}

// page cuts a sorted list: it starts at marker and holds at most max items,
// 100 where nothing is said. name gives an item's marker.
func page[T any](all []T, marker string, max *int32, name func(T) string) (items []T, next string, truncated *bool) {
	limit := 100
	if max != nil {
		limit = int(*max)
	}
	items = []T{}
	for _, x := range all {
		if marker != "" && name(x) < marker {
			continue
		}
		if len(items) == limit {
			return items, name(x), new(true)
		}
		items = append(items, x)
	}
	return items, "", new(false)
}

// records reads all records of a range into a list.
func records[T any](tx storage.Tx, r storage.Range) (all []*T, err error) {
	for item, err := range storage.Records[T](tx, r) {
		if err != nil {
			return nil, err
		}
		all = append(all, item.Value)
	}
	return all, nil
}

// absent makes storage's ErrNotFound the given error.
func absent(err, otherwise error) error {
	if errors.Is(err, storage.ErrNotFound) {
		return otherwise
	}
	return err
}
