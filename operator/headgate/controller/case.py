"""One model whose candidate is being judged."""

from dataclasses import dataclass

from headgate.api.vocabulary import Mode, Profile
from headgate.controller.facts import ModelKey
from headgate.evidence.check import Question
from headgate.evidence.counting.exposure import Exposure
from headgate.prometheus.profiles import Target


@dataclass(frozen=True, slots=True)
class Case:
    """What is judged about it now, and where it is counted."""

    key: ModelKey
    profile: Profile
    target: Target
    question: Question
    exposure: Exposure
    mode: Mode
