"""How many questions off a collection's topics are refused: questions of general knowledge whose words occur in most documents.

    RAG_DATA_DIR=… python bench/quality/refusal_quality.py COLLECTION …

What is lost of a collection's own questions is told by ``rag eval`` (``refused_of_answerable``). A question whose reference answer
stands in one of the passages found is left out: that collection may well answer it.
"""

from __future__ import annotations

import asyncio
import json
import sys
from hashlib import sha256
from pathlib import Path

from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered, Refused, Retrieved
from rag_pipeline.settings import Settings

QUESTIONS = Path(__file__).with_name("off_topic.jsonl")
TUNED_ON = ("seen", "unseen")


async def is_refused(answerer: Answerer, row: dict[str, str], collection: str) -> bool | None:
    found = ""
    async for event in answerer.stream(row["question"], scope=Scope((collection,))):
        if isinstance(event, Retrieved):
            found = " ".join(hit.text for hit in event.hits).casefold()
        if isinstance(event, Answered | Refused):
            return None if row["answer"].casefold() in found and len(row["answer"]) > len("five") else isinstance(event, Refused)
    raise SystemExit(f"{row['question']!r} was not answered.")


async def measure(collections: list[str]) -> None:
    answerer = build_answerer(Settings())
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    for collection in collections:
        outcomes: dict[str, list[bool]] = {part: [] for part in TUNED_ON}
        for row in rows:
            part = TUNED_ON[int(sha256(row["question"].encode()).hexdigest(), 16) % 3 == 0]
            refused = await is_refused(answerer, row, collection)
            outcomes[part] += [] if refused is None else [refused]
        told = ", ".join(f"{part} {sum(one) / len(one):.3f} of {len(one)}" for part, one in outcomes.items())
        print(f"{collection}: refused {told}")


if __name__ == "__main__":
    asyncio.run(measure(sys.argv[1:] or sys.exit(__doc__)))
