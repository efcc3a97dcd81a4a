package s3

import (
	"context"
	"log/slog"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/storage"
)

// failures says when something is logged as an error for the first time.
type failures struct {
	slog.Handler
	told chan string
}

func (failures) Enabled(context.Context, slog.Level) bool { return true }

func (f failures) Handle(_ context.Context, r slog.Record) error {
	if r.Level == slog.LevelError {
		select {
		case f.told <- r.Message:
		default: // it has been said
		}
	}
	return nil
}

// One kind of work that cannot be done ends neither the server nor the other kinds,
// and is tried again.
func TestRunGoesOn(t *testing.T) {
	w := newWorld(t)
	failed, sent := make(chan string, 1), make(told, 10)
	w.env.Log = slog.New(failures{slog.DiscardHandler, failed})
	from, to := w.bucketNamed("from"), w.bucketNamed("to1")
	w.put(from, "k", "x")
	w.logs(from, to)
	w.Witness(w.asked(from, "k"))
	must(t)(w.putBucketNotificationConfiguration(w.ctx(), &s3.PutBucketNotificationConfigurationInput{
		Bucket: to, NotificationConfiguration: &s3.NotificationConfiguration{EventBridgeConfiguration: &s3.EventBridgeConfiguration{}},
	}))
	broken := keyLogLine(0, 0) // before all others
	if err := w.db.Update(func(tx storage.Tx) error { return tx.Set(broken, []byte("no record")) }); err != nil {
		t.Fatal(err)
	}
	w.ages(from, &s3.LifecycleRule{Expiration: &s3.LifecycleExpiration{Date: epoch.Truncate(24 * time.Hour)}})
	w.env.Events = sent
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- w.Run(ctx) }()
	<-failed
	if _, err := w.GetObject(w.ctx(), &s3.GetObjectInput{Bucket: from, Key: "k"}); err == nil {
		t.Error("nothing ages where a log cannot be read")
	}
	if err := w.db.Update(func(tx storage.Tx) error { return tx.Delete(broken) }); err != nil {
		t.Fatal(err)
	}
	w.clock.Advance(logDelay)
	w.bell.Ring()
	<-sent // of the log, which has been put
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
}
