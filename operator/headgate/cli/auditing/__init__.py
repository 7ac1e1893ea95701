"""Commands of the people who check afterwards what was decided."""
