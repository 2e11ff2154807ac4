"""How a result is named by all it depends on, as SQL expressions. Whatever changes, only what hangs below it is out of date.

extraction = sha256(content, media type, version of the family that reads that type), and the languages of OCR where they were chosen for
that content; chunking = sha256(extraction, chunker); embedding = (sha256(embedded text), model).
A reading that failed or left something out also depends on what the machine could read then: sha256(extraction, abilities), and a
failure on the limit that caused it: sha256(extraction, abilities, limit). So raising that limit, and nothing else, reopens it.
a document in the index = sha256(document id, chunking). The expressions speak of documents ``d``, extractions ``x``, chunkings ``k``.
"""

from rag_pipeline.document_life import LIMIT_OF_FAILURE

_VERSION = "coalesce(map($media_types, $versions)[d.media_type], $unread)"
"""Of types that no family reads: ``$unread``, so that their documents have a key too."""
EXTRACTION_KEY = f"sha256(concat_ws(':', d.content_hash, d.media_type, {_VERSION}, d.ocr_languages))"
PARTIAL_EXTRACTION_KEY = f"sha256(concat_ws(':', {EXTRACTION_KEY}, $abilities))"
_LIMIT = f"CASE error_code {' '.join(f'WHEN {code!r} THEN ${code}' for code in LIMIT_OF_FAILURE)} END"
FAILURE_KEY = f"sha256(concat_ws(':', {EXTRACTION_KEY}, $abilities, {_LIMIT}))"
CHUNKING_KEY = "sha256(concat_ws(':', x.extraction_key, $chunker))"
DOCUMENT_KEY = "substr(sha256(concat_ws(':', d.document_id, k.chunking_key)), 1, 32)"

MODIFIED_SECONDS = "TRY_CAST(split_part(d.signature, ':', 2) AS BIGINT) / 1000000000.0"
"""When a document's file last changed, in seconds since 1970, from the nanoseconds that its signature has."""

PRESENT = "file NOT IN (SELECT file FROM missing_files)"
"""Of documents whose file is not missing."""
READING_ORDER = "log2(size_bytes + 1) // 2, added_at DESC, file"
"""Which documents are read first: small ones, and of those alike in size (within a factor of four) the newest."""
