package lambda

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	lam "github.com/virga-cloud/virga/api/lambda"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/lambda/sandbox"
	"github.com/virga-cloud/virga/storage"
)

func TestInvoke(t *testing.T) {
	b := open(t)
	b.create("f")
	out := do(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: "f", Payload: []byte(`{"a":1}`), LogType: "Tail",
		ClientContext: base64.StdEncoding.EncodeToString([]byte(`{"custom":{}}`))})
	if *out.StatusCode != 200 || string(out.Payload) != `{"a":1}` || out.ExecutedVersion != "$LATEST" || out.FunctionError != "" {
		t.Errorf("%+v", out)
	}
	if log, _ := base64.StdEncoding.DecodeString(out.LogResult); string(log) != "START\n" {
		t.Errorf("the log is %q", out.LogResult)
	}
	in := b.ran[0]
	if in.ClientContext != `{"custom":{}}` || in.RequestID != "request" || !in.Tail || in.FunctionARN != arnOf+"f" {
		t.Errorf("the function was called with %+v", in)
	}
	if out := b.invoke("f", ""); string(out.Payload) != "{}" || out.LogResult != "" {
		t.Errorf("without a payload: %+v", out)
	}
	if out := do(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: "f", InvocationType: "DryRun"}); *out.StatusCode != 204 {
		t.Errorf("a dry run: %+v", out)
	}
	b.run = func(*sandbox.Spec, *sandbox.Invocation) *sandbox.Result {
		return &sandbox.Result{Payload: []byte(`{"errorMessage":"no"}`), FunctionError: sandbox.Unhandled}
	}
	if out := b.invoke("f", "1"); *out.StatusCode != 200 || out.FunctionError != "Unhandled" || string(out.Payload) != `{"errorMessage":"no"}` {
		t.Errorf("an error of the function: %+v", out)
	}
	if len(b.ran) != 3 || len(b.started) != 1 {
		t.Errorf("%d invocations in %d sandboxes", len(b.ran), len(b.started))
	}
}

func TestInvokeRefuses(t *testing.T) {
	b := open(t)
	b.create("f")
	largest := func(n int) []byte { return slices.Concat([]byte{'"'}, bytes.Repeat([]byte{'x'}, n-2), []byte{'"'}) }
	for _, c := range []struct {
		in   lam.InvokeInput
		want string
	}{
		{lam.InvokeInput{Payload: largest(6291457)}, "413 RequestTooLargeException: 6291457 byte payload is too large for the RequestResponse invocation type (limit 6291456 bytes)"},
		{lam.InvokeInput{Payload: largest(6291456)}, "no error"},
		{lam.InvokeInput{Payload: largest(1048577), InvocationType: "Event"}, "413 RequestTooLargeException: 1048577 byte payload is too large for the Event invocation type (limit 1048576 bytes)"},
		{lam.InvokeInput{Payload: largest(1048576), InvocationType: "Event"}, "no error"},
		{lam.InvokeInput{Payload: []byte("{")}, "400 InvalidRequestContentException: Could not parse request body into json: Could not parse payload into json: unexpected end of JSON input"},
		{lam.InvokeInput{ClientContext: "{}"}, "400 InvalidRequestContentException: Client context must be a valid Base64-encoded JSON object."},
	} {
		in := c.in
		in.FunctionName = "f"
		_, err := b.Invoke(b.as(lam.Invoke.Spec()), &in)
		if got := shown(err); got != c.want {
			t.Errorf("%d bytes, %s: %s", len(in.Payload), in.InvocationType, got)
		}
	}
	b.drain()
	b.fleet.running, b.fleet.closed = nil, true
	refused(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: "f"}, "500 ServiceException: the function sandboxes are shut down")
}

// failing is what a function answers that raises an exception.
func failing(*sandbox.Spec, *sandbox.Invocation) *sandbox.Result {
	return &sandbox.Result{Payload: []byte(`{"errorMessage":"no","errorType":"E"}`), FunctionError: sandbox.Unhandled}
}

func (b *bed) invokeLater(name string) {
	b.t.Helper()
	out := do(b, &lam.Invoke, b.Invoke, &lam.InvokeInput{FunctionName: name, InvocationType: "Event", Payload: []byte(`{"raise":1}`)})
	if *out.StatusCode != 202 || len(out.Payload) > 0 || out.ExecutedVersion != "" {
		b.t.Errorf("an event is taken with %+v", out)
	}
	b.drain()
}

