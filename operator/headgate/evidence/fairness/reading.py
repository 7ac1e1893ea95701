"""How fairly a candidate decides, as decisions and people read it."""

from dataclasses import dataclass

from headgate.api.vocabulary import Verdict


@dataclass(frozen=True, slots=True)
class GroupReading:
    """What was decided about one group."""

    group: str
    decisions: int = 0
    favourable: int = 0

    @property
    def rate(self) -> float:
        """0 without a decision."""
        return self.favourable / self.decisions if self.decisions else 0.0


@dataclass(frozen=True, slots=True)
class FairnessReading:
    """Decisions of the candidate alone, over one attempt (its shadow has a reading of its own).

    Fail: a group is proven to be treated worse than a limit allows. Pass: every group with enough decisions is proven to be within all
    limits. NoData: too few decisions for either. NotMeasurable: there are no such counters. `suspected` tells that a group is proven to
    be worse than half of a limit and is observed beyond the whole of it.

    `worst` and `against` are the group that the figures speak of and its reference, `ratio` and `difference` what was observed of them;
    `ratio_bounds` and `difference_bounds` hold the smallest of any group, each bound wrong at any look with a chance of at most alpha.
    They are None where nothing is known. `harm` is an e-value: at 1/alpha a violation is proven. `named` are the groups that e-BH names.
    """

    verdict: Verdict = Verdict.NO_DATA
    suspected: bool = False
    required: bool = False
    groups: tuple[GroupReading, ...] = ()
    worst: str = ""
    against: str = ""
    ratio: float | None = None
    difference: float | None = None
    ratio_bounds: tuple[float, float] | None = None
    difference_bounds: tuple[float, float] | None = None
    bounds_decisions: int = 0
    """How many decisions the bounds rest on: they are renewed after a quarter more."""
    ratio_limit: float = 0.8
    difference_limit: float | None = None
    harm: float = 1.0
    named: tuple[str, ...] = ()
    detail: str = ""
    """For people: what is lacking."""

    @property
    def holds(self) -> bool:
        """Whether nothing may rise meanwhile: a violation, a suspicion, or numbers that are required and not there."""
        return (
            self.verdict is Verdict.FAIL or self.suspected or (self.required and self.verdict in (Verdict.NO_DATA, Verdict.NOT_MEASURABLE))
        )

    def of(self, group: str) -> GroupReading:
        """An empty one for a group that was not decided about."""
        return next((one for one in self.groups if one.group == group), GroupReading(group))
