"""Which routes and Services of other people go around a model's own."""

import pytest

from headgate.api.aimodel import Traffic
from headgate.rollout.bypass import ForeignRoute, ForeignService, Path, WaysAround, bypass_words

GATEWAY = ("gateways", "public")


def traffic(*matches: dict[str, object], hosts: tuple[str, ...] = ("credit.example",)) -> Traffic:
    return Traffic.model_validate(
        {"parentRefs": [{"name": "public", "namespace": "gateways"}], "hostnames": hosts, "rules": [{"matches": matches}]}
    )


def route(
    *paths: Path,
    name: str = "other",
    hosts: tuple[str, ...] = ("credit.example",),
    gateway: tuple[str, str] = GATEWAY,
    services: frozenset[tuple[str, str]] = frozenset(),
) -> ForeignRoute:
    return ForeignRoute("shop", name, hosts, frozenset({gateway}), paths or (Path(),), services)


def words(mine: Traffic, *foreign: ForeignRoute, services: tuple[str, ...] = ()) -> str:
    return bypass_words(WaysAround.of(foreign), mine, "lending", services)


@pytest.mark.parametrize(
    ("mine", "theirs", "taken"),
    [
        (Path(), Path(), True),
        (Path(), Path(value="/v1"), True),
        (Path(value="/v1"), Path(), False),
        (Path(value="/v1"), Path(value="/v1"), True),
        (Path(value="/v1"), Path(value="/v1/score"), True),
        (Path(value="/v1/"), Path(value="/v1/score"), True),
        (Path(value="/v1"), Path(value="/v10"), False),
        (Path(value="/v1"), Path("Exact", "/v1"), True),
        (Path("Exact", "/v1"), Path(value="/v1"), False),
        (Path("Exact", "/v1"), Path("Exact", "/v1"), True),
        (Path("Exact", "/v1"), Path("Exact", "/v1/score"), False),
        (Path(value="/v1"), Path("RegularExpression", "/docs.*"), True),
        (Path("RegularExpression", "/v.*"), Path(value="/docs"), True),
    ],
    ids=lambda value: f"{value.kind} {value.value}" if isinstance(value, Path) else None,
)
def test_a_match_at_least_as_long_takes_requests_away(mine: Path, theirs: Path, taken: bool) -> None:
    assert theirs.takes_from(mine) is taken


def test_a_route_on_the_same_host_and_gateway_is_told_by_name() -> None:
    said = words(traffic(), route())
    assert "HTTPRoute shop/other answers requests for credit.example" in said
    assert "Delete it, or narrow it" in said


@pytest.mark.parametrize(
    "harmless",
    [
        route(hosts=("other.example",)),
        route(gateway=("gateways", "internal")),
        route(hosts=()),
        route(services=frozenset({("shop", "credit-0a1b2c3d")})),
    ],
    ids=["another host", "another gateway", "any host: the more precise name wins", "a Service of the same name elsewhere"],
)
def test_what_takes_nothing_is_not_told(harmless: ForeignRoute) -> None:
    mine = traffic({"path": {"type": "PathPrefix", "value": "/v1"}})
    assert words(mine, harmless, services=("credit-0a1b2c3d",)) == ""


def test_a_model_for_any_host_loses_requests_to_a_route_for_any_host() -> None:
    assert "for any host" in words(traffic(hosts=()), route(hosts=()))


def test_who_sends_to_a_version_itself_is_told_wherever_it_listens() -> None:
    around = route(hosts=("private.example",), gateway=("x", "y"), services=frozenset({("lending", "credit-0a1b2c3d")}))
    assert "sends requests to Service credit-0a1b2c3d" in words(traffic(), around, services=("credit-0a1b2c3d",))


def test_of_many_a_few_are_named_and_the_rest_counted() -> None:
    said = words(traffic(), *(route(name=f"r{number}") for number in range(5)))
    assert said.count("HTTPRoute") == 3
    assert "and 2 more" in said


PODS = (
    ("0a1b2c3d", frozenset({"app=credit", "headgate.dev/model=credit", "headgate.dev/revision=0a1b2c3d"})),
    ("4e5f6a7b", frozenset({"app=credit", "headgate.dev/model=credit", "headgate.dev/revision=4e5f6a7b"})),
)
ELSEWHERE = route(hosts=("elsewhere.example",), services=frozenset({("lending", "mine")}))


def by_service(service: ForeignService, *routes: ForeignRoute) -> str:
    return bypass_words(WaysAround.of(routes, [service]), traffic(), "lending", (), PODS)


@pytest.mark.parametrize(
    ("selector", "revisions"),
    [({"app=credit"}, "0a1b2c3d, 4e5f6a7b"), ({"app=credit", "headgate.dev/revision=4e5f6a7b"}, "4e5f6a7b")],
    ids=["every version", "one version"],
)
def test_a_service_with_a_route_of_somebody_else_is_told_with_the_versions_it_selects(selector: set[str], revisions: str) -> None:
    said = by_service(ForeignService("lending", "mine", frozenset(selector)), ELSEWHERE)
    assert f"Service lending/mine selects pods of {revisions}, and HTTPRoute shop/other leads to it" in said


def test_a_service_that_lets_requests_in_by_itself_is_told_without_any_route() -> None:
    assert "of type LoadBalancer" in by_service(ForeignService("lending", "mine", frozenset({"app=credit"}), "it is of type LoadBalancer"))


@pytest.mark.parametrize(
    ("service", "routes"),
    [
        (ForeignService("lending", "mine", frozenset({"app=credit"})), ()),
        (ForeignService("lending", "mine", frozenset({"app=credit", "tier=gold"})), (ELSEWHERE,)),
        (ForeignService("lending", "mine", frozenset()), (ELSEWHERE,)),
        (ForeignService("shop", "mine", frozenset({"app=credit"})), (ELSEWHERE,)),
    ],
    ids=["nothing leads to it, as to one for metrics", "other pods", "without a selector", "another namespace"],
)
def test_a_service_that_brings_the_versions_nobody_is_not_told(service: ForeignService, routes: tuple[ForeignRoute, ...]) -> None:
    assert by_service(service, *routes) == ""
