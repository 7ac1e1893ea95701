"""By how much the counters of live models grew between two instants: one question for all of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from headgate.api.monitoring import FEATURE_LABEL
from headgate.prometheus.answers import garbled, rows
from headgate.prometheus.profiles import COPIES, Labels, Target, by_model, counted_for, matching, of_pods, one_of, quoted

NAME = "headgate_series"
"""The label that holds the name of a series in an answer: arithmetic takes the name itself away."""
PLACES = ("namespace", "headgate_model", "headgate_revision")
SHARDS = 16
"""The most questions of one kind in one round, however many models there are."""
MODELS_OF_ONE_QUESTION = 200


@dataclass(frozen=True, slots=True)
class Counted:
    """Which series are added up: by name, and by which labels they are told apart. `most`: rows of one model, series name and feature.
    `anywhere`: also those of pods that are none of the model's, and name it only. `features`: if any, only series of these are, and series
    without one, and they are told apart: a label with a million values would make a million rows."""

    names: frozenset[str]
    labels: frozenset[str]
    most: int | None = None
    anywhere: bool = False
    features: frozenset[str] = frozenset()


Rows = Mapping[Target, Sequence[tuple[Labels, float]]]
"""Sums of increments by live version (its revision is the target's stable one); labels without those that name it."""


def shards(models: Sequence[Target]) -> list[Sequence[Target]]:
    """The models in at most SHARDS parts of equal size, one part as long as they are few. A constant number of questions, and answers that
    fit into memory."""
    parts = min(SHARDS, -(-len(models) // MODELS_OF_ONE_QUESTION))
    size = -(-len(models) // max(parts, 1))
    return [models[at : at + size] for at in range(0, len(models), max(size, 1))]


def question(counted: Counted, models: Sequence[Target], seconds: int) -> str:
    """PromQL. Exact sums of what each series counted in the last `seconds`; consecutive ones lose nothing and count nothing twice.

    A series that was smaller before was reset, and one that was not there is new: both count from 0, if any series of the same pod was
    there. A pod that was not known begins to count with its first sample: after a gap its counters hold all that it ever did.
    """
    now = _series(counted, models, "")
    before = _series(counted, models, f" offset {seconds}s")
    grown = f"(({now} - {before}) >= 0 or ({now} and on (namespace, pod) {before}))"
    by_feature = {FEATURE_LABEL} if counted.features else set()
    summed = f"sum by ({', '.join((*PLACES, NAME, *sorted(counted.labels | by_feature)))}) ({grown})"
    if counted.most is None:
        return summed
    kept = ", ".join((*PLACES, NAME, *by_feature))
    return f"topk by ({kept}) ({counted.most}, {summed})"


def _series(counted: Counted, models: Sequence[Target], offset: str) -> str:
    revisions = (*(model.stable for model in models), *([""] if counted.anywhere else []))
    labels = of_pods(one_of(counted.names), models, revisions)
    if counted.features:
        labels[FEATURE_LABEL] = one_of(["", *counted.features])
    selector = matching(labels)
    once = f"max without ({', '.join(sorted(COPIES))})"
    return f'{once} (label_replace({selector}{offset}, "{NAME}", "$1", "__name__", "(.+)"))'


def probe_question(models: Sequence[Target], seconds: int) -> str:
    """Successful probes and all of them, as the blackbox exporter tells them: told apart by the series label `probes`."""
    labels = of_pods("probe_success", models, ())
    # A probe goes to the model's Service, whichever version answers.
    del labels["headgate_revision"]
    window = f"{matching(labels)}[{seconds}s]"
    asked = {"up": f"sum_over_time({window})", "all": f"count_over_time({window})"}
    return " or ".join(
        f'label_replace(sum by (namespace, headgate_model) ({expression}), "{NAME}", {quoted(name)}, "", "")'
        for name, expression in asked.items()
    )


def parse(body: bytes, models: Iterable[Target]) -> Rows:
    """The rows of each live version, one at a time from a body that may be large. Rows that are no number are rows all the same: whoever
    reads them must know. Raises SourceError."""
    index = by_model(models)
    found: dict[Target, list[tuple[Labels, float]]] = {}
    for row in rows(body, "vector"):
        with garbled():
            labels: dict[str, str] = row["metric"]
            model = counted_for(labels, index)
            if model is None or labels.get("headgate_revision", model.stable) != model.stable:
                continue
            told = {name: value for name, value in labels.items() if name not in PLACES}
            found.setdefault(model, []).append((told, float(row["value"][1])))
    return found