// pass lets time pass, a minute after the other.
func (b *bed) pass(minutes int) {
	b.t.Helper()
	for range minutes {
		b.clock.Advance(time.Minute)
		b.drain()
	}
}

func (b *bed) configure(in lam.PutFunctionEventInvokeConfigInput) {
	b.t.Helper()
	in.FunctionName = "f"
	do(b, &lam.PutFunctionEventInvokeConfig, b.putFunctionEventInvokeConfig, &in)
}

const queue = "arn:aws:sqs:us-east-1:000000000000:q"

func toQueue() *lam.DestinationConfig {
	return &lam.DestinationConfig{OnSuccess: &lam.OnSuccess{Destination: queue}, OnFailure: &lam.OnFailure{Destination: queue}}
}

func TestEventsAreRetried(t *testing.T) {
	for name, c := range map[string]struct {
		config    lam.PutFunctionEventInvokeConfigInput
		at        string
		condition string
	}{
		"twice, after one and two minutes": {lam.PutFunctionEventInvokeConfigInput{}, "[0s 1m0s 3m0s]", "RetriesExhausted"},
		"once":                             {lam.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: new(int32(1))}, "[0s 1m0s]", "RetriesExhausted"},
		"never":                            {lam.PutFunctionEventInvokeConfigInput{MaximumRetryAttempts: new(int32(0))}, "[0s]", "RetriesExhausted"},
		"not when it would be too old":     {lam.PutFunctionEventInvokeConfigInput{MaximumEventAgeInSeconds: new(int32(90))}, "[0s 1m0s]", "EventAgeExceeded"},
	} {
		t.Run(name, func(t *testing.T) {
			b := open(t)
			b.create("f")
			c.config.DestinationConfig = toQueue()
			b.configure(c.config)
			b.run = failing
			b.invokeLater("f")
			b.pass(10)
			if got := fmt.Sprint(b.at); got != c.at {
				t.Errorf("it ran at %s, want %s", got, c.at)
			}
			if len(b.sent) != 1 {
				t.Fatalf("%d messages were sent", len(b.sent))
			}
			for _, in := range b.ran {
				if in.RequestID != "request" {
					t.Errorf("an attempt has the request id %s", in.RequestID)
				}
			}
			at := b.at[len(b.at)-1]
			want := fmt.Sprintf(`{"version":"1.0","timestamp":"%s","requestContext":{"requestId":"request","functionArn":"%sf:$LATEST","condition":"%s","approximateInvokeCount":%d},`+
				`"requestPayload":{"raise":1},"responseContext":{"statusCode":200,"executedVersion":"$LATEST","functionError":"Unhandled"},"responsePayload":{"errorMessage":"no","errorType":"E"}}`,
				start.Add(at).Format("2006-01-02T15:04:05.000Z"), arnOf, c.condition, len(b.at))
			if got := string(b.sent[0].Payload); got != want || b.sent[0].Target != queue {
				t.Errorf("\n got %s\nwant %s", got, want)
			}
			if p := b.sent[0].Principal; p.Service != "lambda.amazonaws.com" || p.SourceARN != arnOf+"f" {
				t.Errorf("sent by %+v", p)
			}
		})
	}
}

func TestDestinationOfSuccess(t *testing.T) {
	b := open(t)
	b.create("f")
	b.configure(lam.PutFunctionEventInvokeConfigInput{DestinationConfig: toQueue()})
	b.invokeLater("f")
	var record map[string]any
	if len(b.sent) != 1 || json.Unmarshal(b.sent[0].Payload, &record) != nil {
		t.Fatalf("sent: %v", b.sent)
	}
	if got := fmt.Sprintln(record["requestContext"].(map[string]any)["condition"], record["responseContext"], record["responsePayload"]); got != "Success map[executedVersion:$LATEST statusCode:200] map[raise:1]\n" {
		t.Errorf("the record: %s", b.sent[0].Payload)
	}
}

