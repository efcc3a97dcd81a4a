package dynamodb

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/storage"
)

// A table and each of its streams may have a policy. They are kept and told;
// what they allow is not looked at yet.
// https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/access-control-resource-based.html

// resourcePolicy is the policy of a table or of a stream of it.
type resourcePolicy struct {
	Document string
	// Revision is the time in milliseconds, or one more than the revision before.
	Revision string
}

// maxPolicy is how long a policy may be, in bytes.
const maxPolicy = 20 << 10

// noPolicy is the revision that stands for no policy at all.
const noPolicy = "NO_POLICY"

// policyResource is a table whose policy is meant, or a stream of it.
type policyResource struct {
	arn    string
	table  tableID
	stream string // its label; "" for the table
}

func newPolicyResource(arn string) (r policyResource, err error) {
	a, err := api.ParseARN(arn)
	parts := strings.Split(a.Resource, "/")
	if err != nil || a.Service != "dynamodb" || a.Account == "" || a.Region == "" || parts[0] != "table" || len(parts) != 2 && (len(parts) != 4 || parts[2] != "stream") {
		return r, errParameter("Provided Arn is not a DynamoDB resource %s", arn)
	}
	r = policyResource{arn: arn, table: tableID{a.Account, a.Region, parts[1]}}
	if len(parts) == 4 {
		r.stream = parts[3]
	}
	return r, nil
}

// record is the table's record. Of a stream, it must be the latest one.
func (r policyResource) record(tx storage.Tx, s *Service) (*table, error) {
	t, err := s.record(tx, r.table)
	if err != nil {
		return nil, err
	}
	if r.stream != "" && (t.StreamNumber == 0 || t.StreamStart.Format(labelFormat) != r.stream) {
		return nil, &ddb.ResourceNotFoundException{Message: "Requested resource not found: Stream: " + r.arn + " not found"}
	}
	return t, nil
}

func (r policyResource) errNone() error {
	return &ddb.PolicyNotFoundException{Message: "Resource-based policy not found for the provided ResourceArn: " + r.arn}
}

// checkRevision checks what a request expects of the policy there is.
func (r policyResource) checkRevision(expected string, is resourcePolicy) error {
	const found = "Resource-based policy not found for the provided ResourceArn: "
	name := r.table.name
	switch {
	case expected == "" || expected == is.Revision || expected == noPolicy && is.Revision == "":
		return nil
	case expected == noPolicy:
		return &ddb.PolicyNotFoundException{Message: found + "Requested policy update expecting none to be present for table " + name + ", but a policy exists with revision id " + is.Revision + "."}
	case is.Revision == "":
		return &ddb.PolicyNotFoundException{Message: found + "Requested update for policy with revision id " + expected + ", but no policy is associated to target table " + name + "."}
	}
	return &ddb.PolicyNotFoundException{Message: found + "Requested update for policy with revision id " + expected + ", but the policy associated to target table " + name + " has revision id " + is.Revision + "."}
}

// checkPolicy checks that a document can be a policy.
func checkPolicy(document string) error {
	if len(document) > maxPolicy {
		return errValidation("Resource-based policy size cannot exceed %d bytes", maxPolicy)
	}
	var policy struct {
		Version   string
		Statement json.RawMessage
	}
	if err := json.Unmarshal([]byte(document), &policy); err != nil {
		return errValidation("Invalid policy document: JSON is not well formed")
	}
	if len(policy.Statement) == 0 {
		return errValidation("Invalid policy document: Statement is missing")
	}
	return nil
}

// newPolicy is the policy that takes the place of another.
func newPolicy(document string, before resourcePolicy, now time.Time) resourcePolicy {
	if document == before.Document {
		return before
	}
	return resourcePolicy{Document: document, Revision: nextRevision(before.Revision, now)}
}

// nextRevision is the revision of a policy that is put now: the time, but later
// than the revision before.
func nextRevision(before string, now time.Time) string {
	revision := now.UnixMilli()
	if old, err := strconv.ParseInt(before, 10, 64); err == nil && revision <= old {
		revision = old + 1
	}
	return strconv.FormatInt(revision, 10)
}

func (s *Service) putResourcePolicy(ctx context.Context, in *ddb.PutResourcePolicyInput) (*ddb.PutResourcePolicyOutput, error) {
	r, err := newPolicyResource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	if err := checkPolicy(in.Policy); err != nil {
		return nil, err
	}
	now := api.CallFrom(ctx).Time
	var p resourcePolicy
	err = s.env.DB.Update(func(tx storage.Tx) error {
		t, err := r.record(tx, s)
		if err != nil {
			return err
		}
		is := t.Policies[r.stream]
		if err := r.checkRevision(in.ExpectedRevisionId, is); err != nil {
			return err
		}
		if t.Policies == nil {
			t.Policies = map[string]resourcePolicy{}
		}
		p = newPolicy(in.Policy, is, now)
		t.Policies[r.stream] = p
		return storage.PutRecord(tx, t.storageKey(), t)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.PutResourcePolicyOutput{RevisionId: p.Revision}, nil
}

func (s *Service) getResourcePolicy(_ context.Context, in *ddb.GetResourcePolicyInput) (*ddb.GetResourcePolicyOutput, error) {
	r, err := newPolicyResource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	var p resourcePolicy
	err = s.env.DB.View(func(tx storage.Tx) error {
		t, err := r.record(tx, s)
		if err != nil {
			return err
		}
		if p = t.Policies[r.stream]; p.Revision == "" {
			return r.errNone()
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return &ddb.GetResourcePolicyOutput{Policy: p.Document, RevisionId: p.Revision}, nil
}

func (s *Service) deleteResourcePolicy(_ context.Context, in *ddb.DeleteResourcePolicyInput) (*ddb.DeleteResourcePolicyOutput, error) {
	r, err := newPolicyResource(in.ResourceArn)
	if err != nil {
		return nil, err
	}
	var is resourcePolicy
	err = s.env.DB.Update(func(tx storage.Tx) error {
		t, err := r.record(tx, s)
		if err != nil {
			return err
		}
		is = t.Policies[r.stream]
		if err := r.checkRevision(in.ExpectedRevisionId, is); err != nil || is.Revision == "" {
			return err
		}
		delete(t.Policies, r.stream)
		return storage.PutRecord(tx, t.storageKey(), t)
	})
	if err != nil {
		return nil, err
	}
	return &ddb.DeleteResourcePolicyOutput{RevisionId: is.Revision}, nil
}
