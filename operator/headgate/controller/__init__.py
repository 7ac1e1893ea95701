"""The running operator: watch, observe, decide, apply. The only part with a clock, an event loop and a leader."""
