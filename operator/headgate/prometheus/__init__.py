"""Reading counters from Prometheus: what to ask, how to ask it, and what the answer says. Decides nothing."""
