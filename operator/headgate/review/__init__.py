"""Human review for applications that act on a model's answers: which cases a person sees, in which order that person learns what, what is
kept of it, and the counters by which Headgate watches whether the review does anything.

Needs nothing beyond the standard library. `prometheus_client` is used where an application hands `ReviewMetrics` to a registry of it.
"""

from headgate.review.bounds import TooFewCases, error_bound, fewest_cases
from headgate.review.calibration import Calibration, Labelled, calibrate
from headgate.review.independent import Case, DecidedReview, OpenReview, Suggestion
from headgate.review.metrics import Reviewers, ReviewMetrics
from headgate.review.modes import ReviewMode
from headgate.review.record import ReviewRecord
from headgate.review.routing import Route, Router
from headgate.review.sampling import AuditSampling
from headgate.review.seeding import SeededCase, SeededError, Seeding, SeedOutcome

__all__ = [
    "AuditSampling",
    "Calibration",
    "Case",
    "DecidedReview",
    "Labelled",
    "OpenReview",
    "ReviewMetrics",
    "ReviewMode",
    "ReviewRecord",
    "Reviewers",
    "Route",
    "Router",
    "SeedOutcome",
    "SeededCase",
    "SeededError",
    "Seeding",
    "Suggestion",
    "TooFewCases",
    "calibrate",
    "error_bound",
    "fewest_cases",
]
