package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"regexp"
	"sync"
	"time"
)

// fault is one way to break what passes. Without `on`, `path` and `share` it breaks everything.
type fault struct {
	Kind       string  `json:"kind"`
	On         string  `json:"on"`         // "" = all requests, writes, watches
	Path       string  `json:"path"`       // regular expression that the path must match
	Share      float64 `json:"share"`      // of the requests it fits, by chance; 0 = all
	Status     int     `json:"status"`     // of kind status
	RetryAfter int     `json:"retryAfter"` // seconds; of kind status
	Seconds    float64 `json:"seconds"`    // of kinds delay and skew
	Series     string  `json:"series"`     // regular expression on "<metric name> <cluster> <code>": which series; "" = all

	path, series *regexp.Regexp
	begun        time.Time
	until        float64 // Unix time at which a gap was over; 0 = not yet
	lock         sync.Mutex
	base         map[string]float64 // where counters stood when they were reset
}

// Kinds that both servers know. The others are answers that only one of them can give.
const (
	refuse = "refuse" // connections are closed before a byte is read
	hang   = "hang"   // nothing passes and nothing is answered, as if packets were lost
	delay  = "delay"  // passes `seconds` later
	status = "status" // answered with `status`, without passing
	lost   = "lost"   // passes, and the connection ends before the answer
)

var kinds = map[string]bool{refuse: true, hang: true, delay: true, status: true, lost: true,
	nan: true, infinite: true, empty: true, several: true, duplicate: true, gap: true, reset: true, without: true,
	garbled: true, partial: true, skew: true}

// UnmarshalJSON refuses what would break nothing by a spelling mistake.
func (f *fault) UnmarshalJSON(text []byte) error {
	type plain fault
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode((*plain)(f)); err != nil {
		return err
	}
	if !kinds[f.Kind] {
		return fmt.Errorf("kind %q is not known", f.Kind)
	}
	var err error
	if f.path, err = regexp.Compile(f.Path); err != nil {
		return err
	}
	f.series, err = regexp.Compile(f.Series)
	return err
}

func (f *fault) fits(r *http.Request) bool {
	if f.On == "writes" && !isWrite(r) || f.On == "watches" && !isWatch(r) {
		return false
	}
	return f.path.MatchString(r.URL.Path) && (f.Share == 0 || rand.Float64() < f.Share)
}

// faults is what is broken now, and the ledger of what passed. Whoever waits for a change of it waits for `changed`.
type faults struct {
	mutex   sync.Mutex
	active  []*fault
	over    []*fault // gaps and resets stay in the history of counters
	changed chan struct{}
	ledger  ledger
	open    map[net.Conn]bool
	streams map[*stream]bool
}

func newFaults() *faults {
	return &faults{changed: make(chan struct{}), open: map[net.Conn]bool{}, streams: map[*stream]bool{}}
}

// set replaces what is broken. The past of counters stays: what was a gap remains one.
func (f *faults) set(wanted []*fault, now time.Time) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, one := range f.active {
		if one.Kind == gap || one.Kind == reset {
			f.over = append(f.over, one.ended(now))
		}
	}
	for _, one := range wanted {
		one.begun = now
	}
	f.active = wanted
	close(f.changed)
	f.changed = make(chan struct{})
	if f.refusing() {
		for connection := range f.open {
			connection.Close()
		}
	}
}

func (f *faults) refusing() bool {
	for _, one := range f.active {
		if one.Kind == refuse {
			return true
		}
	}
	return false
}

// of gives the first fault that fits the request, and a channel that is closed when faults change.
func (f *faults) of(r *http.Request) (*fault, <-chan struct{}) {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	for _, one := range f.active {
		if one.fits(r) {
			return one, f.changed
		}
	}
	return nil, f.changed
}

// takeIn reads the request's body. Only then does net/http notice that its sender is gone, and a request of a dead process must
// not be carried out when a fault is over.
func takeIn(r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
}

// wait lets a request through when no fault holds it any more. False if it must end without an answer.
func (f *faults) wait(r *http.Request) (*fault, bool) {
	for {
		one, changed := f.of(r)
		switch {
		case one == nil:
			return nil, true
		case one.Kind == hang:
			select {
			case <-changed:
				continue
			case <-r.Context().Done():
				return nil, false
			}
		case one.Kind == delay:
			select {
			case <-time.After(time.Duration(one.Seconds * float64(time.Second))):
				return nil, true
			case <-r.Context().Done():
				return nil, false
			}
		}
		return one, true
	}
}

// door closes connections while they are refused.
type door struct {
	net.Listener
	faults *faults
}

func newDoor(listener net.Listener, faults *faults) *door { return &door{listener, faults} }

func (d *door) Accept() (net.Conn, error) {
	for {
		connection, err := d.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if d.faults.enter(connection) {
			return &visitor{Conn: connection, faults: d.faults}, nil
		}
		// No linger: the peer sees a reset, as from a closed port.
		connection.(*net.TCPConn).SetLinger(0)
		connection.Close()
	}
}

func (f *faults) enter(connection net.Conn) bool {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	if f.refusing() {
		return false
	}
	f.open[connection] = true
	return true
}

type visitor struct {
	net.Conn
	faults *faults
}

func (v *visitor) Close() error {
	v.faults.mutex.Lock()
	delete(v.faults.open, v.Conn)
	v.faults.mutex.Unlock()
	return v.Conn.Close()
}
