"""Archives as the catalog has them: documents without text, whose last reading says what is in them.

Belongs here: statements on that. Not here: the rows of the files in them, which are documents as any (``document_rows.py``).
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from rag_pipeline.models import IN_ARCHIVE, Member
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.keys import PRESENT


def known_archives(catalog: Catalog, *, missing_too: bool = True) -> dict[str, Sequence[Member] | None]:
    """Path below the uploads folder → the files in it, of all documents that are archives.

    None where it is not read yet, or could not be for a passing reason; an archive that cannot be read holds nothing. A document that
    may turn out to be one is among them too.

    Args:
        missing_too: those too whose file was not there at the last look.
    """
    which = "TRUE" if missing_too else PRESENT
    fields = ", ".join(f"m.{name}" for name in Member.__dataclass_fields__)
    with catalog.reading() as connection:
        waiting = connection.execute(
            f"SELECT file FROM documents WHERE (transient OR (error_code IS NULL AND extraction_key IS NULL)) AND {which}"
        ).fetchall()
        rows = connection.execute(
            f"SELECT file, {fields} FROM (SELECT d.file, unnest(x.members) AS m FROM documents d JOIN extractions x USING (extraction_key)"
            f" WHERE {which})"
        ).fetchall()
    archives: dict[str, list[Member] | None] = {os.fsdecode(file): None for (file,) in waiting}
    for file, *values in rows:
        members = archives.setdefault(os.fsdecode(file), [])
        assert members is not None
        members.append(Member(*values))
    return dict(archives)


def signatures_in_archives(catalog: Catalog) -> dict[str, str]:
    """Path below the uploads folder → signature, of documents that are files in archives, and are not missing."""
    with catalog.reading() as connection:
        rows = connection.execute(
            f"SELECT file, signature FROM documents WHERE contains(hex(file), hex('{IN_ARCHIVE}')) AND {PRESENT}"
        ).fetchall()
    return {file: signature for file, signature in ((os.fsdecode(path), signature) for path, signature in rows) if IN_ARCHIVE in file}


def archive_counts(catalog: Catalog) -> dict[str, int]:
    """Collection → its archives that were read."""
    with catalog.reading() as connection:
        rows = connection.execute(
            "SELECT collection, count(*) FROM documents JOIN extractions x USING (extraction_key) WHERE x.members IS NOT NULL GROUP BY ALL"
        ).fetchall()
    return dict(rows)
