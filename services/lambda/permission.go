package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strconv"
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
	SourceARN, SourceAccount string
	PrincipalOrgID           string
	FunctionURLAuthType      string
	EventSourceToken         string
	// ViaURL is the condition that the function is, or is not, invoked through its URL.
	ViaURL *bool
}

var permissionAction = regexp.MustCompile(`^(lambda:[*]|lambda:[a-zA-Z]+|[*])$`)

func (s *Service) addPermission(ctx context.Context, in *lam.AddPermissionInput) (*lam.AddPermissionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	switch {
	case err != nil:
		return nil, err
	case r.qualifier == latest:
		return nil, errInvalidValue("We currently do not support adding policies for $LATEST.")
	case !permissionAction.MatchString(in.Action):
		return nil, errConstraint(in.Action, "action", "Member must satisfy regular expression pattern: (lambda:[*]|lambda:[a-zA-Z]+|[*])")
	case !validPrincipal(in.Principal):
		return nil, errInvalidValue("The provided principal was invalid. Please check the principal and try again.")
	}
	st := statement{ID: in.StatementId, Action: in.Action, Principal: in.Principal, SourceARN: in.SourceArn,
		SourceAccount: in.SourceAccount, PrincipalOrgID: in.PrincipalOrgID, FunctionURLAuthType: string(in.FunctionUrlAuthType),
		EventSourceToken: in.EventSourceToken, ViaURL: in.InvokedViaFunctionUrl}
	next := s.env.IDs.UUID()
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if err := s.policySubject(tx, r); err != nil {
			return err
		}
		return s.changePolicy(tx, r, in.RevisionId, next, func(p *policy) error {
			for _, old := range p.Statements {
				if old.ID == st.ID {
					return errStatementExists(st.ID)
				}
			}
			p.Statements = append(p.Statements, st)
			return nil
		})
	})
	if err != nil {
		return nil, err
	}
	text, err := document(st.document(r))
	return &lam.AddPermissionOutput{Statement: text}, err
}

func (s *Service) removePermission(ctx context.Context, in *lam.RemovePermissionInput) (*lam.RemovePermissionOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	next := s.env.IDs.UUID()
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := tx.Get(functionKey(r.owner, r.name)); errors.Is(err, storage.ErrNotFound) {
			return errNoPolicyFor(r)
		} else if err != nil {
			return err
		}
		if err := s.policySubject(tx, r); err != nil {
			return err
		}
		return s.changePolicy(tx, r, in.RevisionId, next, func(p *policy) error {
			if len(p.Statements) == 0 {
				return errNoStatements()
			}
			kept := slices.DeleteFunc(slices.Clone(p.Statements), func(st statement) bool { return st.ID == in.StatementId })
			if len(kept) == len(p.Statements) {
				return errStatementNotFound(in.StatementId)
			}
			p.Statements = kept
			return nil
		})
	})
	return &lam.RemovePermissionOutput{}, err
}

// policySubject makes sure that what gets a policy exists: the function, one
// of its versions or of its aliases.
func (s *Service) policySubject(tx storage.Tx, r reference) error {
	if aliasName.MatchString(r.qualifier) {
		if _, err := s.function(tx, r); err != nil {
			return err
		}
		_, err := tx.Get(aliasKey(r.owner, r.name, r.qualifier))
		if errors.Is(err, storage.ErrNotFound) {
			return errAliasNotFound(r, r.qualifier)
		}
		return err
	}
	_, err := s.find(tx, r)
	return err
}

