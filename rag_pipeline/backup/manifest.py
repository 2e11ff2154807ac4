"""What a backup says of itself, in a file that is written last: without it, or with one that nobody here understands, nothing is restored.

Belongs here: that record, and the refusal of what is no whole backup. Not here: where it lies (``places.py``), what is in it.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version

from packaging.version import InvalidVersion, Version
from pydantic import TypeAdapter, ValidationError

from rag_pipeline.errors import RagError

FORMAT = 1
"""Changes when a program that knows only the one before could not restore it."""
MANIFEST = "backup.json"


class BackupError(RagError):
    """A backup cannot be made or restored; the message names the fix. What was there is as it was."""


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a backup, besides the manifest; ``sha256`` in hexadecimal."""

    name: str
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class BackupManifest:
    """What a backup holds.

    Attributes:
        product: version of the program that made it.
        made_at: ISO 8601 in UTC.
        contents: how many there are of what, by the word for it.
        files: those that are packed in the parts.
        unpacked_bytes: what they take on the disk.
        parts: in their order.
    """

    format: int
    product: str
    made_at: str
    contents: Mapping[str, int]
    files: int
    unpacked_bytes: int
    parts: Sequence[Part]

    def to_json(self) -> bytes:
        """The manifest's file."""
        return json.dumps(asdict(self), ensure_ascii=False, indent=1).encode()


_MANIFEST = TypeAdapter(BackupManifest)


def product_version() -> str:
    """Of this program."""
    return version("rag-pipeline")


def read_manifest(content: bytes | None, address: str) -> BackupManifest:
    """What the manifest's file says; None where there is none.

    Raises:
        BackupError: it is missing, damaged, or of a newer program.
    """
    if content is None:
        raise BackupError(
            f"There is no whole backup at {address}: {MANIFEST}, which is written last, is missing. The backup was interrupted, "
            "or never made there. Nothing was changed. Restore another one."
        )
    try:
        given = json.loads(content)
        _refuse_newer(int(given["format"]), Version(str(given["product"])), address)
        return _MANIFEST.validate_json(content)
    except (ValueError, TypeError, KeyError, InvalidVersion, ValidationError) as error:
        raise damaged(MANIFEST, address) from error


def _refuse_newer(format_number: int, product: Version, address: str) -> None:
    if format_number > FORMAT or product > Version(product_version()):
        raise BackupError(
            f"The backup at {address} was made by a newer program: rag {product}, format {format_number}. This one is rag "
            f"{product_version()} and knows format {FORMAT}. Update it and restore again. Nothing was changed."
        )


def described(name: str, content: bytes) -> Part:
    """The record of a file with that content."""
    return Part(name, len(content), hashlib.sha256(content).hexdigest())


def damaged(name: str, address: str) -> BackupError:
    """What to say of a file of a backup that is missing, or is not what was written."""
    return BackupError(f"{name} of the backup at {address} is damaged or missing. Nothing was changed. Restore another backup.")
