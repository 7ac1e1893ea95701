package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

var streamQuery = strings.Replace(validQuery, "/v1/score?", "/v1/score/stream?seconds=1&", 1)

func TestAStreamTellsAllTokensInOrderAndThenTheAnswer(t *testing.T) {
	service, server := startService(t, settings{version: "v2"})
	service.interval = 50 * time.Millisecond
	begun := time.Now()
	response, body := get(t, server.URL+streamQuery+"&group=B")
	if took := time.Since(begun); took < time.Second {
		t.Errorf("told in %v", took)
	}
	if response.StatusCode != 200 || response.Header.Get("Content-Type") != "text/event-stream" || response.Header.Get("X-Model-Version") != "v2" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	events := strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n")
	if len(events) != 21 {
		t.Fatalf("%d events:\n%s", len(events), body)
	}
	for i, event := range events[:20] {
		if !strings.HasPrefix(event, fmt.Sprintf(`data: {"index":%d,"token":"`, i)) {
			t.Errorf("event %d is %s", i, event)
		}
	}
	data, found := strings.CutPrefix(events[20], "event: end\ndata: ")
	var end struct {
		Tokens            int
		Decision, Version string
	}
	if err := json.Unmarshal([]byte(data), &end); !found || err != nil || end.Tokens != 20 || end.Decision != "approve" || end.Version != "v2" {
		t.Errorf("%v: %s", err, events[20])
	}
	_, text := get(t, server.URL+"/metrics")
	wantLine(t, text, `http_requests_total{code="200",group="B"} 1`)
	wantLine(t, text, `http_request_duration_seconds_bucket{group="B",le="0.5"} 1`)
}

func TestEachTokenIsSentWhenItIsTold(t *testing.T) {
	service, server := startService(t, settings{})
	service.interval = time.Second // one token, then silence
	response, err := http.Get(server.URL + streamQuery)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	begun := time.Now()
	if line, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil || !strings.Contains(line, `"index":0`) || time.Since(begun) > 900*time.Millisecond {
		t.Errorf("%v after %v: %s", err, time.Since(begun), line)
	}
}

func TestStreamsThatAreRefusedOrFailAreOneDocument(t *testing.T) {
	_, server := startService(t, settings{errorRate: 1})
	for query, want := range map[string]int{
		streamQuery: 500,
		strings.Replace(streamQuery, "income=42000", "income=0", 1):       422,
		strings.Replace(streamQuery, "seconds=1", "seconds=0", 1):         400,
		strings.Replace(streamQuery, "seconds=1", "seconds=601", 1):       400,
		strings.Replace(streamQuery, "seconds=1", "seconds=a%20while", 1): 400,
	} {
		response, body := get(t, server.URL+query)
		if response.StatusCode != want || response.Header.Get("Content-Type") != "application/json" || !strings.Contains(body, `"error"`) {
			t.Errorf("%s: %d %s", query, response.StatusCode, body)
		}
	}
}

func TestAStreamThatTheServerCutsDoesNotEndInGoodOrder(t *testing.T) {
	service := newService(settings{})
	service.interval = time.Minute
	server := &http.Server{Handler: service.routes()}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go func() { _ = server.Serve(listener) }()
	response, err := http.Get("http://" + listener.Addr().String() + strings.Replace(streamQuery, "seconds=1", "seconds=120", 1))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	_ = server.Close()
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("the client took a cut stream for a complete answer")
	}
}