// A bucket has the records of failures as objects, and takes no others.
// https://docs.aws.amazon.com/lambda/latest/dg/invocation-async-retain-records.html
func TestDestinationInBucket(t *testing.T) {
	b := open(t)
	b.create("f")
	const bucket = "arn:aws:s3:::records"
	success := &lam.PutFunctionEventInvokeConfigInput{FunctionName: "f", DestinationConfig: &lam.DestinationConfig{OnSuccess: &lam.OnSuccess{Destination: bucket}}}
	if _, err := b.putFunctionEventInvokeConfig(b.as(lam.PutFunctionEventInvokeConfig.Spec()), success); err == nil {
		t.Error("a bucket is told of successes")
	}
	b.configure(lam.PutFunctionEventInvokeConfigInput{
		MaximumRetryAttempts: new(int32(0)), DestinationConfig: &lam.DestinationConfig{OnFailure: &lam.OnFailure{Destination: bucket}},
	})
	b.run = failing
	b.invokeLater("f")
	if len(b.sent) != 1 || b.sent[0].Target != bucket || !strings.HasPrefix(b.sent[0].Attributes["key"], "aws/lambda/async/f/"+start.Format("2006/01/02/2006-01-02T15.04.05-")) {
		t.Errorf("sent: %+v", b.sent)
	}
}

func TestDeadLetters(t *testing.T) {
	b := open(t)
	b.create("f", func(in *lam.CreateFunctionInput) {
		in.DeadLetterConfig = &lam.DeadLetterConfig{TargetArn: queue}
	})
	b.run = failing
	b.invokeLater("f")
	b.pass(5)
	if len(b.sent) != 1 {
		t.Fatalf("%d messages were sent", len(b.sent))
	}
	d := b.sent[0]
	if got := fmt.Sprint(d.Attributes); string(d.Payload) != `{"raise":1}` || got != "map[ErrorCode:200 ErrorMessage:no RequestID:request]" {
		t.Errorf("the dead letter: %s %s", d.Payload, got)
	}
	// An empty ARN takes the queue away.
	do(b, &lam.UpdateFunctionConfiguration, b.updateFunctionConfiguration, &lam.UpdateFunctionConfigurationInput{FunctionName: "f", DeadLetterConfig: &lam.DeadLetterConfig{}})
	if c := b.get("f").Configuration; c.DeadLetterConfig != nil {
		t.Errorf("the queue is still %+v", c.DeadLetterConfig)
	}
}

// An event that waited for too long is not tried any more.
func TestOldEvents(t *testing.T) {
	b := open(t)
	b.create("f")
	b.configure(lam.PutFunctionEventInvokeConfigInput{DestinationConfig: toQueue()})
	d := &events.Delivery{Target: arnOf + "f", Payload: []byte("1"), Sent: start.Add(-6*time.Hour - time.Second), Attempt: 1}
	if err := b.Deliver(t.Context(), d); err == nil {
		t.Error("the delivery was taken")
	}
	b.drain()
	if len(b.ran) != 0 || len(b.sent) != 1 || !bytes.Contains(b.sent[0].Payload, []byte(`"condition":"EventAgeExceeded","approximateInvokeCount":0`)) {
		t.Errorf("ran %v, sent %v", b.ran, b.sent)
	}
}

// An event of a function that is gone is given up; one that the store could
// not be asked about is not.
func TestEventsOfMissingFunctions(t *testing.T) {
	b := open(t)
	b.create("f")
	do(b, &lam.DeleteFunction, b.deleteFunction, &lam.DeleteFunctionInput{FunctionName: "f"})
	send := func(d events.Delivery) {
		t.Helper()
		if err := b.env.DB.Update(func(tx storage.Tx) error { return b.queue.Send(tx, d) }); err != nil {
			t.Fatal(err)
		}
		b.drain()
	}
	send(events.Delivery{Target: arnOf + "f", Payload: []byte("1")})
	if c := b.queue.Counts(); c.Failed != 1 || c.Retried != 0 {
		t.Errorf("%+v", c)
	}
	b.env.DB = broken{b.env.DB}
	send2 := b.Deliver(t.Context(), &events.Delivery{Target: arnOf + "f", Sent: start, Attempt: 1})
	if !errors.Is(send2, errBroken) || isRefusal(send2) {
		t.Errorf("a broken store: %v", send2)
	}
}

var errBroken = errors.New("broken")

// broken is a store that can not be read.
type broken struct{ storage.DB }

func (broken) View(func(storage.Tx) error) error { return errBroken }

