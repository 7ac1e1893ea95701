package main

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"math"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const validQuery = "/v1/score?income=42000&debt=9000&requested_amount=12000&late_payments=1&history_months=84"

// startService serves settings without the base latency and with a fixed seed.
func startService(t *testing.T, settings settings) (*service, *httptest.Server) {
	t.Helper()
	service := newService(settings)
	service.latency = func() time.Duration { return 0 }
	random := rand.New(rand.NewPCG(1, 2))
	service.uniform = random.Float64 // the tests ask one at a time
	server := httptest.NewServer(service.routes())
	t.Cleanup(server.Close)
	return service, server
}

func get(t *testing.T, url string) (*http.Response, string) {
	t.Helper()
	response, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	return response, readAll(t, response)
}

func readAll(t *testing.T, response *http.Response) string {
	t.Helper()
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// sendRaw sends a valid score request on a connection of its own.
func sendRaw(t *testing.T, url string) *net.TCPConn {
	t.Helper()
	connection, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = connection.Close() })
	if _, err := io.WriteString(connection, "GET "+validQuery+" HTTP/1.1\r\nHost: x\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	return connection.(*net.TCPConn)
}

func wantLine(t *testing.T, text, line string) {
	t.Helper()
	if !slices.Contains(strings.Split(text, "\n"), line) {
		t.Errorf("missing %q in\n%s", line, text)
	}
}

func TestBaseLatencyQuantiles(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	const n = 200_000
	drawn := make([]float64, n)
	for i := range drawn {
		drawn[i] = baseLatency(random.ExpFloat64).Seconds() * 1e3
	}
	slices.Sort(drawn)
	over := func(ms float64) float64 {
		index, _ := slices.BinarySearch(drawn, ms)
		return float64(n-index) / n
	}
	if p95 := drawn[n*95/100]; p95 < 25 || p95 > 45 {
		t.Errorf("p95 is %.1f ms", p95)
	}
	if share := over(50); share < 0.02 || share > 0.04 {
		t.Errorf("%.4f above 50 ms", share)
	}
	if share := over(100); share == 0 || share >= 0.001 {
		t.Errorf("%.5f above 100 ms", share)
	}
	if drawn[0] < 7 {
		t.Errorf("fastest %.2f ms", drawn[0])
	}
	if median := drawn[n/2]; math.Abs(median-(7+11.3*math.Ln2)) > 0.2 {
		t.Errorf("median %.2f ms is not that of the stated formula", median)
	}
}

func TestLatencyIsWaitedForAndAdded(t *testing.T) {
	service := newService(settings{addedLatency: 100 * time.Millisecond})
	server := httptest.NewServer(service.routes())
	defer server.Close()
	begun := time.Now()
	get(t, server.URL+validQuery+"&group=B")
	if took := time.Since(begun); took < 107*time.Millisecond {
		t.Errorf("answered after %v", took)
	}
	_, text := get(t, server.URL+"/metrics")
	wantLine(t, text, `http_request_duration_seconds_bucket{group="B",le="0.1"} 0`)
	wantLine(t, text, `http_request_duration_seconds_bucket{group="B",le="+Inf"} 1`)
}

func TestScore(t *testing.T) {
	_, server := startService(t, settings{version: "2.3.1"})
	response, body := get(t, server.URL+validQuery)
	var answer struct {
		Version, Decision string
		Score             float64
		Reasons           []string
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatal(err)
	}
	// 1.2 + 0.504 − 0.514 − 0.457 − 0.55 + 0.63 = 0.8126
	if math.Abs(answer.Score-0.69267) > 1e-4 || answer.Decision != "approve" || answer.Version != "2.3.1" {
		t.Errorf("%s", body)
	}
	if !slices.Equal(answer.Reasons, []string{"late_payments", "debt_to_income", "requested_to_income"}) {
		t.Errorf("reasons %v", answer.Reasons)
	}
	if response.StatusCode != 200 || response.Header.Get("X-Model-Version") != "2.3.1" || response.Header.Get("Content-Type") != "application/json" {
		t.Errorf("%d %v", response.StatusCode, response.Header)
	}
	posted, err := http.Post(server.URL+"/v1/score", "application/json",
		strings.NewReader(`{"income":42000,"debt":9000,"requested_amount":12000,"late_payments":1,"history_months":84,"unknown":"x"}`))
	if err != nil {
		t.Fatal(err)
	}
	if again := readAll(t, posted); again != body {
		t.Errorf("POST says %s, GET %s", again, body)
	}
}

func TestDecisions(t *testing.T) {
	for late, want := range map[float64]string{0: "approve", 2: "review", 5: "decline"} {
		a := application{"income": 42000, "debt": 9000, "requested_amount": 12000, "late_payments": late, "history_months": 84}
		if got := (model{usualIncome}).assess(a); got.decision != want {
			t.Errorf("%g late payments: %+v, want %s", late, got, want)
		}
	}
	worst := application{"income": 1, "debt": 1e9, "requested_amount": 1e9, "late_payments": 1000, "history_months": 0}
	if got := (model{usualIncome}).assess(worst); got.score != 0 || got.decision != "decline" {
		t.Errorf("%+v", got)
	}
}

