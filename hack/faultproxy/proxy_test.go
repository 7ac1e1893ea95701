package main

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

type bed struct {
	t              *testing.T
	front, control *httptest.Server
	carriedOut     atomic.Int32
	points         [][2]any
	askedAt        atomic.Value
	watchEvents    chan string
}

// newBed is a proxy of the given kind before a server that counts writes, streams watch events and answers queries.
func newBed(t *testing.T, kind string) *bed {
	t.Helper()
	b := &bed{t: t, watchEvents: make(chan string)}
	upstream := httptest.NewServer(http.HandlerFunc(b.upstream))
	target, _ := url.Parse(upstream.URL)
	faults := newFaults()
	handler, err := handlerOf(kind, &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(target) }, FlushInterval: -1}, faults)
	if err != nil {
		t.Fatal(err)
	}
	b.front = httptest.NewUnstartedServer(handler)
	b.front.Listener = newDoor(b.front.Listener, faults)
	b.front.Start()
	b.control = httptest.NewServer(controlOf(faults))
	t.Cleanup(func() {
		b.front.CloseClientConnections()
		b.front.Close()
		b.control.Close()
		upstream.CloseClientConnections()
		upstream.Close()
	})
	return b
}

func (b *bed) upstream(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/api/v1/query":
		b.askedAt.Store(r.FormValue("time"))
		json.NewEncoder(w).Encode(map[string]any{"status": "success", "data": map[string]any{"resultType": "matrix", "result": []any{
			map[string]any{"metric": map[string]string{"__name__": "rq", "envoy_response_code": "200"}, "values": b.points},
			map[string]any{"metric": map[string]string{"__name__": "rq", "envoy_response_code": "503"}, "values": b.points},
		}}})
	case isWatch(r):
		w.(http.Flusher).Flush()
		for {
			select {
			case event := <-b.watchEvents:
				fmt.Fprintln(w, event)
				w.(http.Flusher).Flush()
			case <-r.Context().Done():
				return
			}
		}
	case isWrite(r):
		b.carriedOut.Add(1)
		fallthrough
	default:
		fmt.Fprint(w, "{}")
	}
}

func (b *bed) order(method, path, body string) string {
	b.t.Helper()
	request, _ := http.NewRequest(method, b.control.URL+path, strings.NewReader(body))
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		b.t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	if response.StatusCode != http.StatusOK {
		b.t.Fatalf("%s %s: %d %s", method, path, response.StatusCode, text)
	}
	return string(text)
}

func (b *bed) send(method, path string, limit time.Duration) (*http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	b.t.Cleanup(cancel)
	var body io.Reader
	if method != "GET" {
		body = strings.NewReader("{}")
	}
	request, _ := http.NewRequestWithContext(ctx, method, b.front.URL+path, body)
	return (&http.Transport{DisableKeepAlives: true}).RoundTrip(request)
}

const route = "/apis/gateway.networking.k8s.io/v1/namespaces/a/httproutes/b"

func TestOnlyWhatAFaultNamesIsBroken(t *testing.T) {
	b := newBed(t, "api")
	b.order("PUT", "/faults", `[{"kind": "status", "on": "writes", "path": "/httproutes/", "status": 429, "retryAfter": 3}]`)
	refused, err := b.send("PATCH", route, time.Second)
	if err != nil || refused.StatusCode != 429 || refused.Header.Get("Retry-After") != "3" {
		t.Fatalf("got %v, %v", refused, err)
	}
	var status map[string]any
	if json.NewDecoder(refused.Body).Decode(&status); status["kind"] != "Status" || status["reason"] != "TooManyRequests" {
		t.Errorf("got %v", status)
	}
	for _, passes := range [][2]string{{"GET", route}, {"PATCH", "/api/v1/namespaces/a/services/b"}, {"PATCH", route + "?dryRun=All"}} {
		if response, err := b.send(passes[0], passes[1], time.Second); err != nil || response.StatusCode != 200 {
			t.Errorf("%v: %v, %v", passes, response, err)
		}
	}
}

func TestAShareOfWritesConflicts(t *testing.T) {
	b := newBed(t, "api")
	b.order("PUT", "/faults", `[{"kind": "status", "on": "writes", "share": 0.3, "status": 409}]`)
	conflicts := 0
	for range 300 {
		response, err := b.send("PATCH", route, time.Second)
		if err != nil {
			t.Fatal(err)
		}
		if response.StatusCode == 409 {
			conflicts++
		}
	}
	if conflicts < 50 || conflicts > 130 || int(b.carriedOut.Load()) != 300-conflicts {
		t.Errorf("%d conflicts, %d carried out", conflicts, b.carriedOut.Load())
	}
}

