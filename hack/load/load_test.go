package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestMain lets a test start this binary as the program itself.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_AS_LOAD") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

func optionsFor(url string) options {
	return options{url: url, rate: 100, timeout: 10 * time.Second, streamTimeout: 10 * time.Second, grace: 11 * time.Second}
}

// runInto runs to the end and returns the records as written.
func runInto(t *testing.T, o options) (summary, []string) {
	t.Helper()
	var written bytes.Buffer
	total, err := run(t.Context(), t.Context(), o, bufio.NewWriter(&written))
	if err != nil {
		t.Fatal(err)
	}
	return total, strings.Split(strings.TrimSuffix(written.String(), "\n"), "\n")
}

func serve(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server
}

// hanging never answers until the test ends.
func hanging(t *testing.T) *httptest.Server {
	t.Helper()
	over := make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-over:
		case <-r.Context().Done():
		}
	}))
	t.Cleanup(func() { close(over); server.CloseClientConnections(); server.Close() })
	return server
}

func TestPaceIsNeverEarlyAndKeepsTheRate(t *testing.T) {
	const rate, calls = 400.0, 200
	ctx, cancel := context.WithCancel(t.Context())
	begun, made := time.Now(), 0
	sent, lag := pace(ctx, begun, rate, func() {
		if due := begun.Add(time.Duration(float64(made) / rate * float64(time.Second))); time.Now().Before(due) {
			t.Errorf("call %d was early", made)
		}
		if made++; made == calls {
			cancel()
		}
	})
	if sent != calls || made != calls {
		t.Fatalf("sent %d, made %d, want %d", sent, made, calls)
	}
	due := time.Duration(float64(calls-1) / rate * float64(time.Second))
	if took := time.Since(begun); took > due+lag+time.Second {
		t.Fatalf("took %v for %v", took, due)
	}
}

func TestPaceCatchesUpAndLeavesNoneOut(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	begun, made := time.Now().Add(-time.Hour), 0
	_, lag := pace(ctx, begun, 1, func() {
		if made++; made == 3600 {
			cancel()
		}
	})
	if made != 3600 || lag < 59*time.Minute || time.Since(begun) > time.Hour+30*time.Second {
		t.Fatalf("made %d, lag %v", made, lag)
	}
}

func TestRateDoesNotDependOnAnswers(t *testing.T) {
	o := optionsFor(hanging(t).URL)
	o.rate, o.duration, o.grace = 200, 500*time.Millisecond, time.Millisecond
	total, _ := runInto(t, o)
	if total.Sent < 80 || total.Sent > 101 || total.Finished != 0 || total.Pending != total.Sent {
		t.Fatalf("want about 100 sent, all pending: %+v", total)
	}
}

func TestRecordFormat(t *testing.T) {
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Host != "credit.models.example" || r.ContentLength != 0 || len(r.TransferEncoding) > 0 {
			t.Errorf("host %q, length %d, encoding %v", r.Host, r.ContentLength, r.TransferEncoding)
		}
		w.Header().Set("x-headgate-revision", "credit-77ab01c2")
		_, _ = io.WriteString(w, `{"version":"2.3.1","score":0.7}`)
	})
	o := optionsFor(server.URL)
	o.hosts, o.duration = []string{"credit.models.example"}, 200*time.Millisecond
	before := time.Now().Add(-time.Millisecond)
	total, lines := runInto(t, o)
	if len(lines) != total.Sent || total.Finished != total.Sent || total.ByVersion["2.3.1"]["200"] != total.Sent || total.Failed != 0 {
		t.Fatalf("%d lines, %+v", len(lines), total)
	}
	format := regexp.MustCompile(`^\{"kind":"http1","host":"credit\.models\.example","start":\d{10}\.\d{4},"end":\d{10}\.\d{4},"status":200,"complete":true,"bytes":31,"chunks":0,"version":"2\.3\.1","revision":"credit-77ab01c2","ms":\d+\.\d{4},"error":""\}$`)
	for _, line := range lines {
		var one record
		if err := json.Unmarshal([]byte(line), &one); err != nil || !format.MatchString(line) {
			t.Fatalf("%v: %s", err, line)
		}
		if difference := float64(one.End-one.Start)*1000 - float64(one.Milliseconds); difference > 0.2 || difference < -0.2 {
			t.Fatalf("end − start is not ms: %s", line)
		}
		if one.Start < unixSeconds(before) || one.End > unixSeconds(time.Now())+0.001 {
			t.Fatalf("not the time of the run: %s", line)
		}
	}
}

