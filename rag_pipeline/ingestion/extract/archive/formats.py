"""The media types of archives.

Belongs here: their names. Not here: what tells them (``family``), what reads them (``reader``).
"""

from __future__ import annotations

ZIP, TAR, SEVEN_ZIP = "application/zip", "application/x-tar", "application/x-7z-compressed"
GZIP, BZIP2, XZ, ZSTANDARD = "application/gzip", "application/x-bzip2", "application/x-xz", "application/zstd"

ARCHIVES = (ZIP, TAR, GZIP, BZIP2, XZ, ZSTANDARD, SEVEN_ZIP)
"""All of them."""
