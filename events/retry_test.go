package events_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/events"
)

func TestDefaultBackoff(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(context.Context, *events.Delivery) error { return errBroken })
	w.run()
	w.send(to(function, "x"))
	w.drain()
	wait := events.FirstBackoff
	for n := 1; n <= 12; n++ {
		if len(w.got) != n || w.got[n-1].Attempt != n {
			t.Fatalf("%d attempts, want %d; the last is number %d", len(w.got), n, w.got[len(w.got)-1].Attempt)
		}
		if n > 1 && w.got[n-1].LastError != "broken" {
			t.Errorf("LastError %q", w.got[n-1].LastError)
		}
		w.clock.Advance(wait - 1)
		w.drain()
		if len(w.got) != n {
			t.Fatalf("attempt %d came before %v", n+1, wait)
		}
		w.clock.Advance(1)
		w.drain()
		wait = min(2*wait, events.LastBackoff)
	}
}

func TestGivenUp(t *testing.T) {
	always := func(err error) deliverer {
		return func(context.Context, *events.Delivery) error { return err }
	}
	for name, c := range map[string]struct {
		deliver   deliverer
		attempts  int
		exhausted string
	}{
		"dropped":         {always(events.Drop(errBroken)), 1, ""},
		"dropped inside":  {always(fmt.Errorf("lambda: %w", events.Drop(errBroken))), 1, ""},
		"after attempts":  {always(errBroken), events.MaxAttempts, "MaximumRetryAttempts"},
		"default backoff": {always(events.Retry(errBroken, time.Time{})), events.MaxAttempts, "MaximumRetryAttempts"},
		"after a day": {func(_ context.Context, d *events.Delivery) error {
			if d.Attempt == 1 {
				return events.Retry(errBroken, d.Sent.Add(events.MaxAge))
			}
			return errBroken
		}, 2, "MaximumEventAgeInSeconds"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.serve("lambda", c.deliver)
			var dead []events.Delivery
			w.serve("sqs", func(_ context.Context, d *events.Delivery) error {
				dead = append(dead, *d)
				return nil
			})
			w.run()
			d := to(function, "x")
			d.DeadLetter = deadLetter
			w.send(d)
			w.drain()
			for len(dead) == 0 && w.clock.Now().Before(start.Add(2*events.MaxAge)) {
				w.clock.Advance(events.LastBackoff)
				w.drain()
			}
			if len(dead) != 1 {
				t.Fatalf("%d dead letters", len(dead))
			}
			if n := len(w.got) - 1; n != c.attempts || dead[0].Attributes["RETRY_ATTEMPTS"] != fmt.Sprint(n-1) {
				t.Errorf("%d attempts, want %d; the dead letter says %s retries", n, c.attempts, dead[0].Attributes["RETRY_ATTEMPTS"])
			}
			if got := dead[0].Attributes["EXHAUSTED_RETRY_CONDITION"]; got != c.exhausted {
				t.Errorf("exhausted %q, want %q", got, c.exhausted)
			}
			if got := w.queue.Counts(); got != (events.Counts{Delivered: 1, Failed: 1, Retried: uint64(c.attempts - 1)}) {
				t.Errorf("%+v", got)
			}
		})
	}
}

func TestRetryAsTheTargetSays(t *testing.T) {
	w := newWorld(t)
	at := start.Add(48 * time.Hour) // later than the default would ever try
	w.serve("lambda", func(_ context.Context, d *events.Delivery) error {
		if d.Attempt == 1 {
			return events.Retry(errBroken, at)
		}
		return nil
	})
	w.run()
	w.send(to(function, "x"))
	w.drain()
	w.clock.Advance(48*time.Hour - 1)
	w.drain()
	if len(w.got) != 1 {
		t.Errorf("%d attempts before the time", len(w.got))
	}
	w.clock.Advance(1)
	w.drain()
	if got := w.queue.Counts(); got != (events.Counts{Delivered: 1, Retried: 1}) {
		t.Errorf("%+v", got)
	}
}

func TestDeadLetter(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(context.Context, *events.Delivery) error {
		return events.Drop(api.Errorf("ResourceNotFoundException", 404, "Function not found"))
	})
	w.serve("sqs", take)
	w.run()
	d := to(function, "x")
	d.Principal = api.ServicePrincipal("s3.amazonaws.com", "arn:aws:s3:::photos", "000000000000")
	d.Attributes = map[string]string{"own": "1"}
	d.DeadLetter = deadLetter
	w.send(d)
	w.drain()
	want := events.Delivery{
		Target:    deadLetter,
		Principal: d.Principal,
		Payload:   []byte("x"),
		Attributes: map[string]string{
			"own":            "1",
			"ERROR_CODE":     "ResourceNotFoundException",
			"ERROR_MESSAGE":  "ResourceNotFoundException: Function not found",
			"RETRY_ATTEMPTS": "0",
			"RULE_ARN":       "arn:aws:s3:::photos",
			"TARGET_ARN":     function,
		},
		Attempt: 1, Sent: start, NotBefore: start,
	}
	if diff := cmp.Diff(want, w.got[1], cmpopts.IgnoreFields(events.Delivery{}, "ID")); diff != "" {
		t.Error(diff)
	}
	if failed := w.failed(); len(failed) != 0 {
		t.Errorf("%d failed deliveries beside the dead letter", len(failed))
	}
}

func TestADeadLetterThatFailsIsVisible(t *testing.T) {
	w := newWorld(t)
	w.serve("lambda", func(context.Context, *events.Delivery) error { return events.Drop(errBroken) })
	w.run()
	d := to(function, "x")
	d.DeadLetter = deadLetter // nobody serves sqs
	w.send(d)
	w.drain()
	if failed := w.failed(); len(failed) != 1 || failed[0].Target != deadLetter {
		t.Errorf("%+v", failed)
	}
	if got := w.queue.Counts(); got != (events.Counts{Failed: 2}) {
		t.Errorf("%+v", got)
	}
}
