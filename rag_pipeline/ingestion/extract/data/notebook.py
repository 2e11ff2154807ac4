"""Jupyter notebooks: text cells as Markdown, code cells as code, outputs as far as they are text.

Belongs here: cells and outputs of notebook formats 2 to 4. Not here: running anything.

Not through nbformat: it reads a notebook whole or not at all, and a cell that lacks a key costs all the others (measured, 5.11.1).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from rag_pipeline.errors import DocumentError
from rag_pipeline.ingestion.extract.data.decoding import clean_text, decode_text
from rag_pipeline.ingestion.extract.markup.markdown import markdown_elements
from rag_pipeline.ingestion.extract.markup.outline import Outline
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_WITHOUT_LINE_ENDS = 2
"""The format that stores lines without their ends."""
_TERMINAL_COLOURS = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")


def read_notebook(source: Source) -> Iterator[Element]:
    """The cells in order, each code cell followed by its text outputs. Pictures in outputs are not read.

    Raises:
        DocumentError: not a notebook (``damaged``).
    """
    try:
        notebook = json.loads(decode_text(source.stream.read()))
        sheets = [notebook] if "cells" in notebook else notebook["worksheets"]  # formats 2 and 3 had sheets
        cells = [dict(cell) for sheet in sheets for cell in sheet["cells"]]
    except (ValueError, KeyError, TypeError) as error:
        message = f"The notebook is damaged ({type(error).__name__}: {error}). Open it in Jupyter and save it again."
        raise DocumentError("damaged", message) from None
    outline, line_end = Outline(), "\n" if notebook.get("nbformat") == _WITHOUT_LINE_ENDS else ""
    for number, cell in enumerate(cells, 1):
        try:
            yield from _cell_elements(cell, outline, line_end)
        except (AttributeError, KeyError, TypeError, ValueError, RecursionError) as error:  # the others are read
            source.notes.append(f"Cell {number} was not read: {type(error).__name__}: {error}")


def _cell_elements(cell: dict[str, Any], outline: Outline, line_end: str) -> Iterator[Element]:
    text = _text(cell.get("source", cell.get("input", "")), line_end)
    if cell.get("cell_type") == "markdown":
        yield from markdown_elements(text, outline)
    elif cell.get("cell_type") == "heading":
        level = cell.get("level", 1)
        yield outline.title(text.strip(), level if isinstance(level, int) else 1)
    elif text.strip():
        yield Element("CodeSnippet", text.strip("\n"), heading_path=outline.path)
    outputs = cell.get("outputs")
    for output in outputs if isinstance(outputs, list) else []:
        shown = _TERMINAL_COLOURS.sub("", _output_text(output, line_end)).strip("\n")
        if shown.strip():
            yield Element("CodeSnippet", shown, heading_path=outline.path)


def _output_text(output: object, line_end: str) -> str:
    if not isinstance(output, dict):
        return ""
    if isinstance(output.get("traceback"), list):
        return "\n".join(_text(line, line_end) for line in output["traceback"])
    data = output.get("data")
    return _text(output.get("text") or (data.get("text/plain") if isinstance(data, dict) else ""), line_end)


def _text(value: object, line_end: str) -> str:
    """Notebooks store text as one string or as a list of lines, format 2 without their ends; a cell without has none."""
    return clean_text(line_end.join(map(str, value)) if isinstance(value, list) else "" if value is None else str(value))
