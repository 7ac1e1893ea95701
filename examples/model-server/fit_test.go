package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFitWritesWhatAServerAndAReferenceAreMadeOf(t *testing.T) {
	service, server := startService(t, settings{keptRequests: 1000})
	for i := range 501 {
		income := float64(60000 + 100*i)
		service.answer(application{"income": income, "debt": 0, "requested_amount": 9000, "late_payments": 0, "history_months": 84}, "A", nil)
	}
	folder := t.TempDir()
	if err := fitMain(t.Context(), []string{"-from", server.URL + "/requests", "-to", folder}, io.Discard); err != nil {
		t.Fatal(err)
	}
	read := func(name string) string {
		text, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if text := read("parameters.json"); text != `{"TYPICAL_INCOME":"85000"}`+"\n" {
		t.Errorf("the median is 85000: %s", text)
	}
	if text := read("edges.json"); !strings.Contains(text, `"predictions":[0.1,`) || !strings.Contains(text, `"income":[10000,`) {
		t.Error(text)
	}
	rows := strings.Split(strings.TrimSpace(read("training.csv")), "\n")
	first := application{"income": 60000, "debt": 0, "requested_amount": 9000, "late_payments": 0, "history_months": 84}
	want := fmt.Sprintf("60000,0,9000,0,84,%v", (model{85000}).assess(first).score)
	if len(rows) != 502 || rows[0] != "income,debt,requested_amount,late_payments,history_months,predictions" || rows[1] != want {
		t.Errorf("%d rows, %q, want %q", len(rows), rows[:2], want)
	}
}

func TestFitRefusesWhatItCannotBeTrustedWith(t *testing.T) {
	_, server := startService(t, settings{keptRequests: 1000})
	get(t, server.URL+validQuery)
	for _, test := range []struct{ from, says string }{
		{server.URL + "/requests", "1 applications are too few to fit to, 400 are needed"},
		{server.URL + "/healthz", "application 1:"},
		{server.URL + "/nothing", "answers 404"},
		{"", "model-server fit -from URL -to DIRECTORY"},
	} {
		err := fitMain(t.Context(), []string{"-from", test.from, "-to", t.TempDir()}, io.Discard)
		if err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: %v, want %s", test.from, err, test.says)
		}
	}
}
