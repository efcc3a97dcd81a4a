package sandbox

import (
	"bytes"
	"sync"

	"github.com/virga-cloud/virga/api/clock"
)

// journal is the log of one sandbox: it makes lines of what the function
// writes, says which invocation they belong to, and keeps the last of them.
type journal struct {
	sink   LogSink
	clock  *clock.Clock
	spec   *Spec
	stream string

	mu        sync.Mutex
	requestID string
	begun     bool
	partial   []byte // output after the last line end
	recent    []byte // at least the last MaxTail bytes of the invocation's lines
}

func newJournal(sink LogSink, c *clock.Clock, spec *Spec, stream string) *journal {
	return &journal{sink: sink, clock: c, spec: spec, stream: stream}
}

// maxLine is where a line without an end is cut: CloudWatch Logs takes
// events of up to 256 KB.
const maxLine = 256 << 10

// begin says that the lines that follow are an invocation's. The output of the
// initialization counts as the first invocation's, as the tail has it on AWS.
func (j *journal) begin(requestID string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flushLocked()
	j.requestID = requestID
	if j.begun {
		j.recent = j.recent[:0]
	}
	j.begun = true
}

// output takes what the function wrote.
func (j *journal) output(p []byte) {
	j.mu.Lock()
	defer j.mu.Unlock()
	for {
		end := bytes.IndexByte(p, '\n')
		if end < 0 {
			break
		}
		if len(j.partial) > 0 {
			j.partial = append(j.partial, p[:end]...)
			j.flushLocked()
		} else {
			j.line(p[:end], true)
		}
		p = p[end+1:]
	}
	for len(j.partial)+len(p) >= maxLine {
		n := maxLine - len(j.partial)
		j.partial = append(j.partial, p[:n]...)
		p = p[n:]
		j.flushLocked()
	}
	j.partial = append(j.partial, p...)
}

// write adds a line of the platform's.
func (j *journal) write(line string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flushLocked()
	j.line([]byte(line), j.begun) // before the first invocation, only the function's own output is kept
}

// flush makes a line of output that has no line end.
func (j *journal) flush() {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.flushLocked()
}

func (j *journal) flushLocked() {
	if len(j.partial) > 0 {
		j.line(j.partial, true)
		j.partial = j.partial[:0]
	}
}

func (j *journal) line(text []byte, keep bool) {
	if j.sink != nil {
		j.sink.WriteLog(LogLine{Spec: j.spec, Stream: j.stream, RequestID: j.requestID, Time: j.clock.Now(), Text: string(text)})
	}
	if !keep {
		return
	}
	if over := len(text) - MaxTail; over > 0 {
		text = text[over:]
	}
	j.recent = append(append(j.recent, text...), '\n')
	if len(j.recent) > 4*MaxTail {
		j.recent = append(j.recent[:0], j.recent[len(j.recent)-MaxTail:]...)
	}
}

// tail is the last of the invocation's log.
func (j *journal) tail() []byte {
	j.mu.Lock()
	defer j.mu.Unlock()
	return bytes.Clone(j.recent[max(0, len(j.recent)-MaxTail):])
}