func TestWhatARequestCanEndIn(t *testing.T) {
	unused, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = unused.Close()
	server := serve(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/failed":
			w.WriteHeader(500)
			_, _ = io.WriteString(w, `{"version":"v3","error":"x"}`)
		case "/gateway":
			w.Header().Set("x-headgate-revision", "r2")
			http.Error(w, "no healthy upstream", 503)
		case "/nameless":
			http.Error(w, "upstream request timeout", 504)
		case "/redirect":
			http.Redirect(w, r, "/failed", 302)
		case "/truncated":
			w.Header().Set("x-headgate-revision", "r2")
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, `{"ver`)
		case "/reset":
			connection, _, _ := http.NewResponseController(w).Hijack()
			_ = connection.(*net.TCPConn).SetLinger(0)
			_ = connection.Close()
		}
	})
	for name, test := range map[string]struct {
		url  string
		want record
		text string
	}{
		"own failure":         {server.URL + "/failed", record{Status: 500, Version: "v3"}, `^$`},
		"gateway, labelled":   {server.URL + "/gateway", record{Status: 503, Version: "r2", Revision: "r2"}, `^$`},
		"gateway, unlabelled": {server.URL + "/nameless", record{Status: 504}, `^$`},
		"not followed":        {server.URL + "/redirect", record{Status: 302}, `^$`},
		"truncated":           {server.URL + "/truncated", record{Version: "r2", Revision: "r2"}, `^answer 200 broke off: unexpected EOF$`},
		"reset":               {server.URL + "/reset", record{}, `reset by peer`},
		"refused":             {"http://" + unused.Addr().String(), record{}, `connection refused`},
		"timeout":             {hanging(t).URL, record{}, `^timeout$`},
	} {
		t.Run(name, func(t *testing.T) {
			o := optionsFor(test.url)
			if test.text == `^timeout$` {
				o.timeout = 50 * time.Millisecond
			}
			got := newClient(o).get(kind{}, "")
			if !regexp.MustCompile(test.text).MatchString(got.Error) || strings.Contains(got.Error, "http://") {
				t.Errorf("error %q, want %s", got.Error, test.text)
			}
			if got.End < got.Start || got.Milliseconds <= 0 || test.text == `^timeout$` && got.Milliseconds < 50 {
				t.Errorf("times: %+v", got)
			}
			if got.Status != test.want.Status || got.Version != test.want.Version || got.Revision != test.want.Revision {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestABrokenReusedConnectionIsAFailureAndNotRepeated(t *testing.T) {
	var arrived atomic.Int64
	server := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		if arrived.Add(1) == 2 {
			connection, _, _ := http.NewResponseController(w).Hijack()
			_ = connection.Close()
		}
	})
	client := newClient(optionsFor(server.URL))
	first, second := client.get(kind{}, ""), client.get(kind{}, "")
	if first.Status != 200 || second.Status != 0 || second.Error == "" || arrived.Load() != 2 {
		t.Fatalf("%+v, %+v, %d arrived", first, second, arrived.Load())
	}
}

func TestTimeoutsGetTheirLinesWithinTheGrace(t *testing.T) {
	o := optionsFor(hanging(t).URL)
	o.duration, o.timeout = 100*time.Millisecond, 300*time.Millisecond
	total, lines := runInto(t, o)
	if total.Pending != 0 || total.Sent != len(lines) || total.ByVersion[""]["0"] != total.Sent || total.Failed != total.Sent || total.Latency.P50 < 300 {
		t.Fatalf("%d lines, %+v", len(lines), total)
	}
}

func TestWaitingCanBeCut(t *testing.T) {
	o := optionsFor(hanging(t).URL)
	o.timeout, o.grace, o.duration = time.Hour, time.Hour, 20*time.Millisecond
	wait, cancel := context.WithCancel(t.Context())
	cancel()
	total, err := run(t.Context(), wait, o, bufio.NewWriter(io.Discard))
	if err != nil || total.Sent == 0 || total.Pending != total.Sent {
		t.Fatalf("%v, %+v", err, total)
	}
}

func TestAReaderCanFollow(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	o := optionsFor(server.URL)
	reader, writer := io.Pipe()
	send, stop := context.WithCancel(t.Context())
	defer stop()
	ended := make(chan error, 1)
	go func() {
		_, err := run(send, t.Context(), o, bufio.NewWriterSize(writer, 1<<20)) // never full: only the clock flushes
		_ = writer.Close()
		ended <- err
	}()
	lines := bufio.NewScanner(reader)
	for range 10 {
		if !lines.Scan() {
			t.Fatal("the records ended")
		}
	}
	select {
	case err := <-ended:
		t.Fatalf("ended before it was told to: %v", err)
	default:
	}
	stop()
	for lines.Scan() {
	}
	if err := <-ended; err != nil {
		t.Fatal(err)
	}
	if flushInterval > 200*time.Millisecond {
		t.Fatal("a reader would be too far behind")
	}
}

type brokenFile struct{}

func (brokenFile) Write([]byte) (int, error) { return 0, errors.New("disk full") }

func TestAFullDiskEndsTheRun(t *testing.T) {
	server := serve(t, func(http.ResponseWriter, *http.Request) {})
	_, err := run(t.Context(), t.Context(), optionsFor(server.URL), bufio.NewWriter(brokenFile{}))
	if err == nil || err.Error() != "disk full" {
		t.Fatal(err)
	}
}

// serveBoth speaks HTTP/1.1 and HTTP/2 without TLS.
func serveBoth(t *testing.T, handler http.HandlerFunc) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler)
	server.Config.Protocols = new(http.Protocols)
	server.Config.Protocols.SetHTTP1(true)
	server.Config.Protocols.SetUnencryptedHTTP2(true)
	server.Start()
	t.Cleanup(server.Close)
	return server
}

