package iam

import (
	"context"

	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/storage"
)

// defaultMaxSession is how long a role session may last where the role does not say, in seconds.
const defaultMaxSession = 3600

func (e *entity) role(account string) *iam.Role {
	return &iam.Role{
		Path: e.Path, RoleName: e.Name, RoleId: e.ID, Arn: e.arn(roles, account), CreateDate: e.Created,
		AssumeRolePolicyDocument: encodeDocument(e.Trust), Description: e.Description,
		MaxSessionDuration: new(e.MaxSession),
	}
}

func (s *Service) createRole(ctx context.Context, in *iam.CreateRoleInput) (*iam.CreateRoleOutput, error) {
	e, err := s.newEntity(ctx, roles, in.Path, in.RoleName, in.Tags)
	if err != nil {
		return nil, err
	}
	if err := checkTrust(in.AssumeRolePolicyDocument); err != nil {
		return nil, err
	}
	e.Trust, e.Description, e.MaxSession = in.AssumeRolePolicyDocument, in.Description, defaultMaxSession
	if in.MaxSessionDuration != nil {
		e.MaxSession = *in.MaxSessionDuration
	}
	if err := s.create(ctx, roles, e); err != nil {
		return nil, err
	}
	r := e.role(account(ctx))
	r.MaxSessionDuration = nil // only GetRole and ListRoles say it
	if len(e.Tags) > 0 {
		r.Tags = tagList(e.Tags)
	}
	return &iam.CreateRoleOutput{Role: r}, nil
}

// GetRole reads a role. STS asks it whether a role that is assumed exists.
func (s *Service) GetRole(ctx context.Context, in *iam.GetRoleInput) (*iam.GetRoleOutput, error) {
	e, err := s.view(ctx, roles, in.RoleName)
	if err != nil {
		return nil, err
	}
	r := e.role(account(ctx))
	r.RoleLastUsed = &iam.RoleLastUsed{}
	if len(e.Tags) > 0 {
		r.Tags = tagList(e.Tags)
	}
	return &iam.GetRoleOutput{Role: r}, nil
}

func (s *Service) listRoles(ctx context.Context, in *iam.ListRolesInput) (*iam.ListRolesOutput, error) {
	all, err := s.list(ctx, roles, in.PathPrefix)
	if err != nil {
		return nil, err
	}
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(e *entity) string { return fold(e.Name) })
	out := &iam.ListRolesOutput{Roles: []*iam.Role{}, Marker: next, IsTruncated: truncated}
	for _, e := range items {
		out.Roles = append(out.Roles, e.role(account(ctx)))
	}
	return out, nil
}

func (s *Service) deleteRole(ctx context.Context, in *iam.DeleteRoleInput) (*iam.DeleteRoleOutput, error) {
	return &iam.DeleteRoleOutput{}, s.remove(ctx, roles, in.RoleName)
}

func (s *Service) updateRole(ctx context.Context, in *iam.UpdateRoleInput) (*iam.UpdateRoleOutput, error) {
	return &iam.UpdateRoleOutput{}, s.change(ctx, roles, in.RoleName, func(_ storage.Tx, e *entity) error {
		if in.Description != nil {
			e.Description = *in.Description
		}
		if in.MaxSessionDuration != nil {
			e.MaxSession = *in.MaxSessionDuration
		}
		return nil
	})
}

func (s *Service) updateAssumeRolePolicy(ctx context.Context, in *iam.UpdateAssumeRolePolicyInput) (*iam.UpdateAssumeRolePolicyOutput, error) {
	if err := checkTrust(in.PolicyDocument); err != nil {
		return nil, err
	}
	return &iam.UpdateAssumeRolePolicyOutput{}, s.change(ctx, roles, in.RoleName, func(_ storage.Tx, e *entity) error {
		e.Trust = in.PolicyDocument
		return nil
	})
}

func (s *Service) updateRoleDescription(ctx context.Context, in *iam.UpdateRoleDescriptionInput) (*iam.UpdateRoleDescriptionOutput, error) {
	out := &iam.UpdateRoleDescriptionOutput{}
	err := s.change(ctx, roles, in.RoleName, func(_ storage.Tx, e *entity) error {
		e.Description = in.Description
		out.Role = e.role(account(ctx))
		return nil
	})
	return out, err
}

// listInstanceProfilesForRole is always empty: there are no instance profiles,
// since no operation makes one.
func (s *Service) listInstanceProfilesForRole(ctx context.Context, in *iam.ListInstanceProfilesForRoleInput) (*iam.ListInstanceProfilesForRoleOutput, error) {
	if _, err := s.view(ctx, roles, in.RoleName); err != nil {
		return nil, err
	}
	return &iam.ListInstanceProfilesForRoleOutput{InstanceProfiles: []*iam.InstanceProfile{}, IsTruncated: new(false)}, nil
}
