package main

import (
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// write is one line of the ledger. Lease tells the renewals of leadership, which decide nothing.
type write struct {
	Time   float64 `json:"time"`
	Method string  `json:"method"`
	Path   string  `json:"path"`
	Status int     `json:"status"`
	Lease  bool    `json:"lease"`
	Broken bool    `json:"broken"` // a fault refused it, or kept its answer
}

// ledger is every write that was tried, in order. With `left` set it counts down: after the last of
// them nothing passes any more, and its answer is not delivered, until the count is given up.
type ledger struct {
	mutex  sync.Mutex
	writes []write
	left   int           // writes until nothing passes; 0 = no count
	gone   chan struct{} // closed when the count is given up; nil = no count
	turn   sync.Mutex

	without *regexp.Regexp // paths of writes that do not count
}

// stopAfter lets n more writes through, not counting those of the lease and those whose path `without` matches (an empty one
// matches none). 0 gives the count up.
func (l *ledger) stopAfter(n int, without *regexp.Regexp) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.gone != nil {
		close(l.gone)
		l.gone = nil
	}
	l.without = without
	if l.left = n; n > 0 {
		l.gone = make(chan struct{})
	}
}

func (l *ledger) stopped() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.gone != nil && l.left == 0
}

func (l *ledger) count() chan struct{} {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.gone
}

// stay holds a request until the count is given up or its sender is gone, and ends it without an answer.
func (l *ledger) stay(r *http.Request) {
	if gone := l.count(); gone != nil {
		select {
		case <-gone:
		case <-r.Context().Done():
		}
	}
	panic(http.ErrAbortHandler)
}

func (l *ledger) enter(r *http.Request) func() {
	count := l.count()
	if count == nil {
		return func() {}
	}
	l.turn.Lock()
	if l.count() != count {
		// The count was given up meanwhile: whoever sent this is dead.
		l.turn.Unlock()
		panic(http.ErrAbortHandler)
	}
	if l.stopped() {
		l.turn.Unlock()
		l.stay(r)
	}
	return l.turn.Unlock
}

// add notes a write and tells whether it was the last one that may pass. What a fault refused does not count.
func (l *ledger) add(r *http.Request, code int, broken bool) bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	lease := strings.HasPrefix(r.URL.Path, "/apis/coordination.k8s.io/")
	l.writes = append(l.writes, write{float64(time.Now().UnixMicro()) / 1e6, r.Method, r.URL.Path, code, lease, broken})
	if l.left == 0 || lease || broken || l.without.String() != "" && l.without.MatchString(r.URL.Path) {
		return false
	}
	l.left--
	return l.left == 0
}

func (l *ledger) all() []write {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return append([]write{}, l.writes...)
}
