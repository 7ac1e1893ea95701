"""Whether every copy of a request was sent: counted by the gateway, in shadow, after warm-up."""

import pytest
from tests.unit.evidence.gateway import Gateway, exposure

from headgate.evidence import attempt
from headgate.evidence.check import Question
from headgate.evidence.counting.series import Arm
from headgate.evidence.view import MirrorReading

SHADOW = {"candidate": Arm.MIRROR, "share": 0.0, "mirrored": 1.0, "stage_name": "shadow"}
WARMUP = 2
SECONDS = 60


def shadowed(copies, *, mirrored=1.0, serve_mirror=True, until=SECONDS, **changes):
    """`copies` of 100 requests are sent each second."""
    gateway = Gateway()
    for time in range(until):
        gateway.serve(Arm.STABLE, 100 if time else 0)
        if serve_mirror:
            gateway.serve(Arm.MIRROR, copies if time else 0)
        gateway.scrape(time)
    told = exposure(**{**SHADOW, "mirrored": mirrored, **changes})
    question = Question(checks=(), guards=(), alpha=0.05, beta=0.05, interval=1.0, warmup=float(WARMUP), stage_blocks=(100,))
    state = attempt.observe(attempt.begin(question, told), question, told, gateway.answer(), float(until))
    return attempt.read(state, question, told, float(until)).mirror


JUDGED = SECONDS - 1 - WARMUP


@pytest.mark.parametrize(("copies", "mirrored"), [(100, 1.0), (97, 1.0), (10, 0.1), (0, 1.0)])
def test_copies_are_counted_against_those_due_after_warm_up(copies, mirrored):
    found = shadowed(copies, mirrored=mirrored)
    assert found == MirrorReading(100 * JUDGED, pytest.approx(100 * JUDGED * mirrored), copies * JUDGED)


def test_a_process_that_has_no_counter_of_copies_owes_them_all():
    assert shadowed(0, serve_mirror=False) == MirrorReading(100 * JUDGED, pytest.approx(100.0 * JUDGED), 0)


def test_nothing_is_known_of_copies_where_the_counters_are_not_the_gateways():
    assert shadowed(100, sees_missing=False) is None


def test_nothing_is_known_of_copies_before_the_mirror_is_in_force():
    assert shadowed(100, since=None) is None


def test_with_users_there_are_no_copies_to_count():
    assert shadowed(100, candidate=Arm.CANDIDATE, share=0.5) is None


def test_a_stage_that_begins_anew_counts_anew():
    gateway = Gateway()
    question = Question(checks=(), guards=(), alpha=0.05, beta=0.05, interval=1.0, warmup=0.0, stage_blocks=(100,))
    first, again = exposure(**SHADOW, warmup=0.0, entered=0.0), exposure(**SHADOW, warmup=0.0, entered=30.0, since=30.0)
    state = attempt.begin(question, first)
    for time in range(60):
        gateway.serve(Arm.STABLE, 100 if time else 0)
        gateway.serve(Arm.MIRROR, (0 if time < 31 else 100) if time else 0)
        gateway.scrape(time)
        told = first if time < 31 else again
        state = attempt.observe(state, question, told, gateway.answer(time - 1.5, time), float(time))
    found = attempt.read(state, question, again, 60.0).mirror
    assert found is not None
    assert found.arrived == found.expected > 0
