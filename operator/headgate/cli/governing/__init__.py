"""Commands of the people who decide."""
