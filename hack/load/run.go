package main

import (
	"bufio"
	"context"
	"sync"
	"time"
)

// run sends until the options' duration is over or send is cancelled, then waits for what is in flight until the grace is
// over or wait is cancelled. It returns an error only if the records cannot be written.
func run(send, wait context.Context, o options, out *bufio.Writer) (summary, error) {
	if o.duration > 0 {
		var cancel context.CancelFunc
		send, cancel = context.WithTimeout(send, o.duration)
		defer cancel()
	}
	send, stop := context.WithCancel(send)
	defer stop()
	client := newClient(o)
	records := newRecorder(out, stop)
	var unfinished sync.WaitGroup

	begun := time.Now()
	sent, lag := sendAll(send, begun, o, func(k kind, host string) {
		unfinished.Add(1)
		go func() {
			defer unfinished.Done()
			records.add(client.get(k, host))
		}()
	})
	seconds := time.Since(begun).Seconds()

	allDone := make(chan struct{})
	go func() {
		unfinished.Wait()
		close(allDone)
	}()
	grace := time.NewTimer(o.grace)
	defer grace.Stop()
	select {
	case <-allDone:
	case <-grace.C:
	case <-wait.Done():
	}
	total, err := records.close()
	total.Sent = sent
	total.Pending = sent - total.Finished
	total.Seconds = decimal(seconds)
	total.Rate = decimal(float64(sent) / seconds)
	total.MaxLag = decimal(float64(lag) / float64(time.Millisecond))
	return total, err
}

// source is one kind of requests at one rate.
type source struct {
	rate float64
	kind func(i int) kind
}

func (o options) sources() []source {
	// The protocol changes when all hosts had their turn, so that each gets streams over both.
	round := max(len(o.hosts), 1)
	return []source{
		{o.rate, func(int) kind { return kind{} }},
		{o.http2Rate, func(int) kind { return kind{http2: true} }},
		{o.streamRate, func(i int) kind { return kind{stream: true, http2: i/round%2 == 1} }},
	}
}

// sendAll paces all sources until ctx ends. It returns the number of requests and the greatest lateness of one.
func sendAll(ctx context.Context, begun time.Time, o options, shoot func(kind, string)) (sent int, lag time.Duration) {
	var mutex sync.Mutex
	var ended sync.WaitGroup
	for _, one := range o.sources() {
		if one.rate == 0 {
			continue
		}
		ended.Add(1)
		go func() {
			defer ended.Done()
			i := 0
			n, late := pace(ctx, begun, one.rate, func() {
				shoot(one.kind(i), o.host(i))
				i++
			})
			mutex.Lock()
			defer mutex.Unlock()
			sent, lag = sent+n, max(lag, late)
		}()
	}
	ended.Wait()
	return sent, lag
}

// host of the i-th request of a source.
func (o options) host(i int) string {
	if len(o.hosts) == 0 {
		return ""
	}
	return o.hosts[i%len(o.hosts)]
}

// pace calls shoot at begun + i/rate for i = 0, 1, … until ctx ends. A late call is made at once, none is left out.
// It returns the number of calls and the greatest lateness.
func pace(ctx context.Context, begun time.Time, rate float64, shoot func()) (sent int, lag time.Duration) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ; ; sent++ {
		due := begun.Add(time.Duration(float64(sent) / rate * float64(time.Second)))
		timer.Reset(time.Until(due))
		select {
		case <-ctx.Done():
			return sent, lag
		case <-timer.C:
		}
		if ctx.Err() != nil { // both were ready
			return sent, lag
		}
		lag = max(lag, time.Since(due))
		shoot()
	}
}
