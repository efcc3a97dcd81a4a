package protocol

import (
	"net/http"
	"testing"
	"time"
)

func TestAppendHTTPDate(t *testing.T) {
	t.Parallel()
	for at := time.Date(-3, 1, 1, 23, 59, 59, 0, time.UTC); at.Year() < 10050; at = at.Add(1777*time.Hour + 61*time.Second) {
		if got, want := string(appendHTTPDate(nil, at)), at.Format(http.TimeFormat); got != want {
			t.Fatalf("%q, want %q", got, want)
		}
	}
}

func BenchmarkAppendHTTPDate(b *testing.B) {
	at := time.Date(2026, 11, 23, 7, 8, 9, 0, time.UTC)
	b.ReportAllocs()
	var room [40]byte
	for b.Loop() {
		appendHTTPDate(room[:0], at)
	}
}
