"""Tables on error rates: false rollbacks, detection, and proofs of being good."""

from dataclasses import replace

from tests.statistics import rules
from tests.statistics.noise import HOUR, REPRESENTATIVE, Noise, Scene
from tests.statistics.play import GOOD, HEADGATE, WITHOUT_ARMS, Outcome, headgate, headgate_without_arms, plain, rivals
from tests.statistics.tables.bench import Bench, detection, minutes, percent, standard_error, table, upper_of_none

TRAFFIC, BASES = (20.0, 200.0, 2000.0), (0.001, 0.01, 0.05)
Cells = dict[Scene, dict[str, Outcome]]


def nulls(bench: Bench) -> Cells:
    """Identical candidates in all noise: every rule on the same streams."""
    cells: Cells = {}
    for noise in Noise:
        for base in (0.01,) if noise is Noise.DRIFT else BASES:
            for rps in TRAFFIC:
                scene = Scene(rps, base, noise=noise)
                looks = [plain("naive, look each minute", rules.naive, 4), plain("naive, look each 5 min", rules.naive, 20)]
                deciders = [*rivals(base), *looks, headgate, headgate_without_arms]
                cells[scene] = bench.play("no difference", scene, deciders, runs=bench.null_runs)
    return cells


def false_rollbacks(bench: Bench, cells: Cells) -> str:
    names = [name for name in next(iter(cells.values())) if name != GOOD]
    rows = [[name, *(percent(_worst(cells, name, noise)) for noise in Noise)] for name in names]
    worst = max(_worst(cells, HEADGATE, noise) for noise in REPRESENTATIVE)
    return (
        "## False rollback within the hour, identical candidate\n\n"
        f"Worst of the cells 20, 200, 2000 requests/s × failure rates 0.1, 1, 5 % (drift: 1 % → 3 %). {bench.null_runs} runs per cell: "
        f"standard error {standard_error(bench.null_runs, 0.05)} at 5 %; where none is rolled back, the 95 % upper bound is "
        f"{upper_of_none(bench.null_runs)}. Stale columns: the A/A history shows none of the noise that the rollout has.\n\n"
        + table(["rule", *(noise.value for noise in Noise)], rows)
        + f"\nWorst cell of the judge with representative A/A data: **{percent(worst)}** (promised: 5 %).\n\n"
        "### The judge, cell by cell\n\n" + _cell_table(cells, HEADGATE) + "\n### The judge without A/A data, cell by cell\n\n"
        "Where nothing is known of the noise, most requests failing in two blocks is acted on at once; a large cluster can look so.\n\n"
        + _cell_table(cells, WITHOUT_ARMS)
    )


def _worst(cells: Cells, name: str, noise: Noise) -> float:
    return max(found[name].share for scene, found in cells.items() if scene.noise is noise)


def _cell_table(cells: Cells, name: str) -> str:
    keys = dict.fromkeys((scene.noise, scene.base) for scene in cells)
    rows = [
        [noise.value, percent(base), *(percent(cells[Scene(rps, base, noise=noise)][name].share) for rps in TRAFFIC)]
        for noise, base in keys
    ]
    return table(["noise", "failure rate", *(f"{rps:g} rps" for rps in TRAFFIC)], rows)


def tolerated(bench: Bench) -> str:
    """Candidates that are worse, but not by more than the user tolerates."""
    parts = []
    for effect in (0.0025, 0.005):
        cells = {
            scene: bench.play("tolerated", scene, [*rivals(base), headgate])
            for base in BASES
            for rps in TRAFFIC
            if (scene := Scene(rps, base, effect))
        }
        parts.append({name: [found[name].share for found in cells.values()] for name in next(iter(cells.values())) if name != GOOD})
    quarter, half = parts
    rows = [[name, *(f"{percent(min(s))} … {percent(max(s))}" for s in (quarter[name], half[name]))] for name in quarter]
    return (
        "## Rolled back within the hour, candidates within the limit of 0.5 pp\n\n"
        f"Independent requests, the same nine cells, {bench.runs} runs each. +0.25 pp is the border of the judge's null: at most 5 % is "
        "promised. +0.5 pp is the limit itself, where either answer is right.\n\n" + table(["rule", "+0.25 pp", "+0.5 pp"], rows)
    )


DETECTED = (
    Scene(20, 0.01, 0.01),
    Scene(200, 0.01, 0.01),
    Scene(20, 0.01, 0.02),
    Scene(200, 0.01, 0.02),
    Scene(2000, 0.01, 0.02),
    Scene(200, 0.01, 0.05),
    Scene(200, 0.05, 0.02),
)
HARDER = (
    Scene(200, 0.01, 0.02, Noise.CLUSTER),
    Scene(200, 0.01, 0.05, Noise.CLUSTER),
    Scene(200, 0.01, 0.02, Noise.PODBURST),
    Scene(200, 0.01, 0.05, Noise.PODBURST),
    Scene(200, 0.01, 0.02, Noise.SHARED),
    Scene(200, 0.01, 0.05, Noise.SHARED),
    Scene(200, 0.01, 0.02, onset=HOUR // 2),
    Scene(20, 0.01, 0.49),
    Scene(2, 0.01, 0.49),
)


def detections(bench: Bench) -> str:
    return (
        "## Detection\n\n"
        "Share detected within the hour / median / 95 % time in minutes from the start of the effect / failures that the effect caused "
        f"until then (mean). One look every 15 s, {bench.runs} runs. Rules that take identical candidates back are fast for nothing.\n\n"
        "### Independent requests\n\n"
        + _detected(bench, DETECTED)
        + "\n### Noise, late onset, and half of the requests failing\n\n"
        + _detected(bench, HARDER)
    )


def _detected(bench: Bench, scenes: tuple[Scene, ...]) -> str:
    found = [bench.play("detection", scene, [*rivals(scene.base), headgate, headgate_without_arms]) for scene in scenes]
    names = [name for name in found[0] if name != GOOD]
    return table(["rule", *(_short(scene) for scene in scenes)], [[name, *(detection(one[name]) for one in found)] for name in names])


def _short(scene: Scene) -> str:
    noise = "" if scene.noise is Noise.IID else f", {scene.noise.value}"
    late = ", after 30 min" if scene.onset else ""
    return f"+{100 * scene.effect:g} pp at {percent(scene.base)}, {scene.rps:g} rps{noise}{late}"


def proofs(bench: Bench, cells: Cells) -> str:
    """`cells`: of `nulls`."""
    rows = []
    for noise, base in ((Noise.IID, 0.001), (Noise.IID, 0.01), (Noise.IID, 0.05), (Noise.CLUSTER, 0.01), (Noise.PODBURST, 0.01)):
        found = [cells[Scene(rps, base, noise=noise)][GOOD] for rps in TRAFFIC]
        rows.append(
            [f"identical, {noise.value}, {percent(base)}", *(f"{percent(one.share)} / {minutes(one.quantile(0.5))}" for one in found)]
        )
    for effect in (0.005, 0.01):
        scenes = [replace(Scene(rps), effect=effect) for rps in TRAFFIC]
        found = [bench.play("being good", scene, [headgate])[GOOD] for scene in scenes]
        rows.append([f"+{100 * effect:g} pp, iid, 1 %", *(percent(one.share) for one in found)])
    return (
        "## Evidence of being good\n\n"
        "Null: at least 0.5 pp worse; 5 % is promised at +0.5 pp. Share proven within the hour / median minutes.\n\n"
        + table(["candidate", *(f"{rps:g} rps" for rps in TRAFFIC)], rows)
    )
