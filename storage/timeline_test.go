package storage

import "testing"

func TestTimelineKeepsWhatIsRead(t *testing.T) {
	var discarded uint64
	l := newTimeline(1000, func(to uint64) { discarded = to })
	if discarded != 1000 || l.enter(999) || l.enterLatest() != 1000 {
		t.Fatalf("a new one begins at %d", discarded)
	}
	to := func(number uint64) {
		for n := l.latest.Load() + 1; n <= number; n++ {
			l.advance(n)
		}
	}
	to(1100)
	if !l.enter(1050) {
		t.Error("the recent past cannot be read")
	}
	to(3000)
	if discarded != 1000 {
		t.Errorf("what is read at 1000 is discarded to %d", discarded)
	}
	if !l.enter(1000) {
		t.Error("a second reader of a moment is refused")
	}
	l.leave(1000)
	l.leave(1000)
	to(4000)
	if discarded != 1050 || l.enter(1049) {
		t.Errorf("what is read at 1050 is discarded to %d", discarded)
	}
	l.leave(1050)
	to(5000)
	if l.enter(discarded-1) || !l.enter(5000-pastKept) || discarded < 5000-2*pastKept {
		t.Errorf("at 5000 is discarded to %d", discarded)
	}
}
