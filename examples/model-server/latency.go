package main

import (
	"context"
	"time"
)

// The base latency is a shifted exponential, T = shift + mean · E with E ~ Exp(1), so P(T > t) = exp(−(t − shift)/mean):
// median 15 ms, p95 41 ms, p99 59 ms; 2.2 % take more than 50 ms and 0.027 % more than 100 ms. Timers, the network and a
// gateway add one to three milliseconds, which leaves users at p95 42 to 44 ms and 2.4 to 2.9 % above 50 ms.
// A gateway histogram with edges at 25, 50 and 100 ms therefore resolves a release that is 100 ms slower.
const (
	latencyShift = 7 * time.Millisecond
	latencyMean  = 11300 * time.Microsecond
)

// baseLatency draws one latency from a source of Exp(1) numbers.
func baseLatency(exponential func() float64) time.Duration {
	return latencyShift + time.Duration(exponential()*float64(latencyMean))
}

// pause waits, and says whether the client is still there.
func pause(ctx context.Context, duration time.Duration) bool {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
