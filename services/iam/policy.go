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
	if err := checkPolicy(in.PolicyDocument); err != nil {
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
	key := policyKey(account(ctx), p.Name)
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

// readPolicy reads a policy by its ARN; missing is the error when there is none.
func (s *Service) readPolicy(ctx context.Context, tx storage.Tx, arn string, missing error) (*policy, error) {
	p, err := storage.GetRecord[policy](tx, policyKey(account(ctx), policyName(arn)))
	if err == nil && p.arn(account(ctx)) != arn {
		return nil, missing
	}
	return p, absent(err, missing)
}

// policyName is the name at the end of a policy's ARN.
func policyName(arn string) string { return arn[strings.LastIndexByte(arn, '/')+1:] }

// listPolicies lists the customer's policies: AWS's own are not known by name.
func (s *Service) listPolicies(ctx context.Context, in *iam.ListPoliciesInput) (*iam.ListPoliciesOutput, error) {
	var all []*policy
	err := s.env.DB.View(func(tx storage.Tx) (err error) {
		all, err = records[policy](tx, storage.Prefix(policiesKey(account(ctx))))
		return err
	})
	if err != nil {
		return nil, err
	}
	attached := in.OnlyAttached != nil && *in.OnlyAttached
	all = slices.DeleteFunc(all, func(p *policy) bool {
		return in.Scope == iam.PolicyScopeTypeAws || attached && p.Attachments == 0 || !strings.HasPrefix(p.Path, in.PathPrefix)
	})
	items, next, truncated := page(all, in.Marker, in.MaxItems, func(p *policy) string { return fold(p.Name) })
	out := &iam.ListPoliciesOutput{Policies: []*iam.Policy{}, Marker: next, IsTruncated: truncated}
	for _, p := range items {
		shown := p.describe(account(ctx))
		shown.Description = "" // as on AWS, only GetPolicy says it
		out.Policies = append(out.Policies, shown)
	}
	return out, nil
}

func (s *Service) policy(ctx context.Context, arn string) (p *policy, err error) {
	err = s.env.DB.View(func(tx storage.Tx) error {
		p, err = s.readPolicy(ctx, tx, arn, errPolicyNotFound(arn))
		return err
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
	return &iam.DeletePolicyOutput{}, s.env.DB.Update(func(tx storage.Tx) error {
		p, err := s.readPolicy(ctx, tx, in.PolicyArn, errPolicyNotFound(in.PolicyArn))
		if err != nil {
			return err
		}
		if p.Attachments > 0 {
			return errConflict("Cannot delete a policy attached to entities.")
		}
		return tx.Delete(policyKey(account(ctx), p.Name))
	})
}

// count changes how many entities a customer's policy is attached to.
func (s *Service) count(ctx context.Context, tx storage.Tx, arn string, by int32) error {
	if awsManaged(arn) {
		return nil
	}
	p, err := s.readPolicy(ctx, tx, arn, errNoPolicy(arn))
	if err != nil {
		return err
	}
	p.Attachments += by
	return storage.PutRecord(tx, policyKey(account(ctx), p.Name), p)
}
