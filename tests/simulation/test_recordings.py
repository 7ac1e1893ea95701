"""The simulated server answers what the real one answered: word for word, object for object."""

from pathlib import Path

import pytest
from tests.simulation.recording import FOLDER, Exchange, load
from tests.simulation.replay import Replay

RECORDINGS = sorted(FOLDER.glob("*.jsonl.gz"))


@pytest.mark.parametrize("path", RECORDINGS, ids=lambda path: path.name.partition(".")[0])
def test_the_simulated_server_answers_like_the_real_one(path: Path) -> None:
    lines = list(load(path))
    assert any(isinstance(line, Exchange) for line in lines)
    found = list(Replay().differences(lines))
    assert not found, f"{len(found)} answers differ:\n" + "\n".join(found[:20])
