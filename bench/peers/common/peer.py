"""The command line that every peer has, so that they can be measured alike.

    run.py ingest FOLDER STATE             bring what is kept in STATE up to date with FOLDER
    run.py search STATE QUESTION ...       the documents of the best eight passages for each question

Prints one JSON document. ``BENCH_MODEL`` names the folder of the embedding model: the files that the product uses.
"""

from __future__ import annotations

import json
import os
import re
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Any

CHUNK_TOKENS = 256
"""Word pieces in a chunk, with the two that the model adds."""
TEXT_TOKENS = CHUNK_TOKENS - 2
DIMENSION = 384
TOP_K = 8
COLLECTION = "bench"
MODEL = os.environ.get("BENCH_MODEL", "")

Embed = Callable[[str], Sequence[float]]
Search = Callable[[Sequence[float]], Iterable[str]]


def serve(ingest: Callable[[Path, Path], tuple[int, int]], opened: Callable[[Path], tuple[Embed, Search]]) -> None:
    """Do what the command line asks for. ``ingest`` answers how many documents and chunks it now keeps."""
    command, *rest = sys.argv[1:]
    if command == "ingest":
        folder, state = map(Path, rest)
        state.mkdir(parents=True, exist_ok=True)
        started = time.perf_counter()
        documents, chunks = ingest(folder, state)
        answer: Any = {"documents": documents, "chunks": chunks, "seconds": time.perf_counter() - started}
    else:
        embed, search = opened(Path(rest[0]))
        embed("The first question loads the model.")
        answer = [asked(question, embed, search) for question in rest[1:]]
    print("\n" + json.dumps(answer))


def asked(question: str, embed: Embed, search: Search) -> dict[str, object]:
    started = time.perf_counter()
    vector = embed(question)
    embedded = time.perf_counter()
    documents = [Path(document).name for document in search(vector)]
    return {"documents": documents, "embed_seconds": embedded - started, "search_seconds": time.perf_counter() - embedded}


def files_in(folder: Path) -> list[Path]:
    return sorted(file for file in folder.rglob("*") if file.is_file())


def pdf_text(file: Path) -> str:
    from pypdf import PdfReader

    return "\n\n".join(page.extract_text() for page in PdfReader(file).pages)


@cache
def tokenizer() -> Any:
    from tokenizers import Tokenizer

    made = Tokenizer.from_file(f"{MODEL}/tokenizer.json")
    made.no_truncation()
    made.no_padding()
    return made


def pieces(text: str) -> list[str]:
    """For peers whose own splitter cannot count this model's word pieces."""
    return list(cut(text))


def cut(text: str) -> Iterator[str]:
    """Whole sentences and lines, as many as fit into a chunk; a longer one is cut where the chunk is full."""
    start = end = 0
    for sentence in re.finditer(r".+?(?:[.!?](?=\s)|\n|$)\s*", text, re.DOTALL):
        if length(text[start : sentence.end()]) <= TEXT_TOKENS:
            end = sentence.end()
            continue
        if end > start:
            yield text[start:end]
        start, end = sentence.start(), sentence.end()
        while len(spans := tokenizer().encode(text[start:end], add_special_tokens=False).offsets) > TEXT_TOKENS:
            cut = start + spans[TEXT_TOKENS][0]
            yield text[start:cut]
            start = cut
    if text[start:end].strip():
        yield text[start:end]


def length(text: str) -> int:
    return len(tokenizer().encode(text, add_special_tokens=False).ids)
