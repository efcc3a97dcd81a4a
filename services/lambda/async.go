package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"time"

	"github.com/virga-cloud/virga/api"
	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

// Attributes of deliveries to functions.
const (
	// attrRequestID is the id of the invocation; without it the delivery's is used.
	attrRequestID = "requestId"
	// attrClientContext is the client context, as JSON.
	attrClientContext = "clientContext"
)

// eventInvokeConfig is the record of how asynchronous invocations are treated.
type eventInvokeConfig struct {
	Retries, MaxAge      *int32
	OnSuccess, OnFailure string
	LastModified         time.Time
}

// Retries of asynchronous invocations that end in an error of the function:
// two by default, after one and after two minutes. An event is kept for six hours.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries = 2
	defaultMaxAge  = 6 * time.Hour
)

func retryDelay(attempt int) time.Duration { return time.Duration(attempt) * time.Minute }

// Deliver implements events.Deliverer: one asynchronous invocation.
func (s *Service) Deliver(ctx context.Context, d *events.Delivery) error {
	r, err := s.target(d.Target)
	if err != nil {
		return events.Drop(err)
	}
	var v *version
	var config eventInvokeConfig
	err = s.env.DB.View(func(tx storage.Tx) error {
		if v, err = s.find(tx, r); err != nil {
			return err
		}
		if c, err := s.readEventInvokeConfig(tx, r); err == nil {
			config = *c
		}
		if d.Principal.Service != "" {
			return s.permitted(tx, r, d.Principal)
		}
		return nil
	})
	if err != nil {
		return events.Drop(err)
	}
	in := &sandbox.Invocation{RequestID: d.ID, Payload: d.Payload, ClientContext: d.Attributes[attrClientContext]}
	if id := d.Attributes[attrRequestID]; id != "" {
		in.RequestID = id
	}
	result, err := s.fleet.invoke(ctx, r, v, in)
	if err != nil {
		return err // no sandbox: the default backoff applies
	}
	now := s.env.Clock.Now()
	if result.FunctionError == "" {
		return s.conclude(d, in, v, result, config.OnSuccess, "Success", now)
	}
	failure := errors.New("function error: " + string(result.Payload))
	maxAge := defaultMaxAge
	if config.MaxAge != nil {
		maxAge = time.Duration(*config.MaxAge) * time.Second
	}
	next := now.Add(retryDelay(d.Attempt))
	condition := ""
	switch {
	case d.Attempt > int(or(config.Retries, defaultRetries)):
		condition = "RetriesExhausted"
	case next.Sub(d.Sent) > maxAge:
		condition = "EventAgeExceeded"
	default:
		return events.Retry(failure, next)
	}
	if err := s.conclude(d, in, v, result, config.OnFailure, condition, now); err != nil {
		return err
	}
	if v.DeadLetter != "" {
		if err := s.deadLetter(d, in, v, result); err != nil {
			return err
		}
	}
	return events.Drop(failure)
}

// target reads the ARN of a delivery.
func (s *Service) target(arn string) (reference, error) {
	m := functionName.FindStringSubmatch(arn)
	if m == nil || m[2] == "" || m[3] == "" {
		return reference{}, errInvalidFunctionName(arn)
	}
	return reference{owner{m[3], m[2]}, m[4], m[5]}, nil
}

// destinationRecord is what a destination receives.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type destinationRecord struct {
	Version         string          `json:"version"`
	Timestamp       string          `json:"timestamp"`
	RequestContext  requestContext  `json:"requestContext"`
	RequestPayload  json.RawMessage `json:"requestPayload"`
	ResponseContext responseContext `json:"responseContext"`
	ResponsePayload json.RawMessage `json:"responsePayload"`
}

type requestContext struct {
	RequestID              string `json:"requestId"`
	FunctionARN            string `json:"functionArn"`
	Condition              string `json:"condition"`
	ApproximateInvokeCount int    `json:"approximateInvokeCount"`
}

type responseContext struct {
	StatusCode      int    `json:"statusCode"`
	ExecutedVersion string `json:"executedVersion"`
	FunctionError   string `json:"functionError,omitempty"`
}

// conclude tells a destination how an invocation ended; "" is no destination.
func (s *Service) conclude(d *events.Delivery, in *sandbox.Invocation, v *version, result *sandbox.Result, destination, condition string, now time.Time) error {
	if destination == "" {
		return nil
	}
	r, err := s.target(d.Target)
	if err != nil {
		return err
	}
	response := json.RawMessage(result.Payload)
	if !json.Valid(response) {
		response = json.RawMessage("null")
	}
	payload, err := json.Marshal(destinationRecord{
		Version: "1.0", Timestamp: now.UTC().Format("2006-01-02T15:04:05.000Z"),
		RequestContext:  requestContext{in.RequestID, r.withLatest(), condition, d.Attempt},
		RequestPayload:  d.Payload,
		ResponseContext: responseContext{200, v.Version, result.FunctionError},
		ResponsePayload: response,
	})
	if err != nil {
		return err
	}
	return s.send(r, destination, payload, nil)
}

