"""What the operator leaves in the cluster is enough for the command line to make the statement behind a subject anew."""

import asyncio

from tests.unit.controller.operator_world import KEY, OperatorWorld

from headgate.cli.cluster import Cluster
from headgate.cli.governing.subject import statement_of
from headgate.governance.subjects import subject_of


def test_the_command_line_comes_to_the_subject_that_the_operator_asks_about() -> None:
    world = OperatorWorld()
    world.release("v1")
    world.settle()
    view = asyncio.run(Cluster(world.api).model_to_approve(KEY.name, KEY.namespace))
    statement = statement_of(view)
    assert view.gate is not None
    assert view.status.candidate is not None
    assert statement is not None
    assert subject_of(statement) == view.gate.subject
    assert (statement["environment"], statement["content"], statement["tier"]) == ("test", view.status.candidate.content, "Medium")
    assert [stage["name"] for stage in statement["policy"]["stages"]] == ["canary", "full"]
