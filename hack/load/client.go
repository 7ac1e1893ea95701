package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

type client struct {
	options options
	http    *http.Client
}

func newClient(o options) *client {
	protocols := new(http.Protocols)
	if o.http2 {
		protocols.SetUnencryptedHTTP2(true)
	} else {
		protocols.SetHTTP1(true)
	}
	transport := &http.Transport{ // Proxy stays nil: the environment must not put anything between us and the target
		Protocols:           protocols,
		MaxIdleConnsPerHost: idleConns,
		IdleConnTimeout:     90 * time.Second,
		DisableCompression:  true,
	}
	return &client{o, &http.Client{
		Transport:     transport,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// get makes one request and returns when it has been answered completely or has failed.
func (c *client) get() record {
	ctx, cancel := context.WithTimeout(context.Background(), c.options.timeout)
	defer cancel()
	begun := time.Now()
	result := c.exchange(ctx)
	took := time.Since(begun)
	result.Start = unixSeconds(begun)
	result.End = unixSeconds(begun.Add(took))
	result.Milliseconds = decimal(float64(took) / float64(time.Millisecond))
	return result
}

// exchange fills in what was answered. Status is 0 unless the whole answer came.
func (c *client) exchange(ctx context.Context) record {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.options.url, c.body())
	if err != nil {
		return record{Error: err.Error()}
	}
	if c.options.host != "" {
		request.Host = c.options.host
	}
	response, err := c.http.Do(request)
	if err != nil {
		return record{Error: reason(err)}
	}
	defer response.Body.Close()
	result := record{Revision: response.Header.Get(revisionHeader)}
	body, err := io.ReadAll(io.LimitReader(response.Body, maxBody))
	result.Version = version(body, result.Revision)
	if err != nil {
		result.Error = fmt.Sprintf("answer %d broke off: %s", response.StatusCode, reason(err))
		return result
	}
	result.Status = response.StatusCode
	return result
}

// body keeps net/http from repeating a GET by itself when a reused connection breaks, which would hide the failure: it
// repeats only requests without a body or with one it can rewind. An empty body of unknown length is sent as none.
// HTTP/2 repeats only what the server says it has not processed, so there nothing is hidden.
func (c *client) body() io.Reader {
	if c.options.http2 {
		return nil
	}
	return io.MultiReader()
}

// version is what the answer says about itself: the model server's own word, else the gateway's, else nothing.
func version(body []byte, revision string) string {
	var answer struct{ Version string }
	if json.Unmarshal(body, &answer) == nil && answer.Version != "" {
		return answer.Version
	}
	return revision
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
