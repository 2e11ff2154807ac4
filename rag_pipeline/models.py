"""The records that pass between the layers: frozen, slotted, without behaviour beyond derived values.

Belongs here: what more than one package speaks of. Not here: rows of one store, settings, anything that does I/O.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise, takewhile
from typing import Literal

ElementKind = Literal["Title", "NarrativeText", "ListItem", "Table", "Header", "Footer", "CodeSnippet", "EmailMetadata"]
"""A subset of the names of unstructured's element classes."""

CELL, HEADER_CELL = " | ", " || "
"""What stands between the cells of a table's row, and between the names of its columns: so rows find their header wherever text is cut."""


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on a page, as fractions (0..1) of the page's width and height, origin at the top left.

    ``start`` and ``end`` are the character offsets, in the text of the element or chunk that carries the box, of what it covers.
    """

    page: int
    left: float
    top: float
    right: float
    bottom: float
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Place:
    """``text[start:end]`` of a passage."""

    start: int
    end: int


_BOX_FIELDS = tuple(Box.__dataclass_fields__)
_COMPACT = json.JSONEncoder(separators=(",", ":"))


def pack_boxes(boxes: Sequence[Box]) -> str:
    """Boxes as they are kept and handed on: a JSON list of lists in the order of the fields, fractions to five decimals."""
    return _COMPACT.encode(
        [[b.page, round(b.left, 5), round(b.top, 5), round(b.right, 5), round(b.bottom, 5), b.start, b.end] for b in boxes]
    )


def unpack_boxes(packed: str) -> tuple[Box, ...]:
    """The inverse of :func:`pack_boxes`."""
    return tuple(Box(*row) for row in json.loads(packed))


def pack_places(places: Sequence[Place]) -> list[int]:
    """Places as they are kept and handed on: the start and the end of each, one after the other."""
    return [offset for place in places for offset in (place.start, place.end)]


def unpack_places(packed: Sequence[int]) -> tuple[Place, ...]:
    """The inverse of :func:`pack_places`."""
    return tuple(map(Place, packed[::2], packed[1::2]))


def box_fields(packed: str) -> list[dict[str, object]]:
    """Packed boxes as the fields of each, by name."""
    return [dict(zip(_BOX_FIELDS, row, strict=True)) for row in json.loads(packed)]


@dataclass(frozen=True, slots=True)
class Element:
    """One piece of a document in reading order.

    ``page`` is 1-based: the page of a PDF, the slide of a deck, the sheet of a workbook; None where the format has no pages.
    ``heading_path`` holds the headings above the element, outermost first, without the element's own text.
    A ``Table`` has one row a line, cells joined by ``CELL``; ``table_header`` is the line that names its columns, with ``HEADER_CELL``
    between them: the first one below the captions, or, where a long table is handed over in parts, that of the first part.
    """

    kind: ElementKind
    text: str
    page: int | None = None
    heading_path: tuple[str, ...] = ()
    boxes: tuple[Box, ...] = ()
    table_header: str | None = None

    @property
    def path_below(self) -> tuple[str, ...]:
        """The headings above what follows this element: those above itself, and itself where it is one."""
        return (*self.heading_path, " ".join(self.text.split())) if self.kind == "Title" else self.heading_path


IN_ARCHIVE = "//"
"""Stands between the path of an archive and that of a file in it: no path below the watched folder has an empty part."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file in an archive. ``error_code`` and ``error`` where it cannot be a document; its bytes may not be known then.

    Attributes:
        path: below the archive, through archives inside it too.
        size_bytes: unpacked.
        modified: when it last changed, as the archive has it: nanoseconds since 1970, 0 where it says nothing.
        content_hash: sha256 of its bytes, in hexadecimal.
        media_type: as of a file of that name.
    """

    path: str
    size_bytes: int
    modified: int
    content_hash: str | None
    media_type: str | None
    error_code: str | None = None
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Extraction:
    """What a document says: its elements in reading order, and its number of pages where the format has them.

    ``notes`` name, in words for the user, what could not be read of a document that was read otherwise.
    """

    elements: tuple[Element, ...]
    pages: int | None
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Chunk:
    """A run of a document's original words that fits the embedding model's window together with its context.

    ``text`` is quoted in answers and is always original; ``context`` (headings, table header) is only embedded in front of it.
    ``tokens`` counts word pieces of ``embedded_text`` including the model's special tokens. ``headings`` are where in ``text`` those stand
    that it has, in order.
    """

    position: int
    text: str
    context: str
    heading_path: tuple[str, ...]
    page_first: int | None
    page_last: int | None
    boxes: tuple[Box, ...]
    tokens: int
    headings: tuple[Place, ...] = ()

    @property
    def embedded_text(self) -> str:
        """What the model reads, and what BM25 indexes."""
        return embedded_text(self.context, self.text)


def page_runs(pages: Sequence[int]) -> list[tuple[int, int]]:
    """Pages in ascending order as runs of those that follow one another: the first and the last of each."""
    runs: list[tuple[int, int]] = []
    for page in pages:
        first = runs.pop()[0] if runs and runs[-1][1] == page - 1 else page
        runs.append((first, page))
    return runs


def embedded_text(context: str, text: str) -> str:
    """The text that stands for a chunk in both vectors: its context, a line break, its words.

    Rows of tables are their words alone, and names of columns say only what the name before does not: as a page shows them.
    """
    whole = f"{context}\n{text}" if context else text
    return "\n".join(map(_without_joints, whole.split("\n"))) if "|" in whole else whole


def is_header(line: str) -> bool:
    """Whether a line names the columns of a table; the blanks at its ends do not matter."""
    return HEADER_CELL in f" {line} "


def is_row(line: str) -> bool:
    """Whether a line is a row of a table, or names its columns."""
    return CELL in f" {line} " or is_header(line)


def cells_of(line: str) -> list[str]:
    """The cells of a row, or the names of columns."""
    cells = [cell.strip() for cell in f" {line} ".split(HEADER_CELL if is_header(line) else CELL)]
    return cells[: max((place for place, cell in enumerate(cells, start=1) if cell), default=1)]


def _without_joints(line: str) -> str:
    if not is_row(line):
        return line
    cells = [cell.split() for cell in cells_of(line)]
    if is_header(line):
        cells = [cells[0], *(_not_said(cell, before) for before, cell in pairwise(cells))]
    return " ".join(word for cell in cells for word in cell)


def _not_said(words: list[str], before: list[str]) -> list[str]:
    """The words without those at their beginning that the others begin with too."""
    return words[sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(words, before, strict=False))) :]


@dataclass(frozen=True, slots=True)
class SparseVector:
    """A sparse vector: ``indices`` and ``values`` are of one length."""

    indices: list[int]
    values: list[float]


@dataclass(frozen=True, slots=True)
class IndexedChunk:
    """A chunk as a point of the vector index: deterministic id, both vectors, and the payload all answers need.

    ``dense`` is None until the embedding model has seen it: then it is found by its words alone.
    """

    chunk_id: str
    dense: list[float] | None
    sparse: SparseVector
    payload: Mapping[str, object]


_BEGINNING_CHARACTERS = 300


@dataclass(frozen=True, slots=True)
class Parts:
    """What the score of a passage was made of, each from 0 to 1; how much each counts stands in ``answering/tuning.py``.

    ``words``: the share of the question's words that it has, rare ones counting more; ``pairs``: of words that stand side by side;
    ``name``: of words that its document's name has; ``row``: that one row of its table has. ``meaning``: the cosine of both vectors, None
    where one of them is missing; ``rank``: its place in the lists that the index found, fused.
    """

    words: float
    meaning: float | None
    name: float
    rank: float
    pairs: float
    row: float


@dataclass(frozen=True, slots=True)
class Hit:
    """A chunk that a retriever found. ``document`` is the path under its collection; pages are 1-based and inclusive.

    ``parts`` are those of its score as a single passage; None where it is there because it goes on where another one ends.
    ``file`` is the document's path below the uploads folder (``os.fsdecode``), ``pages`` how many pages it has, where its format has any.
    ``copies`` are the other documents, as ``collection/document``, that say the same there; they are not hits of their own.
    ``headings`` are the places in ``text`` of those that stand in it.
    """

    rank: int
    score: float
    text: str
    document: str
    collection: str
    page_first: int | None
    page_last: int | None
    chunk_id: str
    document_id: str = ""
    heading_path: tuple[str, ...] = ()
    context: str = ""
    position: int = 0
    boxes: tuple[Box, ...] = ()
    copies: tuple[str, ...] = ()
    file: str = ""
    media_type: str | None = None
    pages: int | None = None
    headings: tuple[Place, ...] = ()
    parts: Parts | None = None

    @property
    def beginning(self) -> str:
        """Enough of the text to know the passage by."""
        return self.text[:_BEGINNING_CHARACTERS]

    def to_json(self) -> dict[str, object]:
        """The shape that the command line and the API promise."""
        names = ("rank", "score", "text", "document", "collection", "page_first", "page_last", "chunk_id")
        return {**{name: getattr(self, name) for name in names}, "copies": list(self.copies)}


@dataclass(frozen=True, slots=True)
class Citation:
    """``[number]`` in an answer, and the passage it points at; ``page`` is the one of its pages that holds what the answer says.

    ``quoted``: the sentences of the passage that the answer quotes or was made of, in order; none where that cannot be told.
    """

    number: int
    hit: Hit
    page: int | None = None
    quoted: tuple[Place, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The passage as :meth:`Hit.to_json` shows it, with the number, the page, what is quoted, and where on its pages it stands."""
        places = {"quoted": [asdict(place) for place in self.quoted], "boxes": [asdict(box) for box in self.hit.boxes]}
        return {"number": self.number, "page": self.page, **self.hit.to_json(), **places}


