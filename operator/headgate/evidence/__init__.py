"""The judge: pure functions from counter samples to verdicts. No I/O, no clock, no randomness."""
