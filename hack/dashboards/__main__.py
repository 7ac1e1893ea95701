"""Write the dashboards into the chart."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from dashboards.pages import PAGES

FOLDER = Path(__file__).resolve().parents[2] / "charts/headgate/files/dashboards"


def documents() -> dict[str, str]:
    """The JSON of each dashboard by the name of its file."""
    encoder = JSONEncoder(sort_keys=True, indent=2)
    return {f"{name}.json": encoder.encode(made()) + "\n" for name, made in PAGES.items()}


def main() -> None:
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name, text in documents().items():
        (FOLDER / name).write_text(text)


if __name__ == "__main__":
    main()
