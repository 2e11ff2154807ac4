"""The light runtime: the same weights as ONNX, run by onnxruntime. Ready in half a second, without PyTorch.

Belongs here: reading what ``light_export.py`` left in the data folder, trusting it, vectors by it. Not here: making it, when it is used
(``embedder.py``). Neither torch nor sentence_transformers may be imported here. Measured: docs/decisions/embedding.md.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from rag_pipeline.embedding.model_files import ModelFiles, kept_sha256
from rag_pipeline.embedding.probes import PROBES
from rag_pipeline.embedding.processor import thread_count
from rag_pipeline.embedding.vectors import Vectors, lowest_cosine, unit_rows
from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import read_json

log = logging.getLogger(__name__)

LOWEST_COSINE = 0.9999
"""Every text that runtimes are compared on comes this close to its float32 vector by sentence-transformers, or the runtime is not used."""
FORMAT = 2
"""Raised when the files below change their meaning: those of another number are not looked at."""
MODEL, WORD_VECTORS, TOKENIZER, ABOUT, EXPECTED = "model.onnx", "words.npy", "tokenizer.json", "light.json", "probes.npy"
INPUTS = ("input_ids", "attention_mask", "word_vectors")
"""Of the graph: tokens, which of them count, shape (texts, tokens); the vector of each word piece, shape (word pieces, numbers)."""
_TOKENIZED_AT_ONCE = 1024
_LEAST_PASS_TOKENS, _PASS_TOKENS = 64, 512
"""Texts x length that a pass of several has: more, and what it calculates with is not near the processor any more; fewer only so that
all threads have a part of a question's sentences."""
_SQUARED_TOKENS_AT_ONCE = 4096**2
"""Of the passes under way: attention takes memory by the square of a text's length."""


class LightRuntimeError(RagError):
    """The exported model is damaged, or does not give here the vectors that it gave where it was made."""


def light_folder(model: ModelFiles, settings: Settings) -> Path:
    """Where the exported model lies, if there is one."""
    return settings.data / "models" / f"{model.fingerprint}-{FORMAT}"


def light_allowed(settings: Settings) -> bool:
    """Whether the settings leave room for it: it calculates in float32, on the processor."""
    return settings.embedding_dtype in ("auto", "float32") and settings.embedding_device in ("auto", "cpu")


def installed() -> bool:
    """Whether onnxruntime is here; there are platforms that it has no wheel for."""
    return importlib.util.find_spec("onnxruntime") is not None


def open_light(model: ModelFiles, settings: Settings) -> LightEmbedder | None:
    """The light runtime of a model; None when none was made, or when it cannot be trusted, which is logged."""
    folder = light_folder(model, settings)
    if not installed() or not folder.is_dir():
        return None
    try:
        return LightEmbedder(folder, settings)
    except LightRuntimeError as error:
        log.warning("%s. Its vectors come from sentence-transformers until the next run makes it again.", error)
        return None


