"""`/dev/mail`, the mails that development wrote to a folder, and `/dev/mail-templates`, what every mail looks like."""

from collections.abc import Iterable
from email import message_from_bytes, policy
from email.message import EmailMessage
from html import escape
from pathlib import Path

from fastapi import FastAPI
from starlette.responses import HTMLResponse

from app.messaging.email.languages import LANGUAGES
from app.messaging.email.samples import sample
from app.messaging.email.templates import Template

_MOST = 200
# Mails are shown in a sandboxed frame that runs no script; a link in one opens a page of its own.
_CSP = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-src 'self'; frame-ancestors 'none'"
)
_SANDBOX = "allow-popups allow-popups-to-escape-sandbox"
_PAGE = """<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{title}</title><style>
body{{font:15px/1.5 sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem}}
table{{border-collapse:collapse;width:100%}} td,th{{text-align:left;padding:.3rem .6rem;border-bottom:1px solid #ddd}}
iframe{{width:100%;height:34rem;border:1px solid #ccc}} pre{{background:#f5f3ee;padding:1rem;white-space:pre-wrap;word-break:break-word}}
</style></head><body>{body}</body></html>"""


def add_mail_preview(app: FastAPI, folder: Path) -> None:
    """Serve the pages; called in development alone."""

    def list_mails() -> HTMLResponse:
        rows = ""
        for path in _newest(folder):
            mail = _read(path)
            date, recipient, subject = (escape(str(mail[name])) for name in ("Date", "To", "Subject"))
            link = f'<a href="/dev/mail/{escape(path.name)}">{subject}</a>'
            rows += f"<tr><td>{date}</td><td>{recipient}</td><td>{link}</td></tr>"
        rows = rows or '<tr><td colspan="3">No mail yet.</td></tr>'
        table = f"<table><tr><th>When</th><th>To</th><th>Subject</th></tr>{rows}</table>"
        return _page("Mails", f"<h1>Mails</h1>{table}")

    def show_mail(name: str) -> HTMLResponse:
        # Only names that the folder has: nothing outside of it can be named.
        path = next((each for each in _newest(folder) if each.name == name), None)
        if path is None:
            return _page("No such mail", "<p>There is no such mail.</p>", status=404)
        return _page("Mail", _shown(_read(path)))

    app.add_api_route("/dev/mail-templates", _list_templates, include_in_schema=False)
    app.add_api_route("/dev/mail-templates/{name}/{language}", _show_template, include_in_schema=False)
    app.add_api_route("/dev/mail", list_mails, include_in_schema=False)
    app.add_api_route("/dev/mail/{name}", show_mail, include_in_schema=False)


def _list_templates() -> HTMLResponse:
    rows = ""
    for template in Template:
        links = "".join(
            f'<td lang="{language}"><a href="/dev/mail-templates/{template}/{language}">'
            f"{escape(sample(template, language).subject)}</a></td>"
            for language in sorted(LANGUAGES)
        )
        rows += f"<tr><td>{template}</td>{links}</tr>"
    heads = "".join(f"<th>{language}</th>" for language in sorted(LANGUAGES))
    return _page(
        "Mail templates", f"<h1>Mail templates</h1><table><tr><th>Mail</th>{heads}</tr>{rows}</table>"
    )


def _show_template(name: str, language: str) -> HTMLResponse:
    if name not in set(Template) or language not in LANGUAGES:
        return _page("No such mail", "<p>There is no such mail.</p>", status=404)
    mail = sample(Template(name), language)
    back = '<p><a href="/dev/mail-templates">All mail templates</a></p>'
    return _page("Mail template", f"{back}<h1>{escape(mail.subject)}</h1>{_both(mail.html, mail.text)}")


def _newest(folder: Path) -> Iterable[Path]:
    return sorted(folder.glob("*.eml"), reverse=True)[:_MOST] if folder.is_dir() else ()


def _read(path: Path) -> EmailMessage:
    return message_from_bytes(path.read_bytes(), policy=policy.default)


def _shown(mail: EmailMessage) -> str:
    heads = "".join(
        f"<tr><th>{name}</th><td>{escape(str(mail[name]))}</td></tr>"
        for name in ("From", "To", "Subject", "Date", "Message-ID")
    )
    both = _both(_part(mail, "html"), _part(mail, "plain"))
    return f'<p><a href="/dev/mail">All mails</a></p><table>{heads}</table>{both}'


def _both(html: str, text: str) -> str:
    framed = escape('<base target="_blank">' + html)
    frame = f'<h2>HTML</h2><iframe sandbox="{_SANDBOX}" srcdoc="{framed}"></iframe>'
    return f"{frame}<h2>Text</h2><pre>{escape(text)}</pre>"


def _part(mail: EmailMessage, kind: str) -> str:
    body = mail.get_body((kind,))
    return "" if body is None else str(body.get_content())


def _page(title: str, body: str, status: int = 200) -> HTMLResponse:
    headers = {"Content-Security-Policy": _CSP, "Cache-Control": "no-store"}
    return HTMLResponse(_PAGE.format(title=escape(title), body=body), status, headers)
