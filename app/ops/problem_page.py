"""An error's explanation, and the list of all, as pages for people."""

import base64
import hashlib
import re
from html import escape
from string import Template

from starlette.responses import HTMLResponse

from app.ops.schemas import ProblemKindOut, ProblemKindsOut

_STYLE = (
    "body{font:16px/1.6 system-ui,sans-serif;max-width:42rem;margin:3rem auto;padding:0 1rem;color:#222;background:#fff}"
    "code{background:#f3f1ec;padding:.1em .3em}p.code{color:#666}a{color:#0b57d0}"
    "@media(prefers-color-scheme:dark){body{color:#ddd;background:#1b1b1b}code{background:#333}a{color:#8ab4f8}}"
)
_PAGE = Template(
    """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>$title</title>
<style>$style</style>
</head>
<body>
<h1>$title</h1>
$content
</body>
</html>
"""
)
_ONE = Template(
    """<p class="code"><code>$code</code>, HTTP status $status</p>
<p>$description</p>
<h2>What to do</h2>
<p>$remedy</p>
<p><a href="/problems">All errors of this API</a></p>"""
)
_OF_ALL = Template(
    """<h2 id="$code"><a href="/problems/$code">$title</a></h2>
<p class="code"><code>$code</code>, HTTP status $status</p>
<p>$description</p>
<p>$remedy</p>"""
)
_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; frame-ancestors 'none'"


def show_problem(kind: ProblemKindOut) -> HTMLResponse:
    """The page of one error; it loads nothing and runs nothing."""
    return _page(kind.title, _filled(_ONE, kind))


def show_problems(kinds: ProblemKindsOut) -> HTMLResponse:
    """The page of all errors, each with its remedy and a link to its own page."""
    return _page("All errors of this API", "\n".join(_filled(_OF_ALL, kind) for kind in kinds.items))


def _page(title: str, content: str) -> HTMLResponse:
    page = _PAGE.substitute(style=_STYLE, title=escape(title), content=content)
    return HTMLResponse(page, headers={"Content-Security-Policy": _POLICY})


def _filled(template: Template, kind: ProblemKindOut) -> str:
    return template.substitute(
        title=escape(kind.title),
        code=kind.code,
        status=kind.status,
        description=_marked(kind.description),
        remedy=_marked(kind.remedy),
    )


def _marked(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
