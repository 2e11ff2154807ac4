"""A model that an embedding server runs: known by what it answers, as its files are not here.

Belongs here: telling one model from another, what is kept of that, its tokens and prompts. Not here: the connection
(``embedding_server.py``), vectors of documents (``served_embedder.py``). Why so: docs/decisions/embedding.md.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.embedding_server import (
    EmbeddingServer,
    EmbeddingServerAwayError,
    EmbeddingServerError,
    InputRefusedError,
    Patience,
)
from rag_pipeline.embedding.model_files import (
    DOCUMENT_PROMPTS,
    EmbeddingModelError,
    TokenCounter,
    digest_of_tokenizer,
    model_folder,
    packaged_folder,
    stated_prompt,
    stated_window,
)
from rag_pipeline.embedding.probes import PROBES
from rag_pipeline.settings import CHUNK_TOKENS, PACKAGED_MODEL, Settings
from rag_pipeline.stores.files import read_json, write_json

PROBE = PROBES[1]
"""The text that goes with every request, and tells whether the model is still the one it was."""
SAME_MODEL = 0.995
"""Least cosine of two vectors of it that one model made. Measured in docs/decisions/embedding.md."""
_SERVED = "served-"
_SIGNS = 32
_READS_ANY = 64
"""Tokens; every model reads so many."""
_SAME_TEXT = 1 - 1e-6
"""Cosine of vectors of two texts that only their ends tell apart, above which the ends were not read."""
_PIECE = r"[A-Za-z0-9]{1,3}|[^A-Za-z0-9\s]"
"""What is counted as a token where no tokenizer is given: rather too little text than too much."""


class UnfitModelError(EmbeddingModelError, EmbeddingServerError):
    """The served model does not read texts as long as are to be sent; the message names the fix."""


class ModelExchangedError(EmbeddingServerAwayError):
    """The server answers with another model than before, which was noted: from now on that one is the model."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model of an embedding server. ``fingerprint`` changes when its vectors may have changed.

    Attributes:
        max_tokens: no text that is longer is sent, special tokens and prompt included; the server was seen to read so many.
        tokenizer: ``tokenizer.json``; None where tokens are estimated.
        probe: the vector of :data:`PROBE`, as float32.
    """

    name: str
    fingerprint: str
    dimension: int
    max_tokens: int
    document_prompt: str
    query_prompt: str
    tokenizer: Path | None
    probe: bytes

    @property
    def tokenizer_digest(self) -> str:
        """Changes when texts may have other tokens than before."""
        return _tokenizer_digest(self.tokenizer, self.document_prompt)

    def token_counter(self) -> TokenCounter:
        """Counts as the model does, or, where its tokenizer is not given, a cautious estimate."""
        return _token_counter(self.tokenizer, self.max_tokens, self.document_prompt)

    def is_same(self, vector: NDArray[np.float32]) -> bool:
        """Whether a unit vector of the probe was made by this model."""
        return _is_same(np.frombuffer(self.probe, "<f4"), vector)


@dataclass(frozen=True, slots=True)
class _Known:
    """What is kept of a model. ``twin``: how many were known before it that differ by their probe only, and that in no sign.
    ``reads``: the tokenizer and number of tokens that it was seen to read to the end."""

    declared: str
    probe: str
    twin: int = 0
    reads: str = ""

    @property
    def vector(self) -> NDArray[np.float32]:
        return np.frombuffer(base64.b64decode(self.probe), "<f4")

    def fingerprint(self, name: str, document_prompt: str) -> str:
        vector = self.vector
        # On which side of some planes it lies: unlike its digits, that stays when a server calculates a little differently.
        planes = np.random.RandomState(0).standard_normal((_SIGNS, len(vector)))
        signs = "".join("+" if side > 0 else "-" for side in planes @ vector)
        parts = [name, self.declared, len(vector), document_prompt, signs, self.twin]
        return _SERVED + hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:16]


def is_served(fingerprint: str) -> bool:
    """Whether a model of this fingerprint was a server's."""
    return fingerprint.startswith(_SERVED)


