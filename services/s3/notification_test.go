package s3

import (
	"context"
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

const function = "arn:aws:lambda:us-east-1:111122223333:function:f"

// functions lets buckets invoke one function, and notes who asked.
type functions struct{ asked []api.Principal }

func (f *functions) Invoke(ctx context.Context, in *lambda.InvokeInput) (*lambda.InvokeOutput, error) {
	f.asked = append(f.asked, api.CallFrom(ctx).Principal)
	if in.FunctionName != function || in.InvocationType != lambda.InvocationTypeDryRun {
		return nil, &lambda.ResourceNotFoundException{}
	}
	return &lambda.InvokeOutput{}, nil
}

// notify configures rules.
func (w *world) notify(bucket string, c *s3.NotificationConfiguration, skip bool) error {
	_, err := w.putBucketNotificationConfiguration(w.ctx(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: bucket, NotificationConfiguration: c, SkipDestinationValidation: &skip,
	})
	return err
}

func toFunctions(rules ...*s3.LambdaFunctionConfiguration) *s3.NotificationConfiguration {
	return &s3.NotificationConfiguration{LambdaFunctionConfigurations: rules}
}

func keyFilter(pairs ...string) *s3.NotificationConfigurationFilter {
	key := &s3.S3KeyFilter{}
	for i := 0; i < len(pairs); i += 2 {
		key.FilterRules = append(key.FilterRules, &s3.FilterRule{Name: s3.FilterRuleName(pairs[i]), Value: pairs[i+1]})
	}
	return &s3.NotificationConfigurationFilter{Key: key}
}

func TestNotificationConfiguration(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	out, err := w.getBucketNotificationConfiguration(w.ctx(), &s3.GetBucketNotificationConfigurationInput{Bucket: b})
	if diff := cmp.Diff(&s3.GetBucketNotificationConfigurationOutput{}, out); err != nil || diff != "" {
		t.Error(diff, err)
	}
	c := &s3.NotificationConfiguration{
		LambdaFunctionConfigurations: []*s3.LambdaFunctionConfiguration{{Id: "one", LambdaFunctionArn: function, Events: []s3.Event{"s3:ObjectCreated:*"}, Filter: keyFilter("prefix", "in/", "Suffix", ".jpg")}},
		QueueConfigurations:          []*s3.QueueConfiguration{{Id: "two", QueueArn: "arn:aws:sqs:us-east-1:111122223333:q", Events: []s3.Event{"s3:ObjectRemoved:Delete"}}},
		TopicConfigurations:          []*s3.TopicConfiguration{{TopicArn: "arn:aws:sns:us-east-1:111122223333:t", Events: []s3.Event{"s3:ObjectTagging:*"}}},
		EventBridgeConfiguration:     &s3.EventBridgeConfiguration{},
	}
	must(t)(nil, w.notify(b, c, true))
	out, err = w.getBucketNotificationConfiguration(w.ctx(), &s3.GetBucketNotificationConfigurationInput{Bucket: b})
	if err != nil {
		t.Fatal(err)
	}
	if out.TopicConfigurations[0].Id == "" {
		t.Error("a rule without an id was given none")
	}
	want := &s3.GetBucketNotificationConfigurationOutput{
		LambdaFunctionConfigurations: c.LambdaFunctionConfigurations, QueueConfigurations: c.QueueConfigurations,
		TopicConfigurations: c.TopicConfigurations, EventBridgeConfiguration: c.EventBridgeConfiguration,
	}
	want.LambdaFunctionConfigurations[0].Filter = keyFilter("Prefix", "in/", "Suffix", ".jpg") // as S3 shows them
	want.TopicConfigurations[0].Id = out.TopicConfigurations[0].Id
	if diff := cmp.Diff(want, out); diff != "" {
		t.Error(diff)
	}
	// An empty configuration removes all.
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{}, false))
	out, err = w.getBucketNotificationConfiguration(w.ctx(), &s3.GetBucketNotificationConfigurationInput{Bucket: b})
	if diff := cmp.Diff(&s3.GetBucketNotificationConfigurationOutput{}, out); err != nil || diff != "" {
		t.Error(diff, err)
	}
}

