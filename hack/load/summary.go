package main

import (
	"math"
	"slices"
	"strconv"
	"strings"
)

// summary is the result of a run; Sent = Finished + Pending.
type summary struct {
	Sent      int            `json:"sent"`
	Finished  int            `json:"finished"`
	Pending   int            `json:"pending"` // unanswered at the end; these have no record
	Failed    int            `json:"failed"`  // finished with status 0 or 5xx
	Seconds   decimal        `json:"seconds"` // of sending
	Rate      decimal        `json:"rate"`    // sent per second
	MaxLag    decimal        `json:"max_lag_ms"`
	ByStatus  map[string]int `json:"by_status"`
	ByKind    table          `json:"by_kind"`    // kind, status
	ByVersion table          `json:"by_version"` // version, status; version "" = told by nobody
	Latency   quantiles      `json:"latency_ms"` // of all finished requests but streams
}

type quantiles struct {
	P50 decimal `json:"p50"`
	P95 decimal `json:"p95"`
	P99 decimal `json:"p99"`
	Max decimal `json:"max"`
}

type counts struct {
	finished  int
	failed    int
	byStatus  map[string]int
	byKind    table
	byVersion table
	latencies []float64
}

func newCounts() counts {
	return counts{byStatus: map[string]int{}, byKind: table{}, byVersion: table{}}
}

// table counts requests by something and by status.
type table map[string]map[string]int

func (t table) add(row, status string) {
	if t[row] == nil {
		t[row] = map[string]int{}
	}
	t[row][status]++
}

func (c *counts) add(one record) {
	status := strconv.Itoa(one.Status)
	c.byStatus[status]++
	c.finished++
	c.byKind.add(one.Kind, status)
	c.byVersion.add(one.Version, status)
	if one.Status == 0 || one.Status >= 500 {
		c.failed++
	}
	if !strings.HasPrefix(one.Kind, "stream-") {
		c.latencies = append(c.latencies, float64(one.Milliseconds))
	}
}

func (c *counts) summary() summary {
	slices.Sort(c.latencies)
	return summary{
		Finished:  c.finished,
		Failed:    c.failed,
		ByStatus:  c.byStatus,
		ByKind:    c.byKind,
		ByVersion: c.byVersion,
		Latency:   quantiles{c.quantile(0.50), c.quantile(0.95), c.quantile(0.99), c.quantile(1)},
	}
}

// quantile is the smallest latency with at least the share p at or below it; 0 without any. latencies must be sorted.
func (c *counts) quantile(p float64) decimal {
	n := len(c.latencies)
	if n == 0 {
		return 0
	}
	rank := int(math.Ceil(p * float64(n)))
	return decimal(c.latencies[min(max(rank, 1), n)-1])
}
