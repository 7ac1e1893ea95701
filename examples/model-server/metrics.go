package main

import (
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// bounds are the upper edges of the duration histogram in seconds; +Inf follows.
var bounds = []float64{.005, .01, .025, .05, .075, .1, .15, .25, .5, 1, 2.5, 5}

// metrics counts answered score requests by group of people. Requests that were never answered show in inFlight only.
type metrics struct {
	inFlight atomic.Int64

	mutex  sync.Mutex
	groups map[string]*answers
}

// answers are those to one group of people.
type answers struct {
	codes     map[int]uint64
	durations *histogram
}

func newMetrics() *metrics {
	made := &metrics{groups: map[string]*answers{}}
	for _, group := range groups {
		// A series that appears with its first failure has no increase to be measured: both exist from the start.
		made.groups[group] = &answers{map[int]uint64{http.StatusOK: 0, http.StatusInternalServerError: 0}, newHistogram(bounds)}
	}
	return made
}

func (m *metrics) answered(group string, code int, duration time.Duration) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	counted := m.groups[group]
	counted.codes[code]++
	counted.durations.observe(duration.Seconds())
}

// write renders all series as one consistent state in the Prometheus text format 0.0.4.
func (m *metrics) write(w io.Writer, version string, started time.Time) {
	m.mutex.Lock()
	defer m.mutex.Unlock()
	fmt.Fprint(w, "# HELP http_requests_total Score requests answered, by status code.\n# TYPE http_requests_total counter\n")
	for _, group := range groups {
		counted := m.groups[group]
		for _, code := range slices.Sorted(maps.Keys(counted.codes)) {
			fmt.Fprintf(w, "http_requests_total{code=\"%d\",group=%q} %d\n", code, group, counted.codes[code])
		}
	}
	fmt.Fprint(w, "# HELP http_request_duration_seconds Time to the answer of score requests.\n# TYPE http_request_duration_seconds histogram\n")
	for _, group := range groups {
		m.groups[group].durations.write(w, "http_request_duration_seconds", fmt.Sprintf("group=%q", group))
	}
	fmt.Fprintf(w, "# HELP http_requests_in_flight Score requests not answered yet.\n# TYPE http_requests_in_flight gauge\nhttp_requests_in_flight %d\n", m.inFlight.Load())
	fmt.Fprintf(w, "# HELP model_info The version of the model.\n# TYPE model_info gauge\nmodel_info{version=%q} 1\n", version)
	fmt.Fprintf(w, "# HELP process_start_time_seconds Start of the process, Unix time.\n# TYPE process_start_time_seconds gauge\nprocess_start_time_seconds %.3f\n", float64(started.UnixMilli())/1e3)
}