func TestAVersionTurnsBadWhenItsTimeIsOver(t *testing.T) {
	service, server := startService(t, settings{failAfter: time.Minute, failFor: time.Minute})
	code := func() int {
		response, err := http.Get(server.URL + validQuery)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		return response.StatusCode
	}
	if got := code(); got != http.StatusOK {
		t.Errorf("%d while it is good", got)
	}
	service.started = time.Now().Add(-time.Minute)
	if got := code(); got != http.StatusInternalServerError {
		t.Errorf("%d afterwards", got)
	}
	service.started = time.Now().Add(-2 * time.Minute)
	if got := code(); got != http.StatusOK {
		t.Errorf("%d when that is over", got)
	}
	service.settings.failFor = 0
	if got := code(); got != http.StatusInternalServerError {
		t.Errorf("%d where it never is", got)
	}
}

func TestInvalidRequests(t *testing.T) {
	service, server := startService(t, settings{errorRate: 1})
	ask := func(method, path, body string) (int, string) {
		request, err := http.NewRequest(method, server.URL+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		return response.StatusCode, readAll(t, response)
	}
	for _, test := range []struct {
		method, path, body string
		code               int
		says               string
	}{
		{"GET", "/v1/score", "", 422, "income is missing; debt is missing"},
		{"GET", strings.Replace(validQuery, "42000", "0", 1), "", 422, "income must be from 1 to 1e+08"},
		{"GET", strings.Replace(validQuery, "42000", "NaN", 1), "", 422, "income must be"},
		{"GET", strings.Replace(validQuery, "42000", "much", 1), "", 400, "income must be a number"},
		{"POST", "/v1/score", "{", 400, "want a JSON object"},
		{"POST", "/v1/score", "[]", 400, "want a JSON object"},
		{"POST", "/v1/score", `{"income":"42000"}`, 400, "income must be a number"},
		{"POST", "/v1/score", strings.Repeat(" ", maxBody+1), 413, "too large"},
		{"PUT", "/v1/score", "", 405, ""},
		{"GET", "/v2/score", "", 404, ""},
	} {
		if code, text := ask(test.method, test.path, test.body); code != test.code || !strings.Contains(text, test.says) {
			t.Errorf("%s %s %.20s: %d %s", test.method, test.path, test.body, code, text)
		}
	}
	if refused, failed := service.metrics.count(422), service.metrics.count(500); refused != 3 || failed != 0 {
		t.Errorf("counted %d refused and %d failed", refused, failed)
	}
}

func TestMetricsFromTheStartAndAfterRequests(t *testing.T) {
	service, server := startService(t, settings{version: "v1"})
	response, text := get(t, server.URL+"/metrics")
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/plain; version=0.0.4") {
		t.Errorf("%v", response.Header)
	}
	for _, line := range []string{
		"# TYPE http_requests_total counter", `http_requests_total{code="200",group="A"} 0`,
		`http_requests_total{code="500",group="B"} 0`, "# TYPE http_request_duration_seconds histogram",
		`http_request_duration_seconds_sum{group="A"} 0`, `http_request_duration_seconds_count{group="B"} 0`,
		"http_requests_in_flight 0", `model_info{version="v1"} 1`,
	} {
		wantLine(t, text, line)
	}
	for _, edge := range strings.Fields("0.005 0.01 0.025 0.05 0.075 0.1 0.15 0.25 0.5 1 2.5 5 +Inf") {
		wantLine(t, text, `http_request_duration_seconds_bucket{group="B",le="`+edge+`"} 0`)
	}
	for _, milliseconds := range []int{5, 6, 80, 6000} {
		service.metrics.answered("B", 200, time.Duration(milliseconds)*time.Millisecond)
	}
	_, text = get(t, server.URL+"/metrics")
	for edge, count := range map[string]string{"0.005": "1", "0.01": "2", "0.075": "2", "0.1": "3", "5": "3", "+Inf": "4"} {
		wantLine(t, text, `http_request_duration_seconds_bucket{group="B",le="`+edge+`"} `+count)
		wantLine(t, text, `http_request_duration_seconds_bucket{group="A",le="`+edge+`"} 0`)
	}
	wantLine(t, text, `http_request_duration_seconds_sum{group="B"} 6.091`)
	wantLine(t, text, `http_request_duration_seconds_count{group="B"} 4`)
	wantLine(t, text, `http_requests_total{code="200",group="B"} 4`)
}

