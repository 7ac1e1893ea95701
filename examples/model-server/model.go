package main

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// application maps a field of the credit application to its value; checkApplication has seen every field of it.
type application map[string]float64

// fields are the fields of an application with the range that the model was made for, and the edges by which values are counted.
var fields = []struct {
	name            string
	lowest, highest float64
	edges           []float64
}{
	{"income", 1, 1e8, []float64{1e4, 2e4, 3e4, 4e4, 5e4, 6e4, 8e4, 1e5, 1.2e5, 1.5e5, 2e5}}, // per year
	{"debt", 0, 1e9, []float64{0, 5e3, 1e4, 1.5e4, 2e4, 3e4, 5e4, 1e5}},
	{"requested_amount", 0, 1e9, []float64{2500, 5e3, 7500, 1e4, 1.5e4, 2e4, 3e4, 5e4}},
	{"late_payments", 0, 1000, []float64{0, 1, 2, 3, 5, 10}}, // in the last two years
	{"history_months", 0, 1200, []float64{12, 24, 60, 120, 180, 240, 360}},
}

// scoreEdges are those by which scores are counted.
var scoreEdges = []float64{.1, .2, .3, .4, .5, .6, .7, .8, .9}

// checkApplication says which fields are missing or out of range.
func checkApplication(a application) error {
	var problems []string
	for _, field := range fields {
		value, present := a[field.name]
		switch {
		case !present:
			problems = append(problems, field.name+" is missing")
		case !(value >= field.lowest && value <= field.highest): // refuses NaN, too
			problems = append(problems, fmt.Sprintf("%s must be from %g to %g", field.name, field.lowest, field.highest))
		}
	}
	if problems != nil {
		return errors.New(strings.Join(problems, "; "))
	}
	return nil
}

// model is what is fitted: an income counts by how it compares with those of all applicants.
type model struct {
	typicalIncome float64 // the median
}

// usualIncome is the median of the applicants that the weights were made for.
const usualIncome = 42000

// terms are the model: logit(p) = bias + Σ weight · feature, where p is the probability that the loan is repaid.
var terms = []struct {
	name    string
	weight  float64
	feature func(model, application) float64
}{
	{"income", 0.012, func(m model, a application) float64 { return a["income"] / (m.typicalIncome / (usualIncome / 1000)) }},
	{"debt_to_income", -2.4, func(_ model, a application) float64 { return a["debt"] / a["income"] }},
	{"requested_to_income", -1.6, func(_ model, a application) float64 { return a["requested_amount"] / a["income"] }},
	{"late_payments", -0.55, func(_ model, a application) float64 { return a["late_payments"] }},
	{"history_years", 0.09, func(_ model, a application) float64 { return a["history_months"] / 12 }},
}

const (
	bias         = 1.2
	approveFrom  = 0.6
	declineBelow = 0.4 // between the two a person decides
)

type assessment struct {
	score    float64  // probability of repayment
	decision string   // approve, review or decline
	reasons  []string // the terms that lowered the score, the strongest first
}

// assess scores an application that checkApplication has accepted.
func (m model) assess(a application) assessment {
	logit := bias
	lowering := map[string]float64{}
	for _, term := range terms {
		contribution := term.weight * term.feature(m, a)
		logit += contribution
		if contribution < 0 {
			lowering[term.name] = contribution
		}
	}
	result := assessment{score: 1 / (1 + math.Exp(-logit)), decision: "review", reasons: []string{}}
	switch {
	case result.score >= approveFrom:
		result.decision = "approve"
	case result.score < declineBelow:
		result.decision = "decline"
	}
	for name := range lowering {
		result.reasons = append(result.reasons, name)
	}
	slices.SortFunc(result.reasons, func(x, y string) int {
		return cmp.Or(cmp.Compare(lowering[x], lowering[y]), cmp.Compare(x, y))
	})
	return result
}
