"""audit export and verify: what is taken out of the cluster, and what of a forgery is found."""

import json
from pathlib import Path
from zipfile import ZipFile

import pytest
from tests.unit.cli.cluster_in_memory import IN_CANARY, ClusterInMemory, headgate
from tests.unit.governance.chains import START

from headgate.api.audit import AuditRecord, Measured, MeasuredCheck, TrafficRecord
from headgate.api.vocabulary import Metric, Verdict
from headgate.governance.audit_chain import Anchor, Tail, appends, genesis
from headgate.governance.audit_seal import signed_head
from headgate.kube.audit_segments import segment
from headgate.kube.resources import CONFIG_MAPS, GOVERNANCE_APPROVALS

NAMED = "lending/credit-scorer"
SEED = bytes(range(32))
LIVE, NEXT = "11111111", "22222222"

MOVED = AuditRecord(
    time=START,
    attempt=3,
    what="TrafficChanged",
    why="95 % …",
    by="headgate",
    version="2.3.1",
    revision=NEXT,
    traffic=TrafficRecord(before={LIVE: 1000}, after={LIVE: 950, NEXT: 50}, mirrored={}),
)
APPROVED = AuditRecord(
    time=START, attempt=3, what="ApprovalCounted", why="fairness-audit\u2028<script>", by="dana@bank.example", approval="a", version="2.3.1"
)
BACK = AuditRecord(
    time=START,
    attempt=3,
    what="RolledBack",
    why="errors got worse",
    by="headgate",
    version="2.3.1",
    revision=NEXT,
    stage="canary",
    measured=Measured(
        verdict=Verdict.FAIL,
        query='{route="lending/credit-scorer"}',
        since=START,
        until=START,
        checks=(
            MeasuredCheck(
                metric=Metric.ERRORS,
                verdict=Verdict.FAIL,
                candidate_events=17,
                candidate_requests=600,
                stable_events=57,
                stable_requests=11_400,
            ),
        ),
    ),
)


@pytest.fixture
def audited(memory: ClusterInMemory) -> ClusterInMemory:
    """One segment with four entries."""
    memory.model(IN_CANARY)
    (write,) = appends([APPROVED, MOVED, BACK, MOVED], NAMED, Tail(0, genesis(NAMED)))
    head = signed_head(Anchor(NAMED, write.after.sequence, write.after.hash), SEED)
    memory.put(CONFIG_MAPS, segment(write, head, "headgate-system", "lending", "credit-scorer"))
    approval = {"metadata": {"name": "a", "namespace": "lending"}, "spec": {"model": "credit-scorer", "approver": "dana@bank.example"}}
    memory.put(GOVERNANCE_APPROVALS, approval)
    return memory


def exported(folder: Path) -> tuple[Path, Path]:
    """The entries and the anchor, as files."""
    result = headgate("audit", "export", "credit-scorer", "-n", "lending", "--anchor", str(folder / "anchor.json"))
    assert result.exit_code == 0, result.output
    assert result.stderr == ""
    (folder / "audit.jsonl").write_text(result.stdout, encoding="utf-8")
    return folder / "audit.jsonl", folder / "anchor.json"


def test_an_export_is_json_lines_and_verifies_against_its_anchor(audited: ClusterInMemory, tmp_path: Path) -> None:
    file, anchor = exported(tmp_path)
    lines = [json.loads(line) for line in file.read_text().rstrip("\n").split("\n")]
    assert [line.get("what") for line in lines] == ["ApprovalCounted", "TrafficChanged", "RolledBack", "TrafficChanged", None]
    result = headgate("audit", "verify", str(file), "--anchor", str(anchor))
    assert result.exit_code == 0, result.output
    assert "4 entries of lending/credit-scorer follow one another; up to entry 4" in result.stdout


def test_the_cluster_itself_is_verified_against_an_anchor(audited: ClusterInMemory, tmp_path: Path) -> None:
    _, anchor = exported(tmp_path)
    assert headgate("audit", "verify", "--model", "credit-scorer", "-n", "lending", "--anchor", str(anchor)).exit_code == 0
    (stored,) = (body for body in audited.of(CONFIG_MAPS) if body["metadata"]["namespace"] == "headgate-system")
    del stored["data"]["0000000004"]
    result = headgate("audit", "verify", "--model", "credit-scorer", "-n", "lending", "--anchor", str(anchor))
    assert result.exit_code == 1
    assert "entry 4, which the anchor names, is not there" in result.stderr


@pytest.mark.parametrize(
    ("forgery", "says"),
    [
        (lambda lines: [lines[0], *lines[2:]], "entry 2 was expected, and entry 3 stands there"),
        (lambda lines: [*lines[:2], lines[2].replace("got worse", "got better"), *lines[3:]], "does not follow the one before it"),
        (lambda lines: [*lines[:3], lines[4]], "the chain was cut"),
        (lambda lines: [*lines[:4], lines[4].replace('"sequence":4', '"sequence":3')], "the signed head is missing, or was changed"),
        (lambda lines: ["{}", *lines[1:]], "line 1 is no entry"),
    ],
)
def test_a_forgery_is_told(audited: ClusterInMemory, tmp_path: Path, forgery: object, says: str) -> None:
    file, anchor = exported(tmp_path)
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    file.write_text("\n".join(forgery(lines)) + "\n", encoding="utf-8")  # type: ignore[operator]
    result = headgate("audit", "verify", str(file), "--anchor", str(anchor))
    assert result.exit_code == 1
    assert says in result.stderr


