"""Commands that show where a model stands, and why."""