// changePolicy edits the policy of what r names, which exists.
func (s *Service) changePolicy(tx storage.Tx, r reference, revision, next string, edit func(*policy) error) error {
	f, err := s.function(tx, r)
	if err != nil {
		return err
	}
	p := f.Policies[r.qualifier]
	if p == nil {
		p = new(policy)
	}
	if revision != "" && revision != p.Revision {
		return errRevision("GetPolicy")
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
}

func (s *Service) getPolicy(ctx context.Context, in *lam.GetPolicyInput) (*lam.GetPolicyOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var p *policy
	err = s.env.DB.View(func(tx storage.Tx) error {
		f, err := storage.GetRecord[function](tx, functionKey(r.owner, r.name))
		if errors.Is(err, storage.ErrNotFound) || err == nil && f.Policies[r.qualifier] == nil {
			return errNoPolicy()
		} else if err != nil {
			return err
		}
		p = f.Policies[r.qualifier]
		return nil
	})
	if err != nil {
		return nil, err
	}
	doc := policyDocument{Version: "2012-10-17", ID: "default"}
	for _, st := range p.Statements {
		doc.Statement = append(doc.Statement, st.document(r))
	}
	text, err := document(doc)
	return &lam.GetPolicyOutput{Policy: text, RevisionId: p.Revision}, err
}

// document is a part of a policy as text, with the characters as they are.
func document(v any) (string, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	err := e.Encode(v)
	return strings.TrimSuffix(b.String(), "\n"), err
}

// policyDocument is a policy as GetPolicy shows it.
type policyDocument struct {
	Version   string              `json:"Version"`
	ID        string              `json:"Id"`
	Statement []statementDocument `json:"Statement"`
}

type statementDocument struct {
	Sid       string      `json:"Sid"`
	Effect    string      `json:"Effect"`
	Principal any         `json:"Principal"`
	Action    string      `json:"Action"`
	Resource  string      `json:"Resource"`
	Condition *conditions `json:"Condition,omitempty"`
}

// conditions are those that AddPermission can make, in the order AWS shows them.
type conditions struct {
	StringEquals *stringConditions `json:"StringEquals,omitempty"`
	Bool         *boolConditions   `json:"Bool,omitempty"`
	ARNLike      *arnConditions    `json:"ArnLike,omitempty"`
}

type stringConditions struct {
	SourceAccount       string `json:"AWS:SourceAccount,omitempty"`
	FunctionURLAuthType string `json:"lambda:FunctionUrlAuthType,omitempty"`
	PrincipalOrgID      string `json:"aws:PrincipalOrgID,omitempty"`
	EventSourceToken    string `json:"lambda:EventSourceToken,omitempty"`
}

type boolConditions struct {
	ViaURL string `json:"lambda:InvokedViaFunctionUrl"`
}

type arnConditions struct {
	SourceARN string `json:"AWS:SourceArn"`
}

func (st *statement) document(r reference) statementDocument {
	d := statementDocument{Sid: st.ID, Effect: "Allow", Action: st.Action, Resource: r.qualified(), Principal: "*"}
	switch {
	case st.Principal == "*":
	case isServicePrincipal(st.Principal):
		d.Principal = map[string]string{"Service": st.Principal}
	case api.IsAccount(st.Principal):
		d.Principal = map[string]string{"AWS": api.Root(st.Principal).ARN}
	default:
		d.Principal = map[string]string{"AWS": st.Principal}
	}
	var c conditions
	if equal := (stringConditions{st.SourceAccount, st.FunctionURLAuthType, st.PrincipalOrgID, st.EventSourceToken}); equal != (stringConditions{}) {
		c.StringEquals = &equal
	}
	if st.ViaURL != nil {
		c.Bool = &boolConditions{strconv.FormatBool(*st.ViaURL)}
	}
	if st.SourceARN != "" {
		c.ARNLike = &arnConditions{st.SourceARN}
	}
	if c != (conditions{}) {
		d.Condition = &c
	}
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
		if st.Principal != "*" && st.Principal != who.Service {
			continue
		}
		// Services' calls have none of what these conditions ask for.
		if st.PrincipalOrgID != "" || st.FunctionURLAuthType != "" || st.EventSourceToken != "" || st.ViaURL != nil && *st.ViaURL {
			continue
		}
		if st.SourceAccount != "" && st.SourceAccount != who.SourceAccount {
			continue
		}
		if st.SourceARN != "" && !arnLike(st.SourceARN, who.SourceARN) {
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
		if !api.MatchPattern(p[i], a[i]) {
			return false
		}
	}
	return true
}

func isServicePrincipal(p string) bool {
	for _, suffix := range []string{".amazonaws.com", ".amazonaws.com.cn", ".amazon.com", ".aws.internal"} {
		if strings.HasSuffix(p, suffix) {
			return true
		}
	}
	return false
}

func validPrincipal(p string) bool {
	return p == "*" || api.IsAccount(p) || strings.HasPrefix(p, "arn:") || isServicePrincipal(p)
}
