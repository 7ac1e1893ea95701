package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
)

// histogram of the Prometheus text format. It has no lock: whoever owns it has one.
type histogram struct {
	edges   []float64 // upper edges of the buckets; +Inf follows
	buckets []uint64
	sum     float64
}

func newHistogram(edges []float64) *histogram {
	return &histogram{edges: edges, buckets: make([]uint64, len(edges)+1)}
}

func (h *histogram) observe(value float64) {
	bucket, _ := slices.BinarySearch(h.edges, value) // the first edge at or above it: le is inclusive
	h.buckets[bucket]++
	h.sum += value
}

// write renders all series; labels are written as they are, like group="A".
func (h *histogram) write(w io.Writer, name string, labels ...string) {
	var count uint64
	for i, n := range h.buckets {
		count += n
		edge := "+Inf"
		if i < len(h.edges) {
			edge = strconv.FormatFloat(h.edges[i], 'g', -1, 64)
		}
		fmt.Fprintf(w, "%s_bucket{%s} %d\n", name, strings.Join(append(slices.Clone(labels), fmt.Sprintf("le=%q", edge)), ","), count)
	}
	own := ""
	if len(labels) > 0 {
		own = "{" + strings.Join(labels, ",") + "}"
	}
	fmt.Fprintf(w, "%s_sum%s %g\n%s_count%s %d\n", name, own, h.sum, name, own, count)
}
