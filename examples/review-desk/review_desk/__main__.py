"""`python -m review_desk`."""

import logging
import os
import sys

from aiohttp import web

from review_desk.app import application
from review_desk.settings import desk_from

if __name__ == "__main__":
    logging.basicConfig(level=logging.INFO)
    try:
        desk = desk_from(os.environ)
    except (ValueError, KeyError, OSError) as error:
        sys.exit(f"the desk cannot start: {error}")
    web.run_app(application(desk), port=int(os.environ.get("PORT", "8090")))
