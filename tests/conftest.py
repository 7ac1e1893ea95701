"""What holds for all tests."""

from hypothesis import settings

# How long an example takes is said by the machine and by what else it does: tests/bench counts instead.
settings.register_profile("headgate", deadline=None)
settings.load_profile("headgate")
