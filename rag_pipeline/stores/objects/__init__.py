"""Objects, which are files without folders: one contract, kept by storage that speaks S3's protocol (s3.py) or by a folder (folder.py).

Belongs here: listing, fetching, putting and deleting by key. Not here: what the objects are.
"""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rag_pipeline.errors import RagError
from rag_pipeline.settings import BucketFolder, Settings, bucket_folder
from rag_pipeline.stores.objects.contract import (
    STORAGE_FAILED,
    STORAGE_UNREACHABLE,
    ObjectChangedError,
    ObjectExistsError,
    ObjectGoneError,
    ObjectStore,
    ObjectUnreadableError,
    StorageRefusedError,
    StoredObject,
)

__all__ = [
    "STORAGE_FAILED",
    "STORAGE_UNREACHABLE",
    "ObjectChangedError",
    "ObjectExistsError",
    "ObjectGoneError",
    "ObjectStore",
    "ObjectUnreadableError",
    "StorageRefusedError",
    "StoredObject",
    "open_store",
]


@lru_cache(maxsize=8)
def open_store(settings: Settings, place: str | BucketFolder, variable: str) -> ObjectStore:
    """The objects at a place. Nothing is contacted before the first use; threads may share it.

    Args:
        settings: endpoint, region and keys of the storage; what is not set comes from where AWS's own tools look.
        place: ``s3://bucket/prefix`` or ``file:///folder``.
        variable: the setting that names the place, for messages.

    Raises:
        RagError: the place is neither, or the extra ``s3`` is not installed.
    """
    if isinstance(place, str) and urlsplit(place).scheme == "file":
        from rag_pipeline.stores.objects.folder import FolderStore

        return FolderStore(Path(unquote(urlsplit(place).path)))
    bucket = place if isinstance(place, BucketFolder) else bucket_folder(place)
    if bucket is None:
        raise RagError(f"{variable} is {place!r}. It must be s3://bucket/prefix or file:///folder.")
    from rag_pipeline.stores.objects.s3 import open_bucket

    return open_bucket(settings, bucket, variable)
