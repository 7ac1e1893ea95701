package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
)

// groups of people, as coarse and opaque as the label of a counter should be.
var groups = []string{"A", "B"}

// outcomes as the counter names them, and whether a decision is one: what a person will decide is not decided yet.
var outcomes = map[string]string{"approve": "favourable", "decline": "unfavourable"}

// groupOf takes the group from the query. Without one the applicant is put into any: enough to try the counter.
func groupOf(r *http.Request) string {
	if asked := r.URL.Query().Get("group"); slices.Contains(groups, asked) {
		return asked
	}
	return groups[rand.IntN(len(groups))]
}

// decisions counts what was decided about whom.
type decisions struct {
	mutex  sync.Mutex
	counts map[string]map[string]uint64
}

func newDecisions() *decisions {
	// All series exist from the start: one that appears later hides what it counted before.
	counts := map[string]map[string]uint64{}
	for _, group := range groups {
		counts[group] = map[string]uint64{"favourable": 0, "unfavourable": 0}
	}
	return &decisions{counts: counts}
}

func (d *decisions) decided(group, decision string) {
	outcome, decided := outcomes[decision]
	if !decided {
		return
	}
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.counts[group][outcome]++
}

func (d *decisions) write(w io.Writer) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	fmt.Fprint(w, "# HELP headgate_decisions_total Decisions about people, by group and outcome.\n# TYPE headgate_decisions_total counter\n")
	for _, group := range groups {
		for _, outcome := range []string{"favourable", "unfavourable"} {
			fmt.Fprintf(w, "headgate_decisions_total{group=%q,outcome=%q} %d\n", group, outcome, d.counts[group][outcome])
		}
	}
}
