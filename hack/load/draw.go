package main

import (
	"fmt"
	"regexp"
	"strconv"
)

// ranges stand in URLs for numbers to be drawn.
var ranges = regexp.MustCompile(`\{(\d{1,15})\.\.(\d{1,15})\}`)

// drawn is text with a number in place of each range, every one of it equally likely. below draws a number from 0 to n − 1.
func drawn(text string, below func(n int) int) string {
	return ranges.ReplaceAllStringFunc(text, func(found string) string {
		lowest, highest := bounds(found)
		return strconv.Itoa(lowest + below(highest-lowest+1))
	})
}

func checkRanges(text string) error {
	for _, found := range ranges.FindAllString(text, -1) {
		if lowest, highest := bounds(found); lowest > highest {
			return fmt.Errorf("%s: the first number must not be above the second", found)
		}
	}
	return nil
}

// bounds of what the pattern has matched: at most 15 digits, so that both are ints.
func bounds(found string) (lowest, highest int) {
	parts := ranges.FindStringSubmatch(found)
	lowest, _ = strconv.Atoi(parts[1])
	highest, _ = strconv.Atoi(parts[2])
	return lowest, highest
}
