"""The registry of families: nothing in it contradicts itself, and what tells formats has a fingerprint."""

import io
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract import extract, registry
from rag_pipeline.ingestion.extract.family import Family, Format
from rag_pipeline.ingestion.extract.media_types import Detection
from rag_pipeline.ingestion.extract.registry import FAMILIES
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element
from rag_pipeline_tests.ingestion.extract.documents import open_source

FORMATS = [one for family in FAMILIES for one in family.formats]


def read_drawing(source: Source) -> Iterator[Element]:
    yield Element("NarrativeText", source.stream.read().decode())


DRAWING = Format("application/x-drawing", read_drawing, ("drw",), "text")


def family(one: Format) -> Family:
    return Family("drawing", "drawings", "Documents", (one,), "1")


def test_names_media_types_and_suffixes_are_of_one_format_each() -> None:
    suffixes = [(one.container, suffix) for one in FORMATS for suffix in one.suffixes]
    for named in ([each.name for each in FAMILIES], [one.media_type for one in FORMATS], suffixes):
        assert [name for name, count in Counter(named).items() if count > 1] == []


@pytest.mark.parametrize("one", FORMATS, ids=lambda one: one.media_type)
def test_every_reader_is_there(one: Format) -> None:
    """Readers are imported when they are called, so that a wrong name would show late."""
    assert isinstance(one.reader(open_source(b"")), Iterator)


def test_a_type_that_no_family_reads_is_refused_with_all_that_are_read(tmp_path: Path) -> None:
    (tmp_path / "a.psd").write_bytes(b"8BPS")
    with pytest.raises(DocumentError) as raised:
        extract(tmp_path / "a.psd", "image/vnd.adobe.photoshop")
    assert (raised.value.code, raised.value.state) == ("unsupported_type", "unsupported")
    assert [each.name for each in FAMILIES if each.words not in str(raised.value)] == []


@pytest.mark.parametrize(
    "change",
    [
        {"media_type": "application/x-other"},
        {"suffixes": ("drw", "drawing")},
        {"container": "zip"},
        {"signature": re.compile(b"DRAW")},
        {"named_signature": re.compile(b"DRAW")},
        {"zip_folder": b"drawing/"},
        {"zip_mimetype": re.compile("drawing")},
    ],
    ids=lambda change: next(iter(change)),
)
def test_the_fingerprint_of_detection_changes_with_all_that_tells_formats(change: dict[str, object]) -> None:
    changed = replace(DRAWING, **change)
    prints = [Detection(families).fingerprint for families in (FAMILIES, (*FAMILIES, family(DRAWING)), (*FAMILIES, family(changed)))]
    assert len(set(prints)) == 3
    assert prints[0] == registry.detection_fingerprint()


def test_the_fingerprint_of_detection_does_not_change_with_a_version_or_words() -> None:
    newer = [replace(each, version=f"{each.version}1", words=f"all {each.words}") for each in FAMILIES]
    assert Detection(newer).fingerprint == registry.detection_fingerprint()


def test_a_family_more_is_told_by_its_record_alone() -> None:
    assert registry.media_type_of("a.drw", b"lines") == "text/plain"
    assert Detection((*FAMILIES, family(DRAWING))).media_type_of("a.drw", b"lines") == "application/x-drawing"


def test_a_file_inside_a_file_needs_the_entry_point() -> None:
    """A family that is called past ``elements_of`` has nothing that could read what is inside: that is a mistake of ours, and says so."""
    source = Source(io.BytesIO(b""), "outer")
    with pytest.raises(TypeError, match="inner"):
        source.read_inner(source.inside(b"words", "inner"))
