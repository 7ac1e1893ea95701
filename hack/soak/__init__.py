"""The soak: an hour of rollouts under load, measured each minute, to see what only time shows."""
