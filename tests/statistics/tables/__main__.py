"""`make bench-statistics`: plays every scene of the tables and writes docs/statistics/results.md.

python -m tests.statistics.tables [--runs N] [--null-runs N] [--seed N] [--out FILE]. What is written depends on these and
on the code alone.
"""

import argparse
import platform
from pathlib import Path

import numpy as np
import scipy
from tests.statistics.tables import errors
from tests.statistics.tables.bench import Bench, standard_error
from tests.statistics.tables.latency import latency
from tests.statistics.tables.rollout import rollouts
from tests.statistics.tables.value import value

_DEFAULTS = Bench()


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.statistics.tables", description=__doc__)
    for name in ("runs", "null_runs", "seed"):
        parser.add_argument(f"--{name.replace('_', '-')}", type=int, default=getattr(_DEFAULTS, name))
    parser.add_argument("--out", type=Path, default=Path("docs/statistics/results.md"))
    given = parser.parse_args()
    bench = Bench(given.runs, given.null_runs, given.seed)
    parts = _parts(bench)
    given.out.write_text("\n".join([_head(bench), *parts]), encoding="utf-8")
    bench.tell(f"written to {given.out}")


def _parts(bench: Bench) -> list[str]:
    cells = errors.nulls(bench)
    return [
        errors.false_rollbacks(bench, cells),
        errors.tolerated(bench),
        errors.detections(bench),
        errors.proofs(bench, cells),
        latency(bench),
        value(bench),
        rollouts(bench),
    ]


def _head(bench: Bench) -> str:
    return f"""# What the judge and other rules do on the same streams

Made by `make bench-statistics`; [the method](README.md). Seed {bench.seed}, {bench.runs} runs per cell, {bench.null_runs} where nothing
differs (standard error of a share: at most {standard_error(bench.runs)}). Python {platform.python_version()}, numpy {np.__version__}, scipy
{scipy.__version__}.

A run is one hour of 240 blocks of 15 s, 5 % of the requests on the candidate; four stable pods with six hours of history before. `shared`:
all requests fail 10 pp more often for a minute, every 20 minutes or so. `cluster`: requests come, and fail, in batches of 5 on average,
dispersion 9. `podburst`: each pod by itself fails 10 pp more often for a minute, once an hour or so. `drift+share`: the failure rate
triples when the candidate's share goes from 5 to 50 %, in both versions. The limit is 0.5 percentage points (pp) for everyone who has
one.
"""


if __name__ == "__main__":
    main()
