"""Latency as shares of slow requests, from cumulative buckets and native histograms."""
