"""The counters of segments of users: those of the model servers, where they carry the label that the policy names."""

import re

import pytest

from headgate.evidence.counting.series import Arm, What
from headgate.prometheus.profiles import Target
from headgate.prometheus.sampler import parse
from headgate.prometheus.segments import Segments

CREDIT = Target("lending", "credit", "r1", "r2", segments="group")
SHADOW = Target("lending", "loans", "r3", "r4", shadow=True, segments="region")
SEGMENTS = Segments()
OF_CREDIT = {"__name__": "http_requests_total", "namespace": "lending", "headgate_model": "credit", "headgate_revision": "r2", "pod": "p"}
OF_LOANS = OF_CREDIT | {"headgate_model": "loans", "headgate_revision": "r4"}


def meaning(labels):
    return SEGMENTS.meaning(labels, SEGMENTS.index([CREDIT, SHADOW]))


def test_where_all_models_name_one_label_only_counters_with_it_are_asked_for():
    assert SEGMENTS.selector([CREDIT]).endswith(',group!=""}')
    both = SEGMENTS.selector([CREDIT, SHADOW])
    assert "group" not in both
    assert re.fullmatch(re.search(r'headgate_model=~"([^"]*)"', both)[1], "loans")


@pytest.mark.parametrize(
    ("labels", "read"),
    [
        (OF_CREDIT | {"code": "500", "group": "B"}, (Arm.CANDIDATE, What.ANSWERED, "500", "p", "B")),
        (OF_CREDIT | {"code": "200", "group": "B", "headgate_revision": "r1"}, (Arm.STABLE, What.ANSWERED, "200", "p", "B")),
        (OF_LOANS | {"code": "200", "region": "north"}, (Arm.MIRROR, What.ANSWERED, "200", "p", "north")),
        (
            OF_CREDIT | {"__name__": "http_request_duration_seconds_bucket", "le": "0.25", "group": "B"},
            (Arm.CANDIDATE, What.TIMED, "0.25", "p", "B"),
        ),
        (OF_CREDIT | {"code": "200", "region": "north"}, None),
        (OF_CREDIT | {"code": "200", "group": ""}, None),
        (OF_CREDIT | {"code": "200", "group": "B", "headgate_revision": "r9"}, None),
    ],
)
def test_a_series_is_an_answer_in_a_segment(labels, read):
    found = meaning(labels)
    assert read == (found and (found.arm, found.what, found.part, found.process, found.segment))


def test_segments_are_counted_apart_and_paths_of_a_server_are_summed():
    def row(group, path, value):
        labels = OF_CREDIT | {"code": "200", "group": group, "path": path, "job": "pods", "instance": "10.0.0.1"}
        pairs = ",".join(f'"{name}":"{label}"' for name, label in labels.items())
        return f'{{"metric":{{{pairs}}},"values":[[1,"{value}"]]}}'

    rows = ",".join(row(group, path, 3) for group in "AB" for path in ("/a", "/b"))
    series = parse(f'{{"status":"success","data":{{"resultType":"matrix","result":[{rows}]}}}}'.encode(), SEGMENTS, [CREDIT])[CREDIT]
    assert sorted(one.segment for one in series) == ["A", "A", "B", "B"]
    assert len({one.key for one in series}) == 4
