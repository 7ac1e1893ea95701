"""Telling people and programs outside the cluster. Nothing here decides anything, and nobody waits for it."""
