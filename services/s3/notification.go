package s3

import (
	"context"
	"encoding/json"
	"slices"
	"strings"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
)

// Functions answers whether a bucket may invoke a function, by an invocation
// that is only tried (DryRun).
type Functions interface {
	Invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error)
}

// destination is the kind of a rule's target; records hold the numbers.
type destination uint8

const (
	toQueue destination = iota + 1
	toTopic
	toFunction
)

// argument is how errors name the target's ARN.
func (d destination) argument() string {
	return [...]string{"", "Queue", "Topic", "CloudFunction"}[d]
}

// service is the service part of the target's ARN.
func (d destination) service() string { return [...]string{"", "sqs", "sns", "lambda"}[d] }

// notifyRule says which events of a bucket go to one target.
type notifyRule struct {
	ID     string      `cbor:"1,keyasint"`
	To     destination `cbor:"2,keyasint"`
	Target string      `cbor:"3,keyasint"`
	// Events are as they were configured: "s3:ObjectCreated:*".
	Events []s3.Event `cbor:"4,keyasint"`
	// Filters are in the order in which they were sent.
	Filters []filterRule `cbor:"5,keyasint,omitempty"`
	// Filtered says that there was a filter, even an empty one.
	Filtered bool `cbor:"6,keyasint,omitempty"`
}

// filterRule is "Prefix" or "Suffix" with its value.
type filterRule struct {
	Name  string `cbor:"1,keyasint"`
	Value string `cbor:"2,keyasint,omitempty"`
}

func (r *notifyRule) filter(name string) string {
	for _, f := range r.Filters {
		if f.Name == name {
			return f.Value
		}
	}
	return ""
}

// wants says whether the rule takes an event ("ObjectCreated:Put") of a key.
func (r *notifyRule) wants(event, key string) bool {
	return strings.HasPrefix(key, r.filter("Prefix")) && strings.HasSuffix(key, r.filter("Suffix")) &&
		slices.ContainsFunc(r.Events, func(e s3.Event) bool { return covers(e, s3.Event("s3:"+event)) })
}

// covers says whether a configured event stands for another, as
// "s3:ObjectCreated:*" does for "s3:ObjectCreated:Put".
func covers(e, other s3.Event) bool {
	group, all := strings.CutSuffix(string(e), "*")
	return e == other || all && strings.HasPrefix(string(other), group)
}

// principal is a bucket's notifications as their target sees them.
func (b *bucket) principal() api.Principal {
	return api.ServicePrincipal("s3.amazonaws.com", b.arn(), b.Account)
}

func (s *Service) getBucketNotificationConfiguration(_ context.Context, in *s3.GetBucketNotificationConfigurationInput) (*s3.GetBucketNotificationConfigurationOutput, error) {
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	out := &s3.GetBucketNotificationConfigurationOutput{}
	if b.Bridge {
		out.EventBridgeConfiguration = &s3.EventBridgeConfiguration{}
	}
	for _, r := range b.Notify {
		switch filter := r.writeFilter(); r.To {
		case toQueue:
			out.QueueConfigurations = append(out.QueueConfigurations, &s3.QueueConfiguration{Id: r.ID, QueueArn: r.Target, Events: r.Events, Filter: filter})
		case toTopic:
			out.TopicConfigurations = append(out.TopicConfigurations, &s3.TopicConfiguration{Id: r.ID, TopicArn: r.Target, Events: r.Events, Filter: filter})
		case toFunction:
			out.LambdaFunctionConfigurations = append(out.LambdaFunctionConfigurations, &s3.LambdaFunctionConfiguration{Id: r.ID, LambdaFunctionArn: r.Target, Events: r.Events, Filter: filter})
		}
	}
	return out, nil
}

func (r *notifyRule) writeFilter() *s3.NotificationConfigurationFilter {
	if !r.Filtered {
		return nil
	}
	key := &s3.S3KeyFilter{}
	for _, f := range r.Filters {
		key.FilterRules = append(key.FilterRules, &s3.FilterRule{Name: s3.FilterRuleName(f.Name), Value: f.Value})
	}
	return &s3.NotificationConfigurationFilter{Key: key}
}

