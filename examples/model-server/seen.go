package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
)

// seen counts what scored applications are like and what was said about them, and keeps the newest ones.
type seen struct {
	mutex  sync.Mutex
	fields map[string]*histogram
	scores *histogram
	kept   []application // a ring: next is the oldest once it is full
	most   int
	next   int
}

func newSeen(most int) *seen {
	made := &seen{fields: map[string]*histogram{}, scores: newHistogram(scoreEdges), most: most}
	for _, field := range fields {
		made.fields[field.name] = newHistogram(field.edges)
	}
	return made
}

func (s *seen) scored(a application, score float64) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	for name, counted := range s.fields {
		counted.observe(a[name])
	}
	s.scores.observe(score)
	switch {
	case len(s.kept) < s.most:
		s.kept = append(s.kept, a)
	case s.most > 0:
		s.kept[s.next] = a
		s.next = (s.next + 1) % s.most
	}
}

func (s *seen) write(w io.Writer) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	fmt.Fprint(w, "# HELP headgate_feature Values of scored applications, by field.\n# TYPE headgate_feature histogram\n")
	for _, field := range fields {
		s.fields[field.name].write(w, "headgate_feature", fmt.Sprintf("feature=%q", field.name))
	}
	fmt.Fprint(w, "# HELP headgate_score Scores that were answered.\n# TYPE headgate_score histogram\n")
	s.scores.write(w, "headgate_score")
}

// tell answers with the kept applications, oldest first, a JSON object each line.
func (s *seen) tell(w http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	kept := append(append([]application{}, s.kept[s.next:]...), s.kept[:s.next]...)
	s.mutex.Unlock()
	w.Header().Set("Content-Type", "application/x-ndjson")
	lines := json.NewEncoder(w)
	for _, one := range kept {
		if lines.Encode(one) != nil {
			return // the client left
		}
	}
}
