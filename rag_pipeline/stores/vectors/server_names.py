"""What collections and aliases are called on a Qdrant server.

Belongs here: names, and what can be told from them. Not here: requests (``server_requests.py``), publishing (``server.py``).
"""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime, timedelta

from qdrant_client import models

from rag_pipeline.stores.vectors.contract import Manifest
from rag_pipeline.stores.vectors.versions import version_time

PREFIX = "rag_pipeline."
"""What all our names begin with: the server may hold other collections."""

PREVIOUS = "__previous"
"""Added to the alias of the current version, names the one before it."""

_LITTER_AGE = timedelta(hours=24)
"""A version that no alias names may be one that another machine is just building, so it is left alone for this long."""


def alias_of(collection: str) -> str:
    """A name that servers take: they refuse some characters, and clients do not escape the others in URLs."""
    plain = re.sub(r"[^A-Za-z0-9-]", "_", collection)[:60]
    return f"{PREFIX}{plain}.{hashlib.sha256(collection.encode()).hexdigest()[:12]}"


def version_name(collection: str, version: str) -> str:
    """The server's collection that holds a version of ours."""
    return f"{alias_of(collection)}__{version}"


def collection_of(manifest: Manifest) -> str:
    """The server's collection that a manifest describes."""
    return version_name(manifest.collection, manifest.version)


def create_alias(alias: str, manifest: Manifest) -> models.CreateAliasOperation:
    """The operation that points an alias at a version."""
    return models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=collection_of(manifest), alias_name=alias))


def is_litter(name: str) -> bool:
    """Whether an unpublished version is too old to be still under construction."""
    return datetime.now(UTC) - version_time(name.rpartition("__")[2]) > _LITTER_AGE
