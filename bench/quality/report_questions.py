"""Questions about figures in the statements of real annual reports: how many are answered with the figure, and from a page that has it.

    RAG_DATA_DIR=… python bench/quality/report_questions.py COLLECTION FOLDER

COLLECTION holds the documents of financebench, FOLDER their PDFs (``financebench/docs``). An answer is *right* when one of its quoted
parts holds the figure, *first* when the first part does; a page is right when the figure stands on it.
"""

from __future__ import annotations

import asyncio
import re
import sys
from pathlib import Path

import pypdfium2

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered, Retrieved
from rag_pipeline.settings import Settings

QUESTIONS = {
    "3M_2022_10K.pdf": (
        ("What was 3M's net sales in 2022?", "34,229"),
        ("What was the operating income of 3M in 2021?", "7,369"),
        ("How much did 3M spend on research, development and related expenses in 2022?", "1,862"),
        ("What was 3M's provision for income taxes in 2022?", "612"),
        ("What was 3M's cost of sales in 2021?", "18,795"),
        ("What were 3M's diluted earnings per share in 2022?", "10.18"),
        ("What were the net sales of 3M's Health Care segment in 2022?", "8,421"),
        ("What was 3M's goodwill impairment expense in 2022?", "271"),
        ("What were 3M's total operating expenses in 2022?", "27,690"),
        ("What were net sales of 3M in the Asia Pacific in 2022?", "9,901"),
    ),
    "BOEING_2022_10K.pdf": (
        ("What were Boeing's total revenues in 2022?", "66,608"),
        ("What was Boeing's net loss in 2021?", "4,290"),
        ("How much did Boeing spend on research and development in 2022?", "2,852"),
        ("What was Boeing's interest and debt expense in 2021?", "2,682"),
        ("How much cash and cash equivalents did Boeing have at December 31, 2022?", "14,614"),
        ("What were the revenues of Boeing's Defense, Space & Security segment in 2022?", "23,162"),
        ("What was Boeing's general and administrative expense in 2022?", "4,187"),
        ("What were Boeing's inventories in 2022?", "78,151"),
        ("What was Boeing's cost of products in 2022?", "53,969"),
    ),
    "AMCOR_2023_10K.pdf": (
        ("What were Amcor's total assets as of June 30, 2023?", "17,003"),
        ("What was Amcor's net income in 2022?", "815"),
        ("What was Amcor's goodwill in 2023?", "5,366"),
        ("How much were Amcor's trade payables as of June 30, 2023?", "2,690"),
        ("What were Amcor's net sales in 2023?", "14,694"),
    ),
    "BESTBUY_2023_10K.pdf": (
        ("How much dividends did Best Buy pay in fiscal 2023?", "789"),
        ("What was Best Buy's depreciation and amortization in fiscal 2022?", "869"),
        ("What was total cash provided by operating activities of Best Buy in 2021?", "4,927"),
        ("How much did Best Buy spend on repurchase of common stock in fiscal 2022?", "3,502"),
    ),
    "ULTABEAUTY_2023Q4_EARNINGS.pdf": (
        ("What were Ulta Beauty's total assets in 2023?", "5,370,411"),
        ("What were the merchandise inventories of Ulta Beauty in January 2022?", "1,499,218"),
        ("What was Ulta Beauty's net income in 2023?", "1,242,408"),
    ),
}


def main() -> None:
    collection, folder = sys.argv[1], Path(sys.argv[2])
    asyncio.run(measure(collection, folder))


async def measure(collection: str, folder: Path) -> None:
    answerer = build_answerer(Settings())
    judged: list[tuple[bool, ...]] = []
    for document, questions in QUESTIONS.items():
        pdf = pypdfium2.PdfDocument(folder / document)
        texts = [page.get_textpage().get_text_bounded() for page in pdf]
        for question, figure in questions:
            pages = {number for number, text in enumerate(texts, start=1) if holds(text, figure)}
            events = [event async for event in answerer.stream(question, (), Scope((collection,)))]
            hits = next((event.hits for event in events if isinstance(event, Retrieved)), ())
            found = any(hit.document == document and pages & {hit.page_first, hit.page_last} for hit in hits[:5])
            last = events[-1]
            answer, citations = (last.answer, last.citations) if isinstance(last, Answered) else ("", ())
            parts = [holds(part, figure) for part in re.split(r"\[\d+\]", answer) if part.strip()]
            cited = any(one.hit.document == document and one.page in pages for one in citations)
            judged.append((any(parts), parts[:1] == [True], found, cited))
            if not any(parts):
                print(f"    {question} ({figure}) {answer[:300]!r}")
    for name, share in zip(("right", "first", "right page @5", "right page cited"), zip(*judged, strict=True), strict=True):
        print(f"  {name}: {sum(share)} of {len(judged)}")


def holds(text: str, figure: str) -> bool:
    """Whether the figure stands in a text, not as a part of a longer one."""
    return re.search(rf"(?<![\d.,]){re.escape(figure)}(?!\d|[.,]\d)", text) is not None


if __name__ == "__main__":
    main()