func TestALostAnswerWasCarriedOut(t *testing.T) {
	b := newBed(t, "api")
	b.order("PUT", "/faults", `[{"kind": "lost", "on": "writes"}]`)
	if response, err := b.send("PATCH", route, time.Second); err == nil {
		t.Fatalf("answered %d", response.StatusCode)
	}
	if b.carriedOut.Load() != 1 {
		t.Error("the write did not arrive")
	}
}

func TestWhatHangsIsNotCarriedOutForADeadSender(t *testing.T) {
	b := newBed(t, "api")
	b.order("PUT", "/faults", `[{"kind": "hang"}]`)
	if _, err := b.send("PATCH", route, 100*time.Millisecond); err == nil {
		t.Fatal("answered")
	}
	time.Sleep(50 * time.Millisecond)
	b.order("PUT", "/faults", `[]`)
	if response, err := b.send("GET", route, time.Second); err != nil || response.StatusCode != 200 {
		t.Fatalf("%v %v", response, err)
	}
	if b.carriedOut.Load() != 0 {
		t.Error("a write of a dead sender was carried out")
	}
}

func TestRefusedConnectionsEndAndComeBack(t *testing.T) {
	b := newBed(t, "api")
	b.order("PUT", "/faults", `[{"kind": "refuse"}]`)
	if _, err := b.send("GET", route, time.Second); err == nil {
		t.Fatal("answered")
	}
	b.order("PUT", "/faults", `[]`)
	if _, err := b.send("GET", route, time.Second); err != nil {
		t.Fatal(err)
	}
}

func TestNothingPassesAfterTheLastWriteThatMay(t *testing.T) {
	b := newBed(t, "api")
	b.order("PUT", "/stop-after/2", "")
	lease := "/apis/coordination.k8s.io/v1/namespaces/a/leases/b"
	for _, path := range []string{route, lease, lease} {
		if _, err := b.send("PATCH", path, time.Second); err != nil {
			t.Fatal(err)
		}
	}
	done := make(chan error)
	go func() { _, err := b.send("PATCH", route, 300*time.Millisecond); done <- err }()
	if err := <-done; err == nil {
		t.Error("the last write was answered")
	}
	for _, method := range []string{"GET", "PATCH"} {
		if _, err := b.send(method, route, 100*time.Millisecond); err == nil {
			t.Errorf("%s passed", method)
		}
	}
	if b.carriedOut.Load() != 4 {
		t.Errorf("%d carried out", b.carriedOut.Load())
	}
	var told struct {
		Stopped bool    `json:"stopped"`
		Writes  []write `json:"writes"`
	}
	json.Unmarshal([]byte(b.order("GET", "/writes", "")), &told)
	if !told.Stopped || len(told.Writes) != 4 || told.Writes[0].Path != route || !told.Writes[1].Lease {
		t.Errorf("got %+v", told)
	}
	b.order("PUT", "/stop-after/0", "")
	if _, err := b.send("PATCH", route, time.Second); err != nil {
		t.Error(err)
	}
}

