package throttle

import (
	"testing"
	"time"
)

var start = time.Date(2024, 5, 6, 7, 8, 9, 0, time.UTC)

// What is left of a bucket, as time passes and units are taken.
func TestBuckets(t *testing.T) {
	r := Resource{Table: 1, Index: 2, Writes: true}
	type step struct {
		after time.Duration // since the step before
		rate  int64
		take  float64
		left  float64 // before it is taken
	}
	cases := []struct {
		name  string
		steps []step
	}{
		{"full at first", []step{{0, 10, 0, 3000}}},
		{"what is taken is gone", []step{{0, 10, 2999.5, 3000}, {0, 10, 0, 0.5}}},
		{"fills by its rate", []step{{0, 10, 3000, 3000}, {1500 * time.Millisecond, 10, 0, 15}}},
		{"fills from below nothing", []step{{0, 1, 400, 300}, {0, 1, 0, -100}, {100 * time.Second, 1, 0, 0}, {time.Second, 1, 0, 1}}},
		{"holds no more than the burst", []step{{0, 10, 3000, 3000}, {time.Hour, 10, 0, 3000}}},
		{"time that goes back gives nothing", []step{{0, 10, 3000, 3000}, {-time.Hour, 10, 0, 0}, {time.Hour, 10, 0, 0}}},
		{"a lower rate holds less", []step{{0, 10, 1, 3000}, {0, 1, 0, 300}}},
		{"a higher rate fills faster", []step{{0, 1, 300, 300}, {10 * time.Second, 100, 0, 1000}}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			b, now := New(), start
			for i, s := range c.steps {
				now = now.Add(s.after)
				if left := b.Left(r, s.rate, now); left != s.left {
					t.Errorf("step %d: %v is left, not %v", i, left, s.left)
				}
				b.Take(r, s.rate, s.take, now)
			}
			if left := b.Left(Resource{Table: 1, Index: 2}, 10, now); left != 3000 {
				t.Errorf("%v is left of another", left)
			}
			b.Forget()
			if left := b.Left(r, 10, now); left != 3000 {
				t.Errorf("%v is left when all is forgotten", left)
			}
		})
	}
}

// Buckets that have filled up are not kept for ever, others are.
func TestLetGo(t *testing.T) {
	b := New()
	for i := range uint64(3 * maxBuckets) {
		now := start.Add(time.Duration(i) * time.Second)
		b.Take(Resource{Table: 2 + i}, 1, 1, now)
	}
	now := start.Add(3 * maxBuckets * time.Second)
	if len(b.all) > maxBuckets {
		t.Errorf("%d buckets are kept", len(b.all))
	}
	b = New()
	for i := range uint64(2*maxBuckets + 1) {
		b.Take(Resource{Table: i}, 1, 1000, now)
	}
	if len(b.all) != 2*maxBuckets+1 {
		t.Errorf("%d of the buckets that are not full are kept", len(b.all))
	}
}
