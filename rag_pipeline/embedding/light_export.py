"""Making the light runtime: a model is exported from sentence-transformers once, compared with it, and kept in the data folder.

Belongs here: which models can be exported, the comparison, the files. Not here: running them (``light_runtime.py``), the process that
does this (``preparation.py``).
"""

from __future__ import annotations

import logging
import shutil
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from filelock import FileLock

from rag_pipeline.embedding.light_runtime import (
    ABOUT,
    EXPECTED,
    FORMAT,
    INPUTS,
    LOWEST_COSINE,
    MODEL,
    TOKENIZER,
    WORD_VECTORS,
    LightEmbedder,
    LightRuntimeError,
    installed,
    light_allowed,
    light_folder,
    open_light,
)
from rag_pipeline.embedding.model_files import ModelFiles, kept_sha256, kinds_of_modules
from rag_pipeline.embedding.probes import BEYOND_WINDOW, PROBES, WITHIN_WINDOW
from rag_pipeline.embedding.processor import environment
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_pipeline.embedding.vectors import lowest_cosine
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import add_to_json, read_json, sync_folder, write_json

if TYPE_CHECKING:
    import torch
    from sentence_transformers import SentenceTransformer

log = logging.getLogger(__name__)

_OPSET = 17
_LARGEST_BYTES = 2 << 30
"""Of one ONNX file; beyond it weights lie in further files."""


def why_not(model: ModelFiles, settings: Settings) -> str:
    """Why this model has no light runtime on this machine; empty when it has one, or when nobody has tried."""
    if not installed():
        return "onnxruntime is not installed"
    unknown = _unknown(kinds_of_modules(model))  # which costs no process that loads the model to find it out
    return unknown or str(read_json(settings.data / "models.json").get(_key(model), ""))


def light_state(model: ModelFiles, settings: Settings) -> str:
    """Whether a model has a light runtime, in words."""
    if not light_allowed(settings):
        return "no light runtime: RAG_EMBEDDING_DTYPE or RAG_EMBEDDING_DEVICE leaves no room for one"
    if reason := why_not(model, settings):
        return f"no light runtime: {reason}"
    folder = light_folder(model, settings)
    return f"light runtime in {folder}" if folder.is_dir() else "the light runtime is made by the next run"


def make_light(model: ModelFiles, settings: Settings, loaded: SentenceTransformerEmbedder) -> LightEmbedder | None:
    """Export a model that is loaded, unless another process did; None, with the reason logged, when it cannot be.

    The reason is kept, so that nobody tries again, unless it may be gone the next time (a full disk, no memory).

    ``loaded`` is on the processor, in float32.
    """
    folder = light_folder(model, settings)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_suffix(".lock")):
            return _made_once(folder, model, settings, loaded)
    except (OSError, MemoryError) as error:  # a full disk, a full memory: the next run tries again
        log.warning("The light runtime of %s could not be made in %s this time: %r", model.name, folder.parent, error)
    return None


def _made_once(folder: Path, model: ModelFiles, settings: Settings, loaded: SentenceTransformerEmbedder) -> LightEmbedder | None:
    if why_not(model, settings):
        return None
    if light := open_light(model, settings):
        return light
    try:
        return _exported(folder, settings, loaded)
    except (LightRuntimeError, _NoLightRuntimeError) as error:
        if isinstance(error.__cause__, OSError | MemoryError):
            raise error.__cause__ from None
        _keep_reason(model, settings, str(error))
    return None


class _NoLightRuntimeError(Exception):
    """This model has no light runtime; the message says why."""


def _key(model: ModelFiles) -> str:
    return f"no light runtime:{FORMAT}:{model.fingerprint}:{environment()}"


def _keep_reason(model: ModelFiles, settings: Settings, reason: str) -> None:
    say_reason(model, reason)
    add_to_json(settings.data / "models.json", _key(model), reason)


def say_reason(model: ModelFiles, reason: str) -> None:
    """Log why a model has no light runtime."""
    log.warning("%s has no light runtime: %s. sentence-transformers embeds everything.", model.name, reason)


def _exported(folder: Path, settings: Settings, loaded: SentenceTransformerEmbedder) -> LightEmbedder:
    """Written beside and renamed: a reader sees all of it or nothing. The comparison reads what will be read later."""
    beside = folder.with_suffix(".writing")
    shutil.rmtree(beside, ignore_errors=True)  # of a process that was killed
    beside.mkdir()
    try:
        _write(beside, settings, loaded)
        light = LightEmbedder(beside, settings)
        _compare(light, loaded)
        shutil.rmtree(folder, ignore_errors=True)  # a damaged one
        beside.replace(folder)
        sync_folder(folder.parent)
        for earlier in set(folder.parent.glob(f"{folder.name.rpartition('-')[0]}-*/")) - {folder, beside}:  # of another FORMAT
            shutil.rmtree(earlier, ignore_errors=True)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return light


def _write(folder: Path, settings: Settings, loaded: SentenceTransformerEmbedder) -> None:
    model = loaded.model
    transformer = _known(model)
    tokenizer = transformer.tokenizer
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None or tokenizer.pad_token_id is None:
        raise _NoLightRuntimeError("its tokenizer is not one of the tokenizers library with a token for padding")
    _write_tokenizer(folder / TOKENIZER, backend.to_str(), tokenizer, model.max_seq_length)
    words = _words_of(transformer)
    _trace(model, tokenizer, words, folder / MODEL)
    np.save(folder / WORD_VECTORS, words.weight.detach().numpy())
    np.save(folder / EXPECTED, loaded.embed_documents(PROBES))
    about: dict[str, object] = {
        "sha256": {file: kept_sha256(folder / file, settings.data / "models.json") for file in (MODEL, WORD_VECTORS)},
        "dimension": loaded.dimension,
        "pad_id": int(tokenizer.pad_token_id),
        "pad_left": tokenizer.padding_side == "left",
        "query_prompt": _prompt(model, "query"),
        "document_prompt": _prompt(model, "document", "passage", "corpus"),
        "made with": environment(),
    }
    write_json(folder / ABOUT, about)


