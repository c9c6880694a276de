"""A bookstore's backend: one REST API on FastAPI, PostgreSQL and Redis."""

import os

__version__ = os.environ.get("BOOKSTORE_VERSION") or "0.1.0"
"""The release; what an image was built as goes before what stands here."""
REVISION = os.environ.get("BOOKSTORE_REVISION") or None
"""The commit that an image was built from."""
