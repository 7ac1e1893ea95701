package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
)

// stream is the body of one watch, passed on event by event, so that it can end between two of them.
type stream struct {
	faults *faults
	r      *http.Request
	body   io.ReadCloser
	lines  chan []byte
	orders chan string
	rest   []byte
	over   error
}

const (
	expire = "expire" // the server says that the version watched from is gone, and ends the stream
	cut    = "cut"    // the connection ends
)

var errCut = errors.New("the watch is cut")

func (f *faults) watching(body io.ReadCloser, r *http.Request) io.ReadCloser {
	s := &stream{faults: f, r: r, body: body, lines: make(chan []byte), orders: make(chan string, 1)}
	f.mutex.Lock()
	f.streams[s] = true
	f.mutex.Unlock()
	go s.follow()
	return s
}

// order ends all watches in the way it names and tells how many there were.
func (f *faults) order(how string) int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for s := range f.streams {
		select {
		case s.orders <- how:
		default:
		}
	}
	return len(f.streams)
}

func (f *faults) watches() int {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return len(f.streams)
}

func (s *stream) follow() {
	defer close(s.lines)
	reader := bufio.NewReader(s.body)
	for {
		line, err := reader.ReadBytes('\n')
		if err != nil {
			return
		}
		select {
		case s.lines <- line:
		case <-s.r.Context().Done():
			return
		}
	}
}

func (s *stream) Read(into []byte) (int, error) {
	if len(s.rest) == 0 {
		if s.over != nil {
			return 0, s.over
		}
		s.next()
	}
	n := copy(into, s.rest)
	s.rest = s.rest[n:]
	if n == 0 {
		return 0, s.over
	}
	return n, nil
}

// next takes the next event, or the way in which the stream ends.
func (s *stream) next() {
	select {
	case how := <-s.orders:
		s.end(how)
	case line, more := <-s.lines:
		if !more {
			s.over = io.EOF
		} else if _, goes := s.faults.wait(s.r); goes {
			s.rest = line
		} else {
			s.over = errCut
		}
	case <-s.r.Context().Done():
		s.over = s.r.Context().Err()
	}
}

func (s *stream) end(how string) {
	s.over = errCut
	if how == expire {
		event, _ := json.Marshal(map[string]any{"type": "ERROR", "object": statusOf(http.StatusGone, "too old resource version: by the test")})
		s.rest, s.over = append(event, '\n'), io.EOF
	}
}

func (s *stream) Close() error {
	s.faults.mutex.Lock()
	delete(s.faults.streams, s)
	s.faults.mutex.Unlock()
	return s.body.Close()
}

type faultKey struct{}

func withFault(ctx context.Context, one *fault) context.Context {
	return context.WithValue(ctx, faultKey{}, one)
}

func faultOf(ctx context.Context) *fault {
	one, _ := ctx.Value(faultKey{}).(*fault)
	return one
}
