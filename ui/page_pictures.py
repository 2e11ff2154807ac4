"""Pictures of PDF pages with passages highlighted.

Belongs here: rendering, in a process of its own: pdfium is not thread-safe, and a damaged file must cost its picture only, not the app.
Not here: HTTP, which page and which boxes.
"""

from __future__ import annotations

import asyncio
import io
import multiprocessing
import threading
from collections.abc import Sequence
from concurrent.futures import CancelledError
from pathlib import Path

from pebble import ProcessExpired, ProcessPool

from rag_pipeline.errors import RagError
from rag_pipeline.models import Box

LARGEST_PIXELS = 2_000_000
"""A4 at 155 dpi: sharp on a high-density screen, about 300 KB as PNG."""
LONGEST_SCALE = 3.0
"""Of 72 dpi: a postcard need not become a poster."""
RENDER_SECONDS = 20.0
HIGHLIGHT = (255, 228, 128)
_MARGIN_PIXELS = 3


class PagePictureError(RagError):
    """The page cannot be shown as a picture; the passage's text still can."""


class PagePictures:
    """Renders pages one at a time; the process starts with the first and ends with :meth:`close`."""

    def __init__(self) -> None:
        self._starting = threading.Lock()
        self._pool: ProcessPool | None = None

    async def render(self, file: Path, page: int, boxes: Sequence[Box]) -> bytes:
        """A PNG of a page (1-based) with those of the boxes that lie on it highlighted.

        Raises:
            PagePictureError: no such page, not a readable PDF, or rendering took too long.
        """
        places = [(box.left, box.top, box.right, box.bottom) for box in boxes if box.page == page]
        future = self._running().schedule(render_page, args=(str(file), page, places), timeout=RENDER_SECONDS)
        try:
            picture: bytes = await asyncio.wrap_future(future)
        except TimeoutError:
            raise PagePictureError(f"Page {page} takes longer than {RENDER_SECONDS:.0f} s to draw.") from None
        except (ProcessExpired, CancelledError) as error:
            raise PagePictureError(f"Page {page} cannot be drawn: the program that draws it ended ({error}).") from error
        return picture

    def _running(self) -> ProcessPool:
        with self._starting:
            if self._pool is None or not self._pool.active:
                methods = multiprocessing.get_all_start_methods()
                context = multiprocessing.get_context("forkserver" if "forkserver" in methods else "spawn")
                self._pool = ProcessPool(max_workers=1, max_tasks=500, context=context)
            return self._pool

    def close(self) -> None:
        """End the process."""
        with self._starting:
            if self._pool is not None:
                self._pool.stop()
                self._pool.join()
            self._pool = None


def render_page(file: str, page: int, places: Sequence[tuple[float, float, float, float]]) -> bytes:
    """A PNG of a page, highlighted at places given as fractions (left, top, right, bottom). Runs in the drawing process.

    Raises:
        PagePictureError: no such page, or not a readable PDF.
    """
    import pypdfium2
    from PIL import Image, ImageChops, ImageDraw

    try:
        document = pypdfium2.PdfDocument(file)
        if not 1 <= page <= len(document):
            raise PagePictureError(f"The document has {len(document)} pages, there is no page {page}.")
        sheet = document[page - 1]
        picture = sheet.render(scale=_scale(*sheet.get_size())).to_pil().convert("RGB")
    except pypdfium2.PdfiumError as error:
        raise PagePictureError(f"The file cannot be read as a PDF: {error}") from error
    paint = Image.new("RGB", picture.size, "white")
    draw = ImageDraw.Draw(paint)
    for place in places:
        draw.rounded_rectangle(_pixels(place, picture.size), radius=_MARGIN_PIXELS, fill=HIGHLIGHT)
    stream = io.BytesIO()
    ImageChops.multiply(picture, paint).save(stream, "PNG")
    return stream.getvalue()


def _scale(width_points: float, height_points: float) -> float:
    area = max(1.0, width_points * height_points)
    return float(min(LONGEST_SCALE, (LARGEST_PIXELS / area) ** 0.5))


def _pixels(place: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float]:
    left, right = sorted((place[0] * size[0], place[2] * size[0]))
    top, bottom = sorted((place[1] * size[1], place[3] * size[1]))
    return left - _MARGIN_PIXELS, top - _MARGIN_PIXELS, right + _MARGIN_PIXELS, bottom + _MARGIN_PIXELS
