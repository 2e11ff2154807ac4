"""Other languages of OCR for one document: read so at the next run, kept by content, told where they are not there."""

import hashlib
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from rag_pipeline.ingestion.document_changes import OcrLanguageError, choose_languages
from rag_pipeline.ingestion.extract.process.worker import ExtractionRequest, ReadingLimits, read_document
from rag_pipeline.ingestion.steps.workspace import extractor_fingerprint
from rag_pipeline.models import IndexVersion
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import Catalog, open_catalog
from rag_pipeline.stores.catalog.database import DocumentStatus
from rag_pipeline.stores.catalog.reading_rows import unread_documents
from rag_pipeline_tests.conftest import text_lane
from rag_pipeline_tests.programs import TESSERACT, needs

Ingest = Callable[..., IndexVersion]


def scan_of(words: str) -> bytes:
    page, stored = Image.new("L", (1400, 300), "white"), io.BytesIO()
    ImageDraw.Draw(page).text((80, 80), words, font=ImageFont.load_default(60), fill="black")
    page.save(stored, "png")
    return stored.getvalue()


def rows(settings: Settings) -> dict[str, DocumentStatus]:
    return {row.document: row for row in open_catalog(settings).documents()}


def waiting(settings: Settings) -> int:
    return sum(unread_documents(open_catalog(settings), extractor_fingerprint(settings), settings.max_attempts).values())


def chosen_for(catalog: Catalog) -> dict[str, str | None]:
    with catalog.reading() as connection:
        return dict(connection.execute("SELECT document, ocr_languages FROM documents").fetchall())


@needs(TESSERACT)
def test_it_is_read_again_so_and_keeps_it_where_it_goes(settings: Settings, ingest: Ingest) -> None:
    (settings.uploads / "scan.png").write_bytes(scan_of("Minutes of the lighthouse"))
    (settings.uploads / "copy.png").write_bytes(scan_of("Minutes of the lighthouse"))
    (settings.uploads / "other.png").write_bytes(scan_of("Something else"))
    ingest()
    catalog = open_catalog(settings)
    choose_languages(settings, catalog, rows(settings)["scan.png"], " eng ")
    assert chosen_for(catalog) == {"scan.png": "eng", "copy.png": "eng", "other.png": None}
    assert waiting(settings) == 2
    assert {row.state for row in rows(settings).values()} == {"indexed"}
    ingest()
    assert waiting(settings) == 0

    (settings.uploads / "other").mkdir()
    (settings.uploads / "scan.png").rename(settings.uploads / "other" / "moved.png")
    text_lane(settings)
    text_lane(settings, collection="other")
    assert chosen_for(catalog) == {"moved.png": "eng", "copy.png": "eng", "other.png": None}
    assert waiting(settings) == 0  # what was read is known by its content
    choose_languages(settings, catalog, rows(settings)["moved.png"], "")
    assert set(chosen_for(catalog).values()) == {None}
    ingest("other")
    ingest()
    assert (waiting(settings), {row.state for row in rows(settings).values()}) == (0, {"indexed"})


@needs(TESSERACT)
def test_tesseract_is_asked_for_them(tmp_path: Path) -> None:
    scan = tmp_path / "scan.png"
    scan.write_bytes(scan_of("Minutes"))
    digest = hashlib.sha256(scan.read_bytes()).hexdigest()
    asked = [ExtractionRequest("key", str(scan), "image/png", digest, ocr_languages=languages) for languages in (None, "eng", "eng+tlh")]
    read = [read_document(one, ReadingLimits(1 << 30)) for one in asked]
    assert [one.state for one in read] == ["extracted", "extracted", "unsupported"]
    assert "'tlh'" in (read[2].error or "")


@needs(TESSERACT)
@pytest.mark.parametrize("wanted", ["tlh", "eng+", "eng tlh", "-l", "../eng", "eng+\n", "<b>"])
def test_what_is_not_there_is_named_and_changes_nothing(settings: Settings, wanted: str) -> None:
    (settings.uploads / "scan.png").write_bytes(scan_of("Minutes"))
    text_lane(settings)
    with pytest.raises(OcrLanguageError, match=r"has no data for .*It has .*eng"):
        choose_languages(settings, open_catalog(settings), rows(settings)["scan.png"], wanted)
    assert chosen_for(open_catalog(settings)) == {"scan.png": None}
