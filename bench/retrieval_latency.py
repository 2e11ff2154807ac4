"""How long a search takes over many chunks: question to passages, embedding of the question included.

    python bench/retrieval_latency.py [CHUNKS]

Texts are made with the frequencies of a language: few common words, of which the commonest are English function words, and many rare
ones, which are random letters. Vectors are random. Goal: p95 of 30 ms at 20,000 chunks on 2 cores.
"""

from __future__ import annotations

import asyncio
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np

from rag_pipeline.answering.retrieval.retrieve import Retriever
from rag_pipeline.answering.scope import EVERYWHERE
from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.models import Chunk, IndexedChunk
from rag_pipeline.settings import load_settings
from rag_pipeline.stores.vectors import IndexChange, indexed_chunk, open_index
from rag_pipeline.stores.vectors.bm25 import document_vector

DIMENSION = 384
QUESTIONS = 300
WORDS_IN_CHUNK = 150
BATCH = 1000
_FUNCTION_WORDS = """the of and to in a is that it was for on as with he be by at have are this not but had his they from or an which you
one we all her she there would their will when who no more if out so said what up its about than into them can only other some could time
these two may then do first any my now such like our over me even most made after also did many before must through years where much your
"""


def main() -> None:
    random.seed(2)
    chunks = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
    with tempfile.TemporaryDirectory() as data:
        settings = load_settings().model_copy(update={"data_dir": Path(data)})
        model, index = locate_model(settings), open_index(settings)
        started = time.perf_counter()
        index.publish(IndexChange("bench", model.name, model.fingerprint, DIMENSION, (), batches(chunks), chunks // 20, True))
        print(f"{chunks} chunks published in {time.perf_counter() - started:.1f} s")
        seconds = asyncio.run(searched(Retriever(index, settings)))
        for share in (50, 95, 99):
            print(f"p{share}: {1000 * float(np.percentile(seconds, share)):.1f} ms")


def batches(chunks: int) -> Iterator[list[IndexedChunk]]:
    words, numbers = vocabulary(), np.random.default_rng(0)
    for start in range(0, chunks, BATCH):
        vectors = numbers.normal(size=(BATCH, DIMENSION))
        yield [point(start + n, sentence(words, WORDS_IN_CHUNK), vectors[n].tolist()) for n in range(min(BATCH, chunks - start))]


def point(number: int, text: str, vector: list[float]) -> IndexedChunk:
    document, position = divmod(number, 20)
    chunk = Chunk(position, text, "Heading", ("Heading",), 1, 1, (), 200)
    place: dict[str, object] = {
        "collection": "bench",
        "document": f"{document}.md",
        "document_id": f"{document}",
        "document_key": f"{document}",
    }
    place |= {"revision": "", "file": b"", "media_type": None, "pages": None, "modified": None}
    return indexed_chunk({**place, **asdict(chunk)}, vector, document_vector(chunk.embedded_text))


def vocabulary() -> list[str]:
    letters = random.Random(1)
    return _FUNCTION_WORDS.split() + ["".join(letters.choices("abcdefghijklmnoprstuvw", k=letters.randint(4, 9))) for _ in range(30_000)]


def sentence(words: list[str], length: int) -> str:
    """Zipf's law: the n-th word of the vocabulary has a share of about 1/n."""
    return " ".join(words[int(len(words) ** random.random()) - 1] for _ in range(length))


async def searched(retriever: Retriever) -> list[float]:
    words, seconds = vocabulary(), []
    for number in range(QUESTIONS + 20):
        question = f"What is known about {sentence(words, 8)}?"
        started = time.perf_counter()
        await retriever.retrieve(question, EVERYWHERE, 8)
        if number >= 20:  # the first ones load the model and warm the caches
            seconds.append(time.perf_counter() - started)
    return seconds


if __name__ == "__main__":
    main()
