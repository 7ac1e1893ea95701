"""What `headgate monitor` has stored about a live model, as commands read it."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from headgate.cli.refused import Refused
from headgate.kube.interface import Object
from headgate.monitoring.inservice.assessment import RESULTS_KEY
from headgate.monitoring.result import LimitVerdict, Result

Results = Mapping[str, Any]


def results_in(stored: Object | None, model: str) -> Results | None:
    """The document in the model's ConfigMap; None if there is none. Raises Refused for one that cannot be read."""
    text = ((stored or {}).get("data") or {}).get(RESULTS_KEY)
    if text is None:
        return None
    try:
        document: Results = json.loads(text)
        # All of it is read once: what is wrong is told before anything is shown.
        list(figures(document))
        list(scores(document))
        _ = document["revision"], document["at"]
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise Refused(f"what is stored about {model} cannot be read: {error}") from error
    return document


def scores(document: Results) -> Iterator[Result]:
    """Of the scorecard. Monitors of earlier releases stored none."""
    return map(_result, document.get("scorecard") or ())


def figures(document: Results) -> Iterator[tuple[str, str, Result]]:
    """Each figure, with its kind and what it is a figure of."""
    for kind, told in document["kinds"].items():
        for one in told["figures"]:
            yield kind, one.get("of", ""), _result(one)


def _result(one: Mapping[str, Any]) -> Result:
    interval = None if one["interval"] is None else (float(one["interval"][0]), float(one["interval"][1]))
    value = None if one["value"] is None else float(one["value"])
    return Result(one["statistic"], LimitVerdict(one["verdict"]), one["why"], tuple(one["samples"]), value, interval)
