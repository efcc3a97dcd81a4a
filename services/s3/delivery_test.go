package s3

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
)

// receiver takes the deliveries for a service that is not there.
type receiver struct {
	mu  sync.Mutex
	got []events.Delivery
	// answer says what becomes of a delivery; nil takes all.
	answer func(*events.Delivery) error
}

func (r *receiver) Deliver(_ context.Context, d *events.Delivery) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.got = append(r.got, *d)
	if r.answer != nil {
		return r.answer(d)
	}
	return nil
}

// taken are the deliveries so far.
func (r *receiver) taken() []events.Delivery {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.got)
}

// heard is what a delivery tells: of an event its name and key.
func heard(t *testing.T, d events.Delivery) string {
	t.Helper()
	var got struct {
		Event   string
		Records []struct {
			EventName string
			S3        struct{ Object struct{ Key string } }
		}
		DetailType string `json:"detail-type"`
		Detail     struct{ Object struct{ Key string } }
	}
	if err := json.Unmarshal(d.Payload, &got); err != nil {
		t.Fatalf("%s: %v", d.Payload, err)
	}
	switch {
	case got.Event != "":
		return got.Event
	case got.DetailType != "":
		return got.DetailType + " " + got.Detail.Object.Key
	}
	return got.Records[0].EventName + " " + got.Records[0].S3.Object.Key
}

// queued gives the world a real queue of deliveries, with a receiver for each of
// some services, and returns what waits until nothing is due.
func (w *world) queued(services map[string]*receiver) (drain func()) {
	w.t.Helper()
	q := events.New(w.db, w.clock, ids.Random(), slog.New(slog.DiscardHandler), func(service string) (events.Deliverer, bool) {
		r, ok := services[service]
		return r, ok
	})
	w.env.Events = q
	ctx, stop := context.WithCancel(w.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- q.Run(ctx) }()
	w.t.Cleanup(func() {
		stop()
		if err := <-ended; err != nil {
			w.t.Error(err)
		}
	})
	return func() {
		w.t.Helper()
		if err := q.Drain(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	}
}

// Queues, topics and EventBridge are told by the same path as functions: each of
// what it asked for, on behalf of the bucket, and again when it did not take it.
func TestEventsAreDelivered(t *testing.T) {
	w := newWorld(t)
	queue, topic, bus := &receiver{}, &receiver{}, &receiver{}
	drain := w.queued(map[string]*receiver{"sqs": queue, "sns": topic, "events": bus})
	b := w.bucketNamed("abc")
	const (
		toSQS    = "arn:aws:sqs:us-east-1:111122223333:q"
		toSNS    = "arn:aws:sns:us-east-1:111122223333:t"
		toEvents = "arn:aws:events:us-east-1:111122223333:event-bus/default"
	)
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{
		QueueConfigurations:      []*s3.QueueConfiguration{{QueueArn: toSQS, Events: []s3.Event{"s3:ObjectCreated:*"}, Filter: keyFilter("suffix", ".jpg")}},
		TopicConfigurations:      []*s3.TopicConfiguration{{TopicArn: toSNS, Events: []s3.Event{"s3:ObjectRemoved:*"}}},
		EventBridgeConfiguration: &s3.EventBridgeConfiguration{},
	}, true))
	drain()
	busy := 0
	queue.answer = func(d *events.Delivery) error {
		if busy++; busy <= 2 {
			return errors.New("the queue is busy")
		}
		return nil
	}
	w.put(b, "ä b.jpg", "1")
	w.put(b, "b.png", "2")
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "b.png"}))
	drain()
	for len(queue.taken()) < 4 { // the test event, and the other one thrice
		w.clock.Advance(time.Hour)
		drain()
	}

	principal := api.ServicePrincipal("s3.amazonaws.com", "arn:aws:s3:::abc", account)
	for name, c := range map[string]struct {
		receiver *receiver
		target   string
		want     []string
	}{
		"sqs":    {queue, toSQS, []string{"s3:TestEvent", "ObjectCreated:Put %C3%A4+b.jpg", "ObjectCreated:Put %C3%A4+b.jpg", "ObjectCreated:Put %C3%A4+b.jpg"}},
		"sns":    {topic, toSNS, []string{"s3:TestEvent", "ObjectRemoved:Delete b.png"}},
		"events": {bus, toEvents, []string{"Object Created b.png", "Object Created ä b.jpg", "Object Deleted b.png"}},
	} {
		var got []string
		for _, d := range c.receiver.taken() {
			got = append(got, heard(t, d))
			if d.Target != c.target || d.Principal != principal {
				t.Errorf("%s: to %s on behalf of %+v", name, d.Target, d.Principal)
			}
		}
		if name == "events" { // deliveries of one target overlap
			slices.Sort(got)
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
	for i, d := range queue.taken()[1:] {
		if d.Attempt != i+1 || i > 0 && d.LastError != "the queue is busy" {
			t.Errorf("attempt %d, after %q", d.Attempt, d.LastError)
		}
	}
}

// Sequencers put the events of a key in order, however they arrive.
func TestEventsHaveAnOrder(t *testing.T) {
	w := newWorld(t) // the clock stands still
	queue := &receiver{}
	drain := w.queued(map[string]*receiver{"sqs": queue})
	b := w.bucketNamed("abc")
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{QueueConfigurations: []*s3.QueueConfiguration{{
		QueueArn: "arn:aws:sqs:us-east-1:111122223333:q", Events: []s3.Event{"s3:ObjectCreated:*", "s3:ObjectRemoved:*"},
	}}}, true))
	drain()
	want := []string{"1", "22", "333", "4444"}
	for _, content := range want {
		w.put(b, "k", content)
	}
	must(t)(w.deleteObject(w.ctx(), &s3.DeleteObjectInput{Bucket: b, Key: "k"}))
	drain()
	var records []record
	for _, d := range queue.taken()[1:] {
		var n notification
		if err := json.Unmarshal(d.Payload, &n); err != nil {
			t.Fatal(err)
		}
		records = append(records, n.Records...)
	}
	slices.SortFunc(records, func(a, b record) int { return strings.Compare(a.S3.Object.Sequencer, b.S3.Object.Sequencer) })
	if len(records) != 5 || records[4].EventName != "ObjectRemoved:Delete" {
		t.Fatalf("%d records, the last %+v", len(records), records[len(records)-1])
	}
	for i, r := range records[:4] {
		if *r.S3.Object.Size != int64(len(want[i])) || r.S3.Object.ETag != hexMD5(want[i]) {
			t.Errorf("record %d is of %+v", i, r.S3.Object)
		}
	}
}

