package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"
)

const (
	revisionHeader = "X-Headgate-Revision"
	idleConns      = 512
	maxBody        = 1 << 20
)

// kind says how a request is made.
type kind struct {
	http2  bool
	stream bool
}

// String is the kind's name in records.
func (k kind) String() string {
	name := "http1"
	if k.http2 {
		name = "http2"
	}
	if k.stream {
		return "stream-" + name
	}
	return name
}

type client struct {
	options options
	http1   *http.Client
	http2   *http.Client
}

func newClient(o options) *client {
	http1, http2 := new(http.Protocols), new(http.Protocols)
	http1.SetHTTP1(true)
	http2.SetUnencryptedHTTP2(true)
	return &client{o, speaking(http1), speaking(http2)}
}

func speaking(protocols *http.Protocols) *http.Client {
	transport := &http.Transport{ // Proxy stays nil: the environment must not put anything between us and the target
		Protocols:           protocols,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
	return &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// get makes one request and returns when it has been answered completely or has failed. host may be empty.
func (c *client) get(k kind, host string) record {
	limit := c.options.timeout
	if k.stream {
		limit = c.options.streamTimeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	begun := time.Now()
	result := c.exchange(ctx, k, host)
	took := time.Since(begun)
	result.Kind = k.String()
	result.Host = host
	result.Start = unixSeconds(begun)
	result.End = unixSeconds(begun.Add(took))
	result.Milliseconds = decimal(float64(took) / float64(time.Millisecond))
	return result
}

// exchange fills in what was answered. Status is 0 unless the whole answer came.
func (c *client) exchange(ctx context.Context, k kind, host string) record {
	target, speaker := c.options.url, c.http1
	if k.stream {
		target = c.options.streamURL
	}
	if k.http2 {
		speaker = c.http2
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, drawn(target, rand.IntN), body(k))
	if err != nil {
		return record{Error: err.Error()}
	}
	if host != "" {
		request.Host = host
	}
	response, err := speaker.Do(request)
	if err != nil {
		return record{Error: reason(err)}
	}
	defer response.Body.Close()
	got, err := read(k, response)
	result := record{Revision: response.Header.Get(revisionHeader), Version: got.version, Bytes: got.bytes, Chunks: got.chunks}
	if result.Version == "" {
		result.Version = result.Revision
	}
	if err != nil {
		result.Error = fmt.Sprintf("answer %d broke off: %s", response.StatusCode, reason(err))
		return result
	}
	result.Status, result.Complete = response.StatusCode, true
	return result
}

// body keeps net/http from repeating a GET by itself when a reused connection breaks, which would hide the failure: it
// repeats only requests without a body or with one it can rewind. An empty body of unknown length is sent as none.
// HTTP/2 repeats only what the server says it has not processed, so there nothing is hidden.
func body(k kind) io.Reader {
	if k.http2 {
		return nil
	}
	return io.MultiReader()
}

// answer is what came of a body. version is what the body says about itself, else empty.
type answer struct {
	version string
	bytes   int
	chunks  int // events of a stream; else 0
}

// read takes in the whole body. Only a stream's success is a stream: a refusal is one document.
func read(k kind, response *http.Response) (answer, error) {
	if k.stream && response.StatusCode == http.StatusOK {
		return readStream(response.Body)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	return answer{version: version(body), bytes: len(body)}, err
}

func version(body []byte) string {
	var answer struct{ Version string }
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	return answer.Version
}

// reason is "timeout", or the error without the method and URL that every line would repeat.
func reason(err error) string {
	if errors.Is(err, context.DeadlineExceeded) {
		return "timeout"
	}
	var wrapped *url.Error
	if errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	return strings.TrimSpace(err.Error())
}
