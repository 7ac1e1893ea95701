package main

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strconv"
	"time"
)

// controlOf is the control port:
//
//	PUT /faults            a list of faults: all that is broken from now on
//	GET /watches           how many are open
//	POST /watches/{how}    ends all watches: expire, cut
//	PUT /stop-after/{n}    n more writes, then nothing passes; 0 gives this up. ?without=REGEXP: writes that do not count, by path
//	GET /writes            {"stopped": whether the count is reached, "writes": [...]}
func controlOf(faults *faults) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("PUT /faults", func(w http.ResponseWriter, r *http.Request) {
		var wanted []*fault
		if err := json.NewDecoder(r.Body).Decode(&wanted); err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		faults.set(wanted, time.Now())
	})
	mux.HandleFunc("POST /watches/{how}", func(w http.ResponseWriter, r *http.Request) {
		how := r.PathValue("how")
		if how != expire && how != cut {
			http.Error(w, "watches can expire or be cut", http.StatusBadRequest)
			return
		}
		answer(w, faults.order(how))
	})
	mux.HandleFunc("GET /watches", func(w http.ResponseWriter, _ *http.Request) { answer(w, faults.watches()) })
	mux.HandleFunc("PUT /stop-after/{n}", func(w http.ResponseWriter, r *http.Request) {
		n, err := strconv.Atoi(r.PathValue("n"))
		if err != nil || n < 0 {
			http.Error(w, "after how many writes?", http.StatusBadRequest)
			return
		}
		without, err := regexp.Compile(r.URL.Query().Get("without"))
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		faults.ledger.stopAfter(n, without)
	})
	mux.HandleFunc("GET /writes", func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"stopped": faults.ledger.stopped(), "writes": faults.ledger.all()})
	})
	return mux
}

func answer(w http.ResponseWriter, value any) {
	w.Header().Set("Content-Type", "application/json")
	json.NewEncoder(w).Encode(value)
}
