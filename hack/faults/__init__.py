"""Operators as processes of this machine behind proxies that break what they depend on: for tests of faults."""
