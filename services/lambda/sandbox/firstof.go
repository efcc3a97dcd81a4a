package sandbox

import (
	"context"
	"errors"
	"log/slog"
	"sync"
)

// FirstOf is a launcher that leaves each kind of sandbox to the first of others
// that can place it: containers where the engine has the runtime's image or
// can pull it, and processes where it cannot, as on a machine without a network.
// What was found out for a runtime or an image is kept.
func FirstOf(log *slog.Logger, launchers ...Launcher) Launcher {
	return &firstOf{launchers: launchers, log: log, chosen: map[string]Launcher{}}
}

type firstOf struct {
	launchers []Launcher
	log       *slog.Logger

	mu     sync.Mutex
	chosen map[string]Launcher // by runtime or image
}

// kind is what sandboxes that are placed alike have in common.
func kind(spec *Spec) string {
	if spec.Image != "" {
		return "image " + spec.Image
	}
	return spec.Runtime
}

func (f *firstOf) Name() string { return "auto" }

// Available is nil when one of the launchers is.
func (f *firstOf) Available(ctx context.Context) error {
	var reasons []error
	for _, l := range f.launchers {
		err := l.Available(ctx)
		if err == nil {
			return nil
		}
		reasons = append(reasons, &StartError{Launcher: l.Name(), Err: err})
	}
	return errors.Join(reasons...)
}

func (f *firstOf) get(spec *Spec) Launcher {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.chosen[kind(spec)]
}

// Place places with the launcher that has done so before, or finds the first that can.
func (f *firstOf) Place(ctx context.Context, spec *Spec) error {
	if l := f.get(spec); l != nil {
		return l.Place(ctx, spec)
	}
	var reasons []error
	for _, l := range f.launchers {
		err := l.Available(ctx)
		if err == nil {
			err = l.Place(ctx, spec)
		}
		if err == nil {
			if len(reasons) > 0 {
				f.log.Warn("functions are run by the second choice", "runtime", kind(spec), "launcher", l.Name(), "because", errors.Join(reasons...))
			}
			f.mu.Lock()
			defer f.mu.Unlock()
			f.chosen[kind(spec)] = l
			return nil
		}
		reasons = append(reasons, &StartError{Launcher: l.Name(), Err: err})
	}
	return errors.Join(reasons...)
}

// Start starts with the launcher that placed the version.
func (f *firstOf) Start(ctx context.Context, spec *Spec, logStream string) (Process, error) {
	l := f.get(spec)
	if l == nil {
		return nil, errors.New("the version has not been placed")
	}
	return l.Start(ctx, spec, logStream)
}

func (f *firstOf) Forget(key Key) {
	for _, l := range f.launchers {
		l.Forget(key)
	}
}

// Sweep sweeps what is there to be swept.
func (f *firstOf) Sweep(ctx context.Context) error {
	var err error
	for _, l := range f.launchers {
		if l.Available(ctx) == nil {
			err = errors.Join(err, l.Sweep(ctx))
		}
	}
	return err
}

func (f *firstOf) Close() error {
	var err error
	for _, l := range f.launchers {
		err = errors.Join(err, l.Close())
	}
	return err
}
