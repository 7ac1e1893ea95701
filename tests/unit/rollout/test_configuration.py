"""Which ConfigMaps and Secrets a pod template names, and which changes of them are a new version."""

import copy
from typing import Any

import pytest
from tests.unit.rollout.world import World, condition, in_canary, live, spec

from headgate.api.aimodel import AIModelSpec
from headgate.api.conditions import ConditionType
from headgate.api.reasons import Reason
from headgate.rollout.configuration import Reference, Source, content_of, digest_of, references, with_copies
from headgate.rollout.revisions import revision_of
from headgate.rollout.snapshot import ConfigurationState, Problem

MAP, KEY = Reference(Source.CONFIG_MAP, "limits"), Reference(Source.SECRET, "token")
Object = dict[str, Any]


def env(**source: Object) -> Object:
    return {"containers": [{"name": "m", "env": [{"name": "A", "valueFrom": source}]}]}


def init(**source: Object) -> Object:
    return {"initContainers": [{"name": "i", "envFrom": [source]}], "containers": [{"name": "m"}]}


def volume(**source: Any) -> Object:
    return {"containers": [{"name": "m"}], "volumes": [{"name": "v", **source}]}


PLACES: list[tuple[str, Object, Reference]] = [
    ("variable from a ConfigMap", env(configMapKeyRef={"name": "limits", "key": "a"}), MAP),
    ("variable from a Secret", env(secretKeyRef={"name": "token", "key": "a"}), KEY),
    ("all variables of a ConfigMap, in an init container", init(configMapRef={"name": "limits"}), MAP),
    ("all variables of a Secret, in an init container", init(secretRef={"name": "token"}), KEY),
    ("volume of a ConfigMap", volume(configMap={"name": "limits"}), MAP),
    ("volume of a Secret", volume(secret={"secretName": "token"}), KEY),
    ("projected ConfigMap", volume(projected={"sources": [{"configMap": {"name": "limits"}}]}), MAP),
    ("projected Secret", volume(projected={"sources": [{"downwardAPI": {}}, {"secret": {"name": "token"}}]}), KEY),
]


@pytest.mark.parametrize(("pod", "named"), [place[1:] for place in PLACES], ids=[place[0] for place in PLACES])
def test_every_place_is_found_and_rewritten(pod: Object, named: Reference) -> None:
    template = {"spec": pod}
    before = copy.deepcopy(template)
    assert references(template) == {named: True}
    rewritten = with_copies(template, {"limits": "limits-copy"})
    assert template == before, "the user's template is left alone"
    renamed = Reference(Source.CONFIG_MAP, "limits-copy") if named == MAP else named
    assert references(rewritten) == {renamed: True}


WRONG_SHAPES: list[Any] = [
    {},
    {"spec": None},
    {"spec": {"containers": "none", "volumes": {"a": 1}}},
    {"spec": {"containers": [None, {"env": [1, {"valueFrom": []}], "envFrom": {"configMapRef": 1}}], "volumes": [{"configMap": 7}]}},
    {"spec": {"volumes": [{"configMap": {"name": 3}}, {"secret": {}}, {"projected": {"sources": "all"}}]}},
]


@pytest.mark.parametrize("template", WRONG_SHAPES)
def test_parts_of_the_wrong_shape_name_nothing(template: Object) -> None:
    assert references(template) == {}


def test_an_object_is_optional_only_if_it_is_so_everywhere() -> None:
    pod = volume(configMap={"name": "limits", "optional": True})
    assert references({"spec": pod}) == {MAP: False}
    pod["containers"] = [{"name": "m", "envFrom": [{"configMapRef": {"name": "limits"}}]}]
    assert references({"spec": pod}) == {MAP: True}


def test_data_counts_text_and_binary_but_not_labels() -> None:
    plain = {"metadata": {"name": "limits"}, "data": {"a": "1"}}
    digest = digest_of(plain)
    assert digest_of({**plain, "metadata": {"name": "other", "labels": {"x": "y"}}}) == digest
    assert digest_of({**plain, "data": {"a": "2"}}) != digest
    assert digest_of({**plain, "binaryData": {"b": "AA=="}}) != digest
    assert digest_of({"binaryData": {"a": "1"}}) != digest


MODEL_SPEC = spec("1.0.0").model_dump(mode="json", by_alias=True)


def model(**pod: Any) -> AIModelSpec:
    document = copy.deepcopy(MODEL_SPEC)
    inner = document["serving"]["deployment"]["template"]["spec"]
    inner["containers"][0] |= pod.pop("container", {})
    inner |= pod
    return AIModelSpec.model_validate(document)


MOUNTED = model(
    container={"volumeMounts": [{"name": "v", "mountPath": "/etc/model"}, {"name": "scratch", "mountPath": "/tmp"}]},
    volumes=[
        {"name": "v", "configMap": {"name": "limits"}},
        {"name": "w", "configMap": {"name": "names"}},
        {"name": "scratch", "emptyDir": {}},
    ],
)
NAMES = Reference(Source.CONFIG_MAP, "names")
DIGESTS = {MAP: "sha256:1", NAMES: "sha256:2"}


