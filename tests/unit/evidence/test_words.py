"""What a person reads about a check."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.api.vocabulary import Metric, Verdict
from headgate.evidence.view import CheckReading, NoiseMode
from headgate.evidence.words import counted, percent, points, rarity, sentence

FAILED = CheckReading(
    Metric.ERRORS,
    Verdict.FAIL,
    harm=36.4,
    good=0.02,
    candidate_requests=600,
    candidate_events=17,
    stable_requests=11_400,
    stable_events=57,
    difference=0.0233,
    limit=0.005,
)


def test_a_failed_check() -> None:
    assert sentence(FAILED) == (
        "17 of 600 (2.8 %) failed against 57 of 11,400 (0.5 %) of the stable version; your limit is +0.5 pp; "
        "were it within the limit, evidence this strong at any look: at most 1 rollout in 36"
    )


def test_value_is_told_per_answer_and_relative_to_the_stable_version() -> None:
    worth = CheckReading(
        Metric.VALUE,
        Verdict.INCONCLUSIVE,
        candidate_requests=600,
        stable_requests=11_400,
        candidate_mean=18.25,
        stable_mean=20.0,
        difference=-0.0875,
        low=-0.2,
        high=0.025,
        limit=-0.05,
        noise=NoiseMode.LEARNING,
    )
    assert sentence(worth) == (
        "18.25 an answer (of 600) against 20 an answer (of 11,400) of the stable version (-8.8 %, with confidence -20 % to +2.5 %); "
        "your limit is -5 %; not enough evidence yet to call it good or bad; "
        "how much values differ between answers is not known yet; nothing is bet until it is"
    )
    assert "with confidence" not in sentence(replace(worth, low=-1.0, high=1.0)), "nothing is known yet"


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"verdict": Verdict.PASS, "harm": 0.1, "good": 21.9, "candidate_events": 3}, "were it at the limit, evidence of being good"),
        ({"verdict": Verdict.PASS, "harm": 0.1, "good": 21.9, "candidate_events": 3}, "at most 1 rollout in 21"),
        ({"verdict": Verdict.INCONCLUSIVE, "harm": 2.0}, "not enough evidence yet"),
        ({"verdict": Verdict.INCONCLUSIVE, "harm": 12.0}, "at most 1 rollout in 12"),
        ({"verdict": Verdict.NO_DATA, "candidate_requests": 0, "candidate_events": 0}, "no requests of the candidate"),
        ({"verdict": Verdict.NO_DATA, "stable_requests": 0, "stable_events": 0}, "no requests of the stable version"),
        ({"verdict": Verdict.NOT_MEASURABLE, "detail": "add bounds near 50ms"}, "cannot be measured: add bounds near 50ms"),
        ({"metric": Metric.LATENCY, "detail": "above 120ms, stable above 70ms"}, "were slow against 57 of 11,400"),
        ({"metric": Metric.LATENCY, "detail": "above 120ms, stable above 70ms"}, "above 120ms, stable above 70ms"),
        ({"metric": Metric.REJECTIONS}, "were rejected"),
        (
            {"noise": NoiseMode.HISTORY, "dispersion": 4.13},
            "may come 4.1 times as unevenly as independent ones, by what its pods have shown",
        ),
        ({"noise": NoiseMode.LEARNING, "dispersion": 1.04}, "errors of the stable version come about as evenly as independent ones"),
        ({"noise": NoiseMode.LEARNING, "dispersion": 1.0}, "not known yet; until it is, evidence counts little unless obvious"),
        (
            {"noise": NoiseMode.ROBUST, "noise_detail": "few pods"},
            "few pods: judged by differences between blocks; no decision before",
        ),
    ],
)
def test_other_states(fields: dict[str, object], words: str) -> None:
    assert words in sentence(replace(FAILED, **fields))  # type: ignore[arg-type]


@given(st.floats(min_value=0, max_value=float("inf"), allow_nan=False))
def test_a_promise_is_never_stronger_than_its_e_value(harm: float) -> None:
    promised = int(rarity(harm).rsplit(" ", 1)[1].replace(",", ""))
    assert promised <= max(harm, 1)


@pytest.mark.parametrize(("share", "text"), [(0, "0 %"), (1, "100 %"), (0.0001, "<0.1 %"), (0.99999, ">99.9 %"), (0.0283, "2.8 %")])
def test_percent_never_rounds_something_to_nothing(share: float, text: str) -> None:
    assert percent(share) == text


def test_counts_and_points() -> None:
    assert counted(0, 0) == "0 of 0"
    assert points(0.0125) == "+1.25 pp"
    assert points(0.05) == "+5 pp"
