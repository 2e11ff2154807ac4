"""What every store of objects does, and how it fails.

Belongs here: the contract. Not here: keeping it.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Protocol

from rag_pipeline.errors import RagError

STORAGE_UNREACHABLE, STORAGE_FAILED = "storage_unreachable", "storage_failed"
"""Codes of the TransientErrors of the storage as a whole: no answer; an answer that says "not now"."""


class StorageRefusedError(RagError):
    """The storage as a whole says no, until someone does something: no such bucket, keys that it does not take."""


class ObjectGoneError(RagError):
    """There is no object of that key (any more)."""


class ObjectChangedError(RagError):
    """The object is not the version that was asked for."""


class ObjectExistsError(RagError):
    """There is an object of that key already, and it was not to be replaced."""


class ObjectUnreadableError(RagError):
    """This object cannot be had now, while others may be: denied, archived, cut off again and again."""


@dataclass(frozen=True, slots=True)
class StoredObject:
    """An object as it is listed.

    Attributes:
        key: below the store's own prefix; any text.
        version: differs once the object has other bytes (S3's ETag).
        modified_at: seconds since 1970, by the storage's clock.
    """

    key: str
    size_bytes: int
    version: str
    modified_at: float


class ObjectStore(Protocol):
    """Objects below a place.

    Besides what they say themselves, all raise:
        TransientError: the storage cannot be reached, or answers "not now" (:data:`STORAGE_UNREACHABLE`, :data:`STORAGE_FAILED`), tried
            several times.
        StorageRefusedError: no such bucket, or keys that it does not take.
    """

    @property
    def address(self) -> str:
        """For messages: ``s3://bucket/prefix``."""

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """All objects whose key begins with ``prefix``, in no promised order; a page is in memory at a time.

        What ends without an error is complete.
        """

    def head(self, key: str) -> StoredObject | None:
        """What an object is; None when there is none of that key.

        Raises:
            ObjectUnreadableError: it may not be looked at.
        """

    def get(self, key: str, target: BinaryIO, version: str | None = None) -> StoredObject:
        """Write an object's bytes to ``target``: all of them, of one version.

        Args:
            key: the object's.
            target: what was written to it before an error is part of the object, and worth nothing.
            version: the one that is meant; None: that of now.

        Raises:
            ObjectGoneError: there is none of that key.
            ObjectChangedError: it is another version, or was replaced meanwhile.
            ObjectUnreadableError: it cannot be had.
        """

    def put(self, key: str, source: BinaryIO, *, replace: bool = True) -> None:
        """Store all that ``source`` holds from its beginning, in one step: nobody sees a part of it.

        Args:
            key: the object's.
            source: seekable.
            replace: False: an object of that key stays as it is.

        Raises:
            ObjectExistsError: there is one, and it was not to be replaced.
            ObjectUnreadableError: it may not be written.
        """

    def delete(self, key: str) -> None:
        """Remove an object; one that is not there is no error.

        Raises:
            ObjectUnreadableError: it may not be removed.
        """
