package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
)

// fussy is a launcher that can place what its name is the runtime of.
type fussy struct {
	name   string
	absent error
	placed int
}

func (f *fussy) Name() string                    { return f.name }
func (f *fussy) Available(context.Context) error { return f.absent }
func (f *fussy) Place(_ context.Context, spec *Spec) error {
	f.placed++
	if spec.Runtime != f.name && f.name != "any" {
		return errors.New("no image for " + spec.Runtime)
	}
	return nil
}
func (f *fussy) Start(context.Context, *Spec, string) (Process, error) {
	return nil, errors.New("started by " + f.name)
}
func (f *fussy) Forget(Key)                  {}
func (f *fussy) Sweep(context.Context) error { return nil }
func (f *fussy) Close() error                { return nil }

func TestFirstOfTakesTheFirstThatCanPlace(t *testing.T) {
	ctx := context.Background()
	images, any := &fussy{name: "python3.11"}, &fussy{name: "any"}
	l := FirstOf(slog.New(slog.DiscardHandler), images, any)
	for runtime, want := range map[string]string{"python3.11": "python3.11", "nodejs20.x": "any"} {
		spec := &Spec{Runtime: runtime}
		for range 2 {
			if err := l.Place(ctx, spec); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := l.Start(ctx, spec, ""); err == nil || err.Error() != "started by "+want {
			t.Errorf("%s: %v, want it started by %s", runtime, err, want)
		}
	}
	if images.placed != 3 { // twice its own, and once to find out that it cannot
		t.Errorf("the first choice was asked %d times, want 3", images.placed)
	}
}

func TestFirstOfSaysWhyNoneCan(t *testing.T) {
	ctx := context.Background()
	l := FirstOf(slog.New(slog.DiscardHandler), &fussy{name: "docker", absent: errors.New("no engine answers")}, &fussy{name: "process"})
	if err := l.Available(ctx); err != nil {
		t.Errorf("one is available, but: %v", err)
	}
	err := l.Place(ctx, &Spec{Runtime: "ruby3.3"})
	if err == nil || !strings.Contains(err.Error(), "no engine answers") || !strings.Contains(err.Error(), "no image for ruby3.3") {
		t.Errorf("%v, want the reasons of both", err)
	}
}
