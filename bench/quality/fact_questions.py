"""Questions that ask for a fact, of made-up documents: how many are answered right, beside the point, refused; half are not told there.

    python bench/quality/fact_questions.py

The documents have lists of names, frequent questions, tables and forms, and speak of much that they do not tell: what is asked for and not
told (``None``) is made of their own words. An answer is *right* when the pattern is found in it.
"""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings

COLLECTION = "facts"
DOCUMENTS = {
    "Northgate Pumps yearbook.md": """# Northgate Pumps yearbook

Northgate Pumps makes pumps for ships and for waterworks. The firm was founded in 1964 by two brothers and has its seat in Hull.
Employees are insured against accidents; employee benefits are set out in the handbook. The works council met eleven times. At the end
of the year 412 people worked in Hull and 138 in Gdynia. Three of our engines won a prize. The annual accounts were examined by Harlow
& Finch LLP.

## Subsidiaries

Northgate Holdings Limited Ireland Northgate France S.A.S. France Northgate Pompe S.r.l. Italy Northgate Pumpen GmbH Germany Capital
Valve Company Limited Malta Northgate India Private Limited India Northgate Japan K.K. Japan Northgate Norge AS Norway

## Board

Chair: Dame Olive Marsh
Managing director: Peter Okoro
Finance director: Lena Strand
""",
    "Frequent questions of the library.md": """# Frequent questions

How do I get a library card? Bring a letter that shows your address to the desk; the card is made while you wait.

How many books can I borrow? Twelve books and four films at a time.

What does it cost to be late? Twenty pence a day for each book, and never more than six pounds.

Can I bring my dog? Guide dogs only.

When is the reading room closed? On Mondays and on public holidays.

The building was designed by Ruth Calder and opened in 1931. The clock in the hall comes from Denmark, and the river can be seen from
the roof.
""",
    "Gemeindeblatt Auwiesen.md": """# Gemeindeblatt Auwiesen

Der Gemeinderat hat neun Mitglieder. Die Grundschule besuchen 184 Kinder, und im Kindergarten sind alle Plätze vergeben. Der
Bürgermeister lud die Gäste aus Frankreich ein. Das Freibad wurde 1972 gebaut und wird im nächsten Jahr erneuert. Der Müll wird
dienstags abgeholt.

| Verein | Vorsitz | Mitglieder |
|---|---|---|
| Turnverein | Hanna Vogt | 311 |
| Chor | Emil Brandt | 42 |
| Feuerwehr | Jonas Keil | 57 |
""",
    "Harbour clinic.md": """# Harbour clinic

The clinic treats diseases of the heart and of the lungs. Visitors from Spain and Portugal find an interpreter at the desk. Doctors of
the clinic taught at universities in Canada. The number of beds will be raised; beds are cleaned each day. The director of nursing
spoke about the language of patients, and about the president of their association. The car park has 240 places. The first operation
was done in 1988.

| Ward | Head | Beds |
|---|---|---|
| Heart | Dr. Amina Yusuf | 36 |
| Lungs | Dr. Karl Lind | 28 |
""",
}
QUESTIONS = (
    ("How many people work for Northgate Pumps in Hull?", "412"), ("When was Northgate Pumps founded?", "1964"),
    ("Where is the seat of Northgate Pumps?", "Hull"), ("Who examined the annual accounts?", "Harlow"),
    ("Who is the finance director?", "Lena Strand"), ("Who is the chair of Northgate Pumps?", "Olive Marsh"),
    ("Which subsidiaries does Northgate have in Italy?", "Pompe"), ("How many times did the works council meet?", "eleven"),
    ("How do I get a library card?", "letter"), ("How many books can I borrow?", "Twelve"),
    ("What does it cost to be late?", "pence"), ("When is the reading room closed?", "Mondays"),
    ("Who designed the library?", "Calder"), ("Can I bring a dog to the library?", "Guide dogs"),
    ("Wie viele Mitglieder hat der Gemeinderat?", "neun"), ("Wie viele Kinder besuchen die Grundschule?", "184"),
    ("Wann wurde das Freibad gebaut?", "1972"), ("Wie viele Mitglieder hat der Chor?", "42"),
    ("Wer hat den Vorsitz der Feuerwehr?", "Keil"), ("How many places does the car park have?", "240"),
    ("How many beds does the ward for lungs have?", "28"), ("Who is head of the heart ward?", "Yusuf"),
    ("When was the first operation?", "1988"), ("What does the clinic treat?", "heart"), ("What is the capital of France?", None),
    ("What is the capital of Italy?", None), ("What is the population of India?", None),
    ("Who is the president of Portugal?", None), ("What is the official language of Canada?", None),
    ("What is the currency of Norway?", None), ("How many employees does the library have?", None),
    ("How many rooms does the library have?", None), ("How many ships did Northgate Pumps build?", None),
    ("How many patients does the clinic treat each year?", None), ("How many doctors work at the clinic?", None),
    ("How many clocks were made in Denmark?", None), ("When was the clinic founded?", None),
    ("When did the two brothers die?", None), ("How old is the managing director?", None),
    ("What is the longest river in Spain?", None), ("Who is the king of Denmark?", None),
    ("What is the name of the mayor of Hull?", None), ("Wie heißt die Hauptstadt von Frankreich?", None),
    ("Wie viele Lehrer hat die Grundschule?", None), ("Wie viele Einwohner hat Frankreich?", None),
    ("Wie alt ist der Bürgermeister?", None),
)  # fmt: skip


async def outcomes(settings: Settings) -> Counter[str]:
    answerer, counted = build_answerer(settings), Counter[str]()
    for question, wanted in QUESTIONS:
        end = [event async for event in answerer.stream(question, (), Scope((COLLECTION,)))][-1]
        answer = end.answer if isinstance(end, Answered) else None
        if wanted is None:
            outcome = "not told: refused" if answer is None else "not told: answered"
        else:
            outcome = "told: refused" if answer is None else "told: right" if re.search(wanted, answer) else "told: beside the point"
        counted[outcome] += 1
        if outcome in ("told: refused", "told: beside the point", "not told: answered"):
            print(f"    {outcome}: {question} {answer or ''!r}")
    return counted


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        (settings.uploads / COLLECTION).mkdir(parents=True)
        for name, text in DOCUMENTS.items():
            (settings.uploads / COLLECTION / name).write_text(text, encoding="utf-8")
        command = [sys.executable, "-m", "rag_pipeline", "ingest", COLLECTION]
        subprocess.run(command, env={**os.environ, "RAG_DATA_DIR": folder}, check=True, stdout=subprocess.DEVNULL)
        for outcome, count in sorted(asyncio.run(outcomes(settings)).items()):
            print(f"  {outcome}: {count}")


if __name__ == "__main__":
    main()
