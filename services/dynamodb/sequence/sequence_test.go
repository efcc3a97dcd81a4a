package sequence

import (
	"errors"
	"testing"
	"time"
)

var noon = time.Date(2026, 1, 2, 12, 0, 0, 0, time.UTC)

// reserved is an order with numbers reserved as a service does it.
func reserved(stored Number, now time.Time) *Order {
	o := &Order{}
	o.Reserved(stored, o.Reserve(stored, now))
	return o
}

func next(t *testing.T, o *Order, w *Writer, now time.Time) Number {
	t.Helper()
	n, err := o.Next(w, now)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func horizon(t *testing.T, o *Order, now time.Time) (settled, next Number) {
	t.Helper()
	settled, next, err := o.Horizon(now)
	if err != nil {
		t.Fatal(err)
	}
	return settled, next
}

func TestNumbersGrow(t *testing.T) {
	o := reserved(0, noon)
	var w Writer
	a := next(t, o, &w, noon)
	b := next(t, o, &w, noon)
	back := next(t, o, &w, noon.Add(-time.Hour))
	if a != At(noon) || b <= a || back <= b {
		t.Errorf("%v, %v, and with the clock set back %v", a, b, back)
	}
	if later := next(t, o, &w, noon.Add(time.Second)); later != At(noon.Add(time.Second)) {
		t.Errorf("a second later it is %v", later)
	}
	if _, err := o.Next(&w, noon.Add(2*Ahead)); !errors.Is(err, ErrExhausted) {
		t.Errorf("beyond what is reserved: %v", err)
	}
}

func TestNumbersGrowOverARestart(t *testing.T) {
	o := reserved(0, noon)
	var w Writer
	before := next(t, o, &w, noon.Add(30*time.Second))
	limit := o.Reserve(0, noon)
	again := reserved(limit, noon.Add(-time.Hour)) // the clock was set back as well
	if after := next(t, again, &Writer{}, noon.Add(-time.Hour)); after <= before {
		t.Errorf("%v follows %v", after, before)
	}
}

// A store that is emptied has nothing that numbers must be above, and a clock may
// be set back with it, by any time.
func TestNumbersOfAnEmptyStore(t *testing.T) {
	for _, writing := range []bool{false, true} {
		ahead := noon.AddDate(10, 0, 0)
		o := reserved(0, ahead)
		var w Writer
		before := next(t, o, &w, ahead)
		if !writing {
			w.Done()
		}
		o.Forget()
		o.Reserved(0, o.Reserve(0, noon)) // once is enough
		after := next(t, o, &Writer{}, noon)
		if writing && after <= before || !writing && after != At(noon) {
			t.Errorf("somebody is writing: %v; %v follows %v", writing, after, before)
		}
	}
}

func TestHorizonWaitsForWhoHasDrawn(t *testing.T) {
	o := reserved(0, noon)
	var a, b, c Writer
	first := next(t, o, &a, noon)
	second := next(t, o, &b, noon)
	next(t, o, &c, noon)
	next(t, o, &a, noon)
	if settled, _ := horizon(t, o, noon); settled != first {
		t.Errorf("settled is %v, want %v", settled, first)
	}
	c.Done()
	if settled, _ := horizon(t, o, noon); settled != first {
		t.Errorf("settled is %v, want %v", settled, first)
	}
	a.Done()
	if settled, following := horizon(t, o, noon.Add(time.Second)); settled != second || following != At(noon.Add(time.Second)) {
		t.Errorf("settled is %v, want %v; %v follows", settled, second, following)
	}
	b.Done()
	settled, following := horizon(t, o, noon.Add(time.Second))
	if settled != following {
		t.Errorf("nobody writes: settled is %v, and %v follows", settled, following)
	}
	// What was told holds, whatever the clock does.
	if n := next(t, o, &a, noon); n < settled {
		t.Errorf("%v was given out below %v", n, settled)
	}
}

func TestText(t *testing.T) {
	n := At(noon) + 7
	text := n.String()
	if len(text) != 21 || text <= At(noon).String() {
		t.Errorf("%q", text)
	}
	if back, ok := Parse(text); !ok || back != n || !back.Time().Equal(noon) {
		t.Errorf("%q is read as %v", text, back)
	}
	for _, bad := range []string{"", "1", "000000000000000000001", "1000000000000000000x1", "199999999999999999999", "1000000000000000000001"} {
		if n, ok := Parse(bad); ok {
			t.Errorf("%q is read as %v", bad, n)
		}
	}
}
