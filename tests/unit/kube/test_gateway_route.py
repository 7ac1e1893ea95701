"""HTTPRoutes: what is written, what is read back, and when nothing is to be written."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.kube.routes import CANDIDATE, OWNER, STABLE, Fields, slot, stored, wanted

from headgate.kube.routes import Mirror, Slot, WantedRoute, gateway


def test_every_version_is_named_counted_apart_and_tells_who_it_is() -> None:
    (rule,) = gateway.render(wanted(50))["spec"]["rules"]
    assert [(ref["group"], ref["kind"], ref["name"], ref["port"], ref["weight"]) for ref in rule["backendRefs"]] == [
        ("", "Service", "credit-0a1b2c3d", 8080, 950),
        ("", "Service", "credit-ffee0011", 8080, 50),
    ]
    assert [ref["filters"] for ref in rule["backendRefs"]] == [
        [{"type": "ResponseHeaderModifier", "responseHeaderModifier": {"set": [{"name": "x-headgate-revision", "value": revision}]}}]
        for revision in (STABLE, CANDIDATE)
    ]


def test_the_users_part_of_the_rule_stays_and_no_destination_of_theirs_comes_in() -> None:
    users = {
        "name": "score",
        "timeouts": {"request": "10s"},
        "matches": [{"path": {"value": "/v1"}}],
        "filters": [{"type": "URLRewrite", "urlRewrite": {"hostname": "x"}}],
        "backendRefs": [{"name": "elsewhere"}],
    }
    (rule,) = gateway.render(wanted(rules=(users,)))["spec"]["rules"]
    assert {key: value for key, value in rule.items() if key != "backendRefs"} == {
        key: value for key, value in users.items() if key != "backendRefs"
    }
    assert "elsewhere" not in json.dumps(rule)


def test_metadata_leads_back_to_model_revisions_and_attempt() -> None:
    assert gateway.render(wanted())["metadata"] == {
        "name": "credit",
        "namespace": "lending",
        "labels": {
            "app.kubernetes.io/managed-by": "headgate",
            "headgate.dev/model": "credit",
            "headgate.dev/attempt": "2",
            "headgate.dev/stable": STABLE,
            "headgate.dev/candidate": CANDIDATE,
        },
        "ownerReferences": [OWNER.reference()],
    }


def test_the_version_that_is_alone_holds_both_places_because_a_place_must_never_vanish() -> None:
    (rule,) = gateway.render(wanted(0))["spec"]["rules"]
    assert [(ref["name"], ref["weight"]) for ref in rule["backendRefs"]] == [("credit-0a1b2c3d", 999), ("credit-0a1b2c3d", 1)]


def test_before_the_first_version_there_is_a_route_and_nothing_behind_it() -> None:
    (rule,) = gateway.render(wanted(slots=()))["spec"]["rules"]
    assert "backendRefs" not in rule


def test_a_fallback_is_served_and_is_no_revision() -> None:
    route = gateway.render(wanted(slots=(Slot("credit-rules", 80, 1000, "fallback"),)))
    assert "headgate.dev/stable" not in route["metadata"]["labels"]
    assert gateway.read(route).weights == {"fallback": 1000}


@pytest.mark.parametrize(
    ("percent", "share"),
    [
        (100, {"percent": 100}),
        (1, {"percent": 1}),
        (0.5, {"fraction": {"numerator": 5, "denominator": 1000}}),
        (12.5, {"fraction": {"numerator": 125, "denominator": 1000}}),
    ],
)
def test_a_mirror_comes_first_and_has_its_share(percent: float, share: Fields) -> None:
    users = {"type": "URLRewrite", "urlRewrite": {"hostname": "x"}}
    (rule,) = gateway.render(wanted(0, mirror=percent, rules=({"filters": [users]},)))["spec"]["rules"]
    backend = {"group": "", "kind": "Service", "name": f"credit-{CANDIDATE}", "port": 8080}
    assert rule["filters"] == [{"type": "RequestMirror", "requestMirror": {"backendRef": backend, **share}}, users]


@pytest.mark.parametrize("weights", [(999,), (500, 400), (1000, 1)])
def test_weights_that_do_not_sum_to_all_are_refused(weights: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="must sum to 1000"):
        wanted(slots=tuple(slot(f"{index:08x}", weight) for index, weight in enumerate(weights)))


@pytest.mark.parametrize(
    "make", [lambda: slot(STABLE, 1001), lambda: slot(STABLE, -1), lambda: Mirror("a", 1, 0), lambda: Mirror("a", 1, 101)]
)
def test_shares_out_of_range_are_refused(make: Any) -> None:
    with pytest.raises(ValueError, match="must be within"):
        make()


# What comes in from users, and what a server with the real CRD's defaults makes of it.

MATCHES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "path": st.fixed_dictionaries({}, optional={"type": st.just("Exact"), "value": st.sampled_from(["/", "/v1"])}),
            "method": st.just("POST"),
            "headers": st.just([{"name": "x-tenant", "value": "a"}]),
            "queryParams": st.just([{"name": "q", "value": "a", "type": "RegularExpression"}]),
        },
    ),
    max_size=2,
)
FILTERS = st.lists(
    st.sampled_from(
        [
            {"type": "RequestHeaderModifier", "requestHeaderModifier": {"set": [{"name": "x", "value": "y"}], "remove": ["z"]}},
            {"type": "URLRewrite", "urlRewrite": {"path": {"type": "ReplacePrefixMatch", "replacePrefixMatch": "/"}}},
            {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "audit", "port": 80}, "fraction": {"numerator": 3}}},
            {"type": "RequestRedirect", "requestRedirect": {"scheme": "https"}},
            {"type": "CORS", "cors": {"allowOrigins": ["https://a.example"]}},
            {"type": "ExternalAuth", "externalAuth": {"protocol": "GRPC", "backendRef": {"name": "auth", "port": 80}}},
        ]
    ),
    max_size=3,
)
RULES = st.lists(
    st.fixed_dictionaries(
        {},
        optional={
            "name": st.just("score"),
            "matches": MATCHES,
            "filters": FILTERS,
            "timeouts": st.just({"request": "10s"}),
            "retry": st.just({"codes": [503], "attempts": 2}),
            "sessionPersistence": st.sampled_from([{"sessionName": "s"}, {"type": "Cookie", "cookieConfig": {}}]),
        },
    ),
    min_size=1,
    max_size=3,
).map(tuple)
ROUTES = st.builds(
    wanted,
    weight=st.integers(0, 1000),
    mirror=st.none() | st.integers(1, 1000).map(lambda tenths: tenths / 10),
    rules=RULES,
    hostnames=st.sampled_from([(), ("a.example",)]),
    parent_refs=st.sampled_from([({"name": "public"},), ({"name": "public", "namespace": "gateways", "sectionName": "https"},)]),
)


@given(ROUTES)
def test_what_is_rendered_is_read_back(route: WantedRoute) -> None:
    observed = gateway.read(stored(gateway.render(route)))
    assert observed.exists
    assert dict(observed.weights) == {slot.revision: slot.weight for slot in route.slots if slot.weight}
    assert observed.order == tuple(slot.revision for slot in route.slots if slot.weight)
    assert observed.uniform
    assert observed.mirror_percent == pytest.approx(route.mirror.percent if route.mirror else 0)
    assert observed.mirror_service == (route.mirror.service if route.mirror else "")


@given(ROUTES)
def test_a_route_that_was_applied_is_not_applied_again(route: WantedRoute) -> None:
    intent = gateway.render(route)
    assert gateway.differs(intent, None)
    assert not gateway.differs(intent, stored(intent))


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths to everything in a spec, values and the objects and lists that hold them."""
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(leaf for key, each in inside for leaf in leaves(each, (*path, key)))]


