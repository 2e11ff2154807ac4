"""The catalog, in one DuckDB file or in a DuckLake, and every statement on it."""

from __future__ import annotations

from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.database import LOCK_WAIT_SECONDS, Catalog

__all__ = ["Catalog", "open_catalog"]


def open_catalog(settings: Settings, lock_wait_seconds: float = LOCK_WAIT_SECONDS) -> Catalog:
    """The catalog that the settings ask for: a DuckLake when ``RAG_CATALOG_URL`` is set, a DuckDB file otherwise.

    Nothing is opened or contacted before the first use.
    """
    if settings.catalog_url:
        from rag_pipeline.stores.catalog.lake import Lake

        return Catalog(Lake(settings), lock_wait_seconds)
    return Catalog(settings.catalog_path, lock_wait_seconds)
