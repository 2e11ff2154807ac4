"""The media types of archives.

Belongs here: their names. Not here: what tells them (``family``), what reads them (``reader``).
"""

from __future__ import annotations

ZIP, TAR, SEVEN_ZIP, RAR = "application/zip", "application/x-tar", "application/x-7z-compressed", "application/vnd.rar"
GZIP, BZIP2, XZ, ZSTANDARD = "application/gzip", "application/x-bzip2", "application/x-xz", "application/zstd"

ARCHIVES = (ZIP, TAR, GZIP, BZIP2, XZ, ZSTANDARD, SEVEN_ZIP, RAR)
"""All of them."""
