package lambda

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/virga-cloud/virga/api"
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

// Retries of asynchronous invocations that end in an error of the function:
// two by default, after one and after two minutes. An event is kept for six hours.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-error-handling.html
const (
	defaultRetries = 2
	defaultMaxAge  = 6 * time.Hour
)

func retryDelay(attempt int) time.Duration { return time.Duration(attempt) * time.Minute }

// Why an asynchronous invocation ended, in the words of destination records.
const (
	succeeded        = "Success"
	retriesExhausted = "RetriesExhausted"
	ageExceeded      = "EventAgeExceeded"
)

// Deliver implements events.Deliverer: one asynchronous invocation. Attempts
// for which there was no sandbox count as attempts too.
func (s *Service) Deliver(ctx context.Context, d *events.Delivery) error {
	r, err := resolveARN(d.Target)
	if err != nil {
		return events.Drop(err)
	}
	var v *version
	var config *eventInvokeConfig
	err = s.env.DB.View(func(tx storage.Tx) error {
		if v, err = s.find(tx, r.orLatest()); err != nil {
			return err
		}
		config, err = storage.GetRecord[eventInvokeConfig](tx, eventInvokeKey(r.owner, r.name, r.orLatest().qualifier))
		if errors.Is(err, storage.ErrNotFound) {
			config = &eventInvokeConfig{}
		} else if err != nil {
			return err
		}
		if d.Principal.Service != "" {
			return s.permitted(tx, r, d.Principal)
		}
		return nil
	})
	if isRefusal(err) {
		return events.Drop(err)
	} else if err != nil {
		return err
	}
	in := &sandbox.Invocation{RequestID: d.ID, Payload: d.Payload, ClientContext: d.Attributes[attrClientContext]}
	if id := d.Attributes[attrRequestID]; id != "" {
		in.RequestID = id
	}
	maxAge := defaultMaxAge
	if config.MaxAge != nil {
		maxAge = time.Duration(*config.MaxAge) * time.Second
	}
	e := ended{delivery: d, function: r, requestID: in.RequestID, version: v}
	if s.env.Clock.Now().Sub(d.Sent) > maxAge {
		e.condition = ageExceeded
		return s.giveUp(e, config, errors.New("the event is older than its function's maximum event age"))
	}
	result, err := s.invoke(ctx, r, v, in)
	if err != nil {
		return err // no sandbox: the default backoff applies
	}
	e.result = result
	if result.FunctionError == "" {
		e.condition = succeeded
		return s.env.DB.Update(func(tx storage.Tx) error { return s.report(tx, e, config.OnSuccess) })
	}
	failure := errors.New("function error: " + string(result.Payload))
	next := s.env.Clock.Now().Add(retryDelay(d.Attempt))
	switch {
	case d.Attempt > int(or(config.Retries, defaultRetries)):
		e.condition = retriesExhausted
	case next.Sub(d.Sent) > maxAge:
		e.condition = ageExceeded
	default:
		return events.Retry(failure, next)
	}
	return s.giveUp(e, config, failure)
}

// ended is an asynchronous invocation that is not tried again. Without a
// result it was not tried at all.
type ended struct {
	delivery  *events.Delivery
	function  reference
	requestID string
	version   *version
	result    *sandbox.Result
	condition string
}

// giveUp sends what the function could not do to its destination and its
// dead-letter queue, and returns the delivery's end.
func (s *Service) giveUp(e ended, config *eventInvokeConfig, failure error) error {
	err := s.env.DB.Update(func(tx storage.Tx) error {
		if err := s.report(tx, e, config.OnFailure); err != nil {
			return err
		}
		return s.deadLetter(tx, e)
	})
	if err != nil {
		return err
	}
	return events.Drop(failure)
}

// destinationRecord is what a destination receives.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
type destinationRecord struct {
	Version         string           `json:"version"`
	Timestamp       string           `json:"timestamp"`
	RequestContext  requestContext   `json:"requestContext"`
	RequestPayload  json.RawMessage  `json:"requestPayload"`
	ResponseContext *responseContext `json:"responseContext"`
	ResponsePayload json.RawMessage  `json:"responsePayload"`
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

// report tells a destination how an invocation ended; "" is no destination.
func (s *Service) report(tx storage.Tx, e ended, destination string) error {
	if destination == "" {
		return nil
	}
	d := e.delivery
	record := destinationRecord{
		Version: "1.0", Timestamp: s.env.Clock.Now().Format("2006-01-02T15:04:05.000Z"),
		RequestContext: requestContext{e.requestID, e.function.orLatest().qualified(), e.condition, d.Attempt},
		RequestPayload: d.Payload, ResponsePayload: json.RawMessage("null"),
	}
	if e.result == nil {
		record.RequestContext.ApproximateInvokeCount--
	} else {
		record.ResponseContext = &responseContext{200, e.version.Version, e.result.FunctionError}
		if json.Valid(e.result.Payload) {
			record.ResponsePayload = e.result.Payload
		}
	}
	payload, err := json.Marshal(record)
	if err != nil {
		return err
	}
	return s.send(tx, e.function, destination, payload, s.placeOf(e.function, destination))
}

// placeOf are the attributes by which a destination knows where a record belongs:
// in a bucket it has a key.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (s *Service) placeOf(r reference, destination string) map[string]string {
	if arn, err := api.ParseARN(destination); err != nil || arn.Service != "s3" {
		return nil
	}
	now := s.env.Clock.Now().UTC()
	return map[string]string{"key": "aws/lambda/async/" + r.name + now.Format("/2006/01/02/2006-01-02T15.04.05-") + s.env.IDs.UUID()}
}

// maxErrorMessage is how much of an error message goes into the attribute of a
// dead letter, in bytes.
const maxErrorMessage = 1024

// deadLetter sends the event itself to the function's dead-letter queue, with
// what went wrong in the attributes RequestID, ErrorCode and ErrorMessage.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func (s *Service) deadLetter(tx storage.Tx, e ended) error {
	if e.version.DeadLetter == "" {
		return nil
	}
	attributes := map[string]string{"RequestID": e.requestID, "ErrorCode": "200", "ErrorMessage": e.condition}
	if e.result != nil {
		var failure struct {
			Message string `json:"errorMessage"`
		}
		message := string(e.result.Payload)
		if json.Unmarshal(e.result.Payload, &failure) == nil && failure.Message != "" {
			message = failure.Message
		}
		attributes["ErrorMessage"] = message[:min(len(message), maxErrorMessage)]
	}
	return s.send(tx, e.function, e.version.DeadLetter, e.delivery.Payload, attributes)
}

func (s *Service) send(tx storage.Tx, r reference, target string, payload []byte, attributes map[string]string) error {
	return s.env.Events.Send(tx, events.Delivery{
		Target: target, Payload: payload, Attributes: attributes,
		Principal: api.ServicePrincipal("lambda.amazonaws.com", r.arn(), r.account),
	})
}

// CheckDelivery says whether a service may deliver to a function: services
// ask before they store a notification configuration that names it.
func (s *Service) CheckDelivery(_ context.Context, arn string, who api.Principal) error {
	r, err := resolveARN(arn)
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
