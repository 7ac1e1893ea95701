"""The documentation: reference pages made from code, and what its site needs. `python -m docs` (in hack/) writes docs/reference."""
