package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// readStream reads server-sent events until the body ends. Each event's data is a JSON object: {"index": n} counts from 0
// without a gap, and the last event, of type `end`, says {"tokens": how many there were}. Anything else is an error: a
// stream that a gateway closes in good order between two events looks like a complete answer to HTTP.
func readStream(body io.Reader) (answer, error) {
	var got answer
	var event string
	ended := false
	lines := bufio.NewReader(body)
	for {
		line, err := lines.ReadString('\n')
		got.bytes += len(line)
		if err == io.EOF && ended && strings.TrimSpace(line) == "" {
			return got, nil
		}
		if err == io.EOF {
			return got, fmt.Errorf("closed after %d chunks, before its end", got.chunks)
		}
		if err != nil {
			return got, err
		}
		name, value, _ := strings.Cut(strings.TrimSpace(line), ": ")
		switch name {
		case "event":
			event = value
		case "data":
			if ended {
				return got, fmt.Errorf("went on after its end, with %q", value)
			}
			if ended, err = got.take(event, value); err != nil {
				return got, err
			}
		case "":
			event = ""
		}
	}
}

// take adds one event, and says whether it was the last.
func (a *answer) take(event, data string) (bool, error) {
	said := struct {
		Index, Tokens int
		Version       string
	}{Index: -1, Tokens: -1}
	if err := json.Unmarshal([]byte(data), &said); err != nil {
		return false, fmt.Errorf("chunk %d is no JSON object: %w", a.chunks, err)
	}
	if said.Version != "" {
		a.version = said.Version
	}
	switch {
	case event == "end" && said.Tokens != a.chunks:
		return false, fmt.Errorf("%d chunks came of %d", a.chunks, said.Tokens)
	case event == "end":
		return true, nil
	case said.Index != a.chunks:
		return false, fmt.Errorf("chunk %d came where %d was due", said.Index, a.chunks)
	}
	a.chunks++
	return false, nil
}