@dataclass(frozen=True, slots=True)
class Nearest:
    """A passage below a refusal. ``sentences`` are those of it that come nearest to the question, as they can be read alone, best first.

    ``page`` and ``quoted`` as in :class:`Citation`. Without sentences none was compared with the question.
    """

    hit: Hit
    sentences: tuple[str, ...] = ()
    page: int | None = None
    quoted: tuple[Place, ...] = ()

    def to_json(self) -> dict[str, object]:
        """The passage as :meth:`Hit.to_json` shows it, with the page, the sentences and where in its text they stand."""
        places = [asdict(place) for place in self.quoted]
        return {"page": self.page, **self.hit.to_json(), "sentences": list(self.sentences), "quoted": places}


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation."""

    role: Literal["user", "assistant"]
    content: str


@dataclass(frozen=True, slots=True)
class Begun:
    """The answer is written down under this id from now on: the first event in a conversation that is kept, and in no other."""

    message_id: str


@dataclass(frozen=True, slots=True)
class Reformulated:
    """The question that retrieval will use; equal to what was asked when it already stood alone.

    ``sub_questions`` are its parts where it needs several documents, ``with_topic`` is the question together with what was asked before,
    where it was left as typed without a language model: they are searched for beside it.
    """

    question: str
    sub_questions: tuple[str, ...] = ()
    with_topic: str = ""


@dataclass(frozen=True, slots=True)
class IndexVersion:
    """Which version of a collection's index was searched, and the model of its vectors."""

    collection: str
    version: str
    embedding_model: str