def known_model(settings: Settings) -> ServedModel | None:
    """The configured model as it was when the server was asked last; None if it never was. Asks nobody.

    Raises:
        EmbeddingModelError: there is no such tokenizer.
    """
    known = _known(settings)
    return _model(settings, known[0]) if known else None


def served_model(settings: Settings, patience: Patience) -> ServedModel:
    """The configured model. The server is asked where it is not known yet, or not known to read texts as long as are to be sent now.

    Raises:
        EmbeddingServerError: the server does not answer, or not with vectors.
        EmbeddingModelError: there is no such tokenizer, or (``UnfitModelError``) the server does not read texts of that length.
    """
    known = _known(settings)
    if known and known[0].reads == _reading(settings):
        return _model(settings, known[0])
    return identified(settings, EmbeddingServer(settings, settings.embedding_model, patience))


def identified(settings: Settings, server: EmbeddingServer) -> ServedModel:
    """Ask the server which model it has now, and note that.

    Raises:
        EmbeddingServerError: it does not answer, or not with vectors.
        UnfitModelError: it does not read texts as long as are to be sent.
    """
    from filelock import FileLock

    answer = server.ask([PROBE])
    seen = _Known(answer.model, base64.b64encode(answer.vectors[0].astype("<f4").tobytes()).decode())
    if not any(one.reads == _reading(settings) for one in _alike(_known(settings), seen)):
        require_whole_reading(settings, server)
    settings.locks_path.mkdir(parents=True, exist_ok=True)
    with FileLock(settings.locks_path / "served_models.lock"):
        others = _known(settings)
        found = next(iter(_alike(others, seen)), None)
        if found is None:
            signs = seen.fingerprint("", "")
            found = replace(seen, twin=sum(replace(one, twin=0).fingerprint("", "") == signs for one in others))
        current = replace(found, reads=_reading(settings))
        _keep(settings, [current, *(one for one in others if one != found)])
    return _model(settings, current)


def _alike(known: Iterable[_Known], seen: _Known) -> list[_Known]:
    return [one for one in known if one.declared == seen.declared and _is_same(one.vector, seen.vector)]