func TestNotificationIsRefused(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	rule := func(arn string, events ...s3.Event) *s3.LambdaFunctionConfiguration {
		return &s3.LambdaFunctionConfiguration{LambdaFunctionArn: arn, Events: events}
	}
	with := func(r *s3.LambdaFunctionConfiguration, f *s3.NotificationConfigurationFilter) *s3.LambdaFunctionConfiguration {
		r.Filter = f
		return r
	}
	const created, put = s3.Event("s3:ObjectCreated:*"), s3.Event("s3:ObjectCreated:Put")
	for name, c := range map[string]struct {
		config  *s3.NotificationConfiguration
		message string
	}{
		"no arn":       {toFunctions(rule("f", created)), "The ARN could not be parsed"},
		"other arn":    {toFunctions(rule("arn:aws:sqs:us-east-1:111122223333:q", created)), "The ARN is not well formed"},
		"other region": {toFunctions(rule("arn:aws:lambda:eu-west-1:111122223333:function:f", created)), "The notification destination service region is not valid for the bucket location constraint"},
		"event":        {toFunctions(rule(function, "s3:ObjectEaten")), "The event 's3:ObjectEaten' is not supported for notifications"},
		"filter name":  {toFunctions(with(rule(function, created), keyFilter("infix", "x"))), "filter rule name must be either prefix or suffix"},
		"two prefixes": {toFunctions(with(rule(function, created), keyFilter("prefix", "x", "Prefix", "y"))), "Cannot specify more than one prefix rule in a filter."},
		"same events":  {toFunctions(rule(function, created), rule(function, put)), "Configurations overlap. Configurations on the same bucket cannot share a common event type."},
		"prefixes meet": {toFunctions(with(rule(function, created), keyFilter("prefix", "a")), with(rule(function, created), keyFilter("prefix", "a/b"))),
			"Configuration is ambiguously defined. Cannot have overlapping suffixes in two rules if the prefixes are overlapping for the same event type."},
	} {
		t.Run(name, func(t *testing.T) {
			if e := refused(t, w.notify(b, c.config, true), "InvalidArgument", 400); e.Message != c.message {
				t.Errorf("message %q, want %q", e.Message, c.message)
			}
		})
	}
	// Rules whose filters keep them apart may share events.
	must(t)(nil, w.notify(b, toFunctions(with(rule(function, created), keyFilter("suffix", ".jpg")), with(rule(function, created), keyFilter("suffix", ".png"))), true))
}

func TestDestinationChecks(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	f := &functions{}
	w.Notify(f)
	created := []s3.Event{"s3:ObjectCreated:*"}
	must(t)(nil, w.notify(b, toFunctions(&s3.LambdaFunctionConfiguration{LambdaFunctionArn: function, Events: created}), false))
	if want := []api.Principal{api.ServicePrincipal("s3.amazonaws.com", "arn:aws:s3:::abc", account)}; !cmp.Equal(f.asked, want) {
		t.Errorf("asked as %+v", f.asked)
	}
	other := function + "2"
	err := w.notify(b, toFunctions(&s3.LambdaFunctionConfiguration{LambdaFunctionArn: other, Events: created}), false)
	e := refused(t, err, "InvalidArgument", 400, "ArgumentName1", other+", null", "ArgumentValue1", "Not authorized to invoke function ["+other+"]")
	if e.Message != "Unable to validate the following destination configurations" {
		t.Error(e.Message)
	}
	queue := "arn:aws:sqs:us-east-1:111122223333:q"
	err = w.notify(b, &s3.NotificationConfiguration{QueueConfigurations: []*s3.QueueConfiguration{{QueueArn: queue, Events: created}}}, false)
	refused(t, err, "InvalidArgument", 400, "ArgumentName1", queue, "ArgumentValue1", "The destination queue does not exist")
}

func TestEvents(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	must(t)(nil, w.notify(b, toFunctions(
		&s3.LambdaFunctionConfiguration{Id: "created", LambdaFunctionArn: function, Events: []s3.Event{"s3:ObjectCreated:*"}, Filter: keyFilter("prefix", "in/", "suffix", ".jpg")},
		&s3.LambdaFunctionConfiguration{Id: "removed", LambdaFunctionArn: function + "2", Events: []s3.Event{"s3:ObjectRemoved:Delete"}},
	), true))
	w.put(b, "out/a.jpg", "x")
	w.put(b, "in/a.png", "x")
	if len(w.sent) != 0 {
		t.Fatalf("sent %+v", w.sent)
	}
	w.put(b, "in/ä b+c.jpg", "content")
	if len(w.sent) != 1 {
		t.Fatalf("%d deliveries", len(w.sent))
	}
	d := w.sent[0]
	if d.Target != function || d.Principal != api.ServicePrincipal("s3.amazonaws.com", "arn:aws:s3:::abc", account) {
		t.Errorf("%+v", d)
	}
	var got struct{ Records []map[string]any }
	if err := json.Unmarshal(d.Payload, &got); err != nil {
		t.Fatal(err)
	}
	object := got.Records[0]["s3"].(map[string]any)["object"].(map[string]any)
	sequencer := object["sequencer"].(string)
	if len(sequencer) != 18 {
		t.Errorf("sequencer %q", sequencer)
	}
	want := map[string]any{
		"eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": "us-east-1", "eventTime": "2026-03-04T05:06:07.890Z",
		"eventName": "ObjectCreated:Put", "userIdentity": map[string]any{"principalId": "AWS:" + account},
		"requestParameters": map[string]any{"sourceIPAddress": "192.0.2.1"},
		"responseElements":  map[string]any{"x-amz-request-id": "REQUEST", "x-amz-id-2": "REQUEST"},
		"s3": map[string]any{
			"s3SchemaVersion": "1.0", "configurationId": "created",
			"bucket": map[string]any{"name": b, "ownerIdentity": map[string]any{"principalId": customerID(account)}, "arn": "arn:aws:s3:::abc"},
			"object": map[string]any{"key": "in/%C3%A4+b%2Bc.jpg", "size": 7.0, "eTag": hexMD5("content"), "sequencer": sequencer},
		},
	}
	if diff := cmp.Diff(want, got.Records[0]); diff != "" {
		t.Error(diff)
	}

	// Every way of writing has its own name, and sequencers grow.
	names := func() (names []string) {
		t.Helper()
		last := sequencer
		for _, d := range w.sent[1:] {
			var n notification
			if err := json.Unmarshal(d.Payload, &n); err != nil {
				t.Fatal(err)
			}
			r := n.Records[0]
			names = append(names, r.EventName+" "+r.S3.ConfigurationID+" "+r.S3.Object.Key)
			if s := r.S3.Object.Sequencer; s <= last {
				t.Errorf("sequencer %s after %s", s, last)
			} else {
				last = s
			}
		}
		return names
	}
	must(t)(w.copyObject(w.ctx(), &s3.CopyObjectInput{Bucket: b, Key: "in/1.jpg", CopySource: b + "/out/a.jpg"}))
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "in/1.jpg"})
	must(t)(w.complete(b, "in/1.jpg", id, w.part(b, "in/1.jpg", id, 1, "x")))
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "in/1.jpg"}))
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "in/1.jpg"})) // nothing was removed
	must(t)(w.deleteObjects(w.ctx(), &s3.DeleteObjectsInput{Bucket: b, Delete: &s3.Delete{Objects: []*s3.ObjectIdentifier{{Key: "out/a.jpg"}}}}))
	if diff := cmp.Diff([]string{
		"ObjectCreated:Copy created in/1.jpg", "ObjectCreated:CompleteMultipartUpload created in/1.jpg",
		"ObjectRemoved:Delete removed in/1.jpg", "ObjectRemoved:Delete removed out/a.jpg",
	}, names()); diff != "" {
		t.Error(diff)
	}
	if strings.Contains(string(w.sent[3].Payload), `"size"`) {
		t.Error("a removed object has a size")
	}
}

