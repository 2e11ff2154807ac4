"""Pictures of pages, of PDF files and of pictures of text, with passages highlighted.

Belongs here: drawing, in a process that cannot harm the app: pdfium is not thread-safe, and reads files that strangers made.
Not here: HTTP, which page and which boxes, the process (``rag_pipeline.ingestion.extract.process.processes``).
"""

from __future__ import annotations

import asyncio
import io
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from pebble import ProcessExpired

from rag_pipeline.errors import DocumentError, RagError
from rag_pipeline.ingestion.extract import HEAD_BYTES, media_type_of
from rag_pipeline.ingestion.extract.pdf.reader import open_pdf
from rag_pipeline.ingestion.extract.picture.picture import shown_page
from rag_pipeline.ingestion.extract.process.passwords import listed_passwords
from rag_pipeline.ingestion.extract.process.processes import SandboxedProcesses, close_pools
from rag_pipeline.ingestion.extract.process.sandbox import OUT_OF_MEMORY_EXIT_CODE, OUT_OF_TIME_SIGNAL, limit_time
from rag_pipeline.ingestion.extract.source import ReadingOptions, Source
from rag_pipeline.models import Box
from rag_pipeline.settings import Settings

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_PIXELS = 2_000_000
"""A4 at 155 dpi: sharp on a high-density screen, about 300 KB as PNG."""
LONGEST_SCALE = 3.0
"""Of 72 dpi: a postcard need not become a poster."""
DRAWING_SECONDS = 20.0
HIGHLIGHT, QUOTED = (255, 228, 128), (255, 178, 46)
"""Of a passage, and of what is quoted of it."""
_MARGIN_PIXELS = 3
Place = tuple[float, float, float, float]
"""Left, top, right, bottom as fractions of the page's width and height."""


class PagePictureError(RagError):
    """The page cannot be shown as a picture; the passage's text still can."""


class PagePictures:
    """Draws pages one at a time, in a process like those that read documents; it starts with the first and ends with :meth:`close`.

    Args:
        settings: the memory that the process may use, and the passwords of protected documents.
    """

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def render(self, file: Path, page: int, boxes: Sequence[Box], quoted: Sequence[Box] = ()) -> bytes:
        """A PNG of a page (1-based) with those of the boxes that lie on it highlighted, and those of what is ``quoted`` more.

        Raises:
            PagePictureError: no such page, neither a readable PDF nor a picture, or drawing it took too long or too much memory.
            RagError: the passwords file cannot be read.
        """
        places, stronger = ([(one.left, one.top, one.right, one.bottom) for one in some if one.page == page] for some in (boxes, quoted))
        passwords = await asyncio.to_thread(listed_passwords, self._settings)
        process = SandboxedProcesses(1, self._settings.extraction_memory_bytes)
        try:
            picture: bytes = await asyncio.wrap_future(process.run(draw_page, str(file), page, places, passwords, stronger))
        except ProcessExpired as error:
            raise PagePictureError(f"Page {page} cannot be drawn: {_cause_of_death(error.exitcode)}.") from error
        except MemoryError as error:  # told as it arose: outside of the drawing itself
            raise PagePictureError(f"Page {page} cannot be drawn: {_cause_of_death(OUT_OF_MEMORY_EXIT_CODE)}.") from error
        except RuntimeError as error:  # the process was killed while it had nothing to do, or the app is stopping
            raise PagePictureError(f"Page {page} was not drawn: the program that draws was ended. Try again.") from error
        return picture

    def close(self) -> None:
        """End the process."""
        close_pools()


def _cause_of_death(exit_code: int) -> str:
    if exit_code == -OUT_OF_TIME_SIGNAL:
        return f"it takes longer than {DRAWING_SECONDS:.0f} s"
    return "it needs too much memory" if exit_code == OUT_OF_MEMORY_EXIT_CODE else "the program that draws it crashed"


def draw_page(file: str, page: int, places: Sequence[Place], passwords: tuple[str, ...] = (), quoted: Sequence[Place] = ()) -> bytes:
    """A PNG of a page, highlighted at places, at the quoted ones more. Runs in the drawing process, which ends when it takes too long.

    Raises:
        PagePictureError: no such page, or neither a readable PDF nor a picture.
    """
    limit_time(DRAWING_SECONDS)
    try:
        with Path(file).open("rb") as stream:
            return _drawn(Source(stream, Path(file).name, ReadingOptions(passwords), Path(file)), page, places, quoted)
    except (DocumentError, OSError) as error:
        raise PagePictureError(str(error)) from None
    except MemoryError:
        raise PagePictureError(f"Page {page} cannot be drawn: it needs too much memory.") from None
    finally:
        limit_time(0)


def _drawn(source: Source, page: int, places: Sequence[Place], quoted: Sequence[Place]) -> bytes:
    from PIL import Image, ImageChops, ImageDraw

    picture = _sheet(source, page)
    paint = Image.new("RGB", picture.size, "white")
    draw = ImageDraw.Draw(paint)
    for some, colour in ((places, HIGHLIGHT), (quoted, QUOTED)):
        for place in some:
            draw.rounded_rectangle(_pixels(place, picture.size), radius=_MARGIN_PIXELS, fill=colour)
    stream = io.BytesIO()
    ImageChops.multiply(picture, paint).save(stream, "PNG")
    return stream.getvalue()


def _sheet(source: Source, page: int) -> Image:
    head = source.stream.read(HEAD_BYTES)
    source.stream.seek(0)
    if media_type_of(source.name, head).startswith("image/"):
        picture = shown_page(source, page)
        scale = (LARGEST_PIXELS / (picture.width * picture.height)) ** 0.5
        return picture if scale >= 1 else picture.resize((max(1, int(picture.width * scale)), max(1, int(picture.height * scale))))
    import pypdfium2

    document = open_pdf(source)
    if not 1 <= page <= len(document):
        raise PagePictureError(f"The document has {len(document)} pages, there is no page {page}.")
    try:
        sheet = document[page - 1]
        drawn: Image = sheet.render(scale=_scale(*sheet.get_size())).to_pil().convert("RGB")
    except pypdfium2.PdfiumError as error:
        raise PagePictureError(f"Page {page} is damaged: {error}") from None
    return drawn


def _scale(width_points: float, height_points: float) -> float:
    area = max(1.0, width_points * height_points)
    return float(min(LONGEST_SCALE, (LARGEST_PIXELS / area) ** 0.5))


def _pixels(place: Place, size: tuple[int, int]) -> tuple[float, float, float, float]:
    left, right = sorted((place[0] * size[0], place[2] * size[0]))
    top, bottom = sorted((place[1] * size[1], place[3] * size[1]))
    return left - _MARGIN_PIXELS, top - _MARGIN_PIXELS, right + _MARGIN_PIXELS, bottom + _MARGIN_PIXELS
