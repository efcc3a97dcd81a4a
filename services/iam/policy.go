package iam

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/iam"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/storage"
)

// policy is the record of a managed policy of the customer, with its one version.
type policy struct {
	Path, Name, ID, Description, Document string
	Created                               time.Time
	Tags                                  map[string]string
	// Attachments counts the entities it is attached to.
	Attachments int32
}

// awsManaged says that a policy is one of AWS's own. They are known by their
// ARN only: their documents are not evaluated.
func awsManaged(arn string) bool { return strings.HasPrefix(arn, "arn:aws:iam::aws:policy/") }

func (p *policy) describe(account string) *iam.Policy {
	return &iam.Policy{
		PolicyName: p.Name, PolicyId: p.ID, Arn: p.arn(account), Path: p.Path, DefaultVersionId: "v1",
		AttachmentCount: new(p.Attachments), PermissionsBoundaryUsageCount: new(int32(0)), IsAttachable: new(true),
		Description: p.Description, CreateDate: p.Created, UpdateDate: p.Created,
	}
}

func (p *policy) arn(account string) string {
	return "arn:aws:iam::" + account + ":policy" + p.Path + p.Name
}

func (s *Service) createPolicy(ctx context.Context, in *iam.CreatePolicyInput) (*iam.CreatePolicyOutput, error) {
	if err := checkDocument(in.PolicyDocument); err != nil {
		return nil, err
	}
	path := in.Path
	if path == "" {
		path = "/"
	}
	tags, err := tagMap(in.Tags)
	if err != nil {
		return nil, err
	}
	p := &policy{
		Path: path, Name: in.PolicyName, ID: "ANPA" + s.env.IDs.String(ids.Base32, 17), Description: in.Description,
		Document: in.PolicyDocument, Created: api.CallFrom(ctx).Time.Truncate(time.Second), Tags: tags,
	}
	key := policyKey(account(ctx), p.arn(account(ctx)))
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := tx.Get(key); err == nil {
			return errPolicyExists(in.PolicyName)
		} else if !errors.Is(err, storage.ErrNotFound) {
			return err
		}
		return storage.PutRecord(tx, key, p)
	})
	if err != nil {
		return nil, err
	}
	out := p.describe(account(ctx))
	if len(tags) > 0 {
		out.Tags = tagList(tags)
	}
	return &iam.CreatePolicyOutput{Policy: out}, nil
}

func (s *Service) policy(ctx context.Context, arn string) (p *policy, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		p, err = storage.GetRecord[policy](tx, policyKey(account(ctx), arn))
		return absent(err, errPolicyNotFound(arn))
	})
	return p, err
}

func (s *Service) getPolicy(ctx context.Context, in *iam.GetPolicyInput) (*iam.GetPolicyOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	out := p.describe(account(ctx))
	out.Tags = tagList(p.Tags)
	return &iam.GetPolicyOutput{Policy: out}, nil
}

func (s *Service) getPolicyVersion(ctx context.Context, in *iam.GetPolicyVersionInput) (*iam.GetPolicyVersionOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	if in.VersionId != "v1" {
		return nil, &iam.NoSuchEntityException{Message: "Policy " + in.PolicyArn + " version " + in.VersionId + " does not exist or is not attachable."}
	}
	v := p.version()
	v.Document = encodeDocument(p.Document)
	return &iam.GetPolicyVersionOutput{PolicyVersion: v}, nil
}

func (p *policy) version() *iam.PolicyVersion {
	return &iam.PolicyVersion{VersionId: "v1", IsDefaultVersion: new(true), CreateDate: p.Created}
}

func (s *Service) listPolicyVersions(ctx context.Context, in *iam.ListPolicyVersionsInput) (*iam.ListPolicyVersionsOutput, error) {
	p, err := s.policy(ctx, in.PolicyArn)
	if err != nil {
		return nil, err
	}
	versions, next, truncated := page([]*iam.PolicyVersion{p.version()}, in.Marker, in.MaxItems, func(v *iam.PolicyVersion) string { return v.VersionId })
	return &iam.ListPolicyVersionsOutput{Versions: versions, Marker: next, IsTruncated: truncated}, nil
}

func (s *Service) deletePolicy(ctx context.Context, in *iam.DeletePolicyInput) (*iam.DeletePolicyOutput, error) {
	key := policyKey(account(ctx), in.PolicyArn)
	return &iam.DeletePolicyOutput{}, s.env.DB.Update(func(tx storage.Tx) error {
		p, err := storage.GetRecord[policy](tx, key)
		if err != nil {
			return absent(err, errPolicyNotFound(in.PolicyArn))
		}
		if p.Attachments > 0 {
			return errConflict("Cannot delete a policy attached to entities.")
		}
		return tx.Delete(key)
	})
}

// count changes how many entities a customer's policy is attached to.
func (s *Service) count(ctx context.Context, tx storage.Tx, arn string, by int32) error {
	if awsManaged(arn) {
		return nil
	}
	key := policyKey(account(ctx), arn)
	p, err := storage.GetRecord[policy](tx, key)
	if err != nil {
		return absent(err, errNoPolicy(arn))
	}
	p.Attachments += by
	return storage.PutRecord(tx, key, p)
}

func (s *Service) attachRolePolicy(ctx context.Context, in *iam.AttachRolePolicyInput) (*iam.AttachRolePolicyOutput, error) {
	return &iam.AttachRolePolicyOutput{}, s.change(ctx, roles, in.RoleName, func(tx storage.Tx, e *entity) error {
		at, there := slices.BinarySearch(e.Attached, in.PolicyArn)
		if there {
			return nil
		}
		e.Attached = slices.Insert(e.Attached, at, in.PolicyArn)
		return s.count(ctx, tx, in.PolicyArn, 1)
	})
}

func (s *Service) detachRolePolicy(ctx context.Context, in *iam.DetachRolePolicyInput) (*iam.DetachRolePolicyOutput, error) {
	return &iam.DetachRolePolicyOutput{}, s.change(ctx, roles, in.RoleName, func(tx storage.Tx, e *entity) error {
		at, there := slices.BinarySearch(e.Attached, in.PolicyArn)
		if !there {
			return errNotAttached(in.PolicyArn)
		}
		e.Attached = slices.Delete(e.Attached, at, at+1)
		return s.count(ctx, tx, in.PolicyArn, -1)
	})
}

func (s *Service) listAttachedRolePolicies(ctx context.Context, in *iam.ListAttachedRolePoliciesInput) (*iam.ListAttachedRolePoliciesOutput, error) {
	e, err := s.view(ctx, roles, in.RoleName)
	if err != nil {
		return nil, err
	}
	arns := slices.DeleteFunc(e.Attached, func(arn string) bool {
		_, path, _ := strings.Cut(arn, ":policy")
		return !strings.HasPrefix(path, in.PathPrefix)
	})
	items, next, truncated := page(arns, in.Marker, in.MaxItems, func(a string) string { return a })
	out := &iam.ListAttachedRolePoliciesOutput{AttachedPolicies: []*iam.AttachedPolicy{}, Marker: next, IsTruncated: truncated}
	for _, arn := range items {
		out.AttachedPolicies = append(out.AttachedPolicies, &iam.AttachedPolicy{PolicyArn: arn, PolicyName: arn[strings.LastIndexByte(arn, '/')+1:]})
	}
	return out, nil
}
