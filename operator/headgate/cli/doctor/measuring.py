"""Checks of what is measured: Prometheus, the counters of each model, their labels, the distance of scrapes. Pure."""

from collections.abc import Iterator

from headgate.api.vocabulary import Profile
from headgate.cli.doctor.check import Check, fail, ok, some, unseen, warn
from headgate.cli.doctor.facts import Facts, Model, Prometheus, Series
from headgate.prometheus.profiles import counter_names

_PROMISES = ((1.0, "4 s"), (5.0, "10 s"), (15.0, "30 s"))
"""Scrapes at most so many seconds apart: a version that fails every request loses its users within this time, at 5 requests/s or more."""
_LONGEST = 30.0
"""Seconds between scrapes with which guards, who look back a minute, still see two of them."""
_APART = 2.0


def measuring(facts: Facts) -> Iterator[Check]:
    found = facts.prometheus.value
    if found is None:
        todo = "give the address with --prometheus (kubectl port-forward makes one inside the cluster reachable), or repair it"
        if facts.prometheus.missing:
            yield warn("Prometheus", "it was not asked: no address is given", todo)
        else:
            yield fail("Prometheus", f"it does not answer: {facts.prometheus.problem}", todo)
        return
    yield ok("Prometheus", f"{found.address} answers")
    if found.skew is not None:
        yield _clock(found)
    yield from _scrapes(facts, found)
    yield from _counters(facts, found)


def _clock(found: Prometheus) -> Check:
    skew = found.skew or 0.0
    if abs(skew) <= _APART:
        return ok("clock of Prometheus", f"within {_APART:g} s of this machine's")
    said = f"{abs(skew):.0f} s {'ahead of' if skew > 0 else 'behind'} this machine's"
    return warn("clock of Prometheus", said, "set the clocks: the operator reckons with it, and says so, but graphs and alerts do not")


def _scrapes(facts: Facts, found: Prometheus) -> Iterator[Check]:
    topic, seconds = "scrape interval", found.scrape_seconds
    if seconds is None:
        yield warn(topic, "no counter was scraped twice, so it is not known", "look at the targets page of Prometheus")
        return
    if seconds > _LONGEST:
        said = f"scrapes are {seconds:.0f} s apart: guards look back a minute, and one look apart tells nothing"
        yield fail(topic, said, "scrape gateway and models every 15 s or more often")
        return
    promise = next((time for longest, time in _PROMISES if seconds <= longest * 1.1), "")
    too_fast = sorted(
        name for name, interval in (facts.policies.value.intervals if facts.policies.value else {}).items() if interval < seconds
    )
    if not promise:
        said = f"scrapes are {seconds:.0f} s apart: what is promised (a failing version loses its users in 30 s) needs 15 s"
        yield warn(topic, said, "scrape gateway and models every 15 s")
    elif too_fast:
        said = f"scrapes are {seconds:.1f} s apart, and {', '.join(too_fast)} look more often than that"
        yield warn(topic, said, "scrape more often, or give these policies a longer analysis.interval")
    else:
        yield ok(topic, f"{seconds:.1f} s: a version that fails every request loses its users within {promise}, at 5 requests/s or more")


def _counters(facts: Facts, found: Prometheus) -> Iterator[Check]:
    if facts.models.value is None:
        yield unseen("counters", facts.models)
        return
    served = [one for one in facts.models.value if one.status.stable is not None and one.profile is not None]
    without: dict[str, list[str]] = {}
    bare: list[str] = []
    for model in served:
        series = found.series.get((model.namespace, model.name))
        if series is None:
            continue
        if missing := _missing(model, series):
            without.setdefault(missing, []).append(f"{model.namespace}/{model.name}")
        if not series.labelled and series.bare:
            bare.append(f"{model.namespace}/{model.name}")
    for missing, models in without.items():
        said = f"Prometheus has no {missing} of {some(models)}: a rollout would end as NoData"
        yield warn("counters", said, "scrape the gateway's proxies and the models' pods, and keep these counters")
    if served and not without:
        yield ok("counters", f"those of all {len(served)} live models are there")
    if bare:
        said = f"the pods of {some(bare)} are scraped without the labels headgate_model and headgate_revision"
        todo = (
            "copy the pods' labels headgate.dev/model and headgate.dev/revision in Prometheus' relabel_configs; "
            "with the Prometheus operator, the chart's metrics.models=true does"
        )
        yield warn("labels", said, todo)
    elif any(series.labelled for series in found.series.values()):
        yield ok("labels", "series carry namespace, headgate_model and headgate_revision")


def _missing(model: Model, series: Series) -> str:
    assert model.profile is not None
    absent = [name for name in counter_names(model.profile) if not series.counted.get(name)]
    if model.profile is Profile.HTTP:
        # Buckets or a native histogram: either tells latency.
        timed = [name for name in counter_names(model.profile) if "duration" in name]
        if any(series.counted.get(name) for name in timed):
            absent = [name for name in absent if name not in timed]
    return ", ".join(absent)
