package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strconv"
	"strings"
	"time"
)

// Kinds that only a Prometheus can show. Those that are about series touch the ones that `series` names.
const (
	nan       = "nan"
	infinite  = "infinite"
	empty     = "empty"     // a good answer with nothing in it
	several   = "several"   // each series once more, of a process that counts nothing
	duplicate = "duplicate" // each series twice, as from two replicas of the Prometheus
	gap       = "gap"       // what is sampled meanwhile is never seen: a lost scrape, or a stale series
	reset     = "reset"     // counters begin from 0 when it begins, and stay lower for ever
	without   = "without"   // series that do not exist
	garbled   = "garbled"
	partial   = "partial" // an answer that says it is incomplete
	skew      = "skew"    // its clock is `seconds` ahead of ours
)

type prometheus struct {
	proxy  *httputil.ReverseProxy
	faults *faults
}

type series struct {
	Metric map[string]string `json:"metric"`
	Values [][2]any          `json:"values"`
}

type matrix struct {
	Status string `json:"status"`
	Data   struct {
		ResultType string    `json:"resultType"`
		Result     []*series `json:"result"`
	} `json:"data"`
	Warnings []string `json:"warnings,omitempty"`
}

func newPrometheus(proxy *httputil.ReverseProxy, faults *faults) *prometheus {
	p := &prometheus{proxy, faults}
	proxy.ModifyResponse = p.answered
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	return p
}

func (p *prometheus) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	takeIn(r)
	one, goes := p.faults.wait(r)
	if !goes {
		panic(http.ErrAbortHandler)
	}
	if one != nil && one.Kind == status {
		http.Error(w, "refused by the test", one.Status)
		return
	}
	if one != nil && one.Kind == skew {
		if err := shiftTime(r, -one.Seconds); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
	}
	// The transport compresses and decompresses by itself; what passes here is to be read.
	r.Header.Del("Accept-Encoding")
	p.proxy.ServeHTTP(w, r.WithContext(withFault(r.Context(), one)))
}

// shiftTime asks for another moment than the form does.
func shiftTime(r *http.Request, seconds float64) error {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return err
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return err
	}
	at, err := strconv.ParseFloat(form.Get("time"), 64)
	if err != nil {
		return err
	}
	form.Set("time", strconv.FormatFloat(at+seconds, 'f', 3, 64))
	text := form.Encode()
	r.Body, r.ContentLength = io.NopCloser(strings.NewReader(text)), int64(len(text))
	r.Header.Set("Content-Length", strconv.Itoa(len(text)))
	return nil
}

func (p *prometheus) answered(response *http.Response) error {
	one := faultOf(response.Request.Context())
	if one != nil && one.Kind == lost {
		return errDropped
	}
	if response.StatusCode != http.StatusOK {
		return nil
	}
	body, err := io.ReadAll(response.Body)
	response.Body.Close()
	if err != nil {
		return err
	}
	var found matrix
	if err := json.Unmarshal(body, &found); err != nil {
		return err
	}
	for _, past := range p.faults.past() {
		past.change(&found)
	}
	if one != nil {
		one.change(&found)
		if one.Kind == skew {
			response.Header.Set("Date", time.Now().Add(time.Duration(one.Seconds*float64(time.Second))).UTC().Format(http.TimeFormat))
		}
	}
	if body, err = json.Marshal(found); err != nil {
		return err
	}
	if one != nil && one.Kind == garbled {
		body = body[:len(body)/2]
	}
	response.Body, response.ContentLength = io.NopCloser(bytes.NewReader(body)), int64(len(body))
	response.Header.Set("Content-Length", strconv.Itoa(len(body)))
	return nil
}

func (f *fault) ended(now time.Time) *fault {
	f.until = seconds(now)
	return f
}

func seconds(at time.Time) float64 { return float64(at.UnixMicro()) / 1e6 }

// past gives what has changed the history of the counters, in the order in which it happened.
func (f *faults) past() []*fault {
	f.mutex.Lock()
	defer f.mutex.Unlock()
	return append([]*fault{}, f.over...)
}

// change breaks an answer.
func (f *fault) change(found *matrix) {
	if f.Kind == partial {
		found.Warnings = []string{"1 of 2 stores did not answer: by the test"}
		return
	}
	kept := []*series{}
	for _, one := range found.Data.Result {
		if !f.series.MatchString(one.Metric["__name__"] + " " + one.Metric["envoy_cluster_name"] + " " + one.Metric["envoy_response_code"]) {
			kept = append(kept, one)
			continue
		}
		kept = append(kept, f.changed(one)...)
	}
	found.Data.Result = kept
}

// changed gives what one series becomes.
func (f *fault) changed(one *series) []*series {
	switch f.Kind {
	case nan, infinite:
		value := map[string]string{nan: "NaN", infinite: "+Inf"}[f.Kind]
		return one.with(func(at, _ float64) (float64, string, bool) { return at, value, true })
	case empty, without:
		return nil
	case several:
		other := one.with(func(at, _ float64) (float64, string, bool) { return at, "1", true })
		other[0].Metric["instance"], other[0].Metric["pod"] = "192.0.2.1:19001", "another"
		return append(other, one)
	case duplicate:
		other := one.with(func(at, value float64) (float64, string, bool) { return at, number(value), true })
		other[0].Metric["prometheus_replica"] = "b"
		return append(other, one)
	case gap:
		return one.with(func(at, value float64) (float64, string, bool) {
			return at, number(value), at < seconds(f.begun) || f.until > 0 && at > f.until
		})
	case reset:
		base := f.baseOf(one)
		return one.with(func(at, value float64) (float64, string, bool) {
			if at < seconds(f.begun) {
				return at, number(value), true
			}
			return at, number(math.Max(0, value-base)), true
		})
	case skew:
		return one.with(func(at, value float64) (float64, string, bool) { return at + f.Seconds, number(value), true })
	}
	return []*series{one}
}

// baseOf is the value at which a counter stood when it was reset.
func (f *fault) baseOf(one *series) float64 {
	f.lock.Lock()
	defer f.lock.Unlock()
	if f.base == nil {
		f.base = map[string]float64{}
	}
	labels, _ := json.Marshal(one.Metric)
	if base, known := f.base[string(labels)]; known {
		return base
	}
	base := 0.0
	for _, point := range one.Values {
		if at, value := read(point); at < seconds(f.begun) {
			base = value
		}
	}
	f.base[string(labels)] = base
	return base
}

// with gives a copy of the series with each point as `change` makes it, if it keeps it.
func (s *series) with(change func(at, value float64) (float64, string, bool)) []*series {
	labels := map[string]string{}
	for name, value := range s.Metric {
		labels[name] = value
	}
	points := [][2]any{}
	for _, point := range s.Values {
		if at, value, keep := change(read(point)); keep {
			points = append(points, [2]any{at, value})
		}
	}
	if len(points) == 0 {
		return nil
	}
	return []*series{{Metric: labels, Values: points}}
}

func read(point [2]any) (float64, float64) {
	at, _ := point[0].(float64)
	text, _ := point[1].(string)
	value, _ := strconv.ParseFloat(text, 64)
	return at, value
}

func number(value float64) string { return strconv.FormatFloat(value, 'f', -1, 64) }
