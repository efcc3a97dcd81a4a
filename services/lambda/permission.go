package lambda

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/storage"
)

// policy is a resource policy: statements in the order in which they were added.
type policy struct {
	Statements []statement
	Revision   string
}

// statement is one permission.
type statement struct {
	ID, Action, Principal    string
	SourceArn, SourceAccount string
	PrincipalOrgID           string
	FunctionURLAuthType      string
}

func (s *Service) addPermission(ctx context.Context, in *lam.AddPermissionInput) (*lam.AddPermissionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	if r.qualifier == latest {
		return nil, errInvalidValue("We currently do not support adding policies for $LATEST.")
	}
	if !regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`).MatchString(in.Action) {
		return nil, errValidation("1 validation error detected: Value '%s' at 'action' failed to satisfy constraint: Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])", in.Action)
	}
	st := statement{ID: in.StatementId, Action: in.Action, Principal: in.Principal, SourceArn: in.SourceArn,
		SourceAccount: in.SourceAccount, PrincipalOrgID: in.PrincipalOrgID, FunctionURLAuthType: string(in.FunctionUrlAuthType)}
	if !validPrincipal(in.Principal) {
		return nil, errInvalidValue("The provided principal was invalid. Please check the principal and try again.")
	}
	err = s.changePolicy(ctx, r, in.RevisionId, func(p *policy) error {
		for _, old := range p.Statements {
			if old.ID == st.ID {
				return errStatementExists(st.ID)
			}
		}
		p.Statements = append(p.Statements, st)
		return nil
	})
	if err != nil {
		return nil, err
	}
	text, err := json.Marshal(st.document(r))
	return &lam.AddPermissionOutput{Statement: string(text)}, err
}

func (s *Service) removePermission(ctx context.Context, in *lam.RemovePermissionInput) (*lam.RemovePermissionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	err = s.changePolicy(ctx, r, in.RevisionId, func(p *policy) error {
		if len(p.Statements) == 0 {
			return &lam.ResourceNotFoundException{Type: "User", Message: "No policy is associated with the given resource."}
		}
		for i, old := range p.Statements {
			if old.ID == in.StatementId {
				p.Statements = append(p.Statements[:i:i], p.Statements[i+1:]...)
				return nil
			}
		}
		return errStatementNotFound(in.StatementId)
	})
	return &lam.RemovePermissionOutput{}, err
}

func (s *Service) changePolicy(ctx context.Context, r reference, revision string, edit func(*policy) error) error {
	next := s.env.IDs.UUID()
	return s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.find(tx, r); err != nil {
			return err
		}
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		p := f.Policies[r.qualifier]
		if p == nil {
			p = new(policy)
		}
		if revision != "" && revision != p.Revision {
			return errRevision()
		}
		if err := edit(p); err != nil {
			return err
		}
		p.Revision = next
		if f.Policies == nil {
			f.Policies = map[string]*policy{}
		}
		f.Policies[r.qualifier] = p
		if len(p.Statements) == 0 {
			delete(f.Policies, r.qualifier)
		}
		return storage.PutRecord(tx, functionKey(r.owner, r.name), f)
	})
}

func (s *Service) getPolicy(ctx context.Context, in *lam.GetPolicyInput) (*lam.GetPolicyOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var p *policy
	err = s.env.DB.View(func(tx storage.Tx) error {
		if _, err := s.find(tx, r); err != nil {
			return err
		}
		f, err := s.function(tx, r)
		if err != nil {
			return err
		}
		if p = f.Policies[r.qualifier]; p == nil {
			return errNoPolicy()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	doc := policyDocument{Version: "2012-10-17", ID: "default"}
	for _, st := range p.Statements {
		doc.Statement = append(doc.Statement, st.document(r))
	}
	text, err := json.Marshal(doc)
	return &lam.GetPolicyOutput{Policy: string(text), RevisionId: p.Revision}, err
}

// policyDocument is a policy as GetPolicy shows it.
type policyDocument struct {
	Version   string              `json:"Version"`
	ID        string              `json:"Id"`
	Statement []statementDocument `json:"Statement"`
}

type statementDocument struct {
	Sid       string                       `json:"Sid"`
	Effect    string                       `json:"Effect"`
	Principal any                          `json:"Principal"`
	Action    string                       `json:"Action"`
	Resource  string                       `json:"Resource"`
	Condition map[string]map[string]string `json:"Condition,omitempty"`
}

func (st *statement) document(r reference) statementDocument {
	d := statementDocument{Sid: st.ID, Effect: "Allow", Action: st.Action, Resource: r.qualified(), Principal: "*"}
	switch {
	case st.Principal == "*":
	case strings.HasSuffix(st.Principal, ".amazonaws.com"), strings.HasSuffix(st.Principal, ".amazonaws.com.cn"):
		d.Principal = map[string]string{"Service": st.Principal}
	case isAccount(st.Principal):
		d.Principal = map[string]string{"AWS": api.Root(st.Principal).ARN}
	default:
		d.Principal = map[string]string{"AWS": st.Principal}
	}
	condition := func(operator, key, value string) {
		if value == "" {
			return
		}
		if d.Condition == nil {
			d.Condition = map[string]map[string]string{}
		}
		if d.Condition[operator] == nil {
			d.Condition[operator] = map[string]string{}
		}
		d.Condition[operator][key] = value
	}
	condition("StringEquals", "AWS:SourceAccount", st.SourceAccount)
	condition("StringEquals", "lambda:FunctionUrlAuthType", st.FunctionURLAuthType)
	condition("StringEquals", "aws:PrincipalOrgID", st.PrincipalOrgID)
	condition("ArnLike", "AWS:SourceArn", st.SourceArn)
	return d
}

// permits says whether the policy lets a service invoke the function.
func (p *policy) permits(who api.Principal) bool {
	if p == nil {
		return false
	}
	for _, st := range p.Statements {
		if st.Action != "lambda:InvokeFunction" && st.Action != "lambda:*" && st.Action != "*" {
			continue
		}
		if st.Principal != "*" && st.Principal != who.Service || st.PrincipalOrgID != "" || st.FunctionURLAuthType != "" {
			continue
		}
		if st.SourceAccount != "" && st.SourceAccount != who.SourceAccount {
			continue
		}
		if st.SourceArn != "" && !arnLike(st.SourceArn, who.SourceARN) {
			continue
		}
		return true
	}
	return false
}

// permitted checks that a service may invoke what r names. The caller has
// made sure that the version exists.
func (s *Service) permitted(tx storage.Tx, r reference, who api.Principal) error {
	f, err := s.function(tx, r)
	if err != nil {
		return err
	}
	if !f.Policies[r.qualifier].permits(who) {
		return errNotPermitted(who.Service, r)
	}
	return nil
}

// arnLike is the ArnLike condition: each of the six parts is matched with * and ?.
// https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html
func arnLike(pattern, arn string) bool {
	p, a := strings.SplitN(pattern, ":", 6), strings.SplitN(arn, ":", 6)
	if len(p) != 6 || len(a) != 6 {
		return pattern == "*"
	}
	for i := range p {
		if !wildcard(p[i], a[i]) {
			return false
		}
	}
	return true
}

// wildcard matches s with a pattern in which * stands for any text and ? for one character.
func wildcard(pattern, s string) bool {
	star, mark := -1, 0
	p, i := 0, 0
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

func isAccount(s string) bool { return len(s) == 12 && strings.Trim(s, "0123456789") == "" }

func validPrincipal(p string) bool {
	return p == "*" || isAccount(p) || strings.HasPrefix(p, "arn:") || strings.Contains(p, ".amazonaws.com") || strings.Contains(p, ".aws.internal")
}
