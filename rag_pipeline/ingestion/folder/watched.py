"""The watched folder that the settings name: on disk (``disk.py``), or in a bucket of object storage (``bucket.py``).

Belongs here: which it is. Not here: what can be done with it (``contract.py``), doing it.
"""

from __future__ import annotations

from functools import lru_cache

from rag_pipeline.ingestion.folder.archives import FolderWithArchives
from rag_pipeline.ingestion.folder.contract import WatchedFolder
from rag_pipeline.ingestion.folder.disk import DiskFolder
from rag_pipeline.ingestion.folder.originals import Originals
from rag_pipeline.settings import BucketFolder, Settings


@lru_cache(maxsize=8)
def watched_folder(settings: Settings) -> WatchedFolder:
    """The folder that ``RAG_UPLOADS_DIR`` names; nothing is opened or contacted before the first use.

    Raises:
        RagError: it is a bucket, and what speaks to it is not installed or not well configured.
    """
    originals = Originals(settings.originals_path, settings.originals_cache_bytes)
    if isinstance(settings.uploads, BucketFolder):
        from rag_pipeline.ingestion.folder.bucket import watched_bucket

        return FolderWithArchives(watched_bucket(settings, settings.uploads, originals), settings, originals)
    folder = DiskFolder(settings.uploads, is_default=settings.uploads_dir is None, settle_seconds=settings.settle_seconds)
    return FolderWithArchives(folder, settings, originals)
