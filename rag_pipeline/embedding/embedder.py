"""Texts to vectors: which runtime does it, loaded once a process.

Belongs here: what is loaded when. Not here: the runtimes (``sentence_transformer.py``, ``light_runtime.py``; ``served_embedder.py``, for
which nothing is), how they compare (``runtime_choice.py``), what is embedded, where vectors are kept. Why so: docs/decisions/embedding.md.
"""

from __future__ import annotations

import threading
from pathlib import Path

from rag_pipeline.embedding.embedding_server import FOR_A_QUESTION, IN_BULK, Patience
from rag_pipeline.embedding.light_export import make_light, why_not
from rag_pipeline.embedding.light_runtime import ABOUT, LightEmbedder, light_allowed, light_folder, open_light
from rag_pipeline.embedding.model import EmbeddingModel
from rag_pipeline.embedding.model_files import ModelFiles
from rag_pipeline.embedding.preparation import Preparation
from rag_pipeline.embedding.runtime_choice import LIGHT, dtypes_to_try, keep_choice, kept_choice, measured
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_pipeline.embedding.served_embedder import ServedEmbedder
from rag_pipeline.embedding.served_model import ServedModel
from rag_pipeline.embedding.vectors import Embedder, ShortenedEmbedder, Vectors
from rag_pipeline.settings import Settings

__all__ = ["Embedder", "Vectors", "begin_preparation", "load_embedder", "load_question_embedder", "prepare_light_runtime"]

FEW_TEXTS = 256
"""Fewer are embedded sooner by the light runtime than sentence-transformers is loaded, also where it is then twice as fast."""

_Key = tuple[str, str, str]
_BULK: dict[_Key, Embedder] = {}
_LIGHT: dict[_Key, LightEmbedder] = {}
_LOADED: dict[_Key, SentenceTransformerEmbedder] = {}
_PREPARED: dict[_Key, Preparation] = {}
_SERVED: dict[tuple[ServedModel, Settings, Patience], ServedEmbedder] = {}
_UNUSABLE: dict[Path, int] = {}
"""Folders of light runtimes that could not be opened, with the time of the attempt's files: not tried, nor logged, at each question."""
_LOADING = threading.RLock()


def load_embedder(model: EmbeddingModel, settings: Settings, texts: int = FEW_TEXTS) -> Embedder:
    """What embeds ``texts`` chunks soonest, loading included: loaded on first use, then shared by the process."""
    if isinstance(model, ServedModel):
        return _served(model, settings, IN_BULK)
    return _shortened(model, _in_bulk(model.whole, settings, texts))


def _in_bulk(model: ModelFiles, settings: Settings, texts: int) -> Embedder:
    with _LOADING:
        key = _key(model, settings)
        if key in _BULK:
            return _BULK[key]
        if texts < FEW_TEXTS and (light := _light(model, settings) or _made(model, settings)):
            return light
        _BULK[key] = _chosen(model, settings)
        return _BULK[key]


def _shortened(model: ModelFiles, embedder: Embedder) -> Embedder:
    return ShortenedEmbedder(embedder, model.first_numbers) if model.first_numbers else embedder


def load_question_embedder(model: EmbeddingModel, settings: Settings) -> Embedder:
    """What embeds questions: the light runtime, or, until one was made, whatever else is loaded or can be. Makes none itself."""
    if isinstance(model, ServedModel):
        return _served(model, settings, FOR_A_QUESTION)
    whole = model.whole
    with _LOADING:
        return _shortened(model, _light(whole, settings) or _BULK.get(_key(whole, settings)) or _loaded(whole, settings))


def begin_preparation(model: EmbeddingModel, settings: Settings) -> None:
    """Have what a model needs once made in a process of its own, if it was not, for who needs it later and has other work until then."""
    if isinstance(model, ServedModel):
        return
    with _LOADING:
        whole = model.whole
        if _key(whole, settings) not in _LOADED and not light_folder(whole, settings).is_dir() and _can_be_light(whole, settings):
            _preparation(whole, settings)