func TestHTTP2WithoutTLS(t *testing.T) {
	var versions atomic.Int64
	server := serveBoth(t, func(w http.ResponseWriter, r *http.Request) {
		versions.Store(int64(r.ProtoMajor))
		w.Header().Set("x-headgate-revision", "r2")
	})
	client := newClient(optionsFor(server.URL))
	for _, http2 := range []bool{true, false} {
		got := client.get(kind{http2: http2}, "")
		if want := map[bool]int64{true: 2, false: 1}[http2]; got.Status != 200 || got.Revision != "r2" || versions.Load() != want {
			t.Fatalf("HTTP/%d: %+v", versions.Load(), got)
		}
	}
}

func TestConnectionsAreKept(t *testing.T) {
	var opened atomic.Int64
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	server.Start()
	t.Cleanup(server.Close)
	client := newClient(optionsFor(server.URL))
	for range 50 {
		client.get(kind{}, "")
	}
	if opened.Load() != 1 {
		t.Fatalf("%d connections for 50 requests in a row", opened.Load())
	}
}

func TestQuantiles(t *testing.T) {
	c := newCounts()
	if total := c.summary(); total.Latency != (quantiles{}) {
		t.Fatalf("%+v", total.Latency)
	}
	for i := 100; i > 0; i-- {
		c.add(record{Status: 200, Milliseconds: decimal(i)})
	}
	if got := c.summary().Latency; got != (quantiles{50, 95, 99, 100}) {
		t.Fatalf("%+v", got)
	}
}

func TestWrongOptions(t *testing.T) {
	for _, arguments := range []string{
		"", "-url credit.example", "-url ftp://x/", "-url http://x/ -rate 0", "-url http://x/ -rate NaN", "-url http://x/ -timeout 0s",
		"-url http://x/ -duration -1s", "-url https://x/ -http2-rate 1", "-url http://x/ more", "-url http://x/ -wrong",
		"-url http://x/ -rate -1", "-url http://x/ -stream-rate 1", "-url http://x/ -stream-rate 1 -stream-url https://x/",
		"-url http://x/ -stream-timeout 0s", "-url http://x/ -host a,,b",
	} {
		var said strings.Builder
		if _, err := parseOptions(strings.Fields(arguments), &said); err == nil || said.Len() == 0 {
			t.Errorf("%q: error %v, said %q", arguments, err, said.String())
		}
	}
	o, err := parseOptions([]string{"-url", "http://x/", "-timeout", "30s"}, io.Discard)
	if err != nil || o.duration != 0 || o.grace != 31*time.Second {
		t.Errorf("%v %+v", err, o)
	}
	o, err = parseOptions(strings.Fields("-url http://x/ -rate 0 -stream-rate 1 -stream-url http://x/ -host a,b"), io.Discard)
	if err != nil || o.grace != 91*time.Second || len(o.hosts) != 2 {
		t.Errorf("%v %+v", err, o)
	}
}

func TestSIGTERMEndsTheProgramWithASummary(t *testing.T) {
	answered := make(chan struct{}, 1024)
	server := serve(t, func(http.ResponseWriter, *http.Request) {
		select {
		case answered <- struct{}{}:
		default:
		}
	})
	out := filepath.Join(t.TempDir(), "records.jsonl")
	command := exec.CommandContext(t.Context(), os.Args[0], "-url", server.URL, "-rate", "200", "-out", out)
	command.Env = append(os.Environ(), "RUN_AS_LOAD=1")
	var stdout, stderr bytes.Buffer
	command.Stdout, command.Stderr = &stdout, &stderr
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	for range 20 {
		<-answered
	}
	if err := command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := command.Wait(); err != nil {
		t.Fatalf("%v: %s", err, stderr.String())
	}
	var total summary
	if err := json.Unmarshal(stdout.Bytes(), &total); err != nil {
		t.Fatalf("%v: %s", err, stdout.String())
	}
	written, err := os.ReadFile(out)
	if lines := bytes.Count(written, []byte("\n")); err != nil || lines < 20 || lines != total.Sent || total.Pending != 0 {
		t.Fatalf("%v, %d lines, %s", err, lines, stdout.String())
	}
}
