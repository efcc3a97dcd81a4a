package main

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"testing"
	"time"
)

// The short way and the text handler write the same.
func TestLinesAreThoseOfTheTextHandler(t *testing.T) {
	t.Parallel()
	at := time.Date(2026, 11, 23, 7, 8, 9, 45_678_901, time.FixedZone("", -3*3600-1800))
	var got, want bytes.Buffer
	short, text := newLines(&got, nil), slog.NewTextHandler(&want, nil)
	for i, r := range []struct {
		message string
		level   slog.Level
		attrs   []slog.Attr
	}{
		{"s3.GetObject", slog.LevelInfo, []slog.Attr{slog.Int("status", 200), slog.Duration("took", 1234*time.Microsecond), slog.String("request", "0b0a-1f7c")}},
		{"dynamodb.GetItem", slog.LevelError, []slog.Attr{slog.Int("status", -5), slog.Duration("took", 0)}},
		{"GET /a b", slog.LevelInfo, []slog.Attr{slog.String("error", `NoSuchKey: "x"`)}},
		{"", slog.LevelWarn, nil},
		{"plain", slog.LevelDebug - 1, []slog.Attr{slog.String("empty", "")}},
		{"plain", slog.LevelInfo, []slog.Attr{slog.String("a=b", "c"), slog.String("back", `a\b`), slog.String("é", "ü")}},
		{"plain", slog.LevelInfo, []slog.Attr{slog.Int("n", 1), slog.Any("error", errors.New("e")), slog.Group("g", slog.Int("x", 1)), slog.Bool("b", true)}},
		{"plain", slog.LevelInfo, []slog.Attr{slog.Time("at", at), slog.Float64("f", 1.5), {}}},
	} {
		for _, h := range []slog.Handler{short, text} {
			record := slog.NewRecord(at.Add(time.Duration(i)*333*time.Millisecond), r.level, r.message, 0)
			record.AddAttrs(r.attrs...)
			if err := h.Handle(context.Background(), record); err != nil {
				t.Fatal(err)
			}
		}
	}
	if got.String() != want.String() {
		t.Errorf("got\n%s\nwant\n%s", &got, &want)
	}
}

func BenchmarkLines(b *testing.B) {
	for name, h := range map[string]slog.Handler{"short": newLines(io.Discard, nil), "text": slog.NewTextHandler(io.Discard, nil)} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				record := slog.NewRecord(time.Now(), slog.LevelInfo, "s3.GetObject", 0)
				record.AddAttrs(slog.Int("status", 200), slog.Duration("took", 123*time.Microsecond), slog.String("request", "0b0a2c9e-1f7c-4e7e-9a57-2f3f8a0ab7a3"))
				_ = h.Handle(context.Background(), record)
			}
		})
	}
}
