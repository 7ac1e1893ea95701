package main

import (
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func TestRangesAreDrawnFromAllTheirNumbers(t *testing.T) {
	lowest, highest := func(int) int { return 0 }, func(n int) int { return n - 1 }
	for text, want := range map[string][2]string{
		"/score?income={20000..60000}&debt={0..5}": {"/score?income=20000&debt=0", "/score?income=60000&debt=5"},
		"/score?income=42000&x={a..b}":             {"/score?income=42000&x={a..b}", "/score?income=42000&x={a..b}"},
		"/{7..7}":                                  {"/7", "/7"},
	} {
		if got := [2]string{drawn(text, lowest), drawn(text, highest)}; got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
}

func TestEachRequestDrawsItsOwnNumbers(t *testing.T) {
	var mutex sync.Mutex
	asked := map[string]bool{}
	server := serve(t, func(_ http.ResponseWriter, r *http.Request) {
		mutex.Lock()
		defer mutex.Unlock()
		asked[r.URL.Query().Get("income")] = true
	})
	o := optionsFor(server.URL + "/score?income={1..1000000}")
	o.duration = 200 * time.Millisecond
	if total, _ := runInto(t, o); len(asked) < 2 || total.Failed > 0 {
		t.Errorf("%v, %+v", asked, total)
	}
}

func TestARangeThatIsUpsideDownIsRefused(t *testing.T) {
	_, err := parseOptions([]string{"-url", "http://x/?income={9..1}"}, &strings.Builder{})
	if err == nil || !strings.Contains(err.Error(), "{9..1}: the first number must not be above the second") {
		t.Error(err)
	}
}
