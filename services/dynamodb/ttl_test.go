package dynamodb

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	ddb "github.com/virga-cloud/virga/api/dynamodb"
	"github.com/virga-cloud/virga/services/dynamodb/item"
	"github.com/virga-cloud/virga/storage"
)

func (h *host) setExpiry(table, attribute string, on bool) error {
	_, err := h.updateTimeToLive(h.call(), &ddb.UpdateTimeToLiveInput{TableName: table, TimeToLiveSpecification: &ddb.TimeToLiveSpecification{AttributeName: attribute, Enabled: &on}})
	return err
}

func (h *host) drain() {
	h.t.Helper()
	if err := h.Drain(context.Background()); err != nil {
		h.t.Fatal(err)
	}
}

// in is a time in seconds, so far from now.
func (h *host) in(d time.Duration) N { return N(fmt.Sprint(h.clock.Now().Add(d).Unix())) }

// left are the partition keys of a table's items.
func (h *host) left(table string) (keys []string) {
	h.t.Helper()
	for _, it := range itemsOf(must(h, h.scan, &ddb.ScanInput{TableName: table}).Items) {
		keys = append(keys, string(it["p"].(S)))
	}
	slices.Sort(keys)
	return keys
}

func TestExpiry(t *testing.T) {
	h := newHost(t)
	arn := h.streamed("things", ddb.StreamViewTypeKeysOnly, "p:S")
	put := func(p string, at any) {
		it := item.Item{"p": S(p)}
		switch at := at.(type) {
		case N:
			it["ttl"] = at
		case S:
			it["ttl"] = at
		}
		h.put("things", it)
	}
	put("before", h.in(time.Hour))
	if err := h.setExpiry("things", "ttl", true); err != nil {
		t.Fatal(err)
	}
	put("hour", h.in(time.Hour))
	put("fraction", h.in(time.Hour)+".5")
	put("day", h.in(24*time.Hour))
	put("ago", h.in(-time.Hour))
	put("long ago", h.in(-6*365*24*time.Hour))
	put("text", S(h.in(-time.Hour)))
	put("none", nil)
	put("negative", N("-5"))
	put("huge", N("1E+100"))
	put("prolonged", h.in(time.Hour))
	put("prolonged", h.in(48*time.Hour))
	put("freed", h.in(time.Hour))
	put("freed", nil)
	if got := h.left("things"); !slices.Contains(got, "ago") {
		t.Error("what has expired is gone at once")
	}
	lasting := []string{"freed", "huge", "long ago", "negative", "none", "prolonged", "text"}
	for _, step := range []struct {
		after time.Duration
		want  []string
	}{
		{0, append(slices.Clone(lasting), "before", "day", "fraction", "hour")},
		{time.Hour, append(slices.Clone(lasting), "before", "day", "fraction", "hour")}, // their second is not over
		{time.Second, append(slices.Clone(lasting), "day")},
		{24 * time.Hour, lasting},
	} {
		h.clock.Advance(step.after)
		h.drain()
		slices.Sort(step.want)
		if got := h.left("things"); !slices.Equal(got, step.want) {
			t.Errorf("after %v more: %v, want %v", step.after, got, step.want)
		}
	}
	removed := 0
	for _, r := range h.records(arn) {
		if r.UserIdentity != nil {
			removed++
			if r.EventName != "REMOVE" || r.UserIdentity.PrincipalId != "dynamodb.amazonaws.com" || r.UserIdentity.Type != "Service" {
				t.Errorf("%+v", r)
			}
		}
	}
	if removed != 4 { // the first was removed more than a day ago
		t.Errorf("%d records of expiry", removed)
	}
}

