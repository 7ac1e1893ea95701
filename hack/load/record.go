package main

import (
	"bufio"
	"encoding/json"
	"strconv"
	"sync"
	"time"
)

// flushInterval keeps a reader of the file at most this far behind.
const flushInterval = 100 * time.Millisecond

// decimal is written to JSON with four decimals, never with an exponent.
type decimal float64

func (d decimal) MarshalJSON() ([]byte, error) {
	return strconv.AppendFloat(nil, float64(d), 'f', 4, 64), nil
}

func unixSeconds(t time.Time) decimal { return decimal(float64(t.UnixNano()) / 1e9) }

// record is one finished request.
type record struct {
	Kind         string  `json:"kind"`     // http1, http2, stream-http1, stream-http2
	Host         string  `json:"host"`     // Host header, if one was asked for
	Start        decimal `json:"start"`    // Unix seconds
	End          decimal `json:"end"`      // Unix seconds
	Status       int     `json:"status"`   // 0 = no complete answer: timeout, refused, reset, broken off
	Complete     bool    `json:"complete"` // the whole answer came, whatever it says
	Bytes        int     `json:"bytes"`    // of the body
	Chunks       int     `json:"chunks"`   // events of a stream, in order, without the one that ends it
	Version      string  `json:"version"`  // from the body, else the revision, else empty
	Revision     string  `json:"revision"` // response header x-headgate-revision, else empty
	Milliseconds decimal `json:"ms"`
	Error        string  `json:"error"`
}

// recorder writes records as JSON lines in the order in which the requests ended, and counts them.
type recorder struct {
	mutex  sync.Mutex
	closed bool
	out    *bufio.Writer
	failed error // the first error of out
	onFail func()
	counts counts
	stop   chan struct{}
	done   chan struct{}
}

// newRecorder calls onFail once if out cannot be written.
func newRecorder(out *bufio.Writer, onFail func()) *recorder {
	r := &recorder{out: out, onFail: onFail, counts: newCounts(), stop: make(chan struct{}), done: make(chan struct{})}
	go r.flushRegularly()
	return r
}

func (r *recorder) flushRegularly() {
	defer close(r.done)
	ticker := time.NewTicker(flushInterval)
	defer ticker.Stop()
	for {
		select {
		case <-r.stop:
			return
		case <-ticker.C:
			r.mutex.Lock()
			r.note(r.out.Flush())
			r.mutex.Unlock()
		}
	}
}

// add writes one record; after close it does nothing.
func (r *recorder) add(one record) {
	line, err := json.Marshal(one)
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.closed {
		return
	}
	r.counts.add(one)
	if err == nil {
		_, err = r.out.Write(append(line, '\n'))
	}
	r.note(err)
}

func (r *recorder) note(err error) {
	if err != nil && r.failed == nil {
		r.failed = err
		r.onFail()
	}
}

// close flushes what was added and returns its summary and the first error of writing.
func (r *recorder) close() (summary, error) {
	close(r.stop)
	<-r.done
	r.mutex.Lock()
	defer r.mutex.Unlock()
	r.closed = true
	r.note(r.out.Flush())
	return r.counts.summary(), r.failed
}