// deadLetter sends the event itself to the function's dead-letter queue, with
// what went wrong in the attributes RequestID, ErrorCode and ErrorMessage.
func (s *Service) deadLetter(d *events.Delivery, in *sandbox.Invocation, v *version, result *sandbox.Result) error {
	r, err := s.target(d.Target)
	if err != nil {
		return err
	}
	message := string(result.Payload)
	if len(message) > 1024 {
		message = message[:1024]
	}
	return s.send(r, v.DeadLetter, d.Payload, map[string]string{
		"RequestID": in.RequestID, "ErrorCode": "200", "ErrorMessage": message,
	})
}

func (s *Service) send(r reference, target string, payload []byte, attributes map[string]string) error {
	return s.env.DB.Update(func(tx storage.Tx) error {
		return s.env.Events.Send(tx, events.Delivery{
			Target: target, Payload: payload, Attributes: attributes,
			Principal: api.ServicePrincipal("lambda.amazonaws.com", r.arn(), r.account),
		})
	})
}

// CheckDelivery says whether a service may deliver to a function: services
// ask before they store a notification configuration that names it.
func (s *Service) CheckDelivery(_ context.Context, arn string, who api.Principal) error {
	r, err := s.target(arn)
	if err != nil {
		return err
	}
	return s.env.DB.View(func(tx storage.Tx) error {
		if _, err := s.find(tx, r); err != nil {
			return err
		}
		return s.permitted(tx, r, who)
	})
}

func (s *Service) readEventInvokeConfig(tx storage.Tx, r reference) (*eventInvokeConfig, error) {
	q := r.qualifier
	if q == "" {
		q = latest
	}
	c, err := storage.GetRecord[eventInvokeConfig](tx, eventInvokeKey(r.owner, r.name, q))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, errNoEventInvokeConfig(r)
	}
	return c, err
}

func (s *Service) putFunctionEventInvokeConfig(ctx context.Context, in *lam.PutFunctionEventInvokeConfigInput) (*lam.FunctionEventInvokeConfig, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	c := &eventInvokeConfig{Retries: in.MaximumRetryAttempts, MaxAge: in.MaximumEventAgeInSeconds, LastModified: api.CallFrom(ctx).Time}
	if in.MaximumRetryAttempts == nil && in.MaximumEventAgeInSeconds == nil && in.DestinationConfig == nil {
		return nil, errInvalidValue("You must specify at least one of error handling or destination setting.")
	}
	if dest := in.DestinationConfig; dest != nil {
		if dest.OnSuccess != nil {
			c.OnSuccess = dest.OnSuccess.Destination
		}
		if dest.OnFailure != nil {
			c.OnFailure = dest.OnFailure.Destination
		}
		for _, arn := range []string{c.OnSuccess, c.OnFailure} {
			if arn != "" && !isDestination(arn) {
				return nil, errInvalidValue("The provided destination config DestinationConfig(onSuccess=%s, onFailure=%s) is invalid.", c.OnSuccess, c.OnFailure)
			}
		}
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.find(tx, r); err != nil {
			return err
		}
		q := r.qualifier
		if q == "" {
			q = latest
		}
		return storage.PutRecord(tx, eventInvokeKey(r.owner, r.name, q), c)
	})
	if err != nil {
		return nil, err
	}
	return c.describe(r), nil
}

// isDestination says whether an ARN is of a kind that takes destination records.
func isDestination(arn string) bool {
	a, err := api.ParseARN(arn)
	return err == nil && strings.Contains(" lambda sqs sns events s3 ", " "+a.Service+" ")
}

func (c *eventInvokeConfig) describe(r reference) *lam.FunctionEventInvokeConfig {
	return &lam.FunctionEventInvokeConfig{
		LastModified: c.LastModified, FunctionArn: r.withLatest(),
		MaximumRetryAttempts: c.Retries, MaximumEventAgeInSeconds: c.MaxAge,
		DestinationConfig: &lam.DestinationConfig{
			OnSuccess: &lam.OnSuccess{Destination: c.OnSuccess}, OnFailure: &lam.OnFailure{Destination: c.OnFailure},
		},
	}
}

func (s *Service) getFunctionEventInvokeConfig(ctx context.Context, in *lam.GetFunctionEventInvokeConfigInput) (*lam.FunctionEventInvokeConfig, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	var c *eventInvokeConfig
	err = s.env.DB.View(func(tx storage.Tx) error {
		c, err = s.readEventInvokeConfig(tx, r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return c.describe(r), nil
}

func (s *Service) deleteFunctionEventInvokeConfig(ctx context.Context, in *lam.DeleteFunctionEventInvokeConfigInput) (*lam.DeleteFunctionEventInvokeConfigOutput, error) {
	r, err := resolve(ctx, in.FunctionName, in.Qualifier)
	if err != nil {
		return nil, err
	}
	q := r.qualifier
	if q == "" {
		q = latest
	}
	err = s.env.DB.Update(func(tx storage.Tx) error {
		if _, err := s.readEventInvokeConfig(tx, r); err != nil {
			return err
		}
		return tx.Delete(eventInvokeKey(r.owner, r.name, q))
	})
	return &lam.DeleteFunctionEventInvokeConfigOutput{}, err
}
