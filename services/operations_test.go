package services

import (
	"log/slog"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/clock"
	"github.com/virga-cloud/virga/api/ids"
	"github.com/virga-cloud/virga/events"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage/storagetest"
)

// TestOperations holds what the coverage table says of each service to its
// model: operations are the model's and are listed once, and members without
// effect are members of the input, listed once.
func TestOperations(t *testing.T) {
	db, blobs := storagetest.Open(t)
	c, source, log := clock.At(time.Unix(0, 0)), ids.From(rand.NewChaCha8([32]byte{})), slog.New(slog.DiscardHandler)
	all, err := New(service.Env{
		DB: db, Blobs: blobs, Clock: c, IDs: source, Log: log,
		Events: events.New(db, c, source, log, func(string) (events.Deliverer, bool) { return nil, false }),
		Config: service.Config{CacheDir: t.TempDir(), LambdaExecutor: "process"},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range all.Services {
		known := map[*api.Operation]bool{}
		for _, op := range s.Model().Operations {
			known[op.Spec()] = true
		}
		listed := map[string]bool{}
		for _, h := range s.Operations() {
			name := h.Spec().String()
			if !known[h.Spec()] {
				t.Errorf("%s is not an operation of %s", name, s.Model().Service.Name)
			}
			if listed[name] {
				t.Errorf("%s is listed twice", name)
			}
			listed[name] = true
			input := reflect.TypeOf(h.NewInput()).Elem()
			members := map[string]bool{}
			for i := range input.NumField() {
				member, _, _ := strings.Cut(input.Field(i).Tag.Get("aws"), ",")
				members[member] = true
			}
			seen := map[string]bool{}
			for _, member := range h.NoEffect {
				if !members[member] {
					t.Errorf("%s has no member %s that could be without effect", name, member)
				}
				if seen[member] {
					t.Errorf("%s lists %s twice", name, member)
				}
				seen[member] = true
			}
		}
	}
}
