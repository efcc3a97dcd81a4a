package events_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/storage"
	"github.com/virga-cloud/virga/storage/storagetest"
)

var start = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)

const (
	function   = "arn:aws:lambda:us-east-1:000000000000:function:thumbnail"
	deadLetter = "arn:aws:sqs:us-east-1:000000000000:dead"
)

var errBroken = errors.New("broken")

func TestDeliveredOnceAndWhole(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", take)
	w.run()
	sent := events.Delivery{
		Target:     function,
		Principal:  api.ServicePrincipal("s3.amazonaws.com", "arn:aws:s3:::photos", "000000000000"),
		Payload:    []byte("{}"),
		Attributes: map[string]string{"InvocationType": "Event"},
		DeadLetter: deadLetter,
	}
	w.send(sent)
	w.drain()
	want := sent
	want.Attempt, want.Sent, want.NotBefore = 1, start, start
	if diff := cmp.Diff([]events.Delivery{want}, w.got, cmpopts.IgnoreFields(events.Delivery{}, "ID")); diff != "" {
		t.Error(diff)
	}
	if w.got[0].ID == "" {
		t.Error("the delivery has no ID")
	}
	if got := w.queue.Counts(); got != (events.Counts{Delivered: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestADeliveryExistsExactlyWhenItsChangeDoes(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", take)
	w.run()
	err := w.db.Update(func(tx storage.Tx) error {
		return errors.Join(w.queue.Send(tx, to(function, "of a failure")), errBroken)
	})
	if !errors.Is(err, errBroken) {
		t.Fatal(err)
	}
	w.send(to(function, "of a success"))
	w.drain()
	if diff := cmp.Diff([]string{"of a success"}, w.payloads()); diff != "" {
		t.Error(diff)
	}
}

func TestNotBeforeItsTime(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", take)
	w.run()
	later, evenLater := to(function, "later"), to(function, "even later")
	later.NotBefore, evenLater.NotBefore = start.Add(time.Minute), start.Add(time.Hour)
	w.send(evenLater, later, to(function, "now"))
	var got [][]string
	for _, d := range []time.Duration{0, time.Minute - 1, 1, time.Hour} {
		w.clock.Advance(d)
		w.drain()
		got = append(got, w.payloads())
	}
	want := [][]string{{"now"}, {"now"}, {"now", "later"}, {"now", "later", "even later"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestInTheOrderTheyAreDue(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", take)
	var want []string
	for i := range 20 {
		d := to(function, fmt.Sprint(19-i))
		d.NotBefore = start.Add(time.Duration(19-i) * time.Second)
		w.send(d)
		want = append(want, fmt.Sprint(i))
	}
	w.run()
	for range 20 {
		w.drain()
		w.clock.Advance(time.Second)
	}
	if diff := cmp.Diff(want, w.payloads()); diff != "" {
		t.Error(diff)
	}
}

func TestAMissingTargetIsVisible(t *testing.T) {
	w := newWorld(t)
	w.run()
	w.send(to("arn:aws:nosuch:us-east-1:000000000000:thing", "a"), to("not an ARN", "b"))
	w.drain()
	var errs []string
	for _, d := range w.failed() {
		errs = append(errs, d.LastError)
	}
	slices.Sort(errs)
	want := []string{`"not an ARN" is not an ARN`, "no service takes deliveries for arn:aws:nosuch:us-east-1:000000000000:thing"}
	if diff := cmp.Diff(want, errs); diff != "" {
		t.Error(diff)
	}
}

func TestFailedDeliveriesAreBounded(t *testing.T) {
	w := newWorld(t)
	for i := range events.MaxFailed + 5 {
		d := to(function, fmt.Sprint(i))
		d.NotBefore = start.Add(time.Duration(i) * time.Second)
		w.send(d)
	}
	w.run()
	for range events.MaxFailed + 5 {
		w.drain()
		w.clock.Advance(time.Second)
	}
	w.drain()
	failed := w.failed()
	if len(failed) != events.MaxFailed || string(failed[0].Payload) != "5" {
		t.Errorf("%d kept, the first is %s", len(failed), failed[0].Payload)
	}
}

func TestASlowTargetDelaysNobodyElse(t *testing.T) {
	w := newWorld(t)
	release, arrived := make(chan struct{}), make(chan struct{}, 1000)
	w.serve("lambda", func(ctx context.Context, _ *events.Delivery) error {
		arrived <- struct{}{}
		<-release
		return nil
	})
	fast := make(chan struct{}, 1000)
	w.serve("sqs", func(context.Context, *events.Delivery) error {
		fast <- struct{}{}
		return nil
	})
	w.run()
	for range 500 { // more than are under way at once
		w.send(to(function, "slow"))
	}
	<-arrived
	for range 100 {
		w.send(to(deadLetter, "fast"))
		<-fast
	}
	close(release)
	w.drain()
	if n := len(w.payloads()); n != 600 {
		t.Errorf("%d deliveries", n)
	}
}

func TestDrainWaitsForWhatDeliveriesSend(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(_ context.Context, d *events.Delivery) error {
		if len(d.Payload) < 10 {
			return w.db.Update(func(tx storage.Tx) error {
				return w.queue.Send(tx, to(fmt.Sprintf("%s%d", function, len(d.Payload)), string(d.Payload)+"x"))
			})
		}
		return nil
	})
	w.run()
	w.send(to(function, "x"))
	w.drain()
	if n := len(w.payloads()); n != 10 {
		t.Errorf("%d deliveries, want 10", n)
	}
}

func TestDrainEndsWithItsContext(t *testing.T) {
	w := newWorld(t)
	w.send(to(function, "x")) // and nothing runs
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := w.queue.Drain(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Drain: %v", err)
	}
}

func TestDeliveriesOutliveTheProcess(t *testing.T) {
	w := newWorld(t)
	arrived := make(chan struct{})
	w.serve("lambda", func(ctx context.Context, d *events.Delivery) error {
		close(arrived)
		<-ctx.Done()
		return ctx.Err()
	})
	w.run()
	w.send(to(function, "under way"))
	later := to(function, "later")
	later.NotBefore = start.Add(time.Hour)
	w.send(later)
	<-arrived
	w.stop()
	if failed := w.failed(); len(failed) != 0 {
		t.Errorf("stopping failed %d deliveries", len(failed))
	}

	w.queue, w.got = w.newQueue(), nil
	w.serve("lambda", take)
	w.run()
	w.drain()
	if len(w.got) != 1 || string(w.got[0].Payload) != "under way" || w.got[0].Attempt != 1 {
		t.Fatalf("after a restart: %+v", w.got)
	}
	w.clock.Advance(time.Hour)
	w.drain()
	if diff := cmp.Diff([]string{"under way", "later"}, w.payloads()); diff != "" {
		t.Error(diff)
	}
}

func TestAPanicIsAFailedAttempt(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(_ context.Context, d *events.Delivery) error {
		if d.Attempt == 1 {
			panic("in a target")
		}
		return nil
	})
	w.run()
	w.send(to(function, "x"))
	w.drain()
	w.clock.Advance(events.FirstBackoff)
	w.drain()
	if len(w.got) != 2 || !strings.Contains(w.got[1].LastError, "in a target") {
		t.Errorf("%+v", w.got)
	}
}

func TestATargetMayChangeWhatItGets(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(_ context.Context, d *events.Delivery) error {
		d.Payload[0], d.Attributes["a"], d.Target = 'y', "changed", ""
		return errBroken
	})
	w.run()
	d := to(function, "x")
	d.Attributes = map[string]string{"a": "1"}
	w.send(d)
	w.drain()
	w.serve("lambda", take)
	w.clock.Advance(events.FirstBackoff)
	w.drain()
	if got := w.got[1]; string(got.Payload) != "x" || got.Attributes["a"] != "1" || got.Target != function {
		t.Errorf("the second attempt has %+v", got)
	}
}

func TestResetForgetsDeliveries(t *testing.T) {
	db, blobs := storagetest.Open(t)
	w := newWorld(t)
	w.db = db
	w.queue = w.newQueue()
	arrived, release := make(chan struct{}), make(chan struct{})
	w.serve("lambda", func(context.Context, *events.Delivery) error {
		close(arrived)
		<-release
		return errBroken
	})
	w.run()
	w.send(to(function, "old"))
	<-arrived
	if err := storage.Reset(db, blobs); err != nil {
		t.Fatal(err)
	}
	close(release)
	w.drain()
	w.serve("lambda", take)
	w.send(to(function, "new"))
	w.drain()
	w.clock.Advance(time.Hour)
	w.drain()
	if diff := cmp.Diff([]string{"old", "new"}, w.payloads()); diff != "" {
		t.Error(diff)
	}
}

func TestManySendersToManyTargets(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(_ context.Context, d *events.Delivery) error {
		if d.Attempt == 1 && d.Payload[0]%3 == 0 {
			return events.Retry(errBroken, w.clock.Now())
		}
		return nil
	})
	w.run()
	var wg sync.WaitGroup
	for i := range 8 {
		wg.Go(func() {
			for j := range 200 {
				w.send(to(fmt.Sprintf("%s%d", function, (i+j)%20), fmt.Sprintf("%d/%d", i, j)))
			}
		})
	}
	wg.Wait()
	w.drain()
	got := w.payloads()
	slices.Sort(got)
	if n := len(slices.Compact(got)); n != 1600 {
		t.Errorf("%d of 1600 delivered", n)
	}
	if c := w.queue.Counts(); c.Delivered != 1600 || c.Failed != 0 {
		t.Errorf("%+v", c)
	}
}

func TestOnlyOneRuns(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", take)
	w.run()
	w.send(to(function, "x"))
	w.drain() // it runs now
	if err := w.queue.Run(t.Context()); err == nil {
		t.Error("a second Run succeeded")
	}
}
