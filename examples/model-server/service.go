package main

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"strconv"
	"sync/atomic"
	"time"
)

// maxBody is far above any application.
const maxBody = 64 << 10

type service struct {
	settings settings
	latency  func() time.Duration
	uniform  func() float64
	exit     func(code int)
	interval time.Duration // between two events of a stream
	started  time.Time
	draining atomic.Bool
	metrics  *metrics
	decided  *decisions
	value    *value
	model    model
	seen     *seen
}

func newService(settings settings) *service {
	return &service{
		settings: settings,
		latency:  func() time.Duration { return settings.addedLatency + baseLatency(rand.ExpFloat64) },
		uniform:  rand.Float64,
		exit:     os.Exit,
		interval: tokenInterval,
		started:  time.Now(),
		metrics:  newMetrics(),
		decided:  newDecisions(),
		value:    newValue(),
		model:    model{cmp.Or(settings.typicalIncome, usualIncome)},
		seen:     newSeen(settings.keptRequests),
	}
}

func (s *service) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", s.ready)
	mux.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4; charset=utf-8")
		s.metrics.write(w, s.settings.version, s.started)
		s.decided.write(w)
		s.value.write(w)
		s.seen.write(w)
	})
	mux.HandleFunc("GET /requests", s.seen.tell)
	mux.HandleFunc("GET /v1/score", s.score)
	mux.HandleFunc("POST /v1/score", s.score)
	mux.HandleFunc("GET /v1/score/stream", s.stream)
	mux.HandleFunc("POST /v1/score/stream", s.stream)
	return mux
}

// ready knows nothing of the faults: a release that fails its users while its probes pass is the case worth showing.
func (s *service) ready(w http.ResponseWriter, _ *http.Request) {
	switch {
	case s.draining.Load():
		http.Error(w, "draining", http.StatusServiceUnavailable)
	case time.Since(s.started) < s.settings.readyDelay:
		http.Error(w, "starting", http.StatusServiceUnavailable)
	default:
		fmt.Fprintln(w, "ok")
	}
}

func (s *service) score(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	s.metrics.inFlight.Add(1)
	defer s.metrics.inFlight.Add(-1)

	application, refusal := readApplication(w, r) // reads the body to its end: only then does net/http notice that the client left
	if !s.behave(w, r, refusal) {
		return
	}
	group := groupOf(r)
	code, answer := s.answer(application, group, refusal)
	s.metrics.answered(group, code, time.Since(begun))
	s.reply(w, code, answer)
}

// behave takes the time that an answer takes, or goes wrong as it was told to. It says whether there is anything to answer.
func (s *service) behave(w http.ResponseWriter, r *http.Request, refusal *refusal) bool {
	switch s.settings.fault {
	case faultHang:
		<-r.Context().Done()
		panic(http.ErrAbortHandler) // returning would send an empty 200
	case faultCrash:
		s.crash(w)
		return false
	}
	if refusal == nil && !pause(r.Context(), s.latency()) {
		panic(http.ErrAbortHandler)
	}
	return true
}

// failing says whether it is time to fail, so long after the start.
func (s *service) failing(age time.Duration) bool {
	after := age - s.settings.failAfter
	return s.settings.failAfter > 0 && after >= 0 && (s.settings.failFor == 0 || after < s.settings.failFor)
}

func (s *service) answer(a application, group string, refusal *refusal) (int, map[string]any) {
	switch {
	case refusal != nil:
		return refusal.code, map[string]any{"error": refusal.reason}
	case s.settings.fault == faultReject:
		return http.StatusUnprocessableEntity, map[string]any{"error": "the application was refused (REJECT is set)"}
	case s.failing(time.Since(s.started)):
		return http.StatusInternalServerError, map[string]any{"error": "the model failed (FAIL_AFTER is over)"}
	case s.uniform() < s.settings.errorRate:
		return http.StatusInternalServerError, map[string]any{"error": "the model failed (ERROR_RATE is set)"}
	case group == "B" && s.uniform() < s.settings.errorRateB:
		return http.StatusInternalServerError, map[string]any{"error": "the model failed (ERROR_RATE_B is set)"}
	}
	result := s.model.assess(a)
	s.seen.scored(a, result.score)
	if group == "B" && result.decision == "approve" && s.uniform() < s.settings.unfair {
		result.decision = "decline"
	}
	s.decided.decided(group, result.decision)
	s.value.answered(result.decision, a["requested_amount"], s.settings.lessValue)
	return http.StatusOK, map[string]any{"score": result.score, "decision": result.decision, "reasons": result.reasons}
}

// reply writes an answer far below net/http's 4 KiB buffer, so head and body leave in one packet and no delayed ACK stalls it.
func (s *service) reply(w http.ResponseWriter, code int, answer map[string]any) {
	answer["version"] = s.settings.version
	body, err := json.Marshal(answer)
	if err != nil {
		panic(err) // only a non-finite score could do this, and checkApplication excludes it
	}
	s.head(w, "application/json")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)+1))
	w.WriteHeader(code)
	_, _ = w.Write(append(body, '\n')) // a client that left is not our failure
}

// head sets what all answers say.
func (s *service) head(w http.ResponseWriter, contentType string) {
	header := w.Header()
	header.Set("Content-Type", contentType)
	header.Set("X-Model-Version", s.settings.version)
	if s.draining.Load() {
		header.Set("Connection", "close") // empties the clients' pools before the listener goes away
	}
}

// crash ends the connection with a reset instead of a FIN, and the process with code 1.
func (s *service) crash(w http.ResponseWriter) {
	connection, _, err := http.NewResponseController(w).Hijack()
	if err == nil {
		if tcp, ok := connection.(*net.TCPConn); ok {
			_ = tcp.SetLinger(0)
		}
		_ = connection.Close()
	}
	s.exit(1)
}

// refusal is why a request is not an application.
type refusal struct {
	code   int
	reason string
}

// readApplication takes the fields from the query of a GET or the JSON body of a POST; it ignores fields it does not know.
func readApplication(w http.ResponseWriter, r *http.Request) (application, *refusal) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &refusal{http.StatusRequestEntityTooLarge, err.Error()}
	case err != nil:
		return nil, &refusal{http.StatusBadRequest, err.Error()}
	}
	read := application{}
	if r.Method == http.MethodPost {
		err = readJSON(body, read)
	} else {
		err = readQuery(r, read)
	}
	if err != nil {
		return nil, &refusal{http.StatusBadRequest, err.Error()}
	}
	if err := checkApplication(read); err != nil {
		return nil, &refusal{http.StatusUnprocessableEntity, err.Error()}
	}
	return read, nil
}

func readJSON(body []byte, into application) error {
	var object map[string]any
	if err := json.Unmarshal(body, &object); err != nil {
		return fmt.Errorf("want a JSON object: %w", err)
	}
	for _, field := range fields {
		value, present := object[field.name]
		if !present {
			continue
		}
		number, ok := value.(float64)
		if !ok {
			return fmt.Errorf("%s must be a number", field.name)
		}
		into[field.name] = number
	}
	return nil
}

func readQuery(r *http.Request, into application) error {
	query := r.URL.Query()
	for _, field := range fields {
		if !query.Has(field.name) {
			continue
		}
		number, err := strconv.ParseFloat(query.Get(field.name), 64)
		if err != nil {
			return fmt.Errorf("%s must be a number", field.name)
		}
		into[field.name] = number
	}
	return nil
}
