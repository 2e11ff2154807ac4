"""Drawing that misbehaves, importable by the process that draws: what a PDF may do to it."""

from __future__ import annotations

import os
import signal
from collections.abc import Sequence
from pathlib import Path

import ui.views.page_pictures
from rag_pipeline_tests.ingestion.extract.readers import outcome_of_connecting

draw_page = ui.views.page_pictures.draw_page


def misbehave(
    file: str,
    page: int,
    places: Sequence[ui.views.page_pictures.Place],
    passwords: tuple[str, ...],
    quoted: Sequence[ui.views.page_pictures.Place],
) -> bytes:
    """``draw_page``, except that a file does what its name says."""
    kind = Path(file).stem
    if kind == "connect":
        return outcome_of_connecting(int(Path(file).read_text())).encode()
    if kind == "crash":
        os.kill(os.getpid(), signal.SIGSEGV)
    if kind == "hang":
        ui.views.page_pictures.DRAWING_SECONDS = 1.0
        ui.views.page_pictures._drawn = lambda *_: sum(range(10**12))  # type: ignore[assignment,misc]  # no thread of Python could end this
    if kind == "greedy":
        hoard = []
        while True:
            hoard.append(bytearray(1_000_000))
    return draw_page(file, page, places, passwords, quoted)