def _is_same(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return one.shape == other.shape and float(one @ other) >= SAME_MODEL


def _known(settings: Settings) -> list[_Known]:
    """What is kept of the models that had the configured name, the current one first."""
    kept = cast("list[dict[str, Any]]", read_json(settings.served_models_path).get(settings.embedding_model, []))
    return [_Known(**one) for one in kept]


def _keep(settings: Settings, known: list[_Known]) -> None:
    kept = read_json(settings.served_models_path)
    changed = {**kept, settings.embedding_model: [asdict(one) for one in known]}
    if changed != kept:  # the sensor looks again when this file changes
        write_json(settings.served_models_path, changed)


def _model(settings: Settings, known: _Known) -> ServedModel:
    folder, tokenizer = _tokenizer(settings)
    document, query = _prompts(folder)
    vector = known.vector
    fingerprint = known.fingerprint(settings.embedding_model, document)
    tokens = _max_tokens(settings, folder)
    return ServedModel(settings.embedding_model, fingerprint, len(vector), tokens, document, query, tokenizer, vector.tobytes())


def _reading(settings: Settings) -> str:
    folder, tokenizer = _tokenizer(settings)
    return f"{_tokenizer_digest(tokenizer, _prompts(folder)[0])}:{_max_tokens(settings, folder)}"


def _max_tokens(settings: Settings, folder: Path | None) -> int:
    """Nothing is sent that is longer than the largest chunk: of more, nobody has seen whether the server reads it."""
    window = stated_window(folder) if folder else None
    return min(settings.chunk_tokens or CHUNK_TOKENS, window or 10**6)


def _prompts(folder: Path | None) -> tuple[str, str]:
    """What is put before documents and questions."""
    return (stated_prompt(folder, *DOCUMENT_PROMPTS), stated_prompt(folder, "query")) if folder else ("", "")


def _tokenizer(settings: Settings) -> tuple[Path | None, Path | None]:
    """The model's folder and its tokenizer, as far as they are here."""
    name = settings.embedding_tokenizer
    if name is None:
        local = Path(settings.embedding_model).expanduser()
        folder = local if local.is_dir() else packaged_folder() if settings.embedding_model == PACKAGED_MODEL else None
    elif Path(name).expanduser().is_file():
        return None, Path(name).expanduser()
    else:
        folder = _folder(name)
    if folder is None or (folder / "tokenizer.json").is_file():
        return folder, folder / "tokenizer.json" if folder else None
    if name is None:
        return folder, None
    raise EmbeddingModelError(f"RAG_EMBEDDING_TOKENIZER: {folder} has no tokenizer.json. Name a folder that has one, or unset it.")


@lru_cache(maxsize=8)
def _folder(name: str) -> Path:
    way_out = "unset it: tokens are then estimated"
    return model_folder(name, "RAG_EMBEDDING_TOKENIZER", way_out, ("*.json",))


def _tokenizer_digest(file: Path | None, document_prompt: str) -> str:
    if file is None:
        return hashlib.sha256(f"{_PIECE}{document_prompt}".encode()).hexdigest()[:12]
    return _digest_of(file, file.stat().st_mtime_ns, document_prompt)


@lru_cache(maxsize=8)
def _digest_of(file: Path, _changed: int, document_prompt: str) -> str:
    return digest_of_tokenizer(file, document_prompt)


def _token_counter(file: Path | None, max_tokens: int, prompt: str) -> TokenCounter:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    if file:
        return TokenCounter(Tokenizer.from_file(str(file)), max_tokens, prompt)
    estimating = Tokenizer(models.WordLevel({"?": 0}, "?"))
    estimating.pre_tokenizer = pre_tokenizers.Split(Regex(_PIECE), "removed", invert=True)
    return TokenCounter(estimating, max_tokens, prompt)


def require_whole_reading(settings: Settings, server: EmbeddingServer) -> None:
    """Check that the server reads the longest chunk to its end: some cut texts, and say nothing.

    Raises:
        EmbeddingServerError: it does not answer, or not with vectors.
        UnfitModelError: it does not.
    """
    folder, tokenizer = _tokenizer(settings)
    prompt, tokens = _prompts(folder)[0], _max_tokens(settings, folder)
    if tokens <= _READS_ANY:
        return
    counter = _token_counter(tokenizer, tokens, prompt)
    way_out = (
        f"Lower RAG_CHUNK_TOKENS (chunks have up to {tokens} tokens now), or have the server read more"
        f"{'' if tokenizer else '; with RAG_EMBEDDING_TOKENIZER tokens are counted as the model does'}."
    )
    try:
        one, other = server.ask([prompt + text for text in _alike_but_for_the_end(counter)]).vectors
    except InputRefusedError as error:
        raise UnfitModelError(
            f"{server.model} at {server.url} does not take texts as long as chunks may be: {error.said}. {way_out}"
        ) from None
    if float(one @ other) >= _SAME_TEXT:
        raise UnfitModelError(f"{server.model} at {server.url} cuts texts without saying so: their ends changed nothing. {way_out}")


def _alike_but_for_the_end(counter: TokenCounter) -> tuple[str, str]:
    """Two texts as long as the counter allows, of words that any tokenizer makes a token of each; the last 32nd of them differs."""
    room = counter.max_tokens - counter.count("")
    while True:
        end = max(8, room // 32)
        body = [chr(ord("a") + 7 * number % 11) for number in range(room - end)]
        texts = tuple(" ".join([*body, *(chr(first + number % 5) for number in range(end))]) for first in (ord("n"), ord("t")))
        if max(map(counter.count, texts)) <= counter.max_tokens:
            return texts[0], texts[1]
        room = room * 15 // 16
