package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httputil"
	"strconv"
	"strings"
)

// api is the API server as the faults let it be seen.
type api struct {
	proxy  *httputil.ReverseProxy
	faults *faults
}

var errDropped = errors.New("the answer is dropped")

func newAPI(proxy *httputil.ReverseProxy, faults *faults) *api {
	a := &api{proxy, faults}
	proxy.ModifyResponse = a.answered
	proxy.ErrorHandler = func(http.ResponseWriter, *http.Request, error) { panic(http.ErrAbortHandler) }
	return a
}

func isWatch(r *http.Request) bool { return r.URL.Query().Get("watch") != "" }

// isWrite tells requests that change objects from those that ask, dry runs among them.
func isWrite(r *http.Request) bool {
	if r.Method == http.MethodGet || r.Method == http.MethodHead || r.URL.Query().Get("dryRun") != "" {
		return false
	}
	return !strings.HasPrefix(r.URL.Path, "/apis/authorization.k8s.io/")
}

func (a *api) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	takeIn(r)
	one, goes := a.faults.wait(r)
	if !goes {
		panic(http.ErrAbortHandler)
	}
	if one != nil && one.Kind == status {
		if isWrite(r) {
			a.faults.ledger.add(r, one.Status, true)
		}
		refuseWith(w, r, one)
		return
	}
	if !isWrite(r) {
		if a.faults.ledger.stopped() {
			a.faults.ledger.stay(r)
		}
		a.proxy.ServeHTTP(w, r)
		return
	}
	// One write after the other while they are counted out: none may slip through behind the last one.
	leave := a.faults.ledger.enter(r)
	defer leave()
	a.proxy.ServeHTTP(w, r.WithContext(withFault(r.Context(), one)))
}

// answered sees each answer of the server before the operator does.
func (a *api) answered(response *http.Response) error {
	r := response.Request
	if isWatch(r) && response.StatusCode == http.StatusOK {
		response.Body = a.faults.watching(response.Body, r)
		return nil
	}
	if !isWrite(r) {
		return nil
	}
	one := faultOf(r.Context())
	dropped := one != nil && one.Kind == lost
	if a.faults.ledger.add(r, response.StatusCode, dropped) {
		a.faults.ledger.stay(r)
	}
	if dropped {
		return errDropped
	}
	return nil
}

var reasons = map[int]string{http.StatusConflict: "Conflict", http.StatusTooManyRequests: "TooManyRequests", http.StatusForbidden: "Forbidden",
	http.StatusInternalServerError: "InternalError", http.StatusServiceUnavailable: "ServiceUnavailable", http.StatusGone: "Expired"}

// refuseWith answers as the API server does: with a Status object.
func refuseWith(w http.ResponseWriter, r *http.Request, one *fault) {
	body := statusOf(one.Status, fmt.Sprintf("%s %s: refused by the test", r.Method, r.URL.Path))
	if one.RetryAfter > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(one.RetryAfter))
		body["details"] = map[string]any{"retryAfterSeconds": one.RetryAfter}
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(one.Status)
	json.NewEncoder(w).Encode(body)
}

func statusOf(code int, message string) map[string]any {
	return map[string]any{"kind": "Status", "apiVersion": "v1", "metadata": map[string]any{}, "status": "Failure",
		"message": message, "reason": reasons[code], "code": code}
}
