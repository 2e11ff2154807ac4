"""Which documents are read anew when a family of formats gets better: its own, and no others. On a real catalog, through the plan."""

import hashlib
from dataclasses import replace

import pytest

from rag_pipeline.ingestion import steps
from rag_pipeline.ingestion.extract import registry
from rag_pipeline.ingestion.steps.workspace import Workspace, extractor_fingerprint
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.keys import EXTRACTION_KEY

FILES = {
    "note.txt": (b"Zebras have stripes.", "plain_text"),
    "log.md": (b"# Zebras\n\nThey have stripes.", "markdown"),
    "zebras.csv": (b"name,stripes\nAnn,41\n", "delimited"),
    "zebras.json": (b'{"stripes": 41}', "json"),
    "zebras.jsonl": (b'{"stripes": 41}\n{"stripes": 42}\n', "json"),
    "letter.eml": (b"From: a@b.invalid\nSubject: Zebras\n\nThey have stripes.\n", "mail"),
    "broken.docx": (b"PK\x03\x04 but no archive", "word"),
    "packed.zip": (b"PK\x03\x04 zebras", None),
}
SINCE_VERSION_6 = [
    "text/plain",
    "text/x-source-code",
    "text/vtt",
    "text/markdown",
    "text/x-rst",
    "text/x-org",
    "application/rtf",
    "application/epub+zip",
    "text/html",
    "application/xml",
    "application/yaml",
    "text/csv",
    "text/tab-separated-values",
    "application/json",
    "application/x-ndjson",
    "application/x-ipynb+json",
    "message/rfc822",
    "application/mbox",
    "application/pdf",
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "application/vnd.ms-excel.sheet.binary.macroenabled.12",
    "application/vnd.oasis.opendocument.text",
    "application/vnd.oasis.opendocument.presentation",
    "application/vnd.oasis.opendocument.spreadsheet",
    "application/msword",
    "application/vnd.ms-excel",
    "application/vnd.ms-powerpoint",
    "application/vnd.ms-outlook",
    "application/x-ole-office",
    "application/x-ole-storage",
    "image/png",
    "image/jpeg",
    "image/tiff",
    "image/webp",
    "image/heic",
    "image/bmp",
    "image/gif",
]
"""Media types that were read when all families had one version, "6"."""


def read_all(settings: Settings) -> set[str]:
    """Brings readings up to date; the files that the plan named."""
    workspace = Workspace(settings, "default")
    steps.source_documents.update_documents(workspace)
    batches = steps.extracted_text.plan_extraction(workspace)
    planned = {str(task["file"]) for batch in batches for task in workspace.staging("extracted_text").read_plan(batch)}
    for batch in batches:
        steps.extracted_text.extract_batch(workspace, batch)
    steps.extracted_text.commit_extraction(workspace)
    return planned


def raise_version(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    raised = tuple(replace(each, version=f"{each.version}1") if each.name == name else each for each in registry.FAMILIES)
    monkeypatch.setattr(registry, "FAMILIES", raised)


def test_a_better_family_reads_its_own_documents_again_and_no_others(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, (content, _) in FILES.items():
        (settings.uploads / name).write_bytes(content)
    assert read_all(settings) == set(FILES)
    assert read_all(settings) == set()
    for family in ("json", "mail", "word", "markdown"):
        raise_version(monkeypatch, family)
        assert read_all(settings) == {name for name, (_, of) in FILES.items() if of == family}
        assert read_all(settings) == set()


def test_the_keys_of_catalogs_from_before_families_had_versions_still_hold(settings: Settings) -> None:
    """Or everything that anybody has indexed would be read again. It was one number for all: what was raised since is its family's."""
    program = extractor_fingerprint(settings).program
    types = [*SINCE_VERSION_6, "image/vnd.adobe.photoshop", "application/octet-stream", "image/svg+xml", "never/heard-of"]
    with Catalog(settings.catalog_path).reading() as connection:
        rows = connection.execute(
            f"SELECT d.media_type, {EXTRACTION_KEY}"
            " FROM (SELECT 'abc' AS content_hash, unnest($types) AS media_type, NULL AS ocr_languages) d",
            {**program, "types": types},
        ).fetchall()
    versions = dict.fromkeys(types, "6") | registry.versions()
    assert dict(rows) == {name: hashlib.sha256(f"abc:{name}:{versions[name]}".encode()).hexdigest() for name in types}
    assert all(int(registry.versions()[name]) >= 6 for name in SINCE_VERSION_6)


def test_a_document_without_a_type_has_a_key(settings: Settings) -> None:
    statement = f"SELECT {EXTRACTION_KEY} FROM (SELECT 'abc' AS content_hash, NULL::VARCHAR AS media_type, NULL AS ocr_languages) d"
    with Catalog(settings.catalog_path).reading() as connection:
        row = connection.execute(statement, extractor_fingerprint(settings).program).fetchone()
    assert row == (hashlib.sha256(b"abc:6").hexdigest(),)
