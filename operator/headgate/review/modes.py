"""What an application is told about who decides: by Headgate's monitor, or by anybody else."""

from enum import StrEnum


class ReviewMode(StrEnum):
    """LowConfidence is the rule: the model decides what it is sure of. All: people decide everything, as after drift that does harm."""

    LOW_CONFIDENCE = "LowConfidence"
    ALL = "All"

    @classmethod
    def _missing_(cls, value: object) -> "ReviewMode | None":
        # The word of earlier releases for the rule.
        return cls.LOW_CONFIDENCE if value == "Usual" else None
