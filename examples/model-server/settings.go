package main

import (
	"errors"
	"fmt"
	"strconv"
	"time"
)

// fault is a way in which every score request goes wrong.
type fault string

const (
	faultNone   fault = ""
	faultReject fault = "REJECT" // answers 422 to valid input
	faultHang   fault = "HANG"   // accepts and never answers
	faultCrash  fault = "CRASH"  // resets the connection and exits
)

type settings struct {
	version      string
	port         int           // 0 = any free port
	errorRate    float64       // share of valid requests answered 500, 0 to 1
	errorRateB   float64       // the same of group B alone, beside it
	unfair       float64       // share of the approvals of group B that become declines, 0 to 1
	lessValue    float64       // share of the offers taken otherwise that are not, 0 to 1
	failAfter    time.Duration // from start until every valid request is answered 500; 0 = never
	failFor      time.Duration // for how long they are from then on; 0 = for good
	addedLatency time.Duration // on top of the base distribution
	fault        fault
	readyDelay   time.Duration // from start until /readyz says yes
	drain        time.Duration // from SIGTERM until connections are closed; served normally meanwhile

	typicalIncome float64 // the fitted parameter of the model; 0 = usualIncome
	keptRequests  int     // the newest applications that are kept for fitting
}

// maxSeconds keeps a mistyped unit from overflowing a duration.
const maxSeconds = 86400

// maxKept bounds the memory that kept applications take.
const maxKept = 100_000

// readSettings reads the environment. The error names every variable that cannot be used.
func readSettings(getenv func(string) string) (settings, error) {
	var problems []error
	number := func(name string, fallback, highest float64) float64 {
		text := getenv(name)
		if text == "" {
			return fallback
		}
		value, err := strconv.ParseFloat(text, 64)
		if err != nil || !(value >= 0 && value <= highest) {
			problems = append(problems, fmt.Errorf("%s=%q: want a number from 0 to %g", name, text, highest))
		}
		return value
	}
	seconds := func(value float64) time.Duration { return time.Duration(value * float64(time.Second)) }

	result := settings{
		version:      getenv("VERSION"),
		port:         int(number("PORT", 8080, 65535)),
		errorRate:    number("ERROR_RATE", 0, 1),
		errorRateB:   number("ERROR_RATE_B", 0, 1),
		unfair:       number("UNFAIR", 0, 1),
		lessValue:    number("LESS_VALUE", 0, 1),
		failAfter:    seconds(number("FAIL_AFTER", 0, maxSeconds)),
		failFor:      seconds(number("FAIL_FOR", 0, maxSeconds)),
		addedLatency: seconds(number("LATENCY_MS", 0, maxSeconds*1e3) / 1e3),
		readyDelay:   seconds(number("READY_DELAY", 0, maxSeconds)),
		drain:        seconds(number("DRAIN_SECONDS", 3, maxSeconds)),

		typicalIncome: number("TYPICAL_INCOME", 0, 1e8),
		keptRequests:  int(number("KEPT_REQUESTS", 0, maxKept)),
	}
	if result.version == "" {
		result.version = "dev"
	}
	for _, candidate := range []fault{faultReject, faultHang, faultCrash} {
		text := getenv(string(candidate))
		wanted, err := strconv.ParseBool(text)
		switch {
		case text == "" || err == nil && !wanted:
		case err != nil:
			problems = append(problems, fmt.Errorf("%s=%q: want 1 or 0", candidate, text))
		case result.fault != faultNone:
			problems = append(problems, fmt.Errorf("%s and %s exclude each other", result.fault, candidate))
		default:
			result.fault = candidate
		}
	}
	return result, errors.Join(problems...)
}
