"""Questions that people ask of everyday folders: how many are answered right, beside the point, refused; some are not told there.

    python bench/quality/everyday_questions.py [FOLDER …] [--told]

Fourteen made-up folders (letters, invoices, minutes, mails, price lists, manuals; Word, Excel, PowerPoint, PDF, OpenDocument, mail, web
pages, calendars, contacts) in English, German, French and Spanish, made by LibreOffice and the usual libraries, by an author who did not
know how the product works. Questions are in people's own words, often not those of the documents. An answer is *right* when one of the
strings that its question names stands in it, and *at once* when it stands in its first quotation; *told below* when it is refused, and
one of the sentences shown below the refusal has the string. The rules were chosen by ``household``, ``joinery_german``, ``swim_club``,
``veterinary_practice`` and ``electrician_german`` beside other sets; the others judge. ``--told`` prints every outcome.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered, Refused
from rag_pipeline.settings import Settings
from ui.views.citations import MOST_NEAREST

EVERYDAY = Path(__file__).with_name("everyday")
WORD = re.compile(r"\w+")


def words(text: str) -> str:
    return f" {' '.join(WORD.findall(text.casefold()))} "


def holds(text: str, answers: list[str]) -> bool:
    return any(f" {words(answer).strip()}" in words(text) for answer in answers)


async def outcome(answerer: Answerer, folder: str, question: str, answers: list[str]) -> tuple[str, str]:
    """What became of a question, and the answer."""
    end = [event async for event in answerer.stream(question, (), Scope((folder,)))][-1]
    if isinstance(end, Refused):
        below = [sentence for nearest in end.nearest[:MOST_NEAREST] for sentence in nearest.sentences]
        return ("refused, told below" if holds(" ".join(below), answers) else "refused") if answers else "not told, refused", ""
    if not isinstance(end, Answered):
        raise SystemExit(f"{question!r} was not answered: {end}")
    if not answers:
        return "not told, answered", end.answer
    first = end.answer[: end.marks[0].start] if end.marks else end.answer
    return "right at once" if holds(first, answers) else "right" if holds(end.answer, answers) else "beside the point", end.answer


async def measure(settings: Settings, folders: list[str], *, told: bool) -> None:
    answerer, together = build_answerer(settings, quotes_only=True), Counter[str]()
    for folder in folders:
        counted = Counter[str]()
        for line in (EVERYDAY / f"{folder}.jsonl").read_text(encoding="utf-8").splitlines():
            row = json.loads(line)
            found, answer = await outcome(answerer, folder, row["question"], row["answers"])
            counted[found] += 1
            if told:
                print(f"    {found}: {row['question']} {row['answers']} {answer[:200]!r}")
        together += counted
        print(f"{folder}: {dict(sorted(counted.items()))}", flush=True)
    print(f"all: {dict(sorted(together.items()))}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="*", default=sorted(path.stem for path in EVERYDAY.glob("*.jsonl")))
    parser.add_argument("--told", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        settings.uploads.mkdir(parents=True)
        for name in asked.folders:
            shutil.copytree(EVERYDAY / name, settings.uploads / name)
        command = [sys.executable, "-m", "rag_pipeline", "ingest", *asked.folders]
        subprocess.run(command, env={**os.environ, "RAG_DATA_DIR": folder}, check=True, stdout=subprocess.DEVNULL)
        asyncio.run(measure(settings, asked.folders, told=asked.told))


if __name__ == "__main__":
    main()
