"""Other languages of OCR for one document: read so at the next run, kept by content, told where they are not there."""

import io
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PIL import Image, ImageDraw, ImageFont

from rag_pipeline.ingestion.document_changes import OcrLanguageError, choose_languages
from rag_pipeline.ingestion.extract.process.pool import close_pools
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


@pytest.fixture
def languages(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """Tesseract's English, under two names; processes that read know of it, and none outlives it."""
    listed = subprocess.run(["tesseract", "--list-langs"], capture_output=True, text=True, check=True).stdout
    folder = re.search('"(.+?)"', listed)
    assert folder
    data = tmp_path / "tessdata"
    shutil.copytree(Path(folder[1]) / "configs", data / "configs")
    shutil.copytree(Path(folder[1]) / "tessconfigs", data / "tessconfigs")
    for name in ("eng", "deu"):
        shutil.copy(Path(folder[1]) / "eng.traineddata", data / f"{name}.traineddata")
    monkeypatch.setenv("TESSDATA_PREFIX", str(data))
    close_pools()
    yield data
    close_pools()


def rows(settings: Settings) -> dict[str, DocumentStatus]:
    return {row.document: row for row in open_catalog(settings).documents()}


def waiting(settings: Settings) -> int:
    return sum(unread_documents(open_catalog(settings), extractor_fingerprint(settings), settings.max_attempts).values())


def chosen_for(catalog: Catalog) -> dict[str, str | None]:
    with catalog.reading() as connection:
        return dict(connection.execute("SELECT document, ocr_languages FROM documents").fetchall())


@needs(TESSERACT)
def test_it_is_read_again_so_and_keeps_it_where_it_goes(settings: Settings, ingest: Ingest, languages: Path) -> None:
    (settings.uploads / "scan.png").write_bytes(scan_of("Minutes of the lighthouse"))
    (settings.uploads / "copy.png").write_bytes(scan_of("Minutes of the lighthouse"))
    (settings.uploads / "other.png").write_bytes(scan_of("Something else"))
    ingest()
    catalog = open_catalog(settings)
    (languages / "deu.traineddata").write_bytes(b"no data at all")  # whoever reads in it fails
    choose_languages(settings, catalog, rows(settings)["scan.png"], " deu ")
    assert chosen_for(catalog) == {"scan.png": "deu", "copy.png": "deu", "other.png": None}
    assert waiting(settings) == 2
    assert {name: row.state for name, row in rows(settings).items()} == dict.fromkeys(rows(settings), "indexed")

    ingest()
    assert rows(settings)["other.png"].state == "indexed"
    assert {rows(settings)[name].error_code for name in ("scan.png", "copy.png")} == {"unreadable_content"}
    assert waiting(settings) == 0

    shutil.copy(languages / "eng.traineddata", languages / "deu.traineddata")
    (settings.uploads / "other").mkdir()
    (settings.uploads / "scan.png").rename(settings.uploads / "other" / "moved.png")
    text_lane(settings)
    text_lane(settings, collection="other")
    assert chosen_for(catalog)["moved.png"] == "deu"
    choose_languages(settings, catalog, rows(settings)["moved.png"], "deu+eng")
    ingest("other")
    assert rows(settings)["moved.png"].state == "indexed"
    choose_languages(settings, catalog, rows(settings)["moved.png"], "")
    assert set(chosen_for(catalog).values()) == {None}
    ingest("other")
    assert waiting(settings) == 1  # the copy, by the settings' languages again
    ingest()
    assert {row.state for row in rows(settings).values()} == {"indexed"}


@needs(TESSERACT)
@pytest.mark.parametrize("wanted", ["tlh", "eng+", "deu eng", "-l", "../eng", "eng+\n", "<b>"])
def test_what_is_not_there_is_named_and_changes_nothing(settings: Settings, languages: Path, wanted: str) -> None:
    (settings.uploads / "scan.png").write_bytes(scan_of("Minutes"))
    text_lane(settings)
    with pytest.raises(OcrLanguageError, match=r"has no data for .*It has deu, eng\."):
        choose_languages(settings, open_catalog(settings), rows(settings)["scan.png"], wanted)
    assert chosen_for(open_catalog(settings)) == {"scan.png": None}
