"""Opening OpenDocument files that are encrypted with a password.

Belongs here: the encryption that OpenDocument 1.2 and later write (part 2, section 3: AES-256 in CBC mode, the key derived by PBKDF2).
Not here: the older one (Blowfish), which programs have not written since 2012.
"""

from __future__ import annotations

import base64
import hashlib
import io
import zipfile
import zlib
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.office.office_file import LARGEST_UNPACKED_BYTES, safe_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

_MANIFEST = "{urn:oasis:names:tc:opendocument:xmlns:manifest:1.0}"
_AES = ("http://www.w3.org/2001/04/xmlenc#aes256-cbc", "aes256-cbc")
_BLOCK_BYTES = 16
"""Of AES; padding is one block at most."""
_MOST_ITERATIONS = 10_000_000
"""Programs write 1,024 to 600,000; a file could ask for hours of hashing."""


def decrypted(archive: zipfile.ZipFile, password: str) -> io.BytesIO | None:
    """The archive with its members in the clear, None when the password is wrong or the encryption is not known."""
    entries = safe_xml(archive.read("META-INF/manifest.xml")).iter(f"{_MANIFEST}file-entry")
    sealed = {entry.get(f"{_MANIFEST}full-path", ""): entry for entry in entries if entry.find(f"{_MANIFEST}encryption-data") is not None}
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as plain:
        for name in archive.namelist():
            content: bytes | None = archive.read(name)
            if name in sealed and content is not None:
                content = _plain(content, sealed[name], password)
            if content is None:
                return None
            if name != "META-INF/manifest.xml":
                plain.writestr(name, content)
    target.seek(0)
    return target


def _plain(content: bytes, entry: _Element, password: str) -> bytes | None:
    from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

    algorithm = entry.find(f".//{_MANIFEST}algorithm")
    derivation = entry.find(f".//{_MANIFEST}key-derivation")
    if algorithm is None or derivation is None or algorithm.get(f"{_MANIFEST}algorithm-name") not in _AES:
        return None
    rounds = int(derivation.get(f"{_MANIFEST}iteration-count", "1024"))
    if rounds > _MOST_ITERATIONS:
        return None
    start = hashlib.sha256(password.encode()).digest()
    salt = base64.b64decode(derivation.get(f"{_MANIFEST}salt", ""))
    key = hashlib.pbkdf2_hmac("sha1", start, salt, rounds, 32)
    vector = base64.b64decode(algorithm.get(f"{_MANIFEST}initialisation-vector", ""))
    decryptor = Cipher(algorithms.AES(key), modes.CBC(vector)).decryptor()
    try:
        return _unpacked(decryptor.update(content) + decryptor.finalize())
    except (ValueError, zlib.error):
        return None


def _unpacked(padded: bytes) -> bytes | None:
    """What was deflated and padded. None unless it ends where the padding begins: of what a wrong password gives, one in 200 inflates."""
    inflating = zlib.decompressobj(-zlib.MAX_WBITS)
    unpacked = inflating.decompress(padded, LARGEST_UNPACKED_BYTES)
    if inflating.unconsumed_tail and not inflating.eof:
        raise DocumentError("too_large", f"A part of it unpacks to more than {LARGEST_UNPACKED_BYTES >> 20:,} MiB.")
    return unpacked if inflating.eof and len(inflating.unused_data) <= _BLOCK_BYTES else None
