// Command load sends requests at a fixed rate whether or not earlier ones were answered (open loop), so that a server that
// is slow or silent cannot hide it by slowing the client down. Each finished request is one JSON line of -out; a summary
// follows on stdout.
//
// It ends after -duration, or at SIGTERM or SIGINT: nothing more is sent, and what is in flight may finish within -grace.
// A second signal ends the grace. Requests still unanswered then have no line; the summary counts them as pending.
package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type options struct {
	url      string
	host     string        // Host header; empty = that of url
	rate     float64       // requests per second
	duration time.Duration // 0 = until a signal
	timeout  time.Duration // of one request
	grace    time.Duration // for requests in flight after the last was sent
	out      string        // file for the records; empty = none
	http2    bool          // HTTP/2 without TLS (h2c), one connection
}

func parseOptions(arguments []string, errorOutput io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(errorOutput)
	flags.StringVar(&o.url, "url", "", "what to GET (required)")
	flags.StringVar(&o.host, "host", "", "Host header (default: that of -url)")
	flags.Float64Var(&o.rate, "rate", 100, "requests per second")
	flags.DurationVar(&o.duration, "duration", 0, "how long to send; 0 = until SIGTERM")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Second, "limit of one request")
	flags.DurationVar(&o.grace, "grace", -1, "how long requests in flight may take after the last was sent (default: one second more than -timeout)")
	flags.StringVar(&o.out, "out", "", "file for one JSON line per finished request")
	flags.BoolVar(&o.http2, "http2", false, "speak HTTP/2 without TLS (h2c)")
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	if o.grace < 0 {
		o.grace = o.timeout + time.Second // so that the last request that is never answered still gets its line
	}
	target, err := url.Parse(o.url)
	switch {
	case flags.NArg() > 0:
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	case err != nil:
	case target.Scheme != "http" && target.Scheme != "https" || target.Host == "":
		err = fmt.Errorf("-url %q: want http://host[:port]/path", o.url)
	case o.http2 && target.Scheme != "http":
		err = errors.New("-http2 is HTTP/2 without TLS: it wants an http URL")
	case !(o.rate > 0 && o.rate <= 1e5):
		err = errors.New("-rate: want a number above 0, at most 100000")
	case o.duration < 0 || o.timeout <= 0:
		err = errors.New("-duration must not be negative, -timeout must be above 0")
	}
	if err != nil {
		fmt.Fprintln(errorOutput, err)
	}
	return o, err
}

func main() {
	o, err := parseOptions(os.Args[1:], os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(0)
	}
	if err != nil {
		os.Exit(2)
	}
	if err := runMain(o); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// runMain connects signals, file and stdout to run.
func runMain(o options) error {
	var out io.Writer = io.Discard
	if o.out != "" {
		file, err := os.Create(o.out)
		if err != nil {
			return err
		}
		defer file.Close()
		out = file
	}
	send, stopSending := context.WithCancel(context.Background())
	defer stopSending()
	wait, stopWaiting := context.WithCancel(context.Background())
	defer stopWaiting()
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-signals
		stopSending()
		<-signals
		stopWaiting()
	}()
	total, err := run(send, wait, o, bufio.NewWriter(out))
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(total)
}
