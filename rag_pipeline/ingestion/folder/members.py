"""Files in archives, as files of the folder: so everything that looks at a folder looks at them.

Belongs here: a listing with them in it (pure). Not here: reading archives (``extract/archive``), their bytes (``archives``).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from rag_pipeline.ingestion.folder.listing import FolderListing, FoundFile, archive_of, member_file
from rag_pipeline.models import Member

KnownArchives = Mapping[str, Sequence[Member] | None]
"""Path of an archive → what its last reading found in it; None while there is none, or none of its present bytes."""


def with_members(listing: FolderListing, archives: KnownArchives, known: Mapping[str, str]) -> FolderListing:
    """The listing with the files of its archives.

    Those of an archive that is yet to be read are as they were: what it held before goes on answering until it is known what it holds now.

    Args:
        listing: the folder.
        archives: as the catalog has them.
        known: path → signature of the catalog's documents.
    """
    files = dict(listing.files)
    for archive, members in archives.items():
        if archive in listing.files:
            files |= {found.file: found for found in found_members(archive, members or ())}
    unread = {archive for archive, members in archives.items() if members is None and archive in listing.files}
    if unread:
        files |= {file: FoundFile(file, 0, known[file], 0.0) for file in known if archive_of(file) in unread and file not in files}
    return replace(listing, files=files)


def content_of(signature: str) -> str:
    """The hash that a signature of :func:`found_members` has; empty of none."""
    return signature.split(":")[3] if signature else ""


def found_members(archive: str, members: Sequence[Member]) -> Iterator[FoundFile]:
    """The records of the files in an archive. Each changes with the file itself, not with the archive around it.

    Their signatures have the form that those of objects in a bucket have: neither time nor place tell whether one moved.
    """
    for member in members:
        content = f"{member.content_hash or member.error_code}:{member.media_type or ''}"
        signature = f"{member.size_bytes}:{member.modified}::{content}"
        yield FoundFile(member_file(archive, member.path), member.size_bytes, signature, 0.0, member)