def _unknown(names: list[str]) -> str:
    """What to say of modules that the comparison does not say enough about; empty where it does."""
    if names[:2] == ["Transformer", "Pooling"] and not set(names[2:]) - {"Dense", "Normalize"}:
        return ""
    return f"its modules are {', '.join(names)}; known are Transformer and Pooling, then Dense and Normalize"


def _known(model: SentenceTransformer) -> Any:
    """The first module of a model whose every module is one that the comparison says enough about."""
    if unknown := _unknown([type(module).__name__ for module in model]):
        raise _NoLightRuntimeError(unknown)
    if 4 * sum(weights.numel() for weights in model.parameters()) >= _LARGEST_BYTES:
        raise _NoLightRuntimeError("its weights are larger than an ONNX file can be")
    transformer, pooling = model[0], model[1]
    if pooling.pooling_mode not in ("mean", "cls") or not pooling.include_prompt:
        raise _NoLightRuntimeError(f"its pooling is {pooling.pooling_mode}, prompt {'in' if pooling.include_prompt else 'ex'}cluded")
    return transformer


def _words_of(transformer: Any) -> Any:
    """The layer that makes vectors of word pieces."""
    try:
        return transformer.auto_model.get_input_embeddings()
    except (AttributeError, NotImplementedError) as error:  # a model's own code may have none, or not say so
        raise _NoLightRuntimeError("it does not tell its vectors of word pieces") from error


def _prompt(model: SentenceTransformer, *names: str) -> str:
    """What is put before a text, by the rules of ``encode_query`` and ``encode_document``; compared with them afterwards."""
    default = model.prompts.get(model.default_prompt_name or "", "")
    return next((model.prompts[name] for name in names if name in model.prompts), default) or ""


def _write_tokenizer(file: Path, content: str, tokenizer: Any, max_tokens: int | None) -> None:
    from tokenizers import Tokenizer

    copy = Tokenizer.from_str(content)
    copy.no_padding()
    if max_tokens:
        copy.enable_truncation(max_tokens, direction=tokenizer.truncation_side)
    file.write_text(copy.to_str(), encoding="utf-8")  # save() tells of a full disk by an Exception of no kind


def _trace(model: SentenceTransformer, tokenizer: Any, words: Any, file: Path) -> None:
    """Text tokens to vectors, pooling and all, as one graph of any number and length of texts. The weights of ``words`` are given to it."""
    import torch

    class Whole(torch.nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, input_ids: torch.Tensor, attention_mask: torch.Tensor, word_vectors: torch.Tensor) -> torch.Tensor:
            with _weights_of(words, word_vectors):
                vectors: torch.Tensor = self.inner({"input_ids": input_ids, "attention_mask": attention_mask})["sentence_embedding"]
            return vectors

    example = tokenizer(list(PROBES[:2]), padding=True, return_tensors="pt")
    tokens = {one: {0: "texts", 1: "tokens"} for one in INPUTS[:2]}
    try:
        with _exporter_alone(), torch.inference_mode():
            torch.onnx.export(
                Whole().eval(),
                (*(example[one] for one in INPUTS[:2]), words.weight.clone()),
                str(file),
                input_names=list(INPUTS),
                output_names=["vectors"],
                dynamic_axes={**tokens, "vectors": {0: "texts"}},
                opset_version=_OPSET,
                dynamo=False,
            )
    except (OSError, MemoryError):
        raise
    except Exception as error:  # whatever a model's own code raises when it is traced
        raise _NoLightRuntimeError(f"it cannot be exported ({type(error).__name__}: {error})") from error


@contextmanager
def _weights_of(module: Any, given: torch.Tensor) -> Iterator[None]:
    """Within the block a module calculates with other weights (``torch.func.functional_call`` refuses to, while a model is traced)."""
    own = module.weight
    del module.weight
    module.weight = given
    try:
        yield
    finally:
        del module.weight
        module.weight = own


@contextmanager
def _exporter_alone() -> Iterator[None]:
    """PyTorch's exporter without the package onnx, and without its warnings: what it made is compared, text by text.

    It needs that package, of 60 MB, for one thing: to insert functions written with onnxscript, of which such models have none.
    """
    from torch.onnx._internal.torchscript_exporter import onnx_proto_utils

    inserting = onnx_proto_utils._add_onnxscript_fn
    onnx_proto_utils._add_onnxscript_fn = lambda model_bytes, custom_opsets: model_bytes
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        onnx_proto_utils._add_onnxscript_fn = inserting


def _compare(light: LightEmbedder, loaded: SentenceTransformerEmbedder) -> None:
    """Both ways of embedding: all texts in batches of many lengths, and some alone, as questions."""
    by_light = light.embed_documents((*WITHIN_WINDOW, *BEYOND_WINDOW))
    # Apart, as sentence-transformers fills all texts of a batch up to the longest.
    documents = lowest_cosine(by_light, np.concatenate([loaded.embed_documents(texts) for texts in (WITHIN_WINDOW, BEYOND_WINDOW)]))
    questions = [lowest_cosine(light.embed_query(text)[None], loaded.embed_query(text)[None]) for text in (*PROBES[:2], "", "a")]
    cosine = min(documents, *questions)
    if cosine < LOWEST_COSINE:
        raise _NoLightRuntimeError(f"its vectors differ from those of sentence-transformers (cosine {cosine:.6f})")