// putBucketNotificationConfiguration replaces the rules. Every target is asked
// whether it takes events of the bucket, and queues and topics are sent a test event.
// https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketNotificationConfiguration.html
func (s *Service) putBucketNotificationConfiguration(ctx context.Context, in *s3.PutBucketNotificationConfigurationInput) (*s3.PutBucketNotificationConfigurationOutput, error) {
	c := in.NotificationConfiguration
	if c == nil {
		return nil, errMalformedXML()
	}
	rules, err := s.readRules(c)
	if err != nil {
		return nil, err
	}
	b, err := s.viewBucket(in.Bucket, in.ExpectedBucketOwner)
	if err != nil {
		return nil, err
	}
	for _, r := range rules {
		if err := r.checkTarget(b); err != nil {
			return nil, err
		}
	}
	if in.SkipDestinationValidation == nil || !*in.SkipDestinationValidation {
		if err := s.checkDestinations(ctx, b, rules); err != nil {
			return nil, err
		}
	}
	err = s.changeBucket(in.Bucket, in.ExpectedBucketOwner, func(tx storage.Tx, b *bucket) error {
		b.Notify, b.Bridge = rules, c.EventBridgeConfiguration != nil
		return s.sendTestEvents(ctx, tx, b)
	})
	return &s3.PutBucketNotificationConfigurationOutput{}, err
}

// checkDestinations asks the targets; those that refuse are named together.
func (s *Service) checkDestinations(ctx context.Context, b *bucket, rules []notifyRule) error {
	var refusals []refusal
	for _, r := range rules {
		var why string
		target := r.Target
		switch r.To {
		case toFunction:
			if !s.mayInvoke(ctx, b, r.Target) {
				why, target = "Not authorized to invoke function ["+r.Target+"]", target+", null" // as S3 has it
			}
		case toQueue:
			why = "The destination queue does not exist"
		case toTopic:
			why = "The destination topic does not exist"
		}
		if why != "" {
			refusals = append(refusals, refusal{target, why})
		}
	}
	if len(refusals) > 0 {
		return errDestinations(refusals)
	}
	return nil
}

func (s *Service) mayInvoke(ctx context.Context, b *bucket, function string) bool {
	if s.functions == nil {
		return false
	}
	call := *api.CallFrom(ctx)
	call.Principal = b.principal()
	_, err := s.functions.Invoke(api.WithCall(ctx, &call), &lambda.InvokeInput{FunctionName: function, InvocationType: lambda.InvocationTypeDryRun})
	return err == nil
}

// sendTestEvents tells the queues and topics of a bucket that it is theirs to listen to.
func (s *Service) sendTestEvents(ctx context.Context, tx storage.Tx, b *bucket) error {
	call := api.CallFrom(ctx)
	payload, err := json.Marshal(testEvent{
		Service: "Amazon S3", Event: "s3:TestEvent", Time: call.Time.UTC().Format(eventTime), Bucket: b.Name,
		RequestID: call.RequestID, HostID: call.RequestID,
	})
	if err != nil {
		return err
	}
	for _, r := range b.Notify {
		if r.To == toFunction {
			continue
		}
		if err := s.env.Events.Send(tx, events.Delivery{Target: r.Target, Principal: b.principal(), Payload: payload}); err != nil {
			return err
		}
	}
	return nil
}

// testEvent is the message that says that notifications are on.
// https://docs.aws.amazon.com/AmazonS3/latest/userguide/notification-content-structure.html
type testEvent struct {
	Service   string
	Event     string
	Time      string
	Bucket    string
	RequestID string `json:"RequestId"`
	HostID    string `json:"HostId"`
}

// eventTime is the form of times in events: milliseconds, UTC.
const eventTime = "2006-01-02T15:04:05.000Z"
