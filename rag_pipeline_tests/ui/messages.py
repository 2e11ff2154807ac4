"""The messages of the app, found in its sources, and the catalogues brought up to date with them: ``make messages``.

A new language is begun by its code: ``make messages NEW=fr`` makes ``ui/views/locale/fr.po``, to be translated. Nothing else names it.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

import ui
from ui.views.language import catalogues

ROOT = Path(ui.__file__).parent
METHODS = [("**/templates/**.html", "jinja2.ext:babel_extract"), ("**/static/**.js", "javascript"), ("**.py", "python")]
OPTIONS = {"**/templates/**.html": {"silent": "false"}, "**/static/**.js": {"parse_template_string": "true"}}
KEYWORDS = {"_": None, "gettext": None, "marked_up": None, "message": None, "ngettext": (1, 2)}
_LEFT_OUT = (
    "Project-Id-Version",
    "POT-Creation-Date",
    "PO-Revision-Date",
    "Last-Translator",
    "Language-Team",
    "Generated-By",
    "Report-Msgid-Bugs-To",
)
"""Lines of a header that would differ each time, or say nothing."""


def found() -> Catalog:
    """All messages, each with the files in which it stands."""
    catalog = Catalog(fuzzy=False)
    everything = extract_from_dir(ROOT, METHODS, OPTIONS, KEYWORDS, strip_comment_tags=True)
    for file, _, text, _, _ in sorted(everything, key=lambda one: (one[0], one[1])):  # the same on every file system
        catalog.add(text, locations=[(f"ui/{Path(file).as_posix()}", 0)])
    return catalog


def read(file: Path) -> Catalog:
    with file.open("rb") as stream:
        return read_po(stream)


def written(catalog: Catalog) -> str:
    stream = io.BytesIO()
    write_po(stream, catalog, width=140, ignore_obsolete=True, sort_by_file=True, include_lineno=False)
    lines = stream.getvalue().decode().splitlines(keepends=True)
    first = next(number for number, line in enumerate(lines) if line.startswith("msgid"))
    return "".join(line for line in lines[first:] if not line.startswith(tuple(f'"{name}' for name in _LEFT_OUT)))


def updated(file: Path) -> Catalog:
    """A catalogue with all messages that there are, and no others; what was translated stays so."""
    catalog = read(file) if file.exists() else Catalog(locale=file.stem.replace("-", "_"), fuzzy=False)
    catalog.update(found(), no_fuzzy_matching=True, update_creation_date=False)
    catalog.fuzzy = False
    return catalog


def main() -> None:
    files = [*catalogues.FOLDER.glob("*.po"), *(catalogues.FOLDER / f"{code}.po" for code in sys.argv[1:])]
    for file in sorted(set(files)):
        catalog = updated(file)
        file.write_text(written(catalog), encoding="utf-8")
        left = sum(not all(one.string if isinstance(one.string, list | tuple) else [one.string]) for one in catalog if one.id)
        print(f"{file.name}: {len(catalog)} messages, {left} to be translated")  # noqa: T201


if __name__ == "__main__":
    main()
