"""Headgate: progressive delivery of machine-learning models by approvals and measured behaviour."""

__version__ = "0.1.0"
