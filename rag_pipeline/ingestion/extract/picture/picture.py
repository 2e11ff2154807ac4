"""Pictures of text: photographs and scans, by OCR.

Belongs here: formats of pictures, their pages, their orientation, a page to look at. Not here: OCR itself, scanned PDF pages.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.pdf.layout import elements_of_lines
from rag_pipeline.ingestion.extract.picture.ocr import check_tesseract, prepared, read_picture_lines
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

if TYPE_CHECKING:
    from PIL.Image import Image

LARGEST_PIXELS = 100_000_000
"""A sheet of A2 at 300 dots per inch; decoded it takes 300 MB."""
_MOST_PAGES = 5_000
_SMALL = 1200
"""Pixels of the longer side under which letters are often smaller than the 20 pixels that Tesseract needs."""


def read_picture(source: Source) -> Iterator[Element]:
    """The text of a picture, paragraph by paragraph, with its places; a TIFF's pages are pages, of an animation the first frame is read.

    Raises:
        DocumentError: ``damaged``, ``too_large``, ``empty`` (no text found), ``missing_program`` (Tesseract).
    """
    picture = _opened(source)
    check_tesseract(source, "Reading text in a picture")
    pages = _pages_of(picture)
    source.pages = pages
    without_text: list[int] = []
    for page in range(1, pages + 1):
        lines = read_picture_lines(_frame(picture, page), source, page)
        if not lines:
            without_text.append(page)
        yield from elements_of_lines(lines)
    if len(without_text) == pages:
        raise DocumentError("empty", "No text was found in the picture.", state="empty")
    if without_text:
        source.notes.append(f"No text was found on page {', '.join(map(str, without_text))}.")


def shown_page(source: Source, page: int) -> Image:
    """A page (from 1) of a picture as people look at it: in colour, upright, on white. What OCR found has its places on it.

    Raises:
        DocumentError: ``damaged`` (there is no such page, too), ``too_large``.
    """
    from PIL import Image

    picture = _opened(source)
    if not 1 <= page <= _pages_of(picture):
        raise DocumentError("damaged", f"There is no page {page} in the picture.")
    upright = _frame(picture, page)
    if upright.mode.startswith(("I", "F")):  # more than 8 bits a pixel
        return prepared(upright).convert("RGB")
    background = Image.new("RGBA", upright.size, "white")
    background.alpha_composite(upright.convert("RGBA"))
    return background.convert("RGB")


def _opened(source: Source) -> Image:
    import pillow_heif
    from PIL import Image, UnidentifiedImageError

    pillow_heif.register_heif_opener()
    Image.MAX_IMAGE_PIXELS = None  # our own limit is stricter, and says so
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            picture = Image.open(source.stream)
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise DocumentError("damaged", f"The picture is damaged ({error}). Open it in its program and save it again.") from None
    _check_size(picture)
    return picture


def _pages_of(picture: Image) -> int:
    return min(getattr(picture, "n_frames", 1), _MOST_PAGES) if picture.format == "TIFF" else 1


def _check_size(picture: Image) -> None:
    if picture.width * picture.height > LARGEST_PIXELS:
        message = f"The picture has {picture.width:,} × {picture.height:,} pixels, more than can be read safely. Scale it down."
        raise DocumentError("too_large", message)


def _frame(picture: Image, page: int) -> Image:
    """A page as it is to be looked at: turned as the camera says, small ones enlarged."""
    from PIL import Image, ImageOps

    try:
        picture.seek(page - 1)
        _check_size(picture)
        picture.load()
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise DocumentError("damaged", f"The picture is damaged ({error}). Open it in its program and save it again.") from None
    upright = ImageOps.exif_transpose(picture)
    if max(upright.size) < _SMALL and upright.mode in ("L", "RGB", "RGBA"):
        return upright.resize((upright.width * 2, upright.height * 2), Image.Resampling.LANCZOS)
    return upright
