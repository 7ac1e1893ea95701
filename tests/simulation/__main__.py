"""`python -m tests.simulation`: many traces, or one that is told."""

import argparse
import sys
import time
from collections import Counter

from tests.simulation.runner import run_many, run_one


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--seed", type=int, help="replay this trace")
    parser.add_argument("--verbose", action="store_true", help="print what happens, with --seed")
    parser.add_argument("--traces", type=int, default=1000, help="how many traces to run without --seed")
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--workers", type=int, default=None)
    asked = parser.parse_args()
    if asked.seed is not None:
        result = run_one(asked.seed, verbose=asked.verbose)
        print(result if result.broken else f"seed {result.seed}: {result.phase} after {result.seconds:.0f} s, all invariants hold")
        return 1 if result.broken else 0
    began, phases, broken = time.monotonic(), Counter[str](), Counter[str]()
    for result in run_many(range(asked.first, asked.first + asked.traces), workers=asked.workers):
        phases[result.phase] += 1
        if result.broken:
            broken[result.broken] += 1
            print(result, flush=True)
    print(f"{asked.traces} traces in {time.monotonic() - began:.0f} s; ended {dict(phases)}; broken {dict(broken)}")
    return 1 if broken else 0


if __name__ == "__main__":
    sys.exit(main())
