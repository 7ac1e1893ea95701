"""Whether an author is proven, from both sides of the moment at which a decision was made."""

from datetime import timedelta

import pytest
from tests.unit.controller.fake_cluster import START

from headgate.controller.proof import Authorship, Proof, Span

SECOND = timedelta(seconds=1)
PROVEN, AWAITED, UNPROVEN = Authorship.PROVEN, Authorship.AWAITED, Authorship.UNPROVEN

ALWAYS = Proof(START, (Span(10),))
LOST = Proof(START, (Span(10),), lost=True)
BACK = Proof(START, (Span(10), Span(20, after=START + 60 * SECOND)))
MADE_ANEW = Proof(START + 60 * SECOND, (Span(10), Span(20, after=START + 70 * SECOND)))


@pytest.mark.parametrize(
    ("proof", "created", "arrived", "author"),
    [
        (ALWAYS, 1, 10, PROVEN),
        (ALWAYS, 1, 11, AWAITED),
        (ALWAYS, 0, 10, UNPROVEN),
        (ALWAYS, 0, 11, UNPROVEN),
        (Proof(), 1, 1, AWAITED),
        (Proof(lost=True), 1, 1, UNPROVEN),
        (LOST, 1, 10, PROVEN),
        (LOST, 1, 11, UNPROVEN),
        (BACK, 1, 10, PROVEN),
        (BACK, 1, 11, UNPROVEN),
        (BACK, 60, 15, UNPROVEN),
        (BACK, 61, 15, PROVEN),
        (BACK, 61, 21, AWAITED),
        (MADE_ANEW, 1, 10, UNPROVEN),
        (MADE_ANEW, 65, 15, UNPROVEN),
        (MADE_ANEW, 71, 15, PROVEN),
    ],
    ids=[
        "known before the last look",
        "came in after it",
        "made before the policy settled",
        "made before it, and came in late",
        "nobody looked yet",
        "the first look found it missing",
        "proven before it was missing",
        "came in while it is missing",
        "proven before it was missing, and it is back",
        "made before it was missing, but nobody looked in time",
        "made while it was missing",
        "made since it is back",
        "made since, after the last look",
        "proven by a policy that is gone",
        "made before the one in its place settled for certain",
        "made under the one in its place",
    ],
)
def test_an_author_is_proven_from_both_sides(proof: Proof, created: int, arrived: int, author: Authorship) -> None:
    assert proof.of(START + created * SECOND, arrived) is author
