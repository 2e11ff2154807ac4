"""What a list of documents can be narrowed by: the collections, folders and types that chosen documents have, with their numbers.

Belongs here: these counts, and those of the tags that others know of. Not here: the list (``listing.py``).
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate

import duckdb
import polars

from rag_pipeline.stores.catalog.arrow_stream import ArrowStream
from rag_pipeline.stores.catalog.database import Catalog
from rag_pipeline.stores.catalog.listing import CHOSEN, Choice

MOST_FOLDERS = 200
"""In one folder; who has more finds them by name."""
MOST_TYPES = 50
MOST_TAGS = 200
_TYPE = r"lower(regexp_extract(d.document, '\.([^./]*)$', 1))"


@dataclass(frozen=True, slots=True)
class Narrowing:
    """Numbers of the documents that are left when all else of a choice stays.

    Attributes:
        collections: name → documents.
        folders: the folder chosen and those around it ("" is the collection itself), outermost first → names of the folders in it, and
            how many documents are in each or below it; :data:`MOST_FOLDERS` at most.
        types: the most frequent endings of names, by the alphabet.
    """

    collections: Mapping[str, int]
    folders: Mapping[str, Mapping[str, int]]
    types: Sequence[str]


def narrowing(catalog: Catalog, choice: Choice) -> Narrowing:
    """What a choice can be narrowed by. Folders are those of the collection that it names; without one there are none.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    with catalog.reading() as connection:
        collections = _counted(connection, "d.collection", replace(choice, collection="", folder=""))
        around = ["", *_folders_above(choice.folder.strip("/"))] if choice.collection else []
        folders = {folder: _below(connection, replace(choice, folder=folder)) for folder in around}
        types = _counted(connection, _TYPE, replace(choice, type=""), tail=f"ORDER BY count(*) DESC LIMIT {MOST_TYPES}")
    return Narrowing(collections, folders, sorted(types.keys() - {""}))


def tag_counts(catalog: Catalog, choice: Choice, tags: Mapping[str, Collection[str]]) -> dict[str, int]:
    """Key of a tag → how many of the chosen documents have it, the most frequent first, :data:`MOST_TAGS` at most.

    Args:
        catalog: where the documents are.
        choice: which of them.
        tags: key → ids of the documents that have it, chosen or not.

    Raises:
        CatalogError: the catalog cannot be read.
    """
    if not tags:
        return {}
    pairs = {"key": [key for key, ids in tags.items() for _ in ids], "document_id": [identity for ids in tags.values() for identity in ids]}
    statement = (
        f"SELECT t.key, count(*) FROM tagged t JOIN documents d USING (document_id) WHERE {CHOSEN}"
        f" GROUP BY t.key ORDER BY count(*) DESC, t.key LIMIT {MOST_TAGS}"
    )
    with catalog.reading() as connection:
        connection.register("tagged", ArrowStream(polars.DataFrame(pairs)))  # as parameters 20,000 pairs take twice as long
        return dict(connection.execute(statement, choice.parameters()).fetchall())


def _folders_above(folder: str) -> list[str]:
    """A folder, after those that it is in."""
    return list(accumulate(folder.split("/"), lambda above, name: f"{above}/{name}")) if folder else []


def _below(connection: duckdb.DuckDBPyConnection, choice: Choice) -> dict[str, int]:
    begin = len(choice.folder) + 2 if choice.folder else 1
    rest = f"substr(d.document, {begin})"
    tail = f"ORDER BY lower(key), key LIMIT {MOST_FOLDERS}"
    return _counted(connection, f"split_part({rest}, '/', 1)", choice, f"AND contains({rest}, '/')", tail)


def _counted(connection: duckdb.DuckDBPyConnection, key: str, choice: Choice, more: str = "", tail: str = "ORDER BY key") -> dict[str, int]:
    statement = f"SELECT {key} AS key, count(*) FROM documents d WHERE {CHOSEN} {more} GROUP BY key {tail}"
    return dict(connection.execute(statement, choice.parameters()).fetchall())
