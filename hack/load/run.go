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
	sent, lag := pace(send, begun, o.rate, func() {
		unfinished.Add(1)
		go func() {
			defer unfinished.Done()
			records.add(client.get())
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
