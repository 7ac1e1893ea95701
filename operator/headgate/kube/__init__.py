"""Thin input and output towards the Kubernetes API, and pure builders of the objects Headgate writes. No decisions are made here."""