func TestAWatchExpiresBetweenTwoEvents(t *testing.T) {
	b := newBed(t, "api")
	response, err := b.send("GET", "/apis/headgate.dev/v1alpha1/aimodels?watch=1", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(response.Body)
	b.watchEvents <- `{"type": "ADDED"}`
	if !lines.Scan() || lines.Text() != `{"type": "ADDED"}` {
		t.Fatalf("got %q", lines.Text())
	}
	b.order("POST", "/watches/expire", "")
	var event struct {
		Type   string
		Object struct{ Code int }
	}
	if !lines.Scan() || json.Unmarshal(lines.Bytes(), &event) != nil || event.Type != "ERROR" || event.Object.Code != 410 {
		t.Fatalf("got %q", lines.Text())
	}
	if lines.Scan() || lines.Err() != nil {
		t.Errorf("after it: %q %v", lines.Text(), lines.Err())
	}
}

func TestACutWatchEndsWithoutAnEnd(t *testing.T) {
	b := newBed(t, "api")
	response, err := b.send("GET", "/apis/headgate.dev/v1alpha1/aimodels?watch=1", 5*time.Second)
	if err != nil {
		t.Fatal(err)
	}
	b.order("POST", "/watches/cut", "")
	if _, err := io.ReadAll(response.Body); err == nil {
		t.Error("it ended as if by agreement")
	}
}

func TestAMisspeltFaultIsRefused(t *testing.T) {
	b := newBed(t, "api")
	for _, wrong := range []string{`[{"kind": "hnag"}]`, `[{"kind": "hang", "paht": "/"}]`, `[{"kind": "hang", "path": "("}]`} {
		request, _ := http.NewRequest("PUT", b.control.URL+"/faults", strings.NewReader(wrong))
		if response, err := http.DefaultClient.Do(request); err != nil || response.StatusCode != 400 {
			t.Errorf("%s: %v %v", wrong, response, err)
		}
	}
}

func (b *bed) query(t *testing.T) (string, *matrix) {
	t.Helper()
	form := url.Values{"time": {strconv.FormatInt(time.Now().Unix(), 10)}, "query": {"rq[5s]"}}
	response, err := http.PostForm(b.front.URL+"/api/v1/query", form)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, _ := io.ReadAll(response.Body)
	var found matrix
	json.Unmarshal(text, &found)
	return string(text), &found
}

func TestAnswersOfPrometheusAreBrokenAsNamed(t *testing.T) {
	now := float64(time.Now().Unix())
	b := newBed(t, "prometheus")
	b.points = [][2]any{{now - 10, "7"}, {now + 10, "9"}}
	for kind, right := range map[string]func(string, *matrix) bool{
		nan:      func(_ string, m *matrix) bool { return m.Data.Result[0].Values[0][1] == "NaN" },
		infinite: func(_ string, m *matrix) bool { return m.Data.Result[1].Values[1][1] == "+Inf" },
		empty:    func(_ string, m *matrix) bool { return m.Status == "success" && len(m.Data.Result) == 0 },
		several: func(_ string, m *matrix) bool {
			return len(m.Data.Result) == 4 && m.Data.Result[0].Metric["pod"] == "another"
		},
		duplicate: func(_ string, m *matrix) bool { return len(m.Data.Result) == 4 && m.Data.Result[0].Values[1][1] == "9" },
		partial:   func(_ string, m *matrix) bool { return len(m.Warnings) == 1 && len(m.Data.Result) == 2 },
		garbled:   func(text string, _ *matrix) bool { return !json.Valid([]byte(text)) },
		gap:       func(_ string, m *matrix) bool { return len(m.Data.Result[0].Values) == 1 },
		reset:     func(_ string, m *matrix) bool { return m.Data.Result[0].Values[1][1] == "2" },
	} {
		b := newBed(t, "prometheus")
		b.points = [][2]any{{now - 10, "7"}, {now + 10, "9"}}
		b.order("PUT", "/faults", fmt.Sprintf(`[{"kind": %q}]`, kind))
		if text, found := b.query(t); !right(text, found) {
			t.Errorf("%s: %s", kind, text)
		}
	}
}

func TestAFaultTouchesOnlyTheSeriesItNames(t *testing.T) {
	b := newBed(t, "prometheus")
	b.points = [][2]any{{1.0, "7"}}
	b.order("PUT", "/faults", `[{"kind": "without", "series": " 5..$"}]`)
	if _, found := b.query(t); len(found.Data.Result) != 1 || found.Data.Result[0].Metric["envoy_response_code"] != "200" {
		t.Errorf("got %+v", found)
	}
}

func TestWhatWasLostOrResetStaysSo(t *testing.T) {
	now := float64(time.Now().Unix())
	b := newBed(t, "prometheus")
	b.points = [][2]any{{now - 10, "7"}, {now + 10, "9"}}
	b.order("PUT", "/faults", `[{"kind": "reset"}]`)
	b.query(t)
	b.order("PUT", "/faults", `[]`)
	if _, found := b.query(t); found.Data.Result[0].Values[1][1] != "2" {
		t.Errorf("got %+v", found.Data.Result[0])
	}
}

func TestAClockAheadAsksForThePastAndDatesItLater(t *testing.T) {
	now := float64(time.Now().Unix())
	b := newBed(t, "prometheus")
	b.points = [][2]any{{now, "7"}}
	b.order("PUT", "/faults", `[{"kind": "skew", "seconds": 30}]`)
	_, found := b.query(t)
	asked, _ := strconv.ParseFloat(b.askedAt.Load().(string), 64)
	if asked > now-28 || found.Data.Result[0].Values[0][0] != now+30 {
		t.Errorf("asked at %v of %v, got %v", asked, now, found.Data.Result[0].Values)
	}
}
