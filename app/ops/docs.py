"""`/docs` and `/redoc` from files of our own: they work without internet and under a strict CSP."""

from pathlib import Path
from typing import Any

import fastapi_offline
from fastapi import FastAPI
from fastapi.openapi.docs import (
    get_redoc_html,
    get_swagger_ui_html,
    get_swagger_ui_oauth2_redirect_html,
)
from starlette.responses import HTMLResponse
from starlette.staticfiles import StaticFiles

_ASSETS = Path(fastapi_offline.__file__).parent / "static"
_REDIRECT = "/docs/oauth2-redirect"
_SWAGGER_UI: dict[str, Any] = {
    "persistAuthorization": True,
    "displayRequestDuration": True,
    # Closed groups and a box to filter them: a hundred operations are no page to read.
    "docExpansion": "none",
    "filter": True,
    "defaultModelsExpandDepth": -1,
    # Colouring a list of a hundred books takes the browser seconds.
    "syntaxHighlight": False,
}
# The pages start themselves with an inline script, and Swagger UI styles elements inline.
_CSP = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src blob:; frame-ancestors 'none'"
)


def add_docs(app: FastAPI) -> None:
    """Serve the pages beside `/openapi.json`."""
    url = str(app.openapi_url)

    async def show_docs() -> HTMLResponse:
        return _page(
            get_swagger_ui_html(
                openapi_url=url,
                title=app.title,
                swagger_js_url="/docs/assets/swagger-ui-bundle.js",
                swagger_css_url="/docs/assets/swagger-ui.css",
                swagger_favicon_url="/docs/assets/favicon.png",
                oauth2_redirect_url=_REDIRECT,
                swagger_ui_parameters=_SWAGGER_UI,
            )
        )

    async def show_redoc() -> HTMLResponse:
        return _page(
            get_redoc_html(
                openapi_url=url,
                title=app.title,
                redoc_js_url="/docs/assets/redoc.standalone.js",
                redoc_favicon_url="/docs/assets/favicon.png",
                with_google_fonts=False,
            )
        )

    async def show_oauth2_redirect() -> HTMLResponse:
        return _page(get_swagger_ui_oauth2_redirect_html())

    app.add_api_route("/docs", show_docs, include_in_schema=False)
    app.add_api_route("/redoc", show_redoc, include_in_schema=False)
    app.add_api_route(_REDIRECT, show_oauth2_redirect, include_in_schema=False)
    app.mount("/docs/assets", StaticFiles(directory=_ASSETS), name="docs-assets")


def _page(page: HTMLResponse) -> HTMLResponse:
    page.headers["Content-Security-Policy"] = _CSP
    return page