class LightEmbedder:
    """A model as onnxruntime runs it. Safe to share by threads: both the session and the tokenizer are.

    Each pass has one thread, and as many are under way as there are threads: nobody waits for the slowest part of each multiplication.
    The vectors of word pieces, half of a small model and nearly all of one for many languages, stay in their file: what is asked for of
    them lies in memory once for all processes, and only as long as there is room.

    Raises:
        LightRuntimeError: a file is missing or damaged, or its vectors are not what they were.
    """

    dtype = "float32"

    def __init__(self, folder: Path, settings: Settings) -> None:
        try:
            about = cast("dict[str, Any]", read_json(folder / ABOUT))
            for file in (MODEL, WORD_VECTORS):
                if kept_sha256(folder / file, settings.data / "models.json") != about["sha256"][file]:
                    raise LightRuntimeError(f"{folder / file} is damaged")
            self._open(folder, about, settings.embedding_batch_size)
            expected = np.load(folder / EXPECTED)
            cosine = lowest_cosine(self.embed_documents(PROBES), expected)
        except LightRuntimeError:
            raise
        except Exception as error:  # onnxruntime, tokenizers and numpy have no common error of their own
            raise LightRuntimeError(f"The light runtime in {folder} cannot be used ({error})") from error
        if cosine < LOWEST_COSINE:
            raise LightRuntimeError(f"The light runtime in {folder} gives other vectors here than where it was made (cosine {cosine:.6f})")

    def _open(self, folder: Path, about: dict[str, Any], batch_size: int) -> None:
        from tokenizers import Tokenizer

        self._batch_size = batch_size
        self.dimension = int(about["dimension"])
        self._pad, self._pad_left = int(about["pad_id"]), bool(about["pad_left"])
        self._query_prompt, self._document_prompt = str(about["query_prompt"]), str(about["document_prompt"])
        self._tokenizer = Tokenizer.from_file(str(folder / TOKENIZER))
        self._session = _session(folder / MODEL)
        self._word_vectors = np.load(folder / WORD_VECTORS, mmap_mode="r")
        self._threads = ThreadPoolExecutor(thread_count(), "embedding")

    def embed_documents(self, texts: Sequence[str]) -> Vectors:
        """Vectors of chunks: shape (len(texts), dimension), unit length, in the order given."""
        return self._embed([self._document_prompt + text for text in texts])

    def embed_query(self, text: str) -> NDArray[np.float32]:
        """Vector of one question: shape (dimension,), unit length."""
        return cast("NDArray[np.float32]", self._embed([self._query_prompt + text])[0])

    def _embed(self, texts: Sequence[str]) -> Vectors:
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        for start in range(0, len(texts), _TOKENIZED_AT_ONCE):
            encoded = self._tokenizer.encode_batch_fast(list(texts[start : start + _TOKENIZED_AT_ONCE]))
            tokens = [encoding.ids for encoding in encoded]
            share = sum(map(len, tokens)) // thread_count()
            most = min(max(share, _LEAST_PASS_TOKENS), _PASS_TOKENS)
            for places in _together(list(_passes(tokens, self._batch_size, most)), tokens):
                passes = [[tokens[place] for place in some] for some in places]
                made = self._threads.map(self._pass, passes) if len(passes) > 1 else map(self._pass, passes)
                for some, of_pass in zip(places, made, strict=True):
                    vectors[[start + place for place in some]] = of_pass
        return unit_rows(vectors)

    def _pass(self, tokens: Sequence[Sequence[int]]) -> NDArray[np.float32]:
        longest = max(map(len, tokens))
        ids = np.full((len(tokens), longest), self._pad, dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, text in enumerate(tokens):
            place = slice(longest - len(text), longest) if self._pad_left else slice(0, len(text))
            ids[row, place], mask[row, place] = text, 1
        given = dict(zip(INPUTS, (ids, mask, self._word_vectors), strict=True))
        return cast("NDArray[np.float32]", self._session.run(None, given)[0])


def _passes(tokens: Sequence[Sequence[int]], batch_size: int, most_tokens: int) -> Iterator[list[int]]:
    """Places of texts of about one length: little of a pass is padding."""
    places: list[int] = []
    for place in sorted(range(len(tokens)), key=lambda place: -len(tokens[place])):
        longest = len(tokens[places[0]]) if places else 0
        if places and (len(places) == batch_size or (len(places) + 1) * longest > most_tokens):
            yield places
            places = []
        places.append(place)
    if places:
        yield places


def _together(passes: Sequence[list[int]], tokens: Sequence[Sequence[int]]) -> Iterator[Sequence[list[int]]]:
    """Passes, the longest texts first, in groups that may all be under way at once."""
    done = 0
    while done < len(passes):
        longest = len(tokens[passes[done][0]])
        many = max(1, _SQUARED_TOKENS_AT_ONCE // max(1, longest**2))
        yield passes[done : done + many]
        done += many


def _session(file: Path) -> Any:
    import onnxruntime

    onnxruntime.disable_telemetry_events()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
