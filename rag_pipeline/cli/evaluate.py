"""``rag eval``: a question set against a collection, as a table or JSON.

Belongs here: what the command puts together and prints. Not here: measuring (``evaluation``).
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.errors import RagError
from rag_pipeline.evaluation.evaluate import Progress, Report, evaluate
from rag_pipeline.evaluation.places import TextFiles, same_file
from rag_pipeline.evaluation.rows import Row, read_rows
from rag_pipeline.ingestion.folder.watched import watched_folder
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog import open_catalog
from rag_pipeline.stores.catalog.database import DocumentStatus

if TYPE_CHECKING:
    from rich.table import Table

MOST_NAMED = 5


def run_evaluation(settings: Settings, path: Path, collection: str, *, core: bool, answers: bool, progress: Progress) -> Report:
    """Read the questions, ask them, measure.

    Raises:
        RagError: no questions, an unknown collection, or none of the files that the questions need is in it.
    """
    rows = read_rows(path)
    if core:
        rows = [row for row in rows if row.core] or rows
    documents = open_catalog(settings).documents(collection)
    missing = missing_files(rows, documents)
    folder, files_of = watched_folder(settings), {document.document_id: document.file for document in documents}
    files = TextFiles(lambda document_id: folder.original(files_of[document_id]))
    scope = Scope((collection,))
    report = asyncio.run(evaluate(rows, build_answerer(settings), scope, files, answers=answers, progress=progress))
    if missing:
        report.setdefault("retrieval", {})["rows_whose_files_are_not_indexed"] = float(sum(missing.values()))
    return report


def missing_files(rows: Sequence[Row], documents: Sequence[DocumentStatus]) -> Counter[str]:
    """Files that rows need and the collection does not have, and by how many rows.

    Raises:
        RagError: it has none of them.
    """
    indexed = [document.document for document in documents if document.state == "indexed"]
    wanted = Counter(file for row in rows for file in {one.file for one in row.wanted})
    known = {file for file in wanted if any(same_file(document, file) for document in indexed)}
    missing = Counter({file: count for file, count in wanted.items() if file not in known})
    if wanted and not known:
        named = ", ".join(sorted(missing)[:MOST_NAMED])
        raise RagError(f"None of the files of the questions is indexed in this collection, such as {named}. Put them there: rag ingest")
    return missing


def report_table(name: str, report: dict[str, float]) -> Table:
    """One table of the report for a terminal."""
    from rich.table import Table

    table = Table(title=name.replace("_", " "), title_justify="left", show_header=False)
    for measure, value in report.items():
        whole = measure in ("questions", "passages_not_found_in_their_file", "rows_whose_files_are_not_indexed")
        shown = f"{value:.0f}" if whole else f"{value:.1f}" if name == "latency_ms" else f"{value:.3f}"
        table.add_row(measure.replace("_", " "), shown)
    return table
