"""Live models: what is asked about them, what is remembered of the answers, and what that says. Pure."""
