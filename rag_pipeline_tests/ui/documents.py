"""Rows of the catalog, and files, made in code."""

from datetime import datetime
from typing import Any

from rag_pipeline.stores.catalog.database import DocumentStatus


def make_document(**fields: Any) -> DocumentStatus:
    defaults: dict[str, Any] = {
        "document_id": "d1", "document": "rules.txt", "collection": "default", "state": "indexed", "error_code": None, "error": None,
        "attempts": 1, "pages": None, "chunks": 3, "vectors": 3, "size_bytes": 1234, "indexed_at": datetime(2026, 1, 2, 3, 4),
        "media_type": "text/plain", "warnings": (), "file": "rules.txt",
    }  # fmt: skip
    return DocumentStatus(**{**defaults, **fields})


def make_pdf(lines: list[str]) -> bytes:
    """A PDF of one A4 page with a line of text every 20 points, from the top."""
    shown = b"".join(b"1 0 0 1 72 %d Tm (%s) Tj\n" % (770 - 20 * number, line.encode("latin-1")) for number, line in enumerate(lines))
    stream = b"BT /F1 12 Tf\n" + shown + b"ET"
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%s\nendstream" % (len(stream), stream),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    content = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(content))
        content += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    table = b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    return (
        content + b"xref\n0 6\n0000000000 65535 f \n" + table + b"trailer << /Size 6 /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % len(content)
    )
