package s3

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"reflect"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/virga-cloud/virga/api"
	"github.com/virga-cloud/virga/api/s3"
	"github.com/virga-cloud/virga/services/s3/accesslog"
	"github.com/virga-cloud/virga/services/service"
	"github.com/virga-cloud/virga/storage"
)

// A bucket's log is written line by line into the store, and delivered to the
// bucket that is to have it some time later. A line may be delivered twice when
// the server dies in between, as S3 may; none is lost.

// logs is what is known without the store.
type logs struct {
	// any says that a bucket may have a log. Without one, no request looks further.
	any  atomic.Bool
	once sync.Once
	// waiting says that Run knows of lines that are to be delivered.
	waiting atomic.Bool
}

// logLine is the record of a line.
type logLine struct {
	Bucket string    `cbor:"1,keyasint"`
	Time   time.Time `cbor:"2,keyasint"`
	Text   string    `cbor:"3,keyasint"`
}

// Lines are delivered logDelay after the first of them, or when there are
// logLines; that many are one object at most.
const (
	logDelay = 5 * time.Minute
	logLines = 1000
)

// logged finds out whether there are logs.
func (s *Service) logged() bool {
	s.logs.once.Do(func() {
		names, err := s.bucketsWith(kindLogging)
		if len(names) > 0 || err != nil { // without knowing, every request looks at its bucket
			s.logs.any.Store(true)
		}
		if err != nil {
			s.env.Log.Error("it is not known which buckets have logs", "error", err)
		}
	})
	return s.logs.any.Load()
}

// Witness implements service.Witness.
func (s *Service) Witness(w service.Witnessed) {
	if s.logged() {
		s.writeLine(w)
	}
}

// writeLine writes the line of a request to a bucket that has a log.
func (s *Service) writeLine(w service.Witnessed) {
	name := member(w.Input, "Bucket")
	err := s.env.DB.Update(func(tx storage.Tx) error {
		b, err := s.bucket(tx, name, "")
		if isNoSuchBucket(err) || err == nil && !b.Settings.has(kindLogging) {
			return nil
		}
		if err != nil {
			return err
		}
		tx.OnCommit(func() {
			if s.logs.waiting.CompareAndSwap(false, true) {
				s.bell.Ring()
			}
		})
		e := entryOf(w, b)
		line := &logLine{b.Name, w.Call.Time, e.String()}
		return storage.PutRecord(tx, keyLogLine(b.ID, s.sequence(nil)), line)
	})
	if err != nil {
		s.env.Log.Error("a line of a bucket's log is lost", "bucket", name, "error", err)
	}
}

func entryOf(w service.Witnessed, b *bucket) *accesslog.Entry {
	e := &accesslog.Entry{
		Owner: ownerID(b.Account), Bucket: b.Name, Time: w.Call.Time, RemoteIP: w.Call.SourceIP, RequestID: w.Call.RequestID,
		Operation: accesslog.Operation(w.Call.Operation.Name, w.Method), Key: member(w.Input, "Key"),
		Request: strings.Join([]string{w.Method, w.URI, w.Version}, " "), Status: w.Status, Error: w.Code, Sent: w.Sent, Took: w.Took,
		Referer: w.Referer, UserAgent: w.Call.UserAgent, Version: member(w.Input, "VersionId"),
		Host: w.Call.Host, TLS: w.Call.Scheme == "https",
	}
	if w.Call.AccessKeyID != "" {
		e.Authentication = "AuthHeader"
		if w.Presigned {
			e.Authentication = "QueryString"
		}
		if e.Requester = w.Call.Principal.ARN; e.Requester == "" || strings.HasSuffix(e.Requester, ":root") {
			e.Requester = ownerID(w.Call.Principal.Account)
		}
	}
	switch in := w.Input.(type) {
	case *s3.PutObjectInput:
		e.Size = length(in.ContentLength)
	case *s3.UploadPartInput:
		e.Size = length(in.ContentLength)
	case *s3.GetObjectInput:
		if in.Range == "" && in.PartNumber == nil && w.Status == 200 {
			e.Size = w.Sent
		}
	}
	return e
}

func length(n *int64) int64 {
	if n == nil {
		return 0
	}
	return *n
}

// member is a member of an input that is a string, or "" where it has none.
func member(in any, name string) string {
	if f := reflect.ValueOf(in).Elem().FieldByName(name); f.Kind() == reflect.String {
		return f.String()
	}
	return ""
}

