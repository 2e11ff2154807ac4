"""What is installed, reachable and configured; what to do about what is not: for ``rag doctor`` and the app.

Belongs here: looking, one finding a subject. Not here: repairing, what only one of the two can look at (``cli/doctor.py``).
"""

from __future__ import annotations

import asyncio
import io
import json
import os
import platform
import shlex
import shutil
import socket
import sys
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal
from urllib.parse import urlsplit

from rag_pipeline.answering.tuning import TUNING, LocalServers
from rag_pipeline.errors import RagError
from rag_pipeline.installing import Program, command_for, command_for_languages
from rag_pipeline.privacy import is_this_machine
from rag_pipeline.settings import AUTOMATIC, BucketFolder, Settings

if TYPE_CHECKING:
    from rag_pipeline.answering.generation.local_models import LocalModel
    from rag_pipeline.embedding.model_files import ModelFiles

_MOST_NAMED = 20


@dataclass(frozen=True, slots=True)
class Finding:
    """One subject: ``ok``, ``missing`` (optional, works without), or ``problem``; with what to do in ``remedy``.

    ``command``: what to type for it on this system, where that is known.
    """

    subject: str
    state: Literal["ok", "missing", "problem"]
    detail: str
    remedy: str = ""
    command: str = ""


Examination = Callable[[Settings], Iterator[Finding]]


def examine(settings: Settings, others: Mapping[str, Examination]) -> list[Finding]:
    """Look at everything; nothing is changed. In a watched bucket an object is put and deleted, to see whether that may be done.

    ``others``: subject → what else the caller can look at.
    """
    examinations: dict[str, Examination] = {
        "machine": _machine,
        "folders": _folders,
        "catalog": _catalog,
        "reading": _reading,
        "embedding model": _embedding_model,
        "vector index": _vector_index,
        "language model": _language_model,
        "services": _services,
        "staging": _staging,
        **others,
    }
    return [finding for subject, look in examinations.items() for finding in _findings(subject, look, settings)]


def examine_folders(settings: Settings) -> list[Finding]:
    """Look at the data folder and the watched folder only."""
    return _findings("folders", _folders, settings)


def examine_reading(settings: Settings) -> list[Finding]:
    """Look only at what kinds of documents can be read."""
    return _findings("reading", _reading, settings)