@dataclass(frozen=True, slots=True)
class Retrieved:
    """The passages found, best first; ``considered`` are those that came close, and were not chosen, best first."""

    hits: tuple[Hit, ...]
    considered: tuple[Hit, ...] = ()
    versions: tuple[IndexVersion, ...] = ()


@dataclass(frozen=True, slots=True)
class Mark:
    """``answer[start:end]`` is ``[number]`` and cites a passage; whatever else stands in brackets in an answer is text."""

    start: int
    end: int
    number: int


@dataclass(frozen=True, slots=True)
class Unverified:
    """``answer[start:end]`` stands in no passage that is cited for it; ``reason`` says so in plain words.

    ``kind``: a number or date with its unit, or, in what a language model wrote, a sentence as a whole.
    """

    start: int
    end: int
    kind: Literal["number", "sentence"]
    reason: str


@dataclass(frozen=True, slots=True)
class Computed:
    """``answer[start:end]`` is in no passage either, but follows from two numbers that are: the ``operation`` of ``terms``.

    ``citations`` are the numbers of the passages that hold the terms.
    """

    start: int
    end: int
    operation: Literal["sum", "difference", "percent change", "share"]
    terms: tuple[str, str]
    citations: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Token:
    """The next piece of the answer's text; with ``citation`` it is the mark ``[citation]`` and nothing else."""

    text: str
    citation: int | None = None


