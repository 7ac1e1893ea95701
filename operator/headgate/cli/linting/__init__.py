"""Manifests checked together before they reach a cluster. Pure, but for reading files."""
