package main

import (
	"strings"
	"testing"
)

const (
	approved = "/v1/score?income=90000&debt=1000&requested_amount=1000&late_payments=0&history_months=240"
	declined = "/v1/score?income=9000&debt=40000&requested_amount=90000&late_payments=9&history_months=1"
)

func TestDecisionsAreCountedByGroupAndOutcome(t *testing.T) {
	_, server := startService(t, settings{})
	get(t, server.URL+approved+"&group=A")
	get(t, server.URL+approved+"&group=B")
	get(t, server.URL+approved+"&group=B")
	get(t, server.URL+declined+"&group=B")
	get(t, server.URL+"/v1/score?group=B") // refused: nothing was decided
	_, text := get(t, server.URL+"/metrics")
	for _, line := range []string{
		`headgate_decisions_total{group="A",outcome="favourable"} 1`,
		`headgate_decisions_total{group="A",outcome="unfavourable"} 0`,
		`headgate_decisions_total{group="B",outcome="favourable"} 2`,
		`headgate_decisions_total{group="B",outcome="unfavourable"} 1`,
	} {
		if !strings.Contains(text, line+"\n") {
			t.Errorf("%s is missing in\n%s", line, text)
		}
	}
}

func TestAnUnfairVersionDeclinesGroupBOnly(t *testing.T) {
	_, server := startService(t, settings{unfair: 1})
	for group, want := range map[string]string{"A": `"decision":"approve"`, "B": `"decision":"decline"`} {
		if _, body := get(t, server.URL+approved+"&group="+group); !strings.Contains(body, want) {
			t.Errorf("group %s: %s", group, body)
		}
	}
}

func TestAnApplicantWithoutAGroupIsCountedInOne(t *testing.T) {
	service, server := startService(t, settings{})
	get(t, server.URL+approved)
	if a, b := service.decided.counts["A"]["favourable"], service.decided.counts["B"]["favourable"]; a+b != 1 {
		t.Errorf("counted %d and %d times", a, b)
	}
}
