package main

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"
)

const wholeStream = "data: {\"index\":0,\"token\":\"a\"}\n\ndata: {\"index\":1,\"token\":\"b\"}\n\nevent: end\ndata: {\"tokens\":2,\"version\":\"v2\"}\n\n"

func TestAStreamIsCompleteOnlyWithAllChunksInOrderAndItsEnd(t *testing.T) {
	first, second, end := wholeStream[:31], wholeStream[31:62], wholeStream[62:]
	for name, test := range map[string]struct {
		sent   string
		chunks int
		says   string
	}{
		"whole":              {wholeStream, 2, ""},
		"closed in order":    {first + second, 2, "closed after 2 chunks, before its end"},
		"closed in a chunk":  {first + second[:10], 1, "closed after 1 chunks, before its end"},
		"nothing":            {"", 0, "closed after 0 chunks"},
		"a gap":              {first + strings.Replace(second, "1", "2", 1), 1, "chunk 2 came where 1 was due"},
		"twice":              {first + first + end, 1, "chunk 0 came where 1 was due"},
		"the last one lost":  {first + end, 1, "1 chunks came of 2"},
		"on after the end":   {wholeStream + first, 2, "went on after its end"},
		"no JSON":            {"data: token\n\n", 0, "no JSON object"},
		"end without number": {"event: end\ndata: {}\n\n", 0, "0 chunks came of -1"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := readStream(strings.NewReader(test.sent))
			if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
				t.Errorf("error %v, want %q", err, test.says)
			}
			if got.chunks != test.chunks || err == nil && (got.bytes != len(wholeStream) || got.version != "v2") {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestAllKindsRunSideBySideAndEachHostGetsAll(t *testing.T) {
	server := serveBoth(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/stream" {
			_, _ = io.WriteString(w, `{"version":"v2"}`)
			return
		}
		for _, part := range strings.SplitAfter(wholeStream, "\n\n") {
			_, _ = io.WriteString(w, part)
			_ = http.NewResponseController(w).Flush()
		}
	})
	o := optionsFor(server.URL)
	o.rate, o.http2Rate, o.streamRate, o.streamURL = 100, 50, 40, server.URL+"/stream"
	o.hosts, o.duration = []string{"a.example", "b.example"}, 500*time.Millisecond
	total, lines := runInto(t, o)
	if total.Failed != 0 || total.Pending != 0 || total.Finished != total.Sent || len(lines) != total.Sent {
		t.Fatalf("%d lines, %+v", len(lines), total)
	}
	seen := map[string]int{}
	for _, line := range lines {
		var one record
		if err := json.Unmarshal([]byte(line), &one); err != nil {
			t.Fatal(err)
		}
		stream := strings.HasPrefix(one.Kind, "stream-")
		if !one.Complete || one.Version != "v2" || stream && (one.Chunks != 2 || one.Bytes != len(wholeStream)) || !stream && one.Chunks != 0 {
			t.Fatalf("%s", line)
		}
		seen[one.Kind+" "+one.Host]++
	}
	for kind, least := range map[string]int{"http1": 20, "http2": 10, "stream-http1": 3, "stream-http2": 3} {
		for _, host := range o.hosts {
			if seen[kind+" "+host] < least {
				t.Errorf("%d %s for %s: %v", seen[kind+" "+host], kind, host, seen)
			}
		}
		if total.ByKind[kind]["200"] < 2*least {
			t.Errorf("%+v", total.ByKind)
		}
	}
}

func TestAStreamThatIsCutOrRefusedIsNoSuccess(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/refused":
			http.Error(w, "no healthy upstream", 503)
		case "/reset":
			_, _ = io.WriteString(w, wholeStream[:31])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		case "/silent":
			_, _ = io.WriteString(w, wholeStream[:31])
			_ = http.NewResponseController(w).Flush()
			<-r.Context().Done()
		}
	})
	for path, want := range map[string]record{
		"/refused": {Status: 503, Complete: true},
		"/reset":   {Chunks: 1, Error: "answer 200 broke off: unexpected EOF"},
		"/silent":  {Chunks: 1, Error: "answer 200 broke off: timeout"},
	} {
		o := optionsFor(server.URL)
		o.streamURL, o.streamTimeout = server.URL+path, 100*time.Millisecond
		got := newClient(o).get(kind{stream: true}, "")
		if got.Status != want.Status || got.Complete != want.Complete || got.Chunks != want.Chunks || got.Error != want.Error {
			t.Errorf("%s: %+v", path, got)
		}
	}
}

func TestLatencyIsThatOfRequestsThatAreNoStreams(t *testing.T) {
	var written bytes.Buffer
	records := newRecorder(bufio.NewWriter(&written), func() {})
	records.add(record{Kind: "http2", Status: 200, Milliseconds: 5})
	records.add(record{Kind: "stream-http2", Status: 200, Milliseconds: 60000})
	total, err := records.close()
	if err != nil || total.Finished != 2 || total.Latency.Max != 5 {
		t.Fatalf("%v, %+v", err, total)
	}
}
