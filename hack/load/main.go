// Command load sends requests at fixed rates whether or not earlier ones were answered (open loop), so that a server that
// is slow or silent cannot hide it by slowing the client down. Each finished request is one JSON line of -out; a summary
// follows on stdout.
//
// Three sources run side by side, each at a rate of its own: requests on kept HTTP/1.1 connections (-rate), requests over
// HTTP/2 (-http2-rate), and streams (-stream-rate), which take both protocols in turn. With several hosts each source takes
// them in turn.
//
// {20000..60000} in a URL stands for a number of this range, drawn anew for each request: users are not all alike.
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
	"slices"
	"strings"
	"syscall"
	"time"
)

type options struct {
	url           string
	hosts         []string      // Host headers, taken in turn; empty = that of url
	rate          float64       // requests per second over HTTP/1.1
	http2Rate     float64       // requests per second over HTTP/2 without TLS (h2c)
	streamURL     string        // answers with server-sent events; see stream.go
	streamRate    float64       // streams per second
	duration      time.Duration // 0 = until a signal
	timeout       time.Duration // of one request
	streamTimeout time.Duration // of one stream
	grace         time.Duration // for requests in flight after the last was sent
	out           string        // file for the records; empty = none
}

func parseOptions(arguments []string, errorOutput io.Writer) (options, error) {
	var o options
	flags := flag.NewFlagSet("load", flag.ContinueOnError)
	flags.SetOutput(errorOutput)
	flags.StringVar(&o.url, "url", "", "what to GET (required); {A..B} is a number from A to B, another one each time")
	hosts := flags.String("host", "", "Host headers, separated by commas, taken in turn (default: that of -url)")
	flags.Float64Var(&o.rate, "rate", 100, "requests per second over HTTP/1.1, connections kept")
	flags.Float64Var(&o.http2Rate, "http2-rate", 0, "requests per second over HTTP/2 without TLS (h2c)")
	flags.StringVar(&o.streamURL, "stream-url", "", "what to GET as a stream of server-sent events")
	flags.Float64Var(&o.streamRate, "stream-rate", 0, "streams per second, over HTTP/1.1 and HTTP/2 in turn")
	flags.DurationVar(&o.duration, "duration", 0, "how long to send; 0 = until SIGTERM")
	flags.DurationVar(&o.timeout, "timeout", 10*time.Second, "limit of one request")
	flags.DurationVar(&o.streamTimeout, "stream-timeout", 90*time.Second, "limit of one stream")
	flags.DurationVar(&o.grace, "grace", -1, "how long what is in flight may take after the last was sent (default: one second more than the limits)")
	flags.StringVar(&o.out, "out", "", "file for one JSON line per finished request")
	if err := flags.Parse(arguments); err != nil {
		return options{}, err
	}
	if *hosts != "" {
		o.hosts = strings.Split(*hosts, ",")
	}
	if o.grace < 0 {
		o.grace = o.longest() + time.Second // so that the last request that is never answered still gets its line
	}
	err := o.check()
	if flags.NArg() > 0 {
		err = fmt.Errorf("unexpected argument %q", flags.Arg(0))
	}
	if err != nil {
		fmt.Fprintln(errorOutput, err)
	}
	return o, err
}

// longest is the greatest limit of what is sent.
func (o options) longest() time.Duration {
	if o.streamRate > 0 {
		return max(o.timeout, o.streamTimeout)
	}
	return o.timeout
}

func (o options) check() error {
	if err := checkURL("-url", o.url, o.http2Rate > 0); err != nil {
		return err
	}
	if o.streamRate > 0 {
		if err := checkURL("-stream-url", o.streamURL, true); err != nil {
			return err
		}
	}
	for _, rate := range []float64{o.rate, o.http2Rate, o.streamRate} {
		if !(rate >= 0 && rate <= 1e5) {
			return errors.New("-rate, -http2-rate, -stream-rate: want a number from 0 to 100000")
		}
	}
	switch {
	case o.rate+o.http2Rate+o.streamRate == 0:
		return errors.New("-rate, -http2-rate, -stream-rate: one must be above 0")
	case slices.Contains(o.hosts, ""):
		return errors.New("-host: an empty name between commas")
	case o.duration < 0 || o.timeout <= 0 || o.streamTimeout <= 0:
		return errors.New("-duration must not be negative, -timeout and -stream-timeout must be above 0")
	}
	return nil
}

func checkURL(name, text string, http2 bool) error {
	if err := checkRanges(text); err != nil {
		return fmt.Errorf("%s %q: %w", name, text, err)
	}
	target, err := url.Parse(text)
	switch {
	case err != nil:
		return err
	case target.Scheme != "http" && target.Scheme != "https" || target.Host == "":
		return fmt.Errorf("%s %q: want http://host[:port]/path", name, text)
	case http2 && target.Scheme != "http":
		return fmt.Errorf("%s %q: HTTP/2 is spoken without TLS: it wants an http URL", name, text)
	}
	return nil
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
