"""What things are called on a Qdrant server, and how it is asked to keep them.

Belongs here: names, ids, and what the settings choose. Not here: requests (``requests.py``), publishing (``index.py``).
"""

from __future__ import annotations

import hashlib
import re
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from rag_pipeline.settings import Settings
from rag_pipeline.stores.vectors.contract import INDEX_SCHEMA
from rag_pipeline.stores.vectors.versions import version_time

_NAMESPACE = uuid.UUID("3f0c0f0e-27a5-5b55-8a2c-6a0e9c6f2d11")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class ServerOptions:
    """What the settings say of a server.

    Attributes:
        prefix: what all our names begin with; installations with different ones do not see each other.
        replicas: copies of each shard.
        shards: parts of a collection; 0: as the server has it.
        int8: whether vectors are compared as one byte a number first.
        on_disk: whether vectors and payloads stay on the disk.
    """

    prefix: str = "rag_pipeline"
    replicas: int = 1
    shards: int = 0
    int8: bool = False
    on_disk: bool = False

    @classmethod
    def of(cls, settings: Settings) -> ServerOptions:
        """As the settings have them."""
        return cls(
            prefix=settings.qdrant_prefix,
            replicas=settings.qdrant_replicas,
            shards=settings.qdrant_shards,
            int8=settings.qdrant_int8,
            on_disk=settings.qdrant_on_disk,
        )

    @property
    def manifests(self) -> str:
        """The server's collection that says which versions there are."""
        return f"{self.prefix}.manifests"

    @property
    def points_prefix(self) -> str:
        """What the names of the server's collections of points begin with."""
        return f"{self.prefix}.points."

    def points(self, model_fingerprint: str, dimension: int) -> str:
        """The server's collection that holds the points of all collections of an embedding model."""
        key = f"{INDEX_SCHEMA}:{dimension}:{model_fingerprint}"
        return f"{self.points_prefix}{hashlib.sha256(key.encode()).hexdigest()[:12]}"


def earlier_versions(collection: str) -> str:
    """What the names of a collection's versions began with when each was a collection of the server's own."""
    plain = re.sub(r"[^A-Za-z0-9-]", "_", collection)[:60]
    return f"rag_pipeline.{plain}.{hashlib.sha256(collection.encode()).hexdigest()[:12]}__"


def manifest_id(collection: str) -> str:
    """The id of the point that is a collection's manifest."""
    return str(uuid.uuid5(_NAMESPACE, f"manifest/{collection}"))


def point_id(collection: str, chunk_id: str, number: int) -> str:
    """The id of a chunk's point as a version added it: the chunk of another version, or of another collection, has another."""
    return str(uuid.uuid5(_NAMESPACE, f"{collection}/{chunk_id}/{number}"))


def number_of(version: str) -> int:
    """A version as a number that grows from one to the next: microseconds since 1970. Below 2^53, so exact in JSON and as a float."""
    return (version_time(version) - _EPOCH) // timedelta(microseconds=1)
