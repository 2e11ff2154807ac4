"""Text in pictures, by Tesseract.

Belongs here: one picture to lines with their places, upright or turned. Not here: where pictures come from.

Tesseract is run by ``run_program`` and not through pytesseract: that one leaves Tesseract running when a worker is ended, and writes
each page to disk first. What both do is the same command.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby
from pathlib import Path
from statistics import fmean
from typing import TYPE_CHECKING, cast

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text
from rag_pipeline.ingestion.extract.pdf.layout import Line
from rag_pipeline.ingestion.extract.picture.rotation import Rotation, skew_degrees
from rag_pipeline.ingestion.extract.process.programs import find_program, missing_program, run_program
from rag_pipeline.ingestion.extract.source import Source

if TYPE_CHECKING:
    from PIL.Image import Image

DOTS_PER_INCH = 300
"""What Tesseract's models were trained for (Tesseract's "Improving the quality of the output")."""
MOST_PIXELS = 25_000_000
"""A page of A3 at that resolution; larger ones are scaled down, because Tesseract needs some twenty bytes a pixel."""
_SURE = 80.0
"""Per cent of confidence below which a page may be upside down; clear upright print is read with 90 to 96, upside down with 45 to 62."""
_LEAST_SURE_MARKS = 60.0
"""A line without letters or digits is taken for print from here on, for a ruled line or specks below."""
_GUESSED = 25.0
"""Words below this are specks and ruled lines."""
_FOLDER = re.compile(r'languages in "([^"]+)"')
_TURNS = (90.0, 270.0, 180.0)


@dataclass(frozen=True, slots=True)
class _Word:
    line: tuple[int, int, int]
    left: int
    top: int
    right: int
    bottom: int
    confidence: float
    text: str


def tesseract_languages() -> tuple[str, ...]:
    """The languages that the installed Tesseract knows now; none when it is not installed."""
    program = find_program("tesseract")
    if program is None:
        return ()
    # The folder sensor asks every few seconds: the program is started again only when it or its languages have changed.
    elsewhere = os.environ.get("TESSDATA_PREFIX", "")
    listed = _listing(program, elsewhere, _changed(program), 0)
    folder = _FOLDER.search(listed)
    if folder:
        listed = _listing(program, elsewhere, _changed(program), _changed(folder[1]))
    else:  # it failed, or is too old to say where its languages are
        _listing.cache_clear()
    return tuple(line.strip() for line in listed.splitlines()[1:] if line.strip())


@lru_cache(maxsize=4)
def _listing(program: str, elsewhere: str, installed: int, languages_changed: int) -> str:
    try:
        return run_program([program, "--list-langs"]).decode("utf-8", "replace")
    except DocumentError:
        return ""


def _changed(path: str) -> int:
    try:
        return Path(path).stat().st_mtime_ns
    except OSError:
        return 0


def check_tesseract(source: Source, wanted_for: str) -> None:
    """See that pictures can be read at all.

    Args:
        source: its options say which languages.
        wanted_for: begins the sentence of the error: what needs OCR.

    Raises:
        DocumentError: Tesseract, or a language of it, is not installed (``missing_program``, state ``unsupported``).
    """
    known = tesseract_languages()
    if not known:
        raise missing_program(wanted_for, "Tesseract", "tesseract-ocr")
    for language in source.options.ocr_languages.split("+"):
        if language not in known:
            raise missing_program(wanted_for, f"Tesseract's language {language!r}", f"tesseract-ocr-{language.replace('_', '-')}")


def read_picture_lines(picture: Image, source: Source, page: int, *, surely: bool = False) -> list[Line]:
    """The lines of text in a picture, in reading order, with their places on it. None is a fair answer.

    One that lies a few degrees askew is straightened. One that is hardly readable is turned by quarters, and read the way up that reads
    best.

    Args:
        picture: in any mode and size.
        source: its options say which languages; it gets more time for each turn.
        page: the page that the lines are on.
        surely: only where it reads as clear upright print does; otherwise there are no lines.

    Raises:
        DocumentError: Tesseract cannot read the picture (``unreadable_content``).
    """
    grey = prepared(picture)
    best = skew_degrees(grey)
    turned = _turned(grey, best)
    words = _words(turned, source)
    if surely:
        return list(_lines(words, turned.size, page, Rotation(best, *grey.size) if best else None)) if _sureness(words) >= _SURE else []
    if (words or best) and _sureness(words) < _SURE:  # print that lies on its side is read as some words, if wrong ones
        for turn in (0.0, *_TURNS) if best else _TURNS:
            other = _turned(grey, turn)
            others = _words(other, source)
            if _worth(others) > _worth(words):
                best, words, turned = turn, others, other
    return list(_lines(words, turned.size, page, Rotation(best, *grey.size) if best else None))


def _turned(grey: Image, degrees: float) -> Image:
    from PIL import Image

    return _bounded(grey.rotate(degrees, Image.Resampling.BICUBIC, expand=True, fillcolor="white")) if degrees else grey


def prepared(picture: Image) -> Image:
    """A picture in grey, on white, of 8 bits a pixel and no more pixels than Tesseract can take."""
    from PIL import Image

    if picture.mode in ("RGBA", "LA", "PA") or "transparency" in picture.info:
        background = Image.new("RGBA", picture.size, "white")
        background.alpha_composite(picture.convert("RGBA"))
        picture = background
    if picture.mode.startswith(("I", "F")):  # more than 8 bits a pixel: converting would make all of it white
        _, brightest = picture.getextrema()
        step = 255 / max(float(cast("float", brightest)), 1.0)
        picture = picture.convert("F").point(lambda value: value * step)
    return _bounded(picture.convert("L"))


def _bounded(grey: Image) -> Image:
    scale = min(1.0, (MOST_PIXELS / (grey.width * grey.height)) ** 0.5)
    return grey if scale == 1.0 else grey.resize((max(int(grey.width * scale), 1), max(int(grey.height * scale), 1)))


def _words(grey: Image, source: Source) -> list[_Word]:
    source.more_time()
    program = find_program("tesseract") or "tesseract"
    command = [program, "stdin", "stdout", "-l", source.options.ocr_languages, "--dpi", str(DOTS_PER_INCH), "--psm", "3", "tsv"]
    plain = b"P5 %d %d 255\n" % grey.size + grey.tobytes()  # a PGM picture: nothing to compress and nothing to unpack
    # One thread: the other cores read other documents.
    table = run_program(command, plain, {"OMP_THREAD_LIMIT": "1", "TESSDATA_PREFIX": os.environ.get("TESSDATA_PREFIX", "")})
    return list(_rows(table.decode("utf-8", "replace")))


def _rows(table: str) -> Iterator[_Word]:
    for row in table.splitlines()[1:]:
        level, _, block, paragraph, line, _, left, top, width, height, confidence, text = row.split("\t", 11)
        if level == "5" and text.strip() and float(confidence) >= _GUESSED:
            x, y = int(left), int(top)
            place = (int(block), int(paragraph), int(line))
            yield _Word(place, x, y, x + int(width), y + int(height), float(confidence), clean_text(text.strip()))


def _sureness(words: list[_Word]) -> float:
    letters = sum(len(word.text) for word in words)
    return sum(word.confidence * len(word.text) for word in words) / letters if letters > 2 else 0.0


def _worth(words: list[_Word]) -> float:
    """Letters that are surely letters: sideways text is read as few, and unsurely."""
    return sum(len(word.text) * max(word.confidence - 40.0, 0.0) for word in words)


def _lines(words: list[_Word], size: tuple[int, int], page: int, rotation: Rotation | None) -> Iterator[Line]:
    width, height = size
    for _, group in groupby(words, key=lambda word: word.line):
        line = list(group)
        text = " ".join(word.text for word in line)
        if not any(character.isalnum() for character in text) and fmean(word.confidence for word in line) < _LEAST_SURE_MARKS:
            continue
        hyphenated = text.endswith("-") and text[-2:-1].isalpha()
        yield Line(
            text[:-1] if hyphenated else text,
            page,
            min(word.left for word in line) / width,
            min(word.top for word in line) / height,
            max(word.right for word in line) / width,
            max(word.bottom for word in line) / height,
            size=0.0,
            hyphenated=hyphenated,
            rotation=rotation,
        )
