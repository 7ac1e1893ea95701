package main

import (
	"fmt"
	"io"
	"math/rand/v2"
	"sync"
)

const (
	interest = 0.05 // of the amount, earned with an offer that is taken on average
	takenUp  = 0.5  // share of the offers that are taken
)

// value sums up what answers are worth to the lender, and counts which offers are taken.
type value struct {
	uniform func() float64 // in [0, 1)
	varied  func() float64 // above 0, of mean 1: no two loans earn the same

	mutex sync.Mutex
	worth summary
	taken summary
}

// summary is a Prometheus summary without quantiles.
type summary struct {
	sum   float64
	count uint64
}

func (s *summary) observe(value float64) {
	s.sum += value
	s.count++
}

func newValue() *value {
	return &value{uniform: rand.Float64, varied: rand.ExpFloat64}
}

// answered counts one decision about an amount; `less` is the share of the value that this version loses. Only what is offered can be
// taken, and only what is taken earns anything.
func (v *value) answered(decision string, amount, less float64) {
	offered := decision == "approve"
	taken := offered && v.uniform() < takenUp*(1-less)
	earned := 0.0
	if taken {
		earned = interest / takenUp * amount * v.varied()
	}
	v.mutex.Lock()
	defer v.mutex.Unlock()
	v.worth.observe(earned)
	if offered {
		v.taken.observe(map[bool]float64{true: 1}[taken])
	}
}

func (v *value) write(w io.Writer) {
	v.mutex.Lock()
	defer v.mutex.Unlock()
	fmt.Fprint(w, "# HELP headgate_value What an answer will earn.\n# TYPE headgate_value summary\n")
	fmt.Fprintf(w, "headgate_value_sum %g\nheadgate_value_count %d\n", v.worth.sum, v.worth.count)
	fmt.Fprint(w, "# HELP headgate_conversion Whether an offer is taken, 0 or 1.\n# TYPE headgate_conversion summary\n")
	fmt.Fprintf(w, "headgate_conversion_sum %g\nheadgate_conversion_count %d\n", v.taken.sum, v.taken.count)
}