@pytest.mark.parametrize(
    ("given", "revision", "content"),
    [
        (spec("1.0.0"), "e7f06584", "sha256:2b3aee178e919d2efefb9b258bb8e62eb06d5cc19c2048581a694e52dc6db8ff"),
        (
            model(
                initContainers=[{"name": "fetch", "image": "r/fetch:1", "args": ["--all"]}],
                container={
                    "env": [{"name": "A", "value": "1"}, {"name": "POD", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}}],
                    "volumeMounts": [{"name": "scratch", "mountPath": "/tmp"}],
                },
                volumes=[{"name": "scratch", "emptyDir": {}}],
            ),
            "f4239efe",
            "sha256:2ec425aa256f0bd441e678904bf2f9a074b4b3e554e423fb448ee10f4b75124c",
        ),
    ],
    ids=["plain", "init container, variables, volumes"],
)
def test_a_model_without_references_keeps_the_digests_of_the_first_release(given: AIModelSpec, revision: str, content: str) -> None:
    found = revision_of(given, {})
    assert (found.revision, found.content) == (revision, content)


def test_a_model_with_configuration_and_scratch_space_keeps_its_digests() -> None:
    found = revision_of(MOUNTED, DIGESTS)
    assert (found.revision, found.content) == ("f0306bf7", "sha256:2c1ee6fe688b9f59c7395b989964ec51f8af6e83feb5ab18a7cffde84c3aff59")


def test_changed_data_is_new_content_and_a_new_revision() -> None:
    before, after = revision_of(MOUNTED, DIGESTS), revision_of(MOUNTED, {**DIGESTS, MAP: "sha256:3"})
    assert before.content != after.content
    assert before.revision != after.revision


def test_a_secret_counts_by_name_until_it_has_a_hash() -> None:
    one, other = (model(volumes=[{"name": "v", "secret": {"secretName": name}}]) for name in ("token", "token-2"))
    assert revision_of(one, {}).content != revision_of(other, {}).content
    hashed = revision_of(one, {KEY: "hmac-sha256:1"})
    assert hashed.content not in (revision_of(one, {}).content, revision_of(one, {KEY: "hmac-sha256:2"}).content)


def test_how_data_reaches_a_container_is_content_but_scratch_space_is_not() -> None:
    document = MOUNTED.model_dump(mode="json", by_alias=True)
    pod = document["serving"]["deployment"]["template"]["spec"]
    before = copy.deepcopy(content_of({"spec": pod}, DIGESTS))
    pod["volumes"][2]["emptyDir"] = {"sizeLimit": "1Gi"}
    pod["containers"][0]["volumeMounts"][1]["mountPath"] = "/var/tmp"
    assert content_of({"spec": pod}, DIGESTS) == before
    swapped = copy.deepcopy(pod)
    swapped["volumes"][0]["configMap"], swapped["volumes"][1]["configMap"] = {"name": "names"}, {"name": "limits"}
    assert content_of({"spec": swapped}, DIGESTS) != before
    pod["containers"][0]["volumeMounts"][0]["mountPath"] = "/etc/other"
    assert content_of({"spec": pod}, DIGESTS) != before


def on(volume: Object, **mount: Any) -> AIModelSpec:
    """A model with one volume, mounted as `mount` says."""
    return model(volumes=[{"name": "v", **volume}], container={"volumeMounts": [{"name": "v", "mountPath": "/models", **mount}]})


def container(**fields: Any) -> AIModelSpec:
    return model(container=fields)


CLAIM: Object = {"persistentVolumeClaim": {"claimName": "weights"}}
DEVICE = {"name": "v", "devicePath": "/dev/a"}
OTHER_CONTENT: dict[str, tuple[AIModelSpec, AIModelSpec]] = {
    "image of weights": (on({"image": {"reference": "r/w:1"}}), on({"image": {"reference": "r/w:2"}})),
    "claim": (on(CLAIM), on({"persistentVolumeClaim": {"claimName": "weights-2"}})),
    "driver": (on({"csi": {"driver": "d", "volumeAttributes": {"v": "1"}}}), on({"csi": {"driver": "d", "volumeAttributes": {"v": "2"}}})),
    "path on the host": (on({"hostPath": {"path": "/a"}}), on({"hostPath": {"path": "/b"}})),
    "share": (on({"nfs": {"server": "s", "path": "/a"}}), on({"nfs": {"server": "s", "path": "/b"}})),
    "a kind that nobody knows yet": (on({"weights": {"of": "1"}}), on({"weights": {"of": "2"}})),
    "another part of a claim": (on(CLAIM, subPath="a"), on(CLAIM, subPath="b")),
    "a part named by a variable": (on(CLAIM, subPathExpr="$(A)"), on(CLAIM, subPathExpr="$(B)")),
    "another part of what was fetched": (on({"emptyDir": {}}, subPath="a"), on({"emptyDir": {}}, subPath="b")),
    "another place": (on(CLAIM), on(CLAIM, mountPath="/other")),
    "block device": (
        model(volumes=[{"name": "v", **CLAIM}], container={"volumeDevices": [DEVICE]}),
        model(volumes=[{"name": "v", **CLAIM}], container={"volumeDevices": [{**DEVICE, "devicePath": "/dev/b"}]}),
    ),
    "hook at the start": (container(), container(lifecycle={"postStart": {"exec": {"command": ["fetch"]}}})),
    "hook at the end": (container(), container(lifecycle={"preStop": {"exec": {"command": ["drain"]}}})),
    "working directory": (container(), container(workingDir="/srv/2")),
    **{probe: (container(), container(**{probe: {"exec": {"command": ["fetch"]}}})) for probe in ("readinessProbe", "livenessProbe")},
}


