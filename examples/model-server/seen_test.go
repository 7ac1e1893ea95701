package main

import (
	"strings"
	"testing"
)

func TestWhatIsScoredIsCountedByFieldAndScore(t *testing.T) {
	_, server := startService(t, settings{})
	_, text := get(t, server.URL+"/metrics")
	wantLine(t, text, `headgate_feature_bucket{feature="income",le="40000"} 0`)
	wantLine(t, text, `headgate_score_bucket{le="0.7"} 0`)
	get(t, server.URL+validQuery)
	get(t, server.URL+"/v1/score") // refused: nothing was scored
	_, text = get(t, server.URL+"/metrics")
	for _, line := range []string{
		`headgate_feature_bucket{feature="income",le="40000"} 0`, `headgate_feature_bucket{feature="income",le="50000"} 1`,
		`headgate_feature_bucket{feature="late_payments",le="0"} 0`, `headgate_feature_bucket{feature="late_payments",le="1"} 1`,
		`headgate_feature_sum{feature="debt"} 9000`, `headgate_feature_count{feature="history_months"} 1`,
		`headgate_score_bucket{le="0.6"} 0`, `headgate_score_bucket{le="0.7"} 1`, `headgate_score_count 1`,
	} {
		wantLine(t, text, line)
	}
}

func TestTheNewestApplicationsAreKeptOldestFirst(t *testing.T) {
	_, server := startService(t, settings{keptRequests: 2})
	for _, income := range []string{"41000", "42000", "43000"} {
		get(t, server.URL+strings.Replace(validQuery, "42000", income, 1))
	}
	_, body := get(t, server.URL+"/requests")
	lines := strings.Split(strings.TrimSpace(body), "\n")
	if len(lines) != 2 || !strings.Contains(lines[0], `"income":42000`) || !strings.Contains(lines[1], `"income":43000`) {
		t.Errorf("%q", body)
	}
}

func TestNothingIsKeptUnlessItIsAskedFor(t *testing.T) {
	_, server := startService(t, settings{})
	get(t, server.URL+validQuery)
	if _, body := get(t, server.URL+"/requests"); body != "" {
		t.Errorf("%q", body)
	}
}

func TestAnIncomeCountsByHowItComparesWithTheTypicalOne(t *testing.T) {
	a := application{"income": 84000, "debt": 18000, "requested_amount": 24000, "late_payments": 1, "history_months": 84}
	as, usual := (model{84000}).assess(a).score, (model{usualIncome}).assess(a).score
	a = application{"income": 42000, "debt": 9000, "requested_amount": 12000, "late_payments": 1, "history_months": 84}
	if like := (model{usualIncome}).assess(a).score; as != like || usual <= as {
		t.Errorf("twice the income is scored %g among twice the incomes, %g among the usual ones, and the usual one %g", as, usual, like)
	}
}
