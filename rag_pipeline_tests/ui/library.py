"""A folder with documents of several kinds, really read and indexed, once for all tests that look at it."""

from dataclasses import dataclass
from pathlib import Path

from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline_tests.conftest import run_steps
from rag_pipeline_tests.ingestion.extract.documents import line, pdf, word_document, workbook
from rag_pipeline_tests.made_model import put_into

HOSTILE = "<script>document.title = 7</script> <img src=http://example.com/x.png>"
HEADER = "Mending Room, prices of this year"
CHAIN = "A new chain for a bicycle costs twelve euros at the desk."
TOBIAS = "Ask Tobias for one, he has some of all sizes, and bring the old one with you."
LAMP = "The lamp in the hall was repaired by Ada in March, with a new wire, and nobody knows where the old one is."
_PROSE = [f"Sentence {number} tells of spokes, and of the {number * 7919} wheels that it was asked about." for number in range(120)]


@dataclass(frozen=True)
class Library:
    """``ids``: by ``collection/document``."""

    settings: Settings
    ids: dict[str, str]


def make_library(data: Path, packaged_model: Path) -> Library:
    """Two collections; ``prices.pdf`` lies in both. What a test changes is ``again.txt`` or ``gone.txt``."""
    put_into(data, packaged_model)
    settings = Settings(data_dir=data, settle_seconds=0, requests_per_minute=0)
    for collection, names in {"shop": (*_FILES,)[:-1], "letters": ("prices.pdf", "gone.txt")}.items():
        (settings.uploads / collection).mkdir(parents=True)
        for name in names:
            (settings.uploads / collection / name).write_bytes(_FILES[name])
        run_steps(settings, collection)
    rows = Catalog(settings.catalog_path).documents()
    return Library(settings, {f"{row.collection}/{row.document}": row.document_id for row in rows})


def _prices() -> bytes:
    """Four pages under one header, the third empty."""
    escaped = HOSTILE.replace("(", "\\(").replace(")", "\\)")
    pages = [
        line("Bicycles", 90, 22)
        + line(CHAIN, 130)
        + line("Ask Tobias for one, he has some of all sizes, and bring the old one with you.", 400),
        line("Lamps", 90, 22) + line(LAMP, 130, 10),
        "",
        line("Hostile", 90, 22) + line(escaped, 130, 9),
    ]
    return pdf(*(page and line(HEADER, 40, 9) + page for page in pages))


def _guide() -> bytes:
    def fill(document: object) -> None:
        document.add_heading("Guide for volunteers", 1)  # type: ignore[attr-defined]
        for number, sentence in enumerate(_PROSE):
            if number % 40 == 0:
                document.add_heading(f"Chapter {number // 40 + 1}", 2)  # type: ignore[attr-defined]
            document.add_paragraph(sentence)  # type: ignore[attr-defined]

    return word_document(fill)


_FILES = {
    "prices.pdf": _prices(),
    "guide.docx": _guide(),
    "tools.xlsx": workbook(
        {"Tools": [["Tool", "Price"], ["Saw", 3], ["Drill", 5]], "Ladders": [["Ladder", "Metres"], *(["Ladder", n] for n in range(300))]}
    ),
    "broken.docx": b"PK\x03\x04 no archive",
    "again.txt": b"Okapis eat leaves, fruit and ferns.",
    "gone.txt": b"Tapirs swim well, and walk on the ground of rivers.",
}
