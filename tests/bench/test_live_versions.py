"""Ten thousand live versions: what one interval costs, in counts that do not depend on the machine."""

import asyncio
import gc
import json

import pytest
from tests.unit.controller.operator_world import KEY, live

from headgate.api.vocabulary import Profile
from headgate.controller import watching
from headgate.controller.facts import ModelKey
from headgate.controller.watching import Watching
from headgate.evidence.counting.series import Arm
from headgate.evidence.live import LiveTotals, Sums
from headgate.prometheus import answers
from headgate.prometheus.profiles import EnvoyGateway, Target
from headgate.prometheus.totals import parse

MODELS = 10_000
TARGETS = [Target(f"team-{number % 200:03d}", f"credit-scorer-{number:05d}", "5f0c2a91") for number in range(MODELS)]


def made_up_answer() -> bytes:
    """Both places of each model; every second place has failed before."""
    rows = [({"headgate_row": "oldest"}, 1795242640.1), ({"headgate_row": "newest"}, 1795242647.1)]
    for number, target in enumerate(TARGETS):
        for place in (0, 1):
            labels = {"envoy_cluster_name": f"httproute/{target.namespace}/{target.name}/rule/0/backend/{place}"}
            rows += [(labels, 123_456 + number), (labels | {"headgate_row": "processes"}, 2)]
            if number % 2:
                rows.append((labels | {"envoy_response_code": "503"}, number))
    result = [{"metric": labels, "value": [1795242647.123, str(value)]} for labels, value in rows]
    whole = {"status": "success", "data": {"resultType": "vector", "result": result}}
    return json.dumps(whole, separators=(",", ":")).encode()


def test_a_large_answer_is_read_row_by_row_and_leaves_few_objects(monkeypatch: pytest.MonkeyPatch) -> None:
    body, longest = made_up_answer(), 0
    real = json.loads

    def measured(text: str) -> object:
        nonlocal longest
        longest = max(longest, len(text))
        return real(text)

    monkeypatch.setattr(answers.json, "loads", measured)
    parse(body, EnvoyGateway(), TARGETS)
    gc.collect()
    before = len(gc.get_objects())
    totals = parse(body, EnvoyGateway(), TARGETS)
    assert len(gc.get_objects()) - before < MODELS / 10, "objects that stay are what makes collections of garbage long"
    assert longest < 1000, "one call on megabytes would stop the event loop"
    assert len(body) < 1000 * MODELS
    assert totals.get(TARGETS[1]) == LiveTotals(
        1795242640.1, 1795242647.1, {arm: Sums(2, 123_457, 1) for arm in (Arm.STABLE, Arm.CANDIDATE)}
    )


class Still:
    """Nothing is asked of any model, at every question 15 s later."""

    def __init__(self) -> None:
        self.questions = 0

    async def sample(self, targets: list[Target], now: float) -> dict[Target, LiveTotals]:
        self.questions += 1
        at = now + 15.0 * self.questions
        return dict.fromkeys(targets, LiveTotals(at, at, {Arm.STABLE: Sums(1, 100 * self.questions)}))


def test_an_interval_is_one_question_and_reads_no_status_again(monkeypatch: pytest.MonkeyPatch) -> None:
    world = live()
    world.list_all()
    model = world.cache.models[KEY]
    world.cache.models.update({ModelKey("lending", f"m{number}"): model for number in range(MODELS - 1)})
    read: list[bytes] = []
    real = watching.parse_status
    monkeypatch.setattr(watching, "parse_status", lambda key, raw: read.append(raw) or real(key, raw))
    source, woken = Still(), []
    watch = Watching(world.cache, {Profile.ENVOY_GATEWAY: source}, lambda key, priority: woken.append(key), wall=world.seconds)
    asyncio.run(watch.tick())
    assert len(read) == MODELS
    asyncio.run(watch.tick())
    assert (len(read), source.questions, len(watch.readings), woken) == (MODELS, 2, MODELS, [])
