package iam

import (
	"context"

	"github.com/virga-cloud/virga/api/iam"
)

// What follows is the same for roles, users and groups, by AWS's three names.

func (s *Service) attachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	return &iam.AttachRolePolicyOutput{}, s.attach(ctx, roles, in.RoleName, in.PolicyArn)
}

func (s *Service) detachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	return &iam.DetachRolePolicyOutput{}, s.detach(ctx, roles, in.RoleName, in.PolicyArn)
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	list, next, truncated, err := s.attached(ctx, roles, in.RoleName, in.PathPrefix, in.Marker, in.MaxItems)
	return &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: list, Marker: next, IsTruncated: truncated}, err
}

func (s *Service) putRolePolicy(ctx context.Context, in *iam.PutRolePolicyInput) (*iam.PutRolePolicyOutput, error) {
	return &iam.PutRolePolicyOutput{}, s.embed(ctx, roles, in.RoleName, in.PolicyName, in.PolicyDocument)
}

func (s *Service) getRolePolicy(ctx context.Context, in *iam.GetRolePolicyInput) (*iam.GetRolePolicyOutput, error) {
	e, document, err := s.embedded(ctx, roles, in.RoleName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetRolePolicyOutput{RoleName: e.Name, PolicyName: in.PolicyName, PolicyDocument: document}, nil
}

func (s *Service) deleteRolePolicy(ctx context.Context, in *iam.DeleteRolePolicyInput) (*iam.DeleteRolePolicyOutput, error) {
	return &iam.DeleteRolePolicyOutput{}, s.unembed(ctx, roles, in.RoleName, in.PolicyName)
}

func (s *Service) listRolePolicies(ctx context.Context, in *iam.ListRolePoliciesInput) (*iam.ListRolePoliciesOutput, error) {
	names, next, truncated, err := s.embeddedNames(ctx, roles, in.RoleName, in.Marker, in.MaxItems)
	return &iam.ListRolePoliciesOutput{PolicyNames: names, Marker: next, IsTruncated: truncated}, err
}

func (s *Service) attachUserPolicy(ctx context.Context, in *iam.AttachUserPolicyInput) (*iam.AttachUserPolicyOutput, error) {
	return &iam.AttachUserPolicyOutput{}, s.attach(ctx, users, in.UserName, in.PolicyArn)
}

func (s *Service) detachUserPolicy(ctx context.Context, in *iam.DetachUserPolicyInput) (*iam.DetachUserPolicyOutput, error) {
	return &iam.DetachUserPolicyOutput{}, s.detach(ctx, users, in.UserName, in.PolicyArn)
}

func (s *Service) listAttachedUserPolicies(ctx context.Context, in *iam.ListAttachedUserPoliciesInput) (*iam.ListAttachedUserPoliciesOutput, error) {
	list, next, truncated, err := s.attached(ctx, users, in.UserName, in.PathPrefix, in.Marker, in.MaxItems)
	return &iam.ListAttachedUserPoliciesOutput{AttachedPolicies: list, Marker: next, IsTruncated: truncated}, err
}

func (s *Service) putUserPolicy(ctx context.Context, in *iam.PutUserPolicyInput) (*iam.PutUserPolicyOutput, error) {
	return &iam.PutUserPolicyOutput{}, s.embed(ctx, users, in.UserName, in.PolicyName, in.PolicyDocument)
}

func (s *Service) getUserPolicy(ctx context.Context, in *iam.GetUserPolicyInput) (*iam.GetUserPolicyOutput, error) {
	e, document, err := s.embedded(ctx, users, in.UserName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetUserPolicyOutput{UserName: e.Name, PolicyName: in.PolicyName, PolicyDocument: document}, nil
}

func (s *Service) deleteUserPolicy(ctx context.Context, in *iam.DeleteUserPolicyInput) (*iam.DeleteUserPolicyOutput, error) {
	return &iam.DeleteUserPolicyOutput{}, s.unembed(ctx, users, in.UserName, in.PolicyName)
}

func (s *Service) listUserPolicies(ctx context.Context, in *iam.ListUserPoliciesInput) (*iam.ListUserPoliciesOutput, error) {
	names, next, truncated, err := s.embeddedNames(ctx, users, in.UserName, in.Marker, in.MaxItems)
	return &iam.ListUserPoliciesOutput{PolicyNames: names, Marker: next, IsTruncated: truncated}, err
}

func (s *Service) attachGroupPolicy(ctx context.Context, in *iam.AttachGroupPolicyInput) (*iam.AttachGroupPolicyOutput, error) {
	return &iam.AttachGroupPolicyOutput{}, s.attach(ctx, groups, in.GroupName, in.PolicyArn)
}

func (s *Service) detachGroupPolicy(ctx context.Context, in *iam.DetachGroupPolicyInput) (*iam.DetachGroupPolicyOutput, error) {
	return &iam.DetachGroupPolicyOutput{}, s.detach(ctx, groups, in.GroupName, in.PolicyArn)
}

func (s *Service) listAttachedGroupPolicies(ctx context.Context, in *iam.ListAttachedGroupPoliciesInput) (*iam.ListAttachedGroupPoliciesOutput, error) {
	list, next, truncated, err := s.attached(ctx, groups, in.GroupName, in.PathPrefix, in.Marker, in.MaxItems)
	return &iam.ListAttachedGroupPoliciesOutput{AttachedPolicies: list, Marker: next, IsTruncated: truncated}, err
}

func (s *Service) putGroupPolicy(ctx context.Context, in *iam.PutGroupPolicyInput) (*iam.PutGroupPolicyOutput, error) {
	return &iam.PutGroupPolicyOutput{}, s.embed(ctx, groups, in.GroupName, in.PolicyName, in.PolicyDocument)
}

func (s *Service) getGroupPolicy(ctx context.Context, in *iam.GetGroupPolicyInput) (*iam.GetGroupPolicyOutput, error) {
	e, document, err := s.embedded(ctx, groups, in.GroupName, in.PolicyName)
	if err != nil {
		return nil, err
	}
	return &iam.GetGroupPolicyOutput{GroupName: e.Name, PolicyName: in.PolicyName, PolicyDocument: document}, nil
}

func (s *Service) deleteGroupPolicy(ctx context.Context, in *iam.DeleteGroupPolicyInput) (*iam.DeleteGroupPolicyOutput, error) {
	return &iam.DeleteGroupPolicyOutput{}, s.unembed(ctx, groups, in.GroupName, in.PolicyName)
}

func (s *Service) listGroupPolicies(ctx context.Context, in *iam.ListGroupPoliciesInput) (*iam.ListGroupPoliciesOutput, error) {
	names, next, truncated, err := s.embeddedNames(ctx, groups, in.GroupName, in.Marker, in.MaxItems)
	return &iam.ListGroupPoliciesOutput{PolicyNames: names, Marker: next, IsTruncated: truncated}, err
}