@dataclass(frozen=True, slots=True)
class Coverage:
    """How many of the ``passages`` that could be found have ``vectors``: the others are found by their words alone.

    ``reason`` says why the question was given none, so that all of them were; empty where it has one. ``unread``: because the embedding
    model does not read its language.
    """

    passages: int = 0
    vectors: int = 0
    reason: str = ""
    unread: bool = False

    @property
    def is_partial(self) -> bool:
        """Whether anything was, or may have been, found by its words alone."""
        return bool(self.reason) or self.vectors < self.passages


@dataclass(frozen=True, slots=True)
class Provenance:
    """What an answer was made of, so that the same can be asked again.

    ``index_versions`` by collection; ``passages`` are all that were found, best first; ``prompt`` is the SHA-256 of what the language model
    was told, empty without one; ``settings`` are those that decide an answer, by name.
    """

    index_versions: Mapping[str, str]
    passages: tuple[Hit, ...]
    with_topic: str
    prompt: str
    settings: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Answered:
    """The end of a good answer. ``model`` is None for the extractive answer; timings are in seconds by step name.

    ``marks`` are the places of its citations, in order. No one needs to look for ``[n]`` in the text, where documents have their own.
    ``unverified`` and ``computed`` are the places of what the cited passages do not say, and of what was calculated from them, in order.

    ``withdrawn`` is what a language model wrote, and what the tokens before were, where no passage says any of it: ``answer`` is quoted
    from the documents then. ``model`` wrote it.

    ``nearness`` is how near the extractive answer comes to the question, what decides on refusing; None with a language model.
    ``coverage`` is None where the question and all passages of the collections that were asked have a vector.
    ``given``: so many of the passages that were found, the first ones, were put before a language model.
    """

    answer: str
    citations: tuple[Citation, ...]
    reformulated_question: str
    timings: Mapping[str, float]
    model: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)
    nearness: float | None = None
    marks: tuple[Mark, ...] = ()
    coverage: Coverage | None = None
    unverified: tuple[Unverified, ...] = ()
    computed: tuple[Computed, ...] = ()
    withdrawn: str = ""
    provenance: Provenance | None = None
    given: int = 0


@dataclass(frozen=True, slots=True)
class Refused:
    """The documents do not hold the answer: ``reason`` says so in plain words, ``nearest`` are the passages that come nearest, best first.

    ``nearness``, ``coverage``, ``withdrawn`` and ``given`` as in :class:`Answered`. ``nothing_indexed``: there is nothing to
    search yet, so the same question may be answered later.
    """

    reason: str
    nearest: tuple[Nearest, ...]
    reformulated_question: str
    timings: Mapping[str, float]
    nearness: float | None = None
    coverage: Coverage | None = None
    nothing_indexed: bool = False
    withdrawn: str = ""
    provenance: Provenance | None = None
    given: int = 0


@dataclass(frozen=True, slots=True)
class Failed:
    """The answer could not be given, or broke off; ``message`` says what happened and what to do. Never an answer."""

    message: str
    code: str


AnswerEvent = Begun | Reformulated | Retrieved | Token | Answered | Refused | Failed
"""A stream is: Begun where it is kept, Reformulated, Retrieved, Token*, then exactly one of Answered, Refused, Failed (which may come at
any point)."""