// The index of times has an entry for every item with a time, and no other
// when all is quiet.
func TestExpiryIndex(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	for i := range 1200 {
		h.put("things", item.Item{"p": S(fmt.Sprint(i)), "ttl": h.in(time.Duration(i) * time.Minute)})
	}
	if err := h.setExpiry("things", "ttl", true); err != nil {
		t.Fatal(err)
	}
	entries := func() int {
		var t *table
		err := h.env.DB.View(func(tx storage.Tx) (err error) {
			t, err = h.record(tx, tableID{"000000000000", "us-east-1", "things"})
			return err
		})
		if err != nil || t.Expiry == nil {
			return 0
		}
		return h.keysUnder(indexKey(t.Account, t.Region, t.Number, t.Expiry.Index))
	}
	h.drain()
	if n := entries(); n != 1200 {
		t.Errorf("%d entries", n)
	}
	h.clock.Advance(599*time.Minute + time.Second)
	h.drain()
	if n := entries(); n != 600 || len(h.left("things")) != 600 {
		t.Errorf("half of them later there are %d entries", n)
	}
	must(h, h.deleteItem, &ddb.DeleteItemInput{TableName: "things", Key: item.Item{"p": S("1199")}})
	if n := entries(); n != 599 {
		t.Errorf("%d entries when one was deleted", n)
	}
	if err := h.setExpiry("things", "ttl", false); err != nil {
		t.Fatal(err)
	}
	h.drain()
	if n := h.keysUnder(serviceKey().String("000000000000").String("us-east-1").String("item")); n != 599 {
		t.Errorf("%d items and entries when it is off", n)
	}
	if n := h.keysUnder(allExpiringKey()); n != 0 {
		t.Errorf("%d tables expire", n)
	}
}

// The worker is woken by the clock, and by an item that expires before all others.
func TestExpiryWakesTheWorker(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	if err := h.setExpiry("things", "ttl", true); err != nil {
		t.Fatal(err)
	}
	h.put("things", item.Item{"p": S("later"), "ttl": h.in(10 * time.Hour)})
	ctx, stop := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Run(ctx) }()
	gone := func(p string) {
		t.Helper()
		for h.get("things", item.Item{"p": S(p)}) != nil {
			if ctx.Err() != nil {
				t.Fatal("the worker has ended")
			}
		}
	}
	h.put("things", item.Item{"p": S("soon"), "ttl": h.in(time.Hour)})
	h.clock.Advance(2 * time.Hour)
	gone("soon")
	h.put("things", item.Item{"p": S("past"), "ttl": h.in(-time.Hour)})
	gone("past")
	h.clock.Advance(9 * time.Hour)
	gone("later")
	stop()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

func TestTimeToLiveErrors(t *testing.T) {
	h := newHost(t)
	h.create("things", "p:S")
	set := func(attribute string, on bool) string {
		err := h.setExpiry("things", attribute, on)
		if err == nil {
			return ""
		}
		return message(err)
	}
	describe := func() ddb.TimeToLiveDescription {
		return *must(h, h.describeTimeToLive, &ddb.DescribeTimeToLiveInput{TableName: "things"}).TimeToLiveDescription
	}
	if d := describe(); d != (ddb.TimeToLiveDescription{TimeToLiveStatus: ddb.TimeToLiveStatusDisabled}) {
		t.Errorf("%+v", d)
	}
	const fixed = "Time to live has been modified multiple times within a fixed interval"
	const different = "TimeToLive is active on a different AttributeName: current AttributeName is ttl"
	for _, c := range []struct {
		attribute string
		on        bool
		want      string
	}{
		{"ttl", false, "TimeToLive is already disabled"},
		{"ttl", true, ""},
		{"ttl", true, "TimeToLive is already enabled"},
		{"other", true, different},
		{"other", false, different},
		{"ttl", false, fixed},
	} {
		if got := set(c.attribute, c.on); got != c.want {
			t.Errorf("%s %v: %q, want %q", c.attribute, c.on, got, c.want)
		}
	}
	if d := describe(); d != (ddb.TimeToLiveDescription{TimeToLiveStatus: ddb.TimeToLiveStatusEnabled, AttributeName: "ttl"}) {
		t.Errorf("%+v", d)
	}
	h.clock.Advance(time.Hour)
	if got := set("ttl", false); got != "" {
		t.Errorf("an hour later: %q", got)
	}
	if got := set("ttl", true); got != fixed {
		t.Errorf("on again: %q", got)
	}
	if got := fails(h, h.describeTimeToLive, &ddb.DescribeTimeToLiveInput{TableName: "none"}); !strings.HasPrefix(got, "Requested resource not found: Table: none not found") {
		t.Errorf("of no table: %q", got)
	}
}