// A change that fails tells nothing, and a target that is not there is a failed
// delivery, not silence.
func TestEventsOfFailures(t *testing.T) {
	w := newWorld(t)
	drain := w.queued(nil)
	b := w.bucketNamed("abc")
	must(t)(nil, w.notify(b, &s3.NotificationConfiguration{EventBridgeConfiguration: &s3.EventBridgeConfiguration{}}, true))
	in := putInput(b, "k", "x")
	in.ContentMD5 = "1B2M2Y8AsgTpgAmY7PhCfg=="
	_, err := w.putObject(w.ctx(), in)
	refused(t, err, "BadDigest", 400)
	in = putInput(b, "k", "x")
	in.IfMatch = "none"
	_, err = w.putObject(w.ctx(), in)
	refused(t, err, "NoSuchKey", 404)
	drain()
	failed := func() (all []*events.Delivery) {
		err := w.db.View(func(tx storage.Tx) error {
			for d, err := range w.env.Events.(*events.Queue).Failed(tx) {
				if err != nil {
					return err
				}
				all = append(all, d)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		return all
	}
	if n := len(failed()); n != 0 {
		t.Errorf("%d events of what has not happened", n)
	}
	w.put(b, "k", "x")
	drain()
	if failed := failed(); len(failed) != 1 || heard(t, *failed[0]) != "Object Created k" || failed[0].LastError == "" {
		t.Errorf("failed: %+v", failed)
	}
}