@settings(max_examples=300)
@given(ROUTES, st.data())
def test_whatever_somebody_changes_or_takes_away_is_noticed(route: WantedRoute, data: st.DataObject) -> None:
    intent = gateway.render(route)
    meddled = stored(intent)
    path = data.draw(st.sampled_from([leaf for leaf in leaves(meddled["spec"]) if leaf]))
    place: Any = meddled["spec"]
    for key in path[:-1]:
        place = place[key]
    if isinstance(place[path[-1]], dict | list):
        place[path[-1]] = ["meddled"]
    else:
        place[path[-1]] = "meddled"
    assert gateway.differs(intent, meddled), path


@pytest.mark.parametrize(
    "add",
    [
        lambda spec: spec["rules"][0].update(filters=[{"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "spy"}}}]),
        lambda spec: spec["rules"][0]["backendRefs"].append({"name": "other", "weight": 1}),
        lambda spec: spec["rules"][0]["backendRefs"][0].update(namespace="elsewhere"),
        lambda spec: spec["rules"].append({"matches": [{"path": {"value": "/admin"}}]}),
        lambda spec: spec["rules"][0].update(retry={"attempts": 9}),
        lambda spec: spec["hostnames"].append("other.example"),
        lambda spec: spec["rules"][0]["matches"][0].update(method="POST"),
    ],
)
def test_whatever_somebody_adds_is_noticed(add: Any) -> None:
    intent = gateway.render(wanted())
    meddled = stored(intent)
    add(meddled["spec"])
    assert gateway.differs(intent, meddled)


@pytest.mark.parametrize(
    "rule",
    [{"matches": [{"path": "/v1"}]}, {"matches": "x"}, {"filters": "x"}, {"filters": [{"requestMirror": {"backendRef": 1}}]}],
)
def test_rules_of_the_wrong_shape_are_left_for_the_server_to_name(rule: Fields) -> None:
    assert gateway.differs(gateway.render(wanted(mirror=10, rules=(rule,))), stored(gateway.render(wanted())))


def test_what_a_user_takes_out_of_the_model_is_noticed() -> None:
    before = stored(gateway.render(wanted()))
    assert gateway.differs(gateway.render(wanted(hostnames=())), before)
    assert gateway.differs(gateway.render(wanted(rules=({"matches": [{"path": {"value": "/v1/score"}}]},))), before)
    assert gateway.differs(gateway.render(wanted(0, slots=(slot(STABLE, 1000),))), stored(gateway.render(wanted(0))))


def test_a_field_of_a_later_api_version_does_not_cause_writes_for_ever() -> None:
    intent = gateway.render(wanted())
    later = stored(intent)
    later["spec"]["rules"][0]["backendRefs"][0]["invented"] = "default"
    assert not gateway.differs(intent, later)


def test_marks_of_others_on_the_route_are_left_alone() -> None:
    intent = gateway.render(wanted())
    assert not gateway.differs(
        intent, stored(intent, labels={**intent["metadata"]["labels"], "argocd/instance": "x"}, annotations={"a": "b"})
    )


@given(ROUTES, st.integers(0, 1000), st.booleans(), st.booleans())
def test_with_weights_keeps_the_last_accepted_route_and_changes_only_where_traffic_goes(
    accepted: WantedRoute, weight: int, mirrored: bool, from_cluster: bool
) -> None:
    refused = wanted(weight, mirror=10 if mirrored else None, rules=({"filters": [{"type": "Wrong"}]},), hostnames=("wrong",), attempt="3")
    last = gateway.render(accepted)
    fallback = gateway.with_weights(stored(last) if from_cluster else last, refused)
    expected = gateway.render(replace(accepted, slots=refused.slots, mirror=refused.mirror, attempt="3"))
    assert not gateway.differs(expected, stored(fallback))
    assert set(fallback["metadata"]) == {"name", "namespace", "labels", "ownerReferences"}
    assert "status" not in fallback


def test_a_mirror_of_the_users_own_survives_with_weights() -> None:
    own = {"type": "RequestMirror", "requestMirror": {"backendRef": {"name": "audit", "port": 80}}}
    accepted = gateway.render(wanted(0, mirror=10, rules=({"filters": [own]},)))
    assert gateway.with_weights(accepted, wanted(0))["spec"]["rules"][0]["filters"] == [own]
