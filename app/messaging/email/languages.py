"""The languages of mails: each folder of `templates/` is one."""

from pathlib import Path

from app.core.languages import offer

FOLDER = Path(__file__).with_name("templates")
LANGUAGES = frozenset(folder.name for folder in FOLDER.iterdir() if folder.is_dir())

offer(LANGUAGES)
