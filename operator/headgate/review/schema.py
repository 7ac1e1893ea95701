"""Writes the schema of the review record beside this file: `python -m headgate.review.schema`."""

import json
from pathlib import Path

from headgate.review.record import schema

FILE = Path(__file__).with_name("record.schema.json")


def written() -> str:
    """The file's content."""
    return json.dumps(schema(), indent=2) + "\n"


if __name__ == "__main__":
    FILE.write_text(written())