// deliverLogs delivers the lines that are due at a time, or all, and returns
// when the next ones will be; zero when there are none.
func (s *Service) deliverLogs(ctx context.Context, now time.Time, all bool) (next time.Time, err error) {
	s.logs.waiting.Store(false)
	defer func() {
		if !next.IsZero() {
			s.logs.waiting.Store(true)
		}
	}()
	for after := []byte(nil); ; {
		var bucket uint64
		var first *logLine
		var lines []*logLine
		var keys [][]byte
		err := s.env.DB.View(func(tx storage.Tx) error {
			r := storage.Prefix(rootLogs)
			if after != nil {
				r.Start = after
			}
			for e, err := range storage.Records[logLine](tx, r) {
				if err != nil {
					return err
				}
				k := storage.ReadKey(e.Key).Skip(len(rootLogs))
				id := k.Uint64()
				if first == nil {
					bucket, first = id, e.Value
				}
				if id != bucket || len(lines) == logLines {
					break
				}
				lines, keys = append(lines, e.Value), append(keys, append([]byte(nil), e.Key...))
			}
			return nil
		})
		if err != nil || first == nil {
			return next, err
		}
		after = storage.PrefixEnd(logOf(bucket))
		if due := first.Time.Add(logDelay); !all && len(lines) < logLines && now.Before(due) {
			if next.IsZero() || due.Before(next) {
				next = due
			}
			continue
		}
		if err := s.deliverLog(ctx, now, bucket, lines, keys); err != nil {
			return next, err
		}
		after = logOf(bucket) // there may be more
	}
}

// deliverLog makes an object of lines, and forgets them. Lines that have
// nowhere to go any more are only forgotten.
func (s *Service) deliverLog(ctx context.Context, now time.Time, id uint64, lines []*logLine, keys [][]byte) error {
	var from *bucket
	var to *s3.LoggingEnabled
	err := s.env.DB.View(func(tx storage.Tx) error {
		b, err := s.bucket(tx, lines[0].Bucket, "")
		if isNoSuchBucket(err) || err == nil && b.ID != id {
			return nil
		}
		if err == nil {
			from = b
			to, err = s.settings.logging.of(tx, b)
		}
		return err
	})
	if err != nil {
		return err
	}
	if to != nil {
		if err := s.putLogs(ctx, now, from, to, lines); err != nil {
			if _, refused := errors.AsType[*api.Error](err); !refused {
				return err
			}
			s.env.Log.Warn("a bucket's log cannot be delivered", "bucket", from.Name, "to", to.TargetBucket, "error", err)
		}
	}
	return s.env.DB.Update(func(tx storage.Tx) error {
		for _, k := range keys {
			if err := tx.Delete(k); err != nil {
				return err
			}
		}
		return nil
	})
}

// logPrincipal is the service that delivers logs.
const logPrincipal = "logging.s3.amazonaws.com"

// putLogs makes one object of lines or, where the log is partitioned by when things
// happened, one for each day.
func (s *Service) putLogs(ctx context.Context, now time.Time, from *bucket, to *s3.LoggingEnabled, lines []*logLine) error {
	if !accesslog.ByEvent(to) {
		return s.putLog(ctx, now, now, from, to, lines)
	}
	day := func(l *logLine) time.Time { return l.Time.UTC().Truncate(24 * time.Hour) }
	for len(lines) > 0 {
		of := day(lines[0])
		n := slices.IndexFunc(lines, func(l *logLine) bool { return !day(l).Equal(of) })
		if n < 0 {
			n = len(lines)
		}
		if err := s.putLog(ctx, now, of, from, to, lines[:n]); err != nil {
			return err
		}
		lines = lines[n:]
	}
	return nil
}

// putLog makes an object of lines, named by a time.
func (s *Service) putLog(ctx context.Context, now, named time.Time, from *bucket, to *s3.LoggingEnabled, lines []*logLine) error {
	var text strings.Builder
	for _, l := range lines {
		text.WriteString(l.Text)
		text.WriteByte('\n')
	}
	var unique [8]byte
	_, _ = s.env.IDs.Read(unique[:]) // never fails
	name := accesslog.Name(to, from.Account, from.Region, from.Name, named, strings.ToUpper(hex.EncodeToString(unique[:])))
	grants := accesslog.Grants(to, ownerID(from.Account))
	_, err := s.putObject(api.WithCall(ctx, &api.Call{
		Account: from.Account, Region: from.Region, Principal: api.Principal{Service: logPrincipal, SourceARN: from.arn(), SourceAccount: from.Account},
		RequestID: s.env.IDs.UUID(), Time: now, SourceIP: logPrincipal,
	}), &s3.PutObjectInput{
		Bucket: to.TargetBucket, Key: name, ContentType: "text/plain", GrantFullControl: grants.FullControl, GrantRead: grants.Read,
		Body: io.NopCloser(strings.NewReader(text.String())), ContentLength: new(int64(text.Len())),
	})
	return err
}
