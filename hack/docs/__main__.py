"""Write docs/reference: `python -m docs` in hack/."""

import shutil
import sys
from collections.abc import Callable
from pathlib import Path

from docs import alerts, commands, fields, rbac, reasons

REFERENCE = Path(__file__).resolve().parents[2] / "docs/reference"
WITHOUT_HELM: tuple[Callable[[], dict[str, str]], ...] = (fields.pages, reasons.pages, alerts.pages, commands.pages)
"""What makes pages from the code alone."""


def main() -> None:
    """Write every page whose sources can be read here."""
    makers = (*WITHOUT_HELM, rbac.pages)
    if shutil.which("helm") is None:
        print("helm is not on the PATH: docs/reference/rbac.md stays as it is", file=sys.stderr)
        makers = WITHOUT_HELM
    REFERENCE.mkdir(exist_ok=True)
    for make in makers:
        for name, text in make().items():
            (REFERENCE / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
