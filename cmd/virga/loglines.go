package main

import (
	"context"
	"io"
	"log/slog"
	"strconv"
	"sync"
)

// lines is slog's text handler with a short way for records such as every request
// makes: three or four attributes that are plain words and numbers, which cost more
// to write in general than many a request does to answer. Whatever is not of that
// kind goes to the text handler, so that all lines look the same.
type lines struct {
	slog.Handler // the text handler
	w            io.Writer

	mu  sync.Mutex
	buf []byte
	// second is the one that date and zone were last written for.
	second     int64
	date, zone []byte
}

func newLines(w io.Writer, o *slog.HandlerOptions) *lines {
	return &lines{Handler: slog.NewTextHandler(w, o), w: w}
}

// Handle implements slog.Handler.
func (l *lines) Handle(ctx context.Context, r slog.Record) error {
	if r.Time.IsZero() || !isPlain(r.Message) {
		return l.Handler.Handle(ctx, r)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.buf = append(l.buf[:0], "time="...)
	l.appendTime(r)
	l.buf = append(append(l.buf, " level="...), r.Level.String()...)
	l.buf = append(append(l.buf, " msg="...), r.Message...)
	ordinary := true
	r.Attrs(func(a slog.Attr) bool {
		ordinary = l.appendAttr(a)
		return ordinary
	})
	if !ordinary {
		return l.Handler.Handle(ctx, r)
	}
	l.buf = append(l.buf, '\n')
	_, err := l.w.Write(l.buf)
	return err
}

// appendTime writes the time of a record to the millisecond.
func (l *lines) appendTime(r slog.Record) {
	if second := r.Time.Unix(); second != l.second || l.date == nil {
		l.second = second
		l.date = r.Time.AppendFormat(l.date[:0], "2006-01-02T15:04:05")
		l.zone = r.Time.AppendFormat(l.zone[:0], "Z07:00")
	}
	ms := r.Time.Nanosecond() / 1e6
	l.buf = append(append(l.buf, l.date...), '.', byte('0'+ms/100), byte('0'+ms/10%10), byte('0'+ms%10))
	l.buf = append(l.buf, l.zone...)
}

// appendAttr returns false where an attribute is not of an ordinary kind.
func (l *lines) appendAttr(a slog.Attr) bool {
	if !isPlain(a.Key) {
		return false
	}
	l.buf = append(append(append(l.buf, ' '), a.Key...), '=')
	switch a.Value.Kind() {
	case slog.KindString:
		text := a.Value.String()
		l.buf = append(l.buf, text...)
		return isPlain(text)
	case slog.KindInt64:
		l.buf = strconv.AppendInt(l.buf, a.Value.Int64(), 10)
		return true
	case slog.KindDuration:
		l.buf = append(l.buf, a.Value.Duration().String()...)
		return true
	}
	return false
}

// isPlain says that a text stands in a line as it is, surely without quotes.
func isPlain(s string) bool {
	for i := range len(s) {
		if !plain[s[i]] {
			return false
		}
	}
	return s != ""
}

var plain = func() (is [256]bool) {
	for _, c := range "-./0123456789:_abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" {
		is[c] = true
	}
	return is
}()