@pytest.mark.parametrize(("before", "after"), OTHER_CONTENT.values(), ids=OTHER_CONTENT)
def test_what_runs_and_what_it_reads_is_content(before: AIModelSpec, after: AIModelSpec) -> None:
    old, new = revision_of(before, {}), revision_of(after, {})
    assert old.content != new.content
    assert old.revision != new.revision


PLAIN = revision_of(spec("1.0.0"), {}).content
NO_CONTENT = {
    "scratch space": on({"emptyDir": {"sizeLimit": "1Gi"}}),
    "scratch space that does not say so": on({}),
    "the whole of it": on({"emptyDir": {}}, subPath=""),
    "hooks and directory that say nothing": container(lifecycle={}, workingDir=""),
    "probe without a command": container(readinessProbe={"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 3}),
}


@pytest.mark.parametrize("given", NO_CONTENT.values(), ids=NO_CONTENT)
def test_what_brings_neither_code_nor_data_is_no_content(given: AIModelSpec) -> None:
    assert revision_of(given, {}).content == PLAIN


def test_how_often_a_probe_runs_its_command_is_no_content() -> None:
    often, seldom = (container(livenessProbe={"exec": {"command": ["ask"]}, "periodSeconds": seconds}) for seconds in (1, 60))
    assert revision_of(often, {}).content == revision_of(seldom, {}).content


def test_the_hook_that_headgate_adds_is_no_content() -> None:
    """It is put into Deployments, with the time of spec.serving.drain; the digest is that of the spec."""
    document = copy.deepcopy(MODEL_SPEC)
    document["serving"]["drain"] = "90s"
    assert revision_of(AIModelSpec.model_validate(document), {}).content == PLAIN


def test_other_weights_in_a_volume_pass_shadow_and_gate() -> None:
    world = World(on({"image": {"reference": "r/w:1"}}))
    world.settle()
    world.approve()
    world.settle()
    world.step(40 * 86_400)
    world.settle()
    assert world.status.phase == "Live"
    world.spec = on({"image": {"reference": "r/w:2"}})
    world.generation += 1
    world.quiet()
    world.settle()
    candidate = world.status.candidate
    assert candidate is not None
    assert (candidate.kind, world.status.phase, world.weight()) == ("Rollout", "Shadow", 0)


def test_a_restart_by_kubectl_is_no_new_version() -> None:
    document = MOUNTED.model_dump(mode="json", by_alias=True)
    template = document["serving"]["deployment"]["template"]
    template["metadata"] = {"annotations": {"kubectl.kubernetes.io/restartedAt": "2026-03-01T00:00:00Z"}}
    assert revision_of(AIModelSpec.model_validate(document), DIGESTS) == revision_of(MOUNTED, DIGESTS)


def test_a_configmap_without_its_digest_is_no_revision() -> None:
    with pytest.raises(KeyError):
        revision_of(MOUNTED, {MAP: "sha256:1"})


MISSING = ConfigurationState(problem=Problem(Reason.CONFIGURATION_MISSING, "ConfigMap limits: create it"))
UNREAD = ConfigurationState(known=False)


def test_a_missing_object_starts_nothing_and_stops_nothing() -> None:
    world = live()
    world.configuration = MISSING
    world.release("2.0.0")
    world.settle()
    assert (world.status.phase, world.status.candidate, condition(world, ConditionType.READY)[1]) == ("Live", None, "ConfigurationMissing")
    assert condition(world, ConditionType.SERVING)[0] == "True"
    world.configuration = ConfigurationState()
    world.settle()
    assert world.status.candidate_version == "2.0.0"


def test_a_candidate_stays_where_it_is_while_it_is_not_known_what_the_spec_asks_for() -> None:
    for state in (MISSING, UNREAD):
        world = in_canary()
        world.good()
        world.configuration = state
        world.step()
        assert world.weight() == 50
        world.configuration = ConfigurationState()
        world.step()
        assert world.weight() == 500


def test_harm_is_stopped_though_nothing_is_known_of_the_configuration() -> None:
    for state in (MISSING, UNREAD):
        world = in_canary()
        world.guard()
        world.configuration = state
        world.step()
        assert (world.status.candidate, [blocked.cause for blocked in world.status.blocked]) == (None, ["Guard"])


def test_nothing_is_written_about_a_spec_before_what_it_refers_to_was_read() -> None:
    world = live()
    before = world.status
    world.release("2.0.0")
    world.configuration = UNREAD
    world.step()
    assert world.status == before
