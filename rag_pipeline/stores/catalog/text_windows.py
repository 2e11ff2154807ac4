"""The text of a document around a passage, without reading the rest: a table may have millions of rows.

Belongs here: which elements are loaded. Not here: where in them the passage stands (``ui/views/surroundings.py``).
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from dataclasses import dataclass

import duckdb

from rag_pipeline.stores.catalog.database import Catalog

WHOLE_CHARACTERS = 1_000_000
"""Up to here a document's pages are read whole: a tenth of a second."""
BETWEEN_ELEMENTS = "\n\n"
_TELLING_WORDS = 8
_CANDIDATES = 20
_NEIGHBOURS = 1000
_OF_THE_PAGES = "extraction_key = $key AND ($first IS NULL OR page IS NULL OR page BETWEEN $first AND $last)"


@dataclass(frozen=True, slots=True)
class TextWindow:
    """Elements in reading order, put together; ``first`` and ``last`` say that nothing stands before and after them on the pages."""

    text: str
    first: bool = True
    last: bool = True


def text_windows(
    catalog: Catalog, document_id: str, passage: str, pages: tuple[int | None, int | None], characters: int
) -> Generator[TextWindow, None, None]:
    """Where a passage may stand in its document, likeliest first.

    Args:
        catalog: stays open for reading until the iterator is closed.
        document_id: a live document; one that is gone has no windows.
        passage: its words count, not the white space between them.
        pages: first and last page, 1-based and inclusive; None where the format has none.
        characters: how much is wanted on each side of the passage, at least.

    Yields:
        The pages whole, if they have no more than WHOLE_CHARACTERS; otherwise windows around the elements that hold the passage's most
        telling words. What is held in memory is bounded by those, never by the document.
    """
    first, last = pages
    with catalog.reading() as connection:
        key = connection.execute("SELECT extraction_key FROM documents WHERE document_id = ?", [document_id]).fetchone()
        of_pages = {"key": key[0] if key else None, "first": first, "last": last if last is not None else first}
        size = connection.execute(
            f"SELECT sum(length(text)), min(position), max(position) FROM elements WHERE {_OF_THE_PAGES}", of_pages
        ).fetchone()
        if size is None or size[0] is None:
            return
        total, beginning, end = size
        if total <= WHOLE_CHARACTERS:
            yield _window(connection, of_pages, (beginning, end), (beginning, end))
            return
        for position in _likely_positions(connection, of_pages, telling_words(passage)):
            around = _range_around(connection, of_pages, position, 2 * len(passage) + characters)
            yield _window(connection, of_pages, around, (beginning, end))


def telling_words(passage: str) -> list[str]:
    """The words of a passage that few other places have: those with digits, as numbers and dates are, then the longest."""
    words = sorted(set(passage.split()), key=lambda word: (any(map(str.isdigit, word)), len(word), word), reverse=True)
    numbers = [word for word in words if any(map(str.isdigit, word))][: _TELLING_WORDS // 2]
    longest = sorted(words, key=lambda word: (len(word), word), reverse=True)
    return list(dict.fromkeys([*numbers, *longest]))[:_TELLING_WORDS]


def _likely_positions(connection: duckdb.DuckDBPyConnection, of_pages: dict[str, object], words: Sequence[str]) -> list[int]:
    """Positions of elements that hold all the words; then of those that hold most, as a passage may run over several elements."""
    names = {f"word{number}": word for number, word in enumerate(words)}
    holds = [f"contains(text, ${name})" for name in names]
    elements = f"SELECT position FROM elements WHERE {_OF_THE_PAGES}"
    every = f"{elements} AND {' AND '.join(holds)} ORDER BY position LIMIT {_CANDIDATES}"
    some = f"{elements} AND ({' OR '.join(holds)}) ORDER BY {' + '.join(f'{one}::INT' for one in holds)} DESC, position LIMIT {_CANDIDATES}"
    found: list[int] = []
    for statement in (every, some) if words else ():
        found += [position for (position,) in connection.execute(statement, {**of_pages, **names}).fetchall()]
        if found:
            break
    return found


def _range_around(connection: duckdb.DuckDBPyConnection, of_pages: dict[str, object], position: int, characters: int) -> tuple[int, int]:
    """First and last position of so many characters before an element, and after it."""
    rows = connection.execute(
        f"SELECT position, length(text) FROM elements WHERE {_OF_THE_PAGES} AND abs(position - $position) <= {_NEIGHBOURS}"
        " ORDER BY position",
        {**of_pages, "position": position},
    ).fetchall()
    before = [row for row in reversed(rows) if row[0] < position]
    after = [row for row in rows if row[0] > position]
    return _reach(before, position, characters), _reach(after, position, characters)


def _reach(rows: Sequence[tuple[int, int]], position: int, characters: int) -> int:
    for found, length in rows:
        if characters <= 0:
            break
        position, characters = found, characters - length
    return position


def _window(
    connection: duckdb.DuckDBPyConnection, of_pages: dict[str, object], positions: tuple[int, int], whole: tuple[int, int]
) -> TextWindow:
    rows = connection.execute(
        f"SELECT text FROM elements WHERE {_OF_THE_PAGES} AND position BETWEEN $from AND $to ORDER BY position",
        {**of_pages, "from": positions[0], "to": positions[1]},
    ).fetchall()
    return TextWindow(BETWEEN_ELEMENTS.join(text for (text,) in rows), positions[0] == whole[0], positions[1] == whole[1])