def test_a_chain_that_was_signed_anew_is_told_from_the_anchored_one(audited: ClusterInMemory, tmp_path: Path) -> None:
    file, anchor = exported(tmp_path)
    head = signed_head(Anchor(NAMED, 4, json.loads(anchor.read_text())["hash"]), bytes(32))
    lines = file.read_text(encoding="utf-8").rstrip("\n").split("\n")
    file.write_text("\n".join([*lines[:-1], json.dumps({"head": head})]), encoding="utf-8")
    result = headgate("audit", "verify", str(file), "--anchor", str(anchor))
    assert "another key than the anchor" in result.stderr


def test_a_bundle_holds_all_an_auditor_asks_for_and_its_page_needs_nothing_else(audited: ClusterInMemory, tmp_path: Path) -> None:
    made = []
    for name in ("one.zip", "two.zip"):
        result = headgate("audit", "export", "credit-scorer", "-n", "lending", "--bundle", str(tmp_path / name))
        assert result.exit_code == 0, result.output
        made.append((tmp_path / name).read_bytes())
    assert made[0] == made[1]
    with ZipFile(tmp_path / "one.zip") as zipped:
        read = {name: zipped.read(name).decode() for name in zipped.namelist()}
    assert set(read) == {
        *("audit.jsonl", "anchor.json", "approvals.json", "verdicts.json", "timeline.json", "controls.json", "report.html"),
    }
    assert json.loads(read["timeline.json"])[0]["shares"] == {LIVE: 950, "2.3.1 (22222222)": 50}
    (verdict,) = json.loads(read["verdicts.json"])
    assert verdict["measured"]["query"] == '{route="lending/credit-scorer"}'
    assert json.loads(read["approvals.json"])[0]["spec"]["approver"] == "dana@bank.example"
    page = read["report.html"]
    assert "17 of 600" in page
    assert "<script" not in page
    assert "http" not in page
    assert "Article 12" in page
    assert "record for it: audit.jsonl" in page
    assert "complian" not in (page + read["controls.json"]).lower()
    assert headgate("audit", "verify", str(tmp_path / "one.zip")).exit_code == 0


@pytest.mark.parametrize("name", ["anchor.json", "verdicts.json", "timeline.json", "controls.json", "report.html"])
def test_a_changed_file_of_a_bundle_is_named(name: str, audited: ClusterInMemory, tmp_path: Path) -> None:
    given, changed = tmp_path / "given.zip", tmp_path / "changed.zip"
    headgate("audit", "export", "credit-scorer", "-n", "lending", "--bundle", str(given))
    with ZipFile(given) as source, ZipFile(changed, "w") as target:
        for other in source.namelist():
            content = source.read(other).decode()
            target.writestr(other, content.replace("2", "3") if other == name else content)
    result = headgate("audit", "verify", str(changed), "-o", "json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)["findings"] == [f"{name} is not what follows from audit.jsonl: somebody changed one of them"]


def test_a_page_that_another_release_drew_is_not_held_against_anybody(audited: ClusterInMemory, tmp_path: Path) -> None:
    given, other = tmp_path / "given.zip", tmp_path / "other.zip"
    headgate("audit", "export", "credit-scorer", "-n", "lending", "--bundle", str(given))
    with ZipFile(given) as source, ZipFile(other, "w") as target:
        for name in source.namelist():
            content = source.read(name).decode()
            drawn = {"controls.json": '{"release": "0.0.1"}', "report.html": "drawn in another way"}
            target.writestr(name, drawn.get(name, content))
    assert headgate("audit", "verify", str(other)).exit_code == 0


def test_a_bundle_that_lacks_a_file_is_none(audited: ClusterInMemory, tmp_path: Path) -> None:
    given, short = tmp_path / "given.zip", tmp_path / "short.zip"
    headgate("audit", "export", "credit-scorer", "-n", "lending", "--bundle", str(given))
    with ZipFile(given) as source, ZipFile(short, "w") as target:
        target.writestr("audit.jsonl", source.read("audit.jsonl"))
    assert "is no bundle of an audit" in headgate("audit", "verify", str(short)).stderr


def test_programs_get_documents(audited: ClusterInMemory, tmp_path: Path) -> None:
    told = json.loads(headgate("audit", "export", "credit-scorer", "-n", "lending", "-o", "json").stdout)
    assert [entry["what"] for entry in told["entries"]] == ["ApprovalCounted", "TrafficChanged", "RolledBack", "TrafficChanged"]
    assert (told["model"], told["findings"]) == (NAMED, [])
    file, anchor = exported(tmp_path)
    verified = json.loads(headgate("audit", "verify", str(file), "--anchor", str(anchor), "-o", "json").stdout)
    assert verified == {"model": NAMED, "entries": 4, "anchor": 4, "verified": True, "findings": []}


def test_what_cannot_be_done_is_told_in_one_line(audited: ClusterInMemory, tmp_path: Path) -> None:
    nothing = tmp_path / "nothing.jsonl"
    nothing.write_text("hello\n")
    for arguments, says in (
        (("export", "unknown", "-n", "lending"), "namespace headgate-system has no audit of lending/unknown"),
        (("verify",), "name a FILE"),
        (("verify", str(nothing)), "is no export of an audit"),
        (("verify", str(exported(tmp_path)[0]), "--anchor", str(nothing)), "cannot be used as an anchor"),
        (("export", "credit-scorer", "-n", "lending", "--bundle", "/nonexistent/file.zip"), "cannot be written"),
    ):
        result = headgate("audit", *arguments)
        assert result.exit_code == 1, arguments
        assert says in result.stderr