func TestEventInvokeConfigs(t *testing.T) {
	b := open(t)
	b.create("f", func(in *lam.CreateFunctionInput) { in.Publish = new(true) })
	do(b, &lam.CreateAlias, b.createAlias, &lam.CreateAliasInput{FunctionName: "f", Name: "live", FunctionVersion: "1"})
	const notFound, invalid = "404 ResourceNotFoundException: ", "400 InvalidParameterValueException: "
	one := new(int32(1))
	for _, c := range []struct {
		in   lam.PutFunctionEventInvokeConfigInput
		want string
	}{
		{lam.PutFunctionEventInvokeConfigInput{FunctionName: "none", MaximumRetryAttempts: one}, notFound + "The function doesn't exist."},
		{lam.PutFunctionEventInvokeConfigInput{FunctionName: "f:none", MaximumRetryAttempts: one}, notFound + "The function doesn't exist."},
		{lam.PutFunctionEventInvokeConfigInput{FunctionName: "f"}, invalid + "You must specify at least one of error handling or destination setting."},
		{lam.PutFunctionEventInvokeConfigInput{FunctionName: "f", DestinationConfig: &lam.DestinationConfig{OnSuccess: &lam.OnSuccess{Destination: arnOf + "none"}}}, invalid + "The destination ARN " + arnOf + "none is invalid."},
		{lam.PutFunctionEventInvokeConfigInput{FunctionName: "f", DestinationConfig: &lam.DestinationConfig{OnSuccess: &lam.OnSuccess{Destination: arnOf + "f"}}}, invalid + "You can't specify the function as a destination for itself."},
		{lam.PutFunctionEventInvokeConfigInput{FunctionName: "f", DestinationConfig: &lam.DestinationConfig{OnSuccess: &lam.OnSuccess{Destination: "arn:aws:iam:::x"}}}, invalid + "The provided destination config DestinationConfig(onSuccess=OnSuccess(destination=arn:aws:iam:::x), onFailure=null) is invalid."},
	} {
		refused(b, &lam.PutFunctionEventInvokeConfig, b.putFunctionEventInvokeConfig, &c.in, c.want)
	}
	for _, name := range []string{"f", "f:1", "f:live"} {
		do(b, &lam.PutFunctionEventInvokeConfig, b.putFunctionEventInvokeConfig, &lam.PutFunctionEventInvokeConfigInput{FunctionName: name, MaximumEventAgeInSeconds: new(int32(60)), MaximumRetryAttempts: one})
	}
	// Put replaces everything, update only what is given.
	put := do(b, &lam.PutFunctionEventInvokeConfig, b.putFunctionEventInvokeConfig, &lam.PutFunctionEventInvokeConfigInput{FunctionName: "f", MaximumRetryAttempts: new(int32(0))})
	if put.MaximumEventAgeInSeconds != nil || *put.MaximumRetryAttempts != 0 || put.FunctionArn != arnOf+"f:$LATEST" || put.DestinationConfig.OnFailure == nil {
		t.Errorf("put: %+v", put)
	}
	updated := do(b, &lam.UpdateFunctionEventInvokeConfig, b.updateFunctionEventInvokeConfig, &lam.UpdateFunctionEventInvokeConfigInput{FunctionName: "f:live", MaximumRetryAttempts: new(int32(0))})
	if *updated.MaximumEventAgeInSeconds != 60 || *updated.MaximumRetryAttempts != 0 {
		t.Errorf("updated: %+v", updated)
	}
	var listed []string
	for _, c := range do(b, &lam.ListFunctionEventInvokeConfigs, b.listFunctionEventInvokeConfigs, &lam.ListFunctionEventInvokeConfigsInput{FunctionName: "f"}).FunctionEventInvokeConfigs {
		listed = append(listed, c.FunctionArn)
	}
	if want := []string{arnOf + "f:$LATEST", arnOf + "f:1", arnOf + "f:live"}; !slices.Equal(listed, want) {
		t.Errorf("listed: %v", listed)
	}
	do(b, &lam.DeleteFunctionEventInvokeConfig, b.deleteFunctionEventInvokeConfig, &lam.DeleteFunctionEventInvokeConfigInput{FunctionName: "f", Qualifier: "$LATEST"})
	for name, shown := range map[string]string{"f": "f:$LATEST", "none": "none:$LATEST", "f:x": "f:x"} {
		want := notFound + "The function " + arnOf + shown + " doesn't have an EventInvokeConfig"
		refused(b, &lam.GetFunctionEventInvokeConfig, b.getFunctionEventInvokeConfig, &lam.GetFunctionEventInvokeConfigInput{FunctionName: name}, want)
		refused(b, &lam.DeleteFunctionEventInvokeConfig, b.deleteFunctionEventInvokeConfig, &lam.DeleteFunctionEventInvokeConfigInput{FunctionName: name}, want)
	}
}
