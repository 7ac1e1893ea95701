"""What looks at the admission policy on approvals prove: was it in force when a decision was made, so that its author is certain?"""

from dataclasses import dataclass
from datetime import datetime
from enum import Enum


class Authorship(Enum):
    """What is known of the author that a decision names."""

    PROVEN = "Proven"
    AWAITED = "Awaited"
    """The next look at the admission policies tells."""
    UNPROVEN = "Unproven"
    """No later look will prove it."""


@dataclass(frozen=True, slots=True)
class Span:
    """A time in which every look found the same policy, bound in the same way: between two of them nobody took it away or changed it."""

    known: int
    """What the cache held (`Cache.sequence`) when the last of the looks began. What came in later may have been made after it."""
    after: datetime | None = None
    """Where it was seen otherwise before: from when on, by the API server's clock, it is certain that it was in force. None: creation
    times alone tell."""
    before: datetime | None = None
    """Where it was seen by operators before this one, and is another one now: until when they saw it."""


@dataclass(frozen=True, slots=True)
class Proof:
    """When the policy on approvals was in force. An author is proven from both sides: the policy was there before, and a look that began
    after the decision was known found it unchanged. No clock but the API server's is compared with that of a decision."""

    since: datetime | None = None
    """When the present policy and what binds it settled; None as long as nobody saw them in force."""
    spans: tuple[Span, ...] = ()
    lost: bool = False
    """The last look that was answered found it missing, or without effect."""
    unanswered: bool = False
    """The last look could not be made."""

    @property
    def counts_from(self) -> datetime | None:
        """After when a decision has to be made to count, by the API server's clock; None while the policy is not in force."""
        if self.since is None or self.lost or not self.spans:
            return None
        return max(self.since, self.spans[-1].after or self.since)

    def of(self, created: datetime, arrived: int) -> Authorship:
        """Of a decision made at `created` (API server's clock) that the cache took in as its number `arrived`."""
        if self.since is not None and any(self._within(span, created) and arrived <= span.known for span in self.spans):
            return Authorship.PROVEN
        if self.lost or (self.spans and not self._within(self.spans[-1], created)):
            return Authorship.UNPROVEN
        return Authorship.AWAITED

    def _within(self, span: Span, created: datetime) -> bool:
        if self.since is None or created <= self.since:
            return False
        return (span.after is None or created > span.after) and (span.before is None or created < span.before)
