"""``rag status --watch``: how far the work is, as it goes on.

Belongs here: drawing it on a terminal, or a line for each change on a pipe. Not here: what is said (``ingestion/progress``).
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import suppress

import click
from rich.console import Console, Group
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from rag_pipeline.cli.printing import printable
from rag_pipeline.ingestion.progress.overview import CollectionProgress, Overview, ProgressReader
from rag_pipeline.ingestion.progress.shapes import overview_json
from rag_pipeline.ingestion.progress.words import line, next_in_words
from rag_pipeline.settings import Settings

LOOK_SECONDS = 1.0
_BAR_WIDTH = 24


def watch_progress(settings: Settings, *, as_json: bool = False) -> None:
    """Show how far all collections are, until Ctrl-C, or until nobody reads the pipe any more."""
    overviews = _overviews(ProgressReader(settings))
    with suppress(KeyboardInterrupt, BrokenPipeError):
        if as_json:
            for overview in overviews:
                click.echo(json.dumps(overview_json(overview), ensure_ascii=False))
        elif sys.stdout.isatty():
            _draw(overviews)
        else:
            _write(overviews)


def _overviews(reader: ProgressReader) -> Iterator[Overview]:
    """One whenever it differs from that before."""
    before: Overview | None = None
    while True:
        now = reader.current()
        if now != before:
            yield now
        before = now
        time.sleep(LOOK_SECONDS)


def _draw(overviews: Iterator[Overview]) -> None:
    with Live(console=Console(), auto_refresh=False) as live:
        for overview in overviews:
            live.update(_picture(overview), refresh=True)


def _write(overviews: Iterator[Overview]) -> None:
    before: dict[str, str] = {}
    for overview in overviews:
        now = {one.collection: f"{printable(one.collection)}: {line(one)}" for one in overview.collections}
        for collection, said in now.items():
            if before.get(collection) != said:
                click.echo(said)
        before = now


def _picture(overview: Overview) -> Group:
    table = Table.grid(padding=(0, 2))
    for one in overview.collections:
        table.add_row(Text(printable(one.collection)), _bar(one), Text(line(one)))
    following = printable(next_in_words(overview)) or "Nothing is left to do. Ctrl-C ends this."
    return Group(table, Text(following, style="dim"))


def _bar(one: CollectionProgress) -> ProgressBar:
    return ProgressBar(total=1.0, completed=one.share_with_vectors, width=_BAR_WIDTH)
