"""Write the dashboards into the chart."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard, Panel

from dashboards.pages import PAGES

FOLDER = Path(__file__).resolve().parents[2] / "charts/headgate/files/dashboards"


def documents() -> dict[str, str]:
    """The JSON of each dashboard by the name of its file."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{name}.json": encoder.encode(numbered(made())) + "\n" for name, made in PAGES.items()}


def numbered(page: Dashboard) -> Dashboard:
    """Links to a panel, and its own history, go by its number."""
    for number, panel in enumerate(page.panels or (), 1):
        if isinstance(panel, Panel):
            panel.id_val = number
    return page


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
