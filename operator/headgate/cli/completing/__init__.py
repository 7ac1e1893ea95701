"""Completion of what is typed, in shells and under kubectl."""
