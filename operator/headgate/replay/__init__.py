"""The Job that compares answers: `python -m headgate replay`. It talks to two Services, and to no API server."""
