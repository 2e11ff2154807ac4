"""How many questions off a collection's topics are refused: questions of general knowledge whose words occur in most documents. And how
many of their right answers, as a language model would give them out of its own knowledge ("The capital of France is Paris."), are
withdrawn.

    RAG_DATA_DIR=… python bench/quality/refusal_quality.py COLLECTION …
    RAG_DATA_DIR=… python bench/quality/refusal_quality.py COLLECTION --after QUESTIONS.jsonl

``--after``: each is asked after one of these questions, which are the collection's own, as a reader would in the same conversation.
What is lost of a collection's own questions is told by ``rag eval`` (``refused_of_answerable``). A question whose reference answer
stands in one of the passages found is left out: that collection may well answer it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import re
from collections.abc import Sequence
from hashlib import sha256
from pathlib import Path

from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.generation.citations import citations_for
from rag_pipeline.answering.generation.verification import verified
from rag_pipeline.answering.scope import Scope
from rag_pipeline.evaluation.rows import Row, read_rows
from rag_pipeline.models import Answered, Hit, Message, Refused, Retrieved
from rag_pipeline.settings import Settings

QUESTIONS = Path(__file__).with_name("off_topic.jsonl")
TUNED_ON = ("seen", "unseen")
ASKING = re.compile(r"^(what|who|whom|whose|when|where|which|why|how)\b( (is|are|was|were|did|does|do|many|much|year|old|has|have))?", re.I)


async def outcome(answerer: Answerer, row: dict[str, str], collection: str, own: Sequence[Row]) -> tuple[bool, bool] | None:
    """Whether it is refused, and whether its answer would be withdrawn; None where the collection may well answer it."""
    hits: tuple[Hit, ...] = ()
    before = own[place_of(row["question"]) % len(own)] if own else None
    history = [Message("user", before.question), Message("assistant", "".join(before.answers[:1]))] if before else []
    async for event in answerer.stream(row["question"], history, Scope((collection,))):
        if isinstance(event, Retrieved):
            hits = event.hits
        if isinstance(event, Answered | Refused):
            found = " ".join(hit.text for hit in hits).casefold()
            answers = row["answer"].casefold() in found and len(row["answer"]) > len("five")
            return None if answers else (isinstance(event, Refused), is_withdrawn(row, hits))
    raise SystemExit(f"{row['question']!r} was not answered.")


def place_of(question: str) -> int:
    """A number that is always the same for a question."""
    return int(sha256(question.encode()).hexdigest(), 16)


def is_withdrawn(row: dict[str, str], hits: Sequence[Hit]) -> bool:
    """Of a model that cites nothing. The rule looks at which words there are, not at grammar."""
    said = f"{ASKING.sub('', row['question'].rstrip('?')).strip()} {row['answer']}."
    passages = citations_for({number: [said] for number in range(1, len(hits) + 1)}, hits)
    return verified(said, (), passages, sentences=True, question=row["question"]).holds_nothing


async def measure(collections: list[str], after: Path | None) -> None:
    answerer = build_answerer(Settings())
    own = [row for row in read_rows(after) if row.answerable and not row.history] if after else []
    rows = [json.loads(line) for line in QUESTIONS.read_text(encoding="utf-8").splitlines()]
    for collection in collections:
        outcomes: dict[str, list[tuple[bool, bool]]] = {part: [] for part in TUNED_ON}
        for row in rows:
            part = TUNED_ON[place_of(row["question"]) % 3 == 0]
            found = await outcome(answerer, row, collection, own)
            outcomes[part] += [] if found is None else [found]
        for what, place in (("refused", 0), ("withdrawn", 1)):
            told = ", ".join(f"{part} {sum(one[place] for one in all_) / len(all_):.3f} of {len(all_)}" for part, all_ in outcomes.items())
            print(f"{collection}: {what} {told}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("collections", nargs="+")
    parser.add_argument("--after", type=Path)
    asked = parser.parse_args()
    asyncio.run(measure(asked.collections, asked.after))