def _findings(subject: str, look: Examination, settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    try:
        findings.extend(look(settings))  # what came before an error stays
    except RagError as error:
        findings.append(Finding(subject, "problem", str(error)))
    return findings


def _machine(settings: Settings) -> Iterator[Finding]:
    yield Finding("machine", "ok", f"Python {platform.python_version()}, {platform.system()} {platform.machine()}, {os.cpu_count()} cores")


def _folders(settings: Settings) -> Iterator[Finding]:
    if not settings.data.exists():
        yield Finding("data folder", "missing", f"{settings.data} is not there yet", "rag up (or rag ingest) makes it")
        return
    writable = os.access(settings.data, os.W_OK)
    free = shutil.disk_usage(settings.data).free / 1e9
    detail = f"{settings.data}, {free:.1f} GB free" if writable else f"{settings.data} cannot be written"
    yield Finding("data folder", "ok" if writable else "problem", detail, "" if writable else "give this user the right to write there")
    yield from _watched_folder(settings)


def _watched_folder(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.ingestion.folder.watched import watched_folder

    if isinstance(settings.uploads, Path) and settings.uploads_dir is None and not settings.uploads.exists():
        yield Finding("watched folder", "missing", f"{settings.uploads} is not there yet", "make it, or let rag up make it")
        return
    listing = watched_folder(settings).listing()
    yield Finding("watched folder", "ok", f"{settings.uploads}, {len(listing.files)} files")
    unreadable = list(listing.unreadable.items())
    for folder, reason in unreadable[:_MOST_NAMED]:
        yield Finding("watched folder", "problem", f"{folder}: {reason}", "give this user the right to read it, or another name")
    if len(unreadable) > _MOST_NAMED:
        yield Finding("watched folder", "problem", f"and {len(unreadable) - _MOST_NAMED} more that cannot be read", "as above")
    if isinstance(settings.uploads, BucketFolder):
        yield from _bucket(settings, settings.uploads)


def _bucket(settings: Settings, bucket: BucketFolder) -> Iterator[Finding]:
    """What else these keys may do there, tried with an object that is no document and goes again."""
    from rag_pipeline.stores.objects import ObjectUnreadableError, open_store

    store, key, said = open_store(settings, bucket, "RAG_UPLOADS_DIR"), f".probe-{uuid.uuid4().hex}", "put"
    try:
        store.put(key, io.BytesIO(b"rag doctor"))
        said = "fetched"
        store.get(key, io.BytesIO())
        said = "deleted"
        store.delete(key)
    except ObjectUnreadableError as error:
        if said == "fetched":
            store.delete(key)
        harm = "reading" if said == "fetched" else "uploading in the app" if said == "put" else "deleting in the app"
        yield Finding(
            "watched folder", "problem" if said == "fetched" else "missing", f"no object can be {said}, so there is no {harm}", str(error)
        )
    else:
        yield Finding("watched folder", "ok", f"objects of {bucket} can be put, fetched and deleted")


def _catalog(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.stores.catalog import open_catalog

    kept = "in a DuckLake: " if settings.catalog_url else ""
    rows = open_catalog(settings, lock_wait_seconds=5).documents()
    counts = {state: sum(row.state == state for row in rows) for state in sorted({row.state for row in rows})}
    detail = ", ".join(f"{count} {state}" for state, count in counts.items()) or "no documents yet"
    yield Finding("catalog", "ok", kept + detail, "see: rag status" if counts.keys() - {"indexed"} else "")
    if settings.catalog_url and not rows and settings.catalog_path.exists():
        detail = f"the DuckLake is empty, and {settings.catalog_path} is not looked at: all would be read and embedded again"
        yield Finding(
            "catalog", "problem", detail, "move it: unset RAG_CATALOG_URL, rag backup TARGET, set it, rag restore TARGET --replace"
        )


def _reading(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.ingestion.extract.process.passwords import listed_passwords

    yield from _ocr(settings)
    yield from _old_office()
    yield _archives()
    yield _rar()
    passwords = len(listed_passwords(settings))
    yield Finding("passwords", "ok", f"{passwords} in {settings.passwords_path}" if passwords else "none listed")


def _archives() -> Finding:
    from rag_pipeline.ingestion.extract.archive.programs import LIBRARIES, installed_libraries

    if missing := [name for name in LIBRARIES if name not in installed_libraries()]:
        detail = f"{' and '.join(missing)} not installed: 7z, and zip encrypted with AES, are not read"
        install = f"{shlex.quote(sys.executable)} -m pip install {' '.join(missing)}"
        return Finding("archives", "missing", detail, "pip install 'rag-pipeline[archives]'", install)
    return Finding("archives", "ok", "zip, tar and 7z are read")


def _rar() -> Finding:
    from rag_pipeline.ingestion.extract.archive.libarchive import library

    if library():
        return Finding("libarchive", "ok", "rar files are read")
    remedy = "install it (Debian, Ubuntu: apt install libarchive13)"
    return Finding("libarchive", "missing", "not installed: rar files are not read", remedy, command_for("libarchive"))


def _old_office() -> Iterator[Finding]:
    from rag_pipeline.ingestion.extract.process.libreoffice import Component, libreoffice_program

    components: tuple[tuple[Component, Program, str], ...] = (
        ("writer", "libreoffice-writer", "doc"),
        ("impress", "libreoffice-impress", "ppt"),
        ("calc", "libreoffice-calc", "wk1"),
        ("draw", "libreoffice-draw", "vsd"),
    )
    for component, package, kind in components:
        program = libreoffice_program(component)
        detail = program or f"not installed: {kind} files are not read"
        remedy = "" if program else f"install it (Debian, Ubuntu: apt install {package}-nogui)"
        command = "" if program else command_for(package)
        yield Finding(f"LibreOffice {component.capitalize()}", "ok" if program else "missing", detail, remedy, command)


def _ocr(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.ingestion.extract.picture.ocr import tesseract_languages

    known = tesseract_languages()
    if not known:
        detail = "not installed: scans and pictures are not read"
        remedy = "install it (Debian, Ubuntu: apt install tesseract-ocr)"
        yield Finding("Tesseract", "missing", detail, remedy, command_for("tesseract"))
        return
    missing = [language for language in settings.ocr_languages.split("+") if language not in known]
    remedy = f"install them (Debian, Ubuntu: apt install {' '.join(f'tesseract-ocr-{one}' for one in missing)})" if missing else ""
    detail = f"no data for {', '.join(missing)} of RAG_OCR_LANGUAGES" if missing else f"reads {settings.ocr_languages}"
    yield Finding("Tesseract", "problem" if missing else "ok", detail, remedy, command_for_languages(missing) if missing else "")


def _embedding_model(settings: Settings) -> Iterator[Finding]:
    yield from _embedding_server(settings) if settings.embedding_url else _model_here(settings)


def _embedding_server(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.embedding.embedding_server import FOR_A_QUESTION, EmbeddingServer
    from rag_pipeline.embedding.served_model import PROBE, known_model, require_whole_reading

    server = EmbeddingServer(settings, settings.embedding_model, FOR_A_QUESTION)
    (vector,), known = server.ask([PROBE]).vectors, known_model(settings)
    require_whole_reading(settings, server)
    detail = f"{server.model} at {server.url} answers with vectors of {len(vector)} numbers"
    if known and not known.is_same(vector):
        yield Finding("embedding server", "problem", f"{detail}, of another model than before", "rag ingest: all is embedded anew")
        return
    remedy = "" if settings.embedding_tokenizer else "tokens are estimated; RAG_EMBEDDING_TOKENIZER would have them counted"
    yield Finding("embedding server", "ok", detail, "" if known and known.tokenizer else remedy)


def _model_here(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.embedding.light_export import light_state
    from rag_pipeline.embedding.model_files import locate_model
    from rag_pipeline.embedding.runtime_choice import kept_choice

    model = locate_model(settings)
    yield Finding("embedding model", "ok", f"{model.name}, reads {model.max_tokens} word pieces, in {model.path}")
    yield from _misread(model)
    light, bulk = light_state(model.whole, settings), kept_choice(model.whole, settings)
    yield Finding(
        "embedding runtime", "ok", f"{light}; {f'in bulk: {bulk}' if bulk else 'the first large run measures what is fastest in bulk'}"
    )


def _misread(model: ModelFiles) -> Iterator[Finding]:
    """What a model's folder leaves to guess: its vectors come out all the same, and find less."""
    from rag_pipeline.embedding.model_files import assumes_pooling, prompts_left_out

    if prompt := prompts_left_out(model):
        config = json.dumps({"prompts": {"query": prompt, "document": ""}})
        yield Finding(
            "embedding model",
            "problem",
            f"{model.name} wants prompts before texts, such as {prompt!r}, and its settings name none",
            f"as its README.md says, put them into {model.path / 'config_sentence_transformers.json'}, such as {config}; then: rag ingest",
        )
    if assumes_pooling(model):
        remedy = "choose a model that sentence-transformers saved, or save it so, with the pooling that it was trained with"
        yield Finding("embedding model", "problem", f"{model.path} has no modules.json: the mean of all word pieces is guessed", remedy)


def _vector_index(settings: Settings) -> Iterator[Finding]:
    from rag_pipeline.embedding.model import embedding_model_so_far
    from rag_pipeline.ingestion.unread import unread_collections
    from rag_pipeline.stores.vectors import open_index

    index = open_index(settings)
    manifests = list(index.manifests().values())
    engine = f"Qdrant at {settings.qdrant_url}" if settings.qdrant_url else "Qdrant Edge, embedded"
    chunks = sum(manifest.chunks for manifest in manifests)
    yield Finding("vector index", "ok", f"{engine}: {len(manifests)} collections, {chunks} chunks")
    for damage in index.damaged():
        yield Finding("vector index", "problem", str(damage), f"rag ingest {damage.collection}")
    for collection, message in unread_collections(settings).items():
        yield Finding("vector index", "missing", f"{collection}: {message}", "then: rag ingest")
    now = embedding_model_so_far(settings) if settings.embedding_url else None
    for manifest in manifests:
        if manifest.embedding_model != settings.embedding_model or (now and now.fingerprint != manifest.embedding_fingerprint):
            detail = f"{manifest.collection} was made with {manifest.embedding_model} and goes on answering with it"
            yield Finding("vector index", "problem", detail, f"rag ingest {manifest.collection}")


def _language_model(settings: Settings, servers: LocalServers = TUNING.local_servers) -> Iterator[Finding]:
    from rag_pipeline.answering.generation.local_models import local_models

    offered = asyncio.run(local_models(settings, servers))
    if settings.chat_model in (None, "", AUTOMATIC):
        yield _of_this_machine(settings, offered)
        return
    from openai import APIStatusError, OpenAI, OpenAIError

    key = settings.openai_api_key.get_secret_value() if settings.openai_api_key else "not-needed"
    where = settings.openai_base_url or "https://api.openai.com/v1"
    try:
        names = [model.id for model in OpenAI(base_url=settings.openai_base_url, api_key=key, timeout=10, max_retries=0).models.list()]
    except APIStatusError as error:
        remedy = "check OPENAI_API_KEY" if error.status_code in (401, 403) else "look into that server's log"
        yield Finding("language model", "problem", f"{where} does not tell its models: status {error.status_code}", remedy)
    except OpenAIError as error:
        yield Finding("language model", "problem", f"{where} cannot be reached: {error}", "start it, or check OPENAI_BASE_URL")
    else:
        known = {settings.chat_model, f"{settings.chat_model}:latest"} & {*names}  # Ollama's short names
        remedy = "" if known else f"it offers: {', '.join(names[:8])}"
        yield Finding("language model", "ok" if known else "problem", f"{settings.chat_model} at {where}", remedy)
        yield from _smaller_window(settings, offered)


def _of_this_machine(settings: Settings, offered: Sequence[LocalModel]) -> Finding:
    from rag_pipeline.answering.generation.chosen_model import chosen_model
    from rag_pipeline.answering.generation.local_models import by_server

    chosen = chosen_model(settings)
    if chosen and chosen in [model.as_chosen for model in offered]:
        return Finding("language model", "ok", f"{chosen}, chosen in the app")
    names = "; ".join(f"{server} offers {', '.join(names)}" for server, names in by_server(offered).items())
    if settings.chat_model == AUTOMATIC and offered:
        model = offered[0]
        return Finding("language model", "ok", f"{model.name} of {model.server} at {model.base_url} ({AUTOMATIC}: {names})")
    detail = "none: answers are the documents' own sentences"
    if chosen:
        return Finding("language model", "problem", f"{detail}; {chosen}, which was chosen, is not offered", "start it, or choose another")
    if settings.chat_model == AUTOMATIC:
        return Finding("language model", "missing", f"{detail}; this machine offers none", "start Ollama, llama.cpp, vLLM or LM Studio")
    if offered:
        return Finding(
            "language model", "missing", f"{detail}; on this machine {names}", f"set RAG_CHAT_MODEL={AUTOMATIC}, or choose one in the app"
        )
    return Finding("language model", "missing", detail, "set RAG_CHAT_MODEL, and OPENAI_BASE_URL or OPENAI_API_KEY")


def _smaller_window(settings: Settings, offered: Sequence[LocalModel]) -> Iterator[Finding]:
    """A server of this machine that reads less than it is sent: some cut a prompt, the rules first, without saying so."""
    address, named = urlsplit(settings.openai_base_url or ""), (settings.chat_model, f"{settings.chat_model}:latest")
    for model in offered if is_this_machine(address.geturl()) else ():
        window = model.context_tokens or settings.chat_context_tokens
        if model.name in named and urlsplit(model.base_url).port == address.port and window < settings.chat_context_tokens:
            detail = f"{model.server} lets {model.name} read {window:,} tokens; prompts have up to {settings.chat_context_tokens:,}"
            yield Finding("language model", "problem", detail, f"RAG_CHAT_CONTEXT_TOKENS={window}, or a larger window there")


def _staging(settings: Settings) -> Iterator[Finding]:
    if settings.staging_url:
        from rag_pipeline.stores.objects import open_store

        store = open_store(settings, settings.staging_url, "RAG_STAGING_URL")
        next(store.list(), None)
        yield Finding("staging", "ok", store.address)


def _services(settings: Settings) -> Iterator[Finding]:
    for subject, address in (("Dagster UI", settings.dagster_url), ("app", settings.app_url)):
        place = urlsplit(address)
        try:
            socket.create_connection((place.hostname, place.port), timeout=2).close()
            yield Finding(subject, "ok", address)
        except OSError:
            yield Finding(subject, "missing", f"not running at {address}", "rag up")
