"""Elements to chunks that fit the embedding model's window.

Belongs here: where a document is cut, and what is embedded in front of each piece. Not here: extraction, embedding, storage.

What stands under one heading stays together while it fits, small neighbouring sections share a chunk, and a heading stays with what
follows it. Cuts fall between elements if possible, else between sentences or table rows, else between words, else inside them.
Every character that is not whitespace lands in exactly one chunk, in order.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby, takewhile
from typing import TYPE_CHECKING, NamedTuple

from rag_pipeline.errors import RagError
from rag_pipeline.models import HEADER_CELL, Box, Chunk, Element, Place, embedded_text
from rag_pipeline.settings import CHUNK_TOKENS

if TYPE_CHECKING:
    from rag_pipeline.embedding.model_files import TokenCounter

CHUNKER_VERSION = "3"
"""Raise it when the same elements may give other chunks than before: everything is then cut again, and what is new embedded."""

SMALLEST_TOKENS = 16
MERGED_SHARE = 1.0
"""Neighbouring sections share a chunk up to this share of its room; measured in docs/decisions/chunking.md."""
CONTEXT_SHARE = 0.25
"""Headings take at most this share of a chunk, and so does a table's header row."""
CHARACTERS_PER_TOKEN = 10
"""WordPiece calls a word of more than 100 characters one unknown token; by count alone, a megabyte without spaces would be a chunk."""

_ROW_ENDS = re.compile(r"\n\s*")
_SENTENCE_ENDS = re.compile(r"""[.!?…][\"'”’)\]]*\s+|[。！？][」』”’]*\s*|\n\s*""")
_WORD_ENDS = re.compile(r"\s+")
_JOINER = "\u200d"

_BETWEEN_ELEMENTS, _BETWEEN_SENTENCES, _INSIDE_SENTENCE, _AFTER_TITLE = 0.0, 0.25, 0.6, 2.0
"""What a cut costs by its place, in shares of the distance from the size aimed at."""


class _Piece(NamedTuple):
    """A part of an element that is not cut further unless it must be: a sentence, a row, or less."""

    element: int
    start: int
    end: int
    tokens: int
    ends_sentence: bool


_Run = Sequence[_Piece]


def largest_chunk_tokens(wanted: int, window: int) -> int:
    """The largest chunk in word pieces: as ``RAG_CHUNK_TOKENS`` says, never above the model's window.

    Raises:
        RagError: that is too small to hold words.
    """
    tokens = min(wanted or CHUNK_TOKENS, window)
    if tokens < SMALLEST_TOKENS:
        raise RagError(f"RAG_CHUNK_TOKENS: {tokens} is too small for a chunk; use {SMALLEST_TOKENS} or more, or 0.")
    return tokens


def fingerprint(wanted: int, window: int) -> str:
    """Changes when chunks may change; the model's tokenizer is the caller's to add."""
    return f"{CHUNKER_VERSION}:{largest_chunk_tokens(wanted, window)}"