def prepare_light_runtime(model: EmbeddingModel, settings: Settings) -> None:
    """Have the light runtime made where there can be one and is none. Takes ten seconds, once; questions wait, as they do for a load."""
    if isinstance(model, ServedModel):
        return
    with _LOADING:
        if not _light(model.whole, settings):
            _made(model.whole, settings)


def _served(model: ServedModel, settings: Settings, patience: Patience) -> ServedEmbedder:
    """One a process, as its connections serve all requests."""
    with _LOADING:
        key = model, settings, patience
        if key not in _SERVED:
            _SERVED[key] = ServedEmbedder(*key)
        return _SERVED[key]


def _key(model: ModelFiles, settings: Settings) -> _Key:
    return model.fingerprint, settings.embedding_dtype, settings.embedding_device


def _light(model: ModelFiles, settings: Settings) -> LightEmbedder | None:
    """The light runtime that was made, by this process or another."""
    key, about = _key(model, settings), light_folder(model, settings) / ABOUT
    if key not in _LIGHT and light_allowed(settings) and about.exists():
        time = about.stat().st_mtime_ns
        if _UNUSABLE.get(about) == time:
            return None
        if light := open_light(model, settings):
            _LIGHT[key] = light
        else:
            _UNUSABLE[about] = time
    return _LIGHT.get(key)


def _made(model: ModelFiles, settings: Settings) -> LightEmbedder | None:
    """The light runtime, made now where there can be one: by what is loaded, otherwise in a process that ends."""
    if not _can_be_light(model, settings):
        return None
    key = _key(model, settings)
    if key in _LOADED and _LOADED[key].on_cpu and _LOADED[key].dtype == "float32":
        make_light(model, settings, _LOADED[key])
    else:
        _preparation(model, settings).await_light()
    return _light(model, settings)


def _can_be_light(model: ModelFiles, settings: Settings) -> bool:
    return light_allowed(settings) and not why_not(model, settings)


def _preparation(model: ModelFiles, settings: Settings) -> Preparation:
    """The process that is at it, begun if none is."""
    key = _key(model, settings)
    if key not in _PREPARED or _PREPARED[key].is_over:
        _PREPARED[key] = Preparation(model, settings)
    return _PREPARED[key]


def _loaded(model: ModelFiles, settings: Settings) -> SentenceTransformerEmbedder:
    """sentence-transformers, in the dtype that is set; in float32 where it is still to be chosen."""
    key = _key(model, settings)
    if key not in _LOADED:
        _LOADED[key] = SentenceTransformerEmbedder(model, settings.embedding_device, settings.embedding_batch_size)
        if settings.embedding_dtype != "auto":
            _LOADED[key].use(settings.embedding_dtype)
    return _LOADED[key]


def _chosen(model: ModelFiles, settings: Settings) -> Embedder:
    """The fastest in bulk: as measured here before, or measured now."""
    choice = kept_choice(model, settings) or _choice_of_preparation(model, settings)
    if choice == LIGHT and (light := _light(model, settings) or _made(model, settings)):
        return light
    loaded = _loaded(model, settings)
    if not choice:
        choice, light = _measured_choice(model, settings, loaded)
        if light and choice == LIGHT:
            _LOADED.pop(_key(model, settings), None)
            return light
    loaded.use("float32" if choice == LIGHT else choice)
    return loaded


def _choice_of_preparation(model: ModelFiles, settings: Settings) -> str:
    """What is found when the light runtime is made: on a busy machine it is not kept, and yet better than to measure once more."""
    key = _key(model, settings)
    if key not in _PREPARED and (key in _LOADED or light_folder(model, settings).is_dir() or not _can_be_light(model, settings)):
        return ""
    return _preparation(model, settings).await_choice()


def _measured_choice(model: ModelFiles, settings: Settings, loaded: SentenceTransformerEmbedder) -> tuple[str, LightEmbedder | None]:
    light = (_light(model, settings) or _made(model, settings)) if loaded.on_cpu else None
    if settings.embedding_dtype != "auto" and not light:
        return settings.embedding_dtype, None
    measurement = measured(loaded, dtypes_to_try(settings, on_cpu=loaded.on_cpu), light)
    keep_choice(model, settings, measurement)
    return measurement.fastest, light
