package lambda

import (
	"context"
	"encoding/base64"
	"encoding/json"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

// Largest payloads, in bytes.
// https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
const (
	maxSyncPayload  = 6 << 20
	maxAsyncPayload = 1 << 20
)

// Invoke runs a function and returns its answer, or takes an event for later.
// Other services call it with their own principal in the call, and need a
// statement in the function's policy.
// https://docs.aws.amazon.com/lambda/latest/api/API_Invoke.html
func (s *Service) Invoke(ctx context.Context, in *lam.InvokeInput) (*lam.InvokeOutput, error) {
	call := api.CallFrom(ctx)
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	kind, limit := lam.InvocationTypeRequestResponse, maxSyncPayload
	if in.InvocationType == lam.InvocationTypeEvent {
		kind, limit = in.InvocationType, maxAsyncPayload
	}
	if len(in.Payload) > limit {
		return nil, errPayloadTooLarge(len(in.Payload), limit, kind)
	}
	payload := in.Payload
	if len(payload) == 0 {
		payload = []byte("{}")
	} else if !json.Valid(payload) {
		var event any
		return nil, errBadJSON(json.Unmarshal(payload, &event))
	}
	var clientContext []byte
	if in.ClientContext != "" {
		if clientContext, err = base64.StdEncoding.DecodeString(in.ClientContext); err != nil || !json.Valid(clientContext) {
			return nil, errContent("Client context must be a valid Base64-encoded JSON object.")
		}
	}
	if in.DurableExecutionName != "" {
		return nil, errUnsupported("Durable executions are")
	}
	var v *version
	find := func(tx storage.Tx) error {
		if v, err = s.find(tx, r.orLatest()); err != nil {
			return err
		}
		if call.Principal.Service != "" {
			return s.permitted(tx, r, call.Principal)
		}
		return nil
	}
	switch in.InvocationType {
	case lam.InvocationTypeDryRun:
		if err := s.env.DB.View(find); err != nil {
			return nil, err
		}
		return &lam.InvokeOutput{StatusCode: new(int32(204)), ExecutedVersion: v.Version}, nil
	case lam.InvocationTypeEvent:
		err := s.env.DB.Update(func(tx storage.Tx) error {
			if err := find(tx); err != nil {
				return err
			}
			return s.env.Events.Send(tx, events.Delivery{
				Target: r.qualified(), Principal: call.Principal, Payload: payload,
				Attributes: map[string]string{attrRequestID: call.RequestID, attrClientContext: string(clientContext)},
			})
		})
		if err != nil {
			return nil, err
		}
		return &lam.InvokeOutput{StatusCode: new(int32(202))}, nil
	}
	if err := s.env.DB.View(find); err != nil {
		return nil, err
	}
	result, err := s.invoke(ctx, r, v, &sandbox.Invocation{
		RequestID: call.RequestID, Payload: payload, ClientContext: string(clientContext), Tail: in.LogType == lam.LogTypeTail,
	})
	if err != nil {
		return nil, err
	}
	out := &lam.InvokeOutput{StatusCode: new(int32(200)), Payload: result.Payload, FunctionError: result.FunctionError, ExecutedVersion: v.Version}
	if in.LogType == lam.LogTypeTail {
		out.LogResult = base64.StdEncoding.EncodeToString(result.LogTail)
	}
	return out, nil
}
