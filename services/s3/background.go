package s3

import (
	"context"
	"sync"
	"time"

	"github.com/virga-cloud/virga/services/s3/lifecycle"
)

// background is what makes Run do the next thing before its time.
type background struct {
	mu   sync.Mutex
	wake context.CancelFunc
	// woken says that it was to wake up when nobody slept.
	woken bool
}

// soon makes Run look at once whether there is something to do.
func (b *background) soon() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.woken = true
	if b.wake != nil {
		b.wake()
	}
}

// sleep is a context that ends with ctx, or when there is something to do soon.
func (b *background) sleep(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.wake = cancel; b.woken {
		cancel()
	}
	b.woken = false
	return ctx, cancel
}

// Run removes what earlier sweeps left. After that it carries out lifecycle
// configurations, tells of restored objects and delivers logs when they are due, until the context ends.
func (s *Service) Run(ctx context.Context) error {
	err := s.sweepAll(ctx)
	for err == nil && ctx.Err() == nil {
		var next time.Time
		if next, err = s.work(ctx, false); err == nil {
			asleep, cancel := s.background.sleep(ctx)
			_ = s.env.Clock.Wait(asleep, next)
			cancel()
		}
	}
	if ctx.Err() != nil {
		return nil
	}
	return err
}

// Drain implements service.Drainer: what lifecycle configurations ask for by now
// has been done when it returns, what there is to tell of restored objects told, and logs delivered.
func (s *Service) Drain(ctx context.Context) error {
	_, err := s.work(ctx, true)
	return err
}

// work does what is due by now, with all of the logs if that is said, and returns
// when there will be more.
func (s *Service) work(ctx context.Context, all bool) (next time.Time, err error) {
	s.working.Lock()
	defer s.working.Unlock()
	now := s.env.Clock.Now()
	if err := s.age(ctx, now); err != nil {
		return next, err
	}
	next = lifecycle.Midnight(now)
	restores, err := s.tellRestores(ctx, now)
	if err != nil {
		return next, err
	}
	if !restores.IsZero() && restores.Before(next) {
		next = restores
	}
	logs, err := s.deliverLogs(ctx, now, all)
	if !logs.IsZero() && logs.Before(next) {
		next = logs
	}
	return next, err
}