func TestTestEvent(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	created := []s3.Event{"s3:ObjectCreated:*"}
	queue := "arn:aws:sqs:us-east-1:111122223333:q"
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{
		QueueConfigurations:          []*s3.QueueConfiguration{{QueueArn: queue, Events: created, Filter: keyFilter("prefix", "a")}},
		LambdaFunctionConfigurations: []*s3.LambdaFunctionConfiguration{{LambdaFunctionArn: function, Events: created, Filter: keyFilter("prefix", "b")}},
	}, true))
	// Functions get no test event.
	want := `{"Service":"Amazon S3","Event":"s3:TestEvent","Time":"2026-03-04T05:06:07.890Z","Bucket":"abc","RequestId":"REQUEST","HostId":"REQUEST"}`
	if len(w.sent) != 1 || w.sent[0].Target != queue || string(w.sent[0].Payload) != want {
		t.Errorf("%+v %s", w.sent, w.sent[0].Payload)
	}
}

func TestEventBridge(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{EventBridgeConfiguration: &s3.EventBridgeConfiguration{}}, false))
	w.put(b, "a b", "x")
	if len(w.sent) != 1 || w.sent[0].Target != "arn:aws:events:us-east-1:111122223333:event-bus/default" {
		t.Fatalf("%+v", w.sent)
	}
	var e bridgeEvent
	if err := json.Unmarshal(w.sent[0].Payload, &e); err != nil {
		t.Fatal(err)
	}
	if e.DetailType != "Object Created" || e.Source != "aws.s3" || e.Detail.Reason != "PutObject" || e.Detail.Object.Key != "a b" || *e.Detail.Object.Size != 1 || e.Resources[0] != "arn:aws:s3:::abc" {
		t.Errorf("%+v", e)
	}
}

// What a crash left of an ended upload is removed by Run.
func TestRunSweeps(t *testing.T) {
	w := newWorld(t)
	b := w.bucketNamed("abc")
	id := w.begin(&s3.CreateMultipartUploadInput{Bucket: b, Key: "k"})
	w.part(b, "k", id, 1, random(100<<10))
	gone := w.bucketNamed("gone")
	left := w.begin(&s3.CreateMultipartUploadInput{Bucket: gone, Key: "k"})
	w.part(gone, "k", left, 1, "x")
	err := w.db.Update(func(tx storage.Tx) error {
		r, err := w.bucket(tx, b, "")
		if err != nil {
			return err
		}
		if err := endUpload(tx, r.ID, "k", id); err != nil {
			return err
		}
		g, err := w.bucket(tx, gone, "")
		if err != nil {
			return err
		}
		if err := tx.Set(keyDeleted(g.ID), nil); err != nil {
			return err
		}
		return tx.Delete(keyBucket(gone))
	})
	must(t)(nil, err)
	w.wantLeft("deleted:1 ended:1 parts:2 uploads:1")
	must(t)(nil, w.sweepAll(t.Context()))
	w.wantLeft("")
}
