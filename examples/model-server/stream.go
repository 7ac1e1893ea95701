package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	tokenInterval        = 500 * time.Millisecond
	defaultStreamSeconds = 60
	maxStreamSeconds     = 600
)

// stream answers like score, with the explanation told token by token as server-sent events over `seconds` (query, 1 to 600).
// Each event is {"index", "token"}; the last one, of type `end`, has the number of tokens, the answer and the version.
func (s *service) stream(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	s.metrics.inFlight.Add(1)
	defer s.metrics.inFlight.Add(-1)

	application, refusal := readApplication(w, r)
	seconds, err := strconv.Atoi(r.URL.Query().Get("seconds"))
	switch {
	case !r.URL.Query().Has("seconds"):
		seconds = defaultStreamSeconds
	case refusal == nil && (err != nil || seconds < 1 || seconds > maxStreamSeconds):
		refusal = badSeconds
	}
	if !s.behave(w, r, refusal) {
		return
	}
	group := groupOf(r)
	code, answer := s.answer(application, group, refusal)
	s.metrics.answered(group, code, time.Since(begun)) // to the first byte: how long the telling takes is the client's wish
	if code != http.StatusOK {
		s.reply(w, code, answer)
		return
	}
	s.head(w, "text/event-stream")
	s.tell(w, r, answer, int(time.Duration(seconds)*time.Second/s.interval))
}

var badSeconds = &refusal{http.StatusBadRequest, fmt.Sprintf("seconds must be a number from 1 to %d", maxStreamSeconds)}

// tell writes n tokens and the end, and leaves out the rest when the client has gone.
func (s *service) tell(w http.ResponseWriter, r *http.Request, answer map[string]any, n int) {
	words := strings.Fields(fmt.Sprintf("The application is to be decided as %v because of %v .", answer["decision"], answer["reasons"]))
	flush := http.NewResponseController(w).Flush
	for i := range n {
		fmt.Fprintf(w, "data: {\"index\":%d,\"token\":%q}\n\n", i, words[i%len(words)])
		if flush() != nil || !pause(r.Context(), s.interval) {
			panic(http.ErrAbortHandler) // returning would end a broken stream in good order
		}
	}
	answer["tokens"], answer["version"] = n, s.settings.version
	end, err := json.Marshal(answer)
	if err != nil {
		panic(err)
	}
	fmt.Fprintf(w, "event: end\ndata: %s\n\n", end)
}
