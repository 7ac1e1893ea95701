package main

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestMain lets a test start this binary as the program itself.
func TestMain(m *testing.M) {
	if os.Getenv("RUN_AS_MODEL_SERVER") != "" {
		main()
		return
	}
	os.Exit(m.Run())
}

type process struct {
	command *exec.Cmd
	log     *bufio.Scanner
	url     string
}

func startProcess(t *testing.T, environment ...string) *process {
	t.Helper()
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), append(environment, "RUN_AS_MODEL_SERVER=1", "PORT=0")...)
	stderr, err := command.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Process.Kill() })
	started := &process{command: command, log: bufio.NewScanner(stderr)}
	line := started.waitForLog(t, "listening")
	port := regexp.MustCompile(`address=\S*:(\d+)`).FindStringSubmatch(line)
	started.url = "http://127.0.0.1:" + port[1]
	return started
}

func (p *process) waitForLog(t *testing.T, word string) string {
	t.Helper()
	for p.log.Scan() {
		if strings.Contains(p.log.Text(), word) {
			return p.log.Text()
		}
	}
	t.Fatalf("the log ended without %q", word)
	return ""
}

// exitCode waits for the end of the process.
func (p *process) exitCode(t *testing.T) int {
	t.Helper()
	for p.log.Scan() {
	}
	err := p.command.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return p.command.ProcessState.ExitCode()
}

func TestCrashResetsTheConnectionAndExits(t *testing.T) {
	p := startProcess(t, "CRASH=1")
	if response, _ := get(t, p.url+"/readyz"); response.StatusCode != 200 {
		t.Error("the fault reached readiness")
	}
	// Not by an HTTP client: it would repeat the request on a new connection and report the fate of that one.
	connection := sendRaw(t, p.url)
	if answer, err := io.ReadAll(connection); len(answer) > 0 || !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("want a reset, got %q, %v", answer, err)
	}
	if code := p.exitCode(t); code != 1 {
		t.Errorf("exit code %d", code)
	}
}

func TestSIGTERMDrainsAndFinishesWhatIsInFlight(t *testing.T) {
	p := startProcess(t, "VERSION=v1", "DRAIN_SECONDS=1", "LATENCY_MS=2000")
	type outcome struct {
		code int
		err  error
		at   time.Time
	}
	slow := make(chan outcome, 1)
	go func() {
		response, err := http.Get(p.url + validQuery)
		if err != nil {
			slow <- outcome{err: err}
			return
		}
		_, err = io.Copy(io.Discard, response.Body)
		_ = response.Body.Close()
		slow <- outcome{response.StatusCode, err, time.Now()}
	}()
	deadline := time.Now().Add(10 * time.Second)
	for {
		if _, text := get(t, p.url+"/metrics"); strings.Contains(text, "http_requests_in_flight 1\n") {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("the request never arrived")
		}
	}
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	terminated := time.Now()
	p.waitForLog(t, "draining")
	if response, _ := get(t, p.url+"/readyz"); response.StatusCode != 503 {
		t.Error("ready while draining")
	}
	response, _ := get(t, p.url+"/v1/score") // refused for its missing fields, so without the latency: but served
	if response.StatusCode != 422 || !response.Close {
		t.Errorf("while draining: %d, Connection: close %v", response.StatusCode, response.Close)
	}
	got := <-slow
	if got.err != nil || got.code != 200 {
		t.Errorf("the request in flight: %+v", got)
	}
	if got.at.Sub(terminated) < time.Second {
		t.Errorf("the request did not outlive the drain time: the test proves nothing")
	}
	if code := p.exitCode(t); code != 0 {
		t.Errorf("exit code %d", code)
	}
	if took := time.Since(terminated); took < time.Second || took > shutdownLimit {
		t.Errorf("took %v", took)
	}
}

func TestAConnectionMayWaitForItsFirstRequest(t *testing.T) {
	t.Parallel()
	p := startProcess(t)
	connection, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	defer connection.Close()
	// Gateways open connections that they use later, or never: one that is closed meanwhile fails the request that gets it.
	_ = connection.SetReadDeadline(time.Now().Add(6 * time.Second))
	if _, err := connection.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("the server did not wait: %v", err)
	}
	_ = connection.SetReadDeadline(time.Now().Add(10 * time.Second))
	fmt.Fprint(connection, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
	if line, err := bufio.NewReader(connection).ReadString('\n'); err != nil || !strings.Contains(line, "200") {
		t.Errorf("%v: %q", err, line)
	}
}

func TestSettings(t *testing.T) {
	read := func(pairs ...string) (settings, error) {
		return readSettings(func(name string) string {
			for _, pair := range pairs {
				if key, value, _ := strings.Cut(pair, "="); key == name {
					return value
				}
			}
			return ""
		})
	}
	if got, err := read(); err != nil || got != (settings{version: "dev", port: 8080, drain: 3 * time.Second}) {
		t.Errorf("%v %+v", err, got)
	}
	want := settings{version: "v5", port: 9000, errorRate: 0.005, addedLatency: 100 * time.Millisecond, fault: faultHang,
		readyDelay: 20 * time.Second, drain: 1500 * time.Millisecond}
	if got, err := read("VERSION=v5", "PORT=9000", "ERROR_RATE=0.005", "LATENCY_MS=100", "HANG=1", "CRASH=0", "READY_DELAY=20", "DRAIN_SECONDS=1.5"); err != nil || got != want {
		t.Errorf("%v %+v", err, got)
	}
	for _, wrong := range []string{"ERROR_RATE=1.1", "ERROR_RATE=3%", "LATENCY_MS=-1", "LATENCY_MS=NaN", "READY_DELAY=20s", "PORT=70000", "CRASH=yes"} {
		name, _, _ := strings.Cut(wrong, "=")
		if _, err := read(wrong); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", wrong, err)
		}
	}
	if _, err := read("HANG=1", "CRASH=1"); err == nil {
		t.Error("two faults at once")
	}
}
