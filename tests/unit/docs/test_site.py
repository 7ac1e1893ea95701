"""The reference is made from the code as it is, and the site from the pages as they are."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from tests.resources import ROOT
from tests.unit.chart.rendering import needs_helm

from docs import alerts, commands, fields, rbac, reasons
from docs.__main__ import REFERENCE, WITHOUT_HELM
from docs.foreign import fetched, found
from docs.markdown import code, table
from docs.outside import place, relinked

MADE = "run `make docs`"


def test_the_reference_is_in_date() -> None:
    pages = {name: text for make in WITHOUT_HELM for name, text in make().items()}
    assert set(pages) | {"rbac.md"} == {page.name for page in REFERENCE.glob("*.md")}
    assert [name for name, text in pages.items() if (REFERENCE / name).read_text(encoding="utf-8") != text] == [], MADE


@needs_helm
def test_the_reference_of_rights_is_in_date() -> None:
    assert (REFERENCE / "rbac.md").read_text(encoding="utf-8") == rbac.pages()["rbac.md"], MADE


def test_fields_are_told_with_type_default_bounds_and_meaning() -> None:
    page = fields.pages()["rolloutpolicy.md"]
    assert "### spec.stages[]\n" in page
    assert '| `profile` | string | `"envoy-gateway"` | `envoy-gateway`, `http` | Whose counters are read' in page
    assert "| **`stages`** | [list of object](#specstages) |  | 1 to " in page
    assert "Minduration must not be longer" not in page
    assert "MinDuration must not be longer than maxDuration." in page


def test_every_kind_every_alert_and_every_command_has_its_place() -> None:
    assert set(fields.pages()) == {"aimodel.md", "rolloutpolicy.md", "governanceapproval.md", "truststore.md"}
    assert "[HeadgateRolledBack](../runbooks/HeadgateRolledBack.md) | warning |" in alerts.pages()["alerts.md"]
    assert {"## approve", "## audit verify", "## list", "## lint"} <= set(commands.pages()["commands.md"].splitlines())


def test_reasons_are_grouped_as_in_the_code_and_their_links_fit() -> None:
    heads = "| reason | means | what to do |\n|---|---|---|\n"
    page = f"## Reasons\n\n{heads}| `Live` | see [a](audit.md#b), [c](https://x.example) | d |\n\n## Next\n"
    assert reasons.meanings(page) == {"Live": "see [a](../audit.md#b), [c](https://x.example)"}
    assert "## Approvals\n" in reasons.pages()["reasons.md"]


def test_code_with_a_bar_is_told_alike_by_all_viewers() -> None:
    assert (code(""), code("a*b"), code("a|b*")) == ("", "`a*b`", "<code>a&#124;b&#42;</code>")


def test_bars_and_line_feeds_stay_in_their_cells() -> None:
    assert table(("a", "b"), [("x|y", "one\ntwo")]) == "| a | b |\n|---|---|\n| x\\|y | one two |\n"


@pytest.mark.parametrize(
    ("page", "link", "wanted"),
    [
        ("docs/index.md", "audit.md#export", "audit.md#export"),
        ("docs/index.md", "../examples/models/credit-scorer.yaml", "source/examples/models/credit-scorer.yaml.md"),
        ("docs/guides/approver.md", "../../charts/headgate/README.md#values", "../source/charts/headgate/README.md#values"),
        ("docs/index.md", "../examples/gitops", "source/examples/gitops/README.md"),
        ("charts/headgate/README.md", "../../docs/audit.md", "../../../audit.md"),
        ("charts/headgate/README.md", "values.yaml", "values.yaml.md"),
        ("docs/index.md", "https://example.com/a.md", "https://example.com/a.md"),
        ("docs/index.md", "#where-to-go", "#where-to-go"),
        ("docs/index.md", "../nowhere.md", "../nowhere.md"),
    ],
)
def test_links_out_of_docs_lead_to_pages_of_the_site(page: str, link: str, wanted: str) -> None:
    assert relinked(f"see [it]({link}) and\n```\n[it]({link})\n```\n", ROOT / page) == f"see [it]({wanted}) and\n```\n[it]({link})\n```\n"


def test_pages_outside_docs_keep_their_paths_below_source() -> None:
    assert place(ROOT / "docs/audit.md") == "audit.md"
    assert place(ROOT / "CHANGELOG.md") == "source/CHANGELOG.md"


def test_what_a_browser_fetches_from_elsewhere_is_found() -> None:
    page = (
        '<link rel="stylesheet" href="https://fonts.example/a.css"><a href="https://example.com">x</a>'
        '<script src="//cdn.example/b.js"></script><img src="c.png"><link rel="canonical" href="https://d.example">'
    )
    assert fetched(page) == ["https://fonts.example/a.css", "//cdn.example/b.js"]


def test_the_site_is_built_without_a_warning_and_fetches_nothing_from_elsewhere(tmp_path: Path) -> None:
    site = tmp_path / "site"
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--quiet", "--site-dir", str(site)]
    done = subprocess.run(command, cwd=ROOT, env=os.environ | {"NO_MKDOCS_2_WARNING": "1"}, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
    assert (site / "source/examples/models/credit-scorer.yaml/index.html").exists()
    assert list(found(site)) == []