func TestErrorRate(t *testing.T) {
	service, server := startService(t, settings{version: "v3", errorRate: 0.03})
	const n = 2000
	failed := 0
	for range n {
		recorder := httptest.NewRecorder()
		service.score(recorder, httptest.NewRequest("GET", validQuery, nil))
		if recorder.Code == 500 {
			failed++
			if !strings.Contains(recorder.Body.String(), `"version":"v3"`) {
				t.Fatal(recorder.Body.String())
			}
		}
	}
	if failed < 37 || failed > 83 { // 60 ± 3 standard deviations; the seed is fixed
		t.Errorf("%d of %d failed", failed, n)
	}
	if count := service.metrics.count(500); count != uint64(failed) || service.metrics.count(200) != n-count {
		t.Errorf("%d failed, counted %d", failed, count)
	}
	if response, _ := get(t, server.URL+"/readyz"); response.StatusCode != 200 {
		t.Error("the fault reached readiness")
	}
}

func TestErrorRateBFailsGroupBOnly(t *testing.T) {
	service, server := startService(t, settings{errorRateB: 1})
	for group, want := range map[string]int{"A": 200, "B": 500} {
		if response, _ := get(t, server.URL+validQuery+"&group="+group); response.StatusCode != want {
			t.Errorf("group %s: %d", group, response.StatusCode)
		}
	}
	if a, b := service.metrics.groups["A"].codes, service.metrics.groups["B"].codes; a[200] != 1 || a[500] != 0 || b[200] != 0 || b[500] != 1 {
		t.Errorf("counted %v and %v", a, b)
	}
}

func TestReject(t *testing.T) {
	_, server := startService(t, settings{version: "v8", fault: faultReject})
	response, body := get(t, server.URL+validQuery)
	if response.StatusCode != 422 || !strings.Contains(body, `"version":"v8"`) {
		t.Errorf("%d %s", response.StatusCode, body)
	}
	if response, _ := get(t, server.URL+"/readyz"); response.StatusCode != 200 {
		t.Error("the fault reached readiness")
	}
}

func TestHangAnswersNothingUntilTheClientLeaves(t *testing.T) {
	service, server := startService(t, settings{fault: faultHang})
	for _, method := range []string{"GET", "POST"} {
		ctx, cancel := context.WithTimeout(t.Context(), 150*time.Millisecond)
		request, _ := http.NewRequestWithContext(ctx, method, server.URL+validQuery, strings.NewReader("{}"))
		if response, err := http.DefaultClient.Do(request); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%s: %v %v", method, response, err)
		}
		cancel()
	}
	if response, _ := get(t, server.URL+"/readyz"); response.StatusCode != 200 {
		t.Error("the fault reached readiness")
	}
	halfClosed := sendRaw(t, server.URL)
	_ = halfClosed.CloseWrite()
	if answer, _ := io.ReadAll(halfClosed); len(answer) > 0 {
		t.Errorf("answered %q", answer)
	}
	server.Close() // waits for the handlers
	if n := service.metrics.inFlight.Load(); n != 0 {
		t.Errorf("%d handlers still wait for clients that left", n)
	}
	if counted := service.metrics.count(200) + service.metrics.count(500); counted != 0 {
		t.Errorf("counted %d answers that were never given", counted)
	}
}

func TestReadyDelay(t *testing.T) {
	service, server := startService(t, settings{readyDelay: time.Hour})
	if response, _ := get(t, server.URL+"/readyz"); response.StatusCode != 503 {
		t.Error("ready before its time")
	}
	if response, _ := get(t, server.URL+"/healthz"); response.StatusCode != 200 {
		t.Error("a server that starts is not dead")
	}
	service.started = service.started.Add(-time.Hour)
	if response, _ := get(t, server.URL+"/readyz"); response.StatusCode != 200 {
		t.Error("not ready after its time")
	}
}

// writeCounter counts the Write calls of all accepted connections: with TCP_NODELAY each is a packet of its own.
type writeCounter struct {
	net.Listener
	writes, accepted atomic.Int64
}

type countedConn struct {
	net.Conn
	counter *writeCounter
}

func (l *writeCounter) Accept() (net.Conn, error) {
	connection, err := l.Listener.Accept()
	l.accepted.Add(1)
	return countedConn{connection, l}, err
}

func (c countedConn) Write(data []byte) (int, error) {
	c.counter.writes.Add(1)
	return c.Conn.Write(data)
}

func TestOnePacketPerAnswerOnOneKeptConnection(t *testing.T) {
	service := newService(settings{version: "v1"})
	service.latency = func() time.Duration { return 0 }
	server := httptest.NewUnstartedServer(service.routes())
	counter := &writeCounter{Listener: server.Listener}
	server.Listener = counter
	server.Start()
	defer server.Close()
	for range 20 {
		get(t, server.URL+validQuery)
	}
	if counter.writes.Load() != 20 || counter.accepted.Load() != 1 {
		t.Errorf("%d writes on %d connections for 20 answers", counter.writes.Load(), counter.accepted.Load())
	}
}

// count is of all groups.
func (m *metrics) count(code int) (total uint64) {
	for _, counted := range m.groups {
		total += counted.codes[code]
	}
	return total
}
