package s3

import (
	"context"
	"errors"
	"time"

	"github.com/virga-cloud/virga/services/s3/lifecycle"
)

// retryAfter is how long Run waits after something failed.
const retryAfter = 10 * time.Second

// Run removes what earlier sweeps left. After that it carries out lifecycle
// configurations, tells of restored objects and delivers logs when they are due, until
// the context ends. It returns no error, which would end the server: what failed is logged and
// tried again.
func (s *Service) Run(ctx context.Context) error {
	for swept := false; ctx.Err() == nil; {
		s.bell.Heard()
		var next time.Time
		var err error
		if !swept {
			err = s.sweepAll(ctx)
			swept = err == nil
		}
		if err == nil {
			next, err = s.work(ctx, false)
		}
		if err != nil && ctx.Err() == nil {
			s.env.Log.Error("s3: background work failed, and is tried again", "error", err)
			next = s.env.Clock.Now().Add(retryAfter)
		}
		s.bell.Rest(ctx, s.env.Clock, next)
	}
	return nil
}

// Drain implements service.Drainer: what lifecycle configurations ask for by now
// has been done when it returns, what there is to tell of restored objects told, and logs delivered.
func (s *Service) Drain(ctx context.Context) error {
	_, err := s.work(ctx, true)
	return err
}

// work does what is due by now, with all of the logs if that is said, and returns
// when there will be more. One kind of work that fails does not keep the others from being done.
func (s *Service) work(ctx context.Context, all bool) (next time.Time, err error) {
	s.working.Lock()
	defer s.working.Unlock()
	now := s.env.Clock.Now()
	failed := s.age(ctx, now)
	next = lifecycle.Midnight(now)
	for _, chore := range []func() (time.Time, error){
		func() (time.Time, error) { return s.tellRestores(ctx, now) },
		func() (time.Time, error) { return s.deliverLogs(ctx, now, all) },
	} {
		at, err := chore()
		if !at.IsZero() && at.Before(next) {
			next = at
		}
		failed = errors.Join(failed, err)
	}
	return next, failed
}