class Chunker:
    """Cuts documents into chunks.

    Args:
        counter: counts tokens as the embedding model does.
        max_tokens: the largest chunk, context and special tokens included, never above the model's window; 0 for the default.

    Raises:
        RagError: ``max_tokens`` is too small to hold words.
    """

    def __init__(self, counter: TokenCounter, max_tokens: int = CHUNK_TOKENS) -> None:
        self._counter = counter
        self.max_tokens = largest_chunk_tokens(max_tokens, counter.max_tokens)
        self._fixed_tokens = counter.count("")
        self._contexts: dict[tuple[tuple[str, ...], str], tuple[str, int]] = {}

    def chunk(self, elements: Sequence[Element]) -> list[Chunk]:
        """Cut a document.

        Args:
            elements: in reading order.

        Returns:
            The chunks in reading order, positions from 0; empty when no element has text.
        """
        self._contexts.clear()
        runs = self._packed(elements, self._pieces(elements))
        chunks = self._fitting(elements, [(run, self._context(elements, run)[0]) for run in runs])
        return [replace(chunk, position=position) for position, chunk in enumerate(chunks)]

    def _pieces(self, elements: Sequence[Element]) -> list[_Piece]:
        """Sentences and rows, counted all at once; those that no chunk can hold are cut into words, and long words into parts."""
        limit = self.max_tokens - self._fixed_tokens
        waiting = [piece for index, element in enumerate(elements) for piece in _natural_pieces(index, element)]
        done: list[_Piece] = []
        while waiting:
            counts = self._counter.count_many(
                [embedded_text("", elements[piece.element].text[piece.start : piece.end]) for piece in waiting]
            )
            longer: list[_Piece] = []
            for piece, count in zip(waiting, counts, strict=True):
                tokens = max(count - self._fixed_tokens, (piece.end - piece.start) // CHARACTERS_PER_TOKEN)
                parts = _finer(elements[piece.element].text, piece, limit) if tokens > limit else [piece]
                if len(parts) == 1:
                    done.append(piece._replace(tokens=tokens))
                else:
                    longer += parts
            waiting = longer
        return sorted(done)

    def _packed(self, elements: Sequence[Element], pieces: _Run) -> Iterator[_Run]:
        """Runs of pieces, each a chunk by estimate: the tokens of a text are nearly, not exactly, the sum of its pieces'."""
        shared: list[_Piece] = []
        for section in _sections(elements, pieces):
            if shared and not self._may_share(elements, shared, section):
                yield from self._split(elements, shared)
                shared = []
            shared += section
        if shared:
            yield from self._split(elements, shared)

    def _may_share(self, elements: Sequence[Element], run: _Run, section: _Run) -> bool:
        told = {*elements[run[0].element].heading_path, *_titles(elements, run)}
        if not told.issuperset(elements[section[0].element].heading_path):
            return False  # its headings would be neither in the context nor in the text
        if all(elements[piece.element].kind == "Title" for piece in run):
            return True
        return _tokens(run) + _tokens(section) <= self._room(elements, run[0]) * MERGED_SHARE

    def _split(self, elements: Sequence[Element], run: _Run) -> Iterator[_Run]:
        """Cut a run into parts that fit, of about the same size."""
        total = _tokens(run)
        while total > (room := self._room(elements, run[0])):
            cut = _best_cut(elements, run, room, total / -(-total // room))
            if cut == len(run):
                break
            yield run[:cut]
            total -= _tokens(run[:cut])
            run = run[cut:]
        yield run

    def _fitting(self, elements: Sequence[Element], runs: Iterable[tuple[_Run, str]]) -> Iterator[Chunk]:
        """Chunks of runs and their contexts; a run that is too long once its pieces are joined is cut again."""
        built = [(run, _chunk(elements, run, context)) for run, context in runs]
        counts = self._counter.count_many([chunk.embedded_text for _, chunk in built])
        for (run, chunk), count in zip(built, counts, strict=True):
            if count <= self.max_tokens:
                yield replace(chunk, tokens=count)
                continue
            smaller = self._smaller(elements, run)
            if smaller:
                yield from self._fitting(elements, smaller)
            elif chunk.context:
                yield from self._fitting(elements, [(run, "")])
            else:
                yield replace(chunk, tokens=count)  # a single character: the model itself cuts what it cannot hold

    def _smaller(self, elements: Sequence[Element], run: _Run) -> list[tuple[_Run, str]]:
        if len(run) == 1:
            length = run[0].end - run[0].start
            run = [part._replace(tokens=part.end - part.start) for part in _finer(elements[run[0].element].text, run[0], length)]
        if len(run) == 1:
            return []
        total = max(_tokens(run), 1)
        cut = min(_best_cut(elements, run, total, total / 2), len(run) - 1)
        return [(part, self._context(elements, part)[0]) for part in (run[:cut], run[cut:])]

    def _room(self, elements: Sequence[Element], first: _Piece) -> int:
        """Tokens left for text in a chunk that begins with this piece."""
        return self.max_tokens - self._fixed_tokens - self._context(elements, [first])[1]

    def _context(self, elements: Sequence[Element], run: _Run) -> tuple[str, int]:
        """What is embedded in front of a chunk, and its tokens: the headings above and, inside a table, its header row."""
        element = elements[run[0].element]
        header = element.table_header or ""
        if 0 <= run[0].start <= element.text.find(header):
            header = ""
        key = (element.heading_path, header)
        if key not in self._contexts:
            lines = (self._shortened(element.heading_path, " > ", -1), self._shortened(header.split(HEADER_CELL), HEADER_CELL, 1))
            context = "\n".join(filter(None, lines))
            self._contexts[key] = context, self._counter.count(embedded_text(context, "")) - self._fixed_tokens
        return self._contexts[key]

    def _shortened(self, parts: Sequence[str], joint: str, kept_end: int) -> str:
        """Parts joined, without as many at one end as would make the context too long: the first (-1) or the last (1)."""
        limit = int(self.max_tokens * CONTEXT_SHARE)
        # A text this long has too many tokens, whatever it says; it need not be counted.
        while parts and (len(text := joint.join(parts)) > limit * CHARACTERS_PER_TOKEN or self._counter.count(text) > limit):
            dropped = max(1, len(parts) // 8)
            parts = parts[dropped:] if kept_end < 0 else parts[:-dropped]
        return joint.join(parts)


def _natural_pieces(index: int, element: Element) -> Iterator[_Piece]:
    ends = _ROW_ENDS if element.kind in ("Table", "CodeSnippet") else _SENTENCE_ENDS
    return (_Piece(index, start, end, 0, True) for start, end in _tiles(element.text, 0, len(element.text), ends))


def _tiles(text: str, start: int, end: int, ends: re.Pattern[str]) -> Iterator[tuple[int, int]]:
    """The parts between the ends that a pattern finds; parts of whitespace alone are left out."""
    for cut in [*(match.end() for match in ends.finditer(text, start, end)), end]:
        if text[start:cut].strip():
            yield start, cut
        start = cut


def _finer(text: str, piece: _Piece, limit: int) -> list[_Piece]:
    """The words of a piece; of a single word, parts of ``limit`` characters, or its halves. One part if it is a single character."""
    spans = list(_tiles(text, piece.start, piece.end, _WORD_ENDS))
    if len(spans) == 1:
        start, end = spans[0]
        spans = list(_character_tiles(text, start, end, limit if end - start > limit else (end - start + 1) // 2))
    return [_Piece(piece.element, start, end, 0, end == spans[-1][1] and piece.ends_sentence) for start, end in spans]


def _character_tiles(text: str, start: int, end: int, size: int) -> Iterator[tuple[int, int]]:
    while start < end:
        cut = min(start + max(size, 1), end)
        # An accent or the rest of an emoji stays with its letter, unless an absurd number of them is stacked.
        while cut < min(end, start + size + 16) and (unicodedata.category(text[cut])[0] == "M" or _JOINER in text[cut - 1 : cut + 1]):
            cut += 1
        yield start, cut
        start = cut


def _sections(elements: Sequence[Element], pieces: _Run) -> Iterator[list[_Piece]]:
    """Pieces that stand under one heading, with the heading; headings directly below one another count as one."""
    section: list[_Piece] = []
    path: tuple[str, ...] = ()
    for index, group in groupby(pieces, key=lambda piece: piece.element):
        element = elements[index]
        follows_title = bool(section) and elements[section[-1].element].kind == "Title"
        if section and (element.heading_path != path or (element.kind == "Title" and not follows_title)):
            yield section
            section = []
        section += group
        path = element.path_below
    if section:
        yield section


def _titles(elements: Sequence[Element], run: _Run) -> Iterator[str]:
    return (elements[piece.element].path_below[-1] for piece in run if elements[piece.element].kind == "Title")


def _tokens(run: _Run) -> int:
    return sum(piece.tokens for piece in run)


def _best_cut(elements: Sequence[Element], run: _Run, room: int, aim: float) -> int:
    """How many pieces make the first part: at a good place, not far from the size aimed at, and within the room."""
    best, lowest, size = 1, float("inf"), 0
    for index, piece in enumerate(run):
        size += piece.tokens
        if size > room or index + 1 == len(run):
            break
        cost = abs(size - aim) / aim + _cost_of_cut(elements, piece, run[index + 1])
        if cost <= lowest:
            best, lowest = index + 1, cost
    return best


def _cost_of_cut(elements: Sequence[Element], before: _Piece, after: _Piece) -> float:
    if before.element == after.element:
        return _BETWEEN_SENTENCES if before.ends_sentence else _INSIDE_SENTENCE
    return _AFTER_TITLE if elements[before.element].kind == "Title" else _BETWEEN_ELEMENTS


def _chunk(elements: Sequence[Element], run: _Run, context: str) -> Chunk:
    text = ""
    boxes: list[Box] = []
    headings: list[Place] = []
    members: list[Element] = []
    for index, group in groupby(run, key=lambda piece: piece.element):
        pieces = list(group)
        element = elements[index]
        start, end = _trimmed(element.text, pieces[0].start, pieces[-1].end)
        text += "\n" * bool(text)
        boxes += _moved_boxes(element.boxes, start, end, len(text) - start)
        if element.kind == "Title":
            headings.append(Place(len(text), len(text) + end - start))
        text += element.text[start:end]
        members.append(element)
    paths = [element.heading_path for element in members if element.kind != "Title"] or [members[0].path_below]
    pages = [element.page for element in members if element.page is not None]
    first, last = min(pages, default=None), max(pages, default=None)
    return Chunk(0, text, context, _common_path(paths), first, last, tuple(boxes), 0, tuple(headings))


def _common_path(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    return tuple(level[0] for level in takewhile(lambda level: len(set(level)) == 1, zip(*paths, strict=False)))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    part = text[start:end]
    return start + len(part) - len(part.lstrip()), start + len(part.rstrip())


def _moved_boxes(boxes: Sequence[Box], start: int, end: int, offset: int) -> Iterator[Box]:
    for box in boxes:
        first, last = max(box.start, start), min(box.end, end)
        if first < last:
            yield Box(box.page, box.left, box.top, box.right, box.bottom, first + offset, last + offset)
