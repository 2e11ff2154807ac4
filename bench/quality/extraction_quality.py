"""What extraction yields of real and hostile files, how fast, and in how much memory.

    python bench/quality/extraction_quality.py FOLDER [zoo|hostile|evidence|speed|large ...]

FOLDER holds the sets, each with its questions or expectations in files of JSON lines:

- zoo: expected.jsonl with must_contain, should_contain, must_fail and so on; texts are compared by letters and digits only.
- hostile: the same fields and limits on seconds and memory; the memory is that of the worker and of the programs it starts.
- evidence (folder financebench): whether each passage is in the chunks that carry its page, as far as pdfium sees it on that page.
- speed: pages and files a second through all workers, and the share of the cores that was busy.
- large: a PDF of 1,000 pages and a CSV of 200 MB, made here.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
import sys
import tempfile
import threading
import time
import unicodedata
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import psutil
import pypdfium2

from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.ingestion.chunker import Chunker
from rag_pipeline.ingestion.extract import HEAD_BYTES, extract, media_type_of
from rag_pipeline.ingestion.extract.markup.family import HTML
from rag_pipeline.ingestion.extract.office.family import DOCX, PPTX, XLSX
from rag_pipeline.ingestion.extract.pdf.family import PDF
from rag_pipeline.ingestion.extract.process.pool import ExtractionRequest, ExtractionResult, close_pools, extract_all
from rag_pipeline.settings import Settings

LIMITS = {"seconds": 30.0, "rss_mb": 1024.0}
CSV_BYTES = 200_000_000
PDF_PAGES = 1000


def main() -> None:
    folder, names = Path(sys.argv[1]), sys.argv[2:] or ["zoo", "hostile", "evidence", "speed", "large"]
    tables = {"zoo": print_zoo, "hostile": print_hostile, "evidence": print_evidence, "speed": print_speed, "large": print_large}
    with tempfile.TemporaryDirectory() as data:
        for name in names:
            print(f"\n{name}")
            tables[name](folder, Settings(data_dir=Path(data)))
    close_pools()


def print_zoo(folder: Path, settings: Settings) -> None:
    rows = expectations(folder / "zoo")
    results = {result.key: result for result in extract_all((request(folder / "zoo" / row["file"]) for row in rows), settings)}
    counts: Counter[str] = Counter()
    for row in rows:
        result = results[row["file"].rpartition("/")[2]]
        count_row(row, result, words_of(result), counts)
    for what in ("must", "must by OCR", "should", "must fail"):
        print(f"  {what}: {counts[what + ' met']} of {counts[what]}")
    print(f"  states: {dict(Counter(result.state for result in results.values()))}")


def count_row(row: dict[str, Any], result: ExtractionResult, words: str, counts: Counter[str]) -> None:
    """Add a file to the table, and name it where it misses."""
    wanted = [("must by OCR" if row.get("ocr") else "must", row.get("must_contain", [])), ("should", row.get("should_contain", []))]
    for what, strings in wanted:
        if not strings or (row.get("must_fail") and what != "should"):
            continue
        missing = [string for string in strings if letters(string) not in words]
        units = len(strings) if what == "should" else 1
        counts[what] += units
        counts[f"{what} met"] += units - len(missing) if what == "should" else not missing
        if missing:
            print(f"    {what}: {row['file']}: {missing[:3]} ({result.state}: {(result.error or '')[:120]})")
    if row.get("must_fail"):
        met = result.state != "extracted" or bool(row.get("may_pass"))
        counts["must fail"] += 1
        counts["must fail met"] += met
        if not met:
            print(f"    must fail: {row['file']}: {words[:80]}")
    for string in row.get("must_not_contain", []):
        if letters(string) and letters(string) in words:
            print(f"    must not contain: {row['file']}: {string}")
    if result.error_code in ("timeout", "worker_died", "out_of_memory"):
        print(f"    limit: {row['file']}: {result.error}")


def print_hostile(folder: Path, settings: Settings) -> None:
    alone = settings.model_copy(update={"extraction_workers": 1})
    list(extract_all([request(next((folder / "zoo").rglob("*.docx")))], alone))  # the worker's libraries are not the files' memory
    met = 0
    rows = expectations(folder / "hostile")
    for row in rows:
        with PeakMemory() as peak:
            (result,) = extract_all([request(folder / "hostile" / row["file"])], alone)
        words = words_of(result)
        wrong = list(broken_conditions(row, result, words, peak.megabytes))
        met += not wrong
        if wrong:
            print(f"    {row['file']}: {'; '.join(wrong)}")
    print(f"  within limits and conditions: {met} of {len(rows)}")


def broken_conditions(row: dict[str, Any], result: ExtractionResult, words: str, megabytes: float) -> Iterator[str]:
    extracted = result.state == "extracted"
    limits = {**LIMITS, **row.get("limits", {})}
    if result.seconds > limits["seconds"] or megabytes > limits["rss_mb"]:
        yield f"{result.seconds:.1f} s, {megabytes:.0f} MB"
    if row.get("must_fail") and extracted:
        yield "was extracted"
    wanted = [*row.get("must_contain", []), *(row.get("must_contain_if_ok", []) if extracted else [])]
    yield from (f"lacks {string!r} ({result.error})" for string in wanted if letters(string) not in words)
    yield from (f"holds {string!r}" for string in row.get("must_not_contain", []) if letters(string) in words)
    yield from (f"made {path}" for path in row.get("must_not_create", []) if Path(path).exists())
    if result.error_code in ("worker_died", "unreadable_content"):
        yield f"{result.error_code}: {result.error}"


def print_evidence(folder: Path, settings: Settings) -> None:
    questions = [json.loads(line) for line in (folder / "financebench" / "questions.jsonl").read_text().splitlines()]
    chunker = Chunker(locate_model(settings).token_counter(), settings.chunk_tokens)
    pages: dict[str, dict[int, str]] = {}
    found = visible = 0
    for passage in (passage for question in questions for passage in question["relevant"]):
        path = folder / "financebench" / passage["file"]
        if passage["file"] not in pages:
            by_page: dict[int, str] = {}
            for chunk in chunker.chunk(extract(path, PDF).elements):
                for page in range(chunk.page_first or 0, (chunk.page_last or 0) + 1):
                    by_page[page] = by_page.get(page, "") + "\n" + chunk.text
            pages[passage["file"]] = by_page
        wanted = words_in(passage["excerpt"])
        seen = wanted & words_in(pypdfium2.PdfDocument(path)[passage["page"] - 1].get_textpage().get_text_bounded())
        missing = seen - words_in(pages[passage["file"]].get(passage["page"], ""))
        if len(seen) > len(wanted) / 2:
            visible += 1
            found += len(missing) <= 0.02 * len(seen)
            if len(missing) > 0.02 * len(seen):
                print(f"    {passage['file']} page {passage['page']}: lacks {sorted(missing)[:8]}")
    print(f"  passages in chunks of their page: {found} of {visible} that pdfium sees")


def print_speed(folder: Path, settings: Settings) -> None:
    files = [folder / "zoo" / row["file"] for row in expectations(folder / "zoo") if row["kind"] == "normal" and not row.get("ocr")]
    warm = [request(file) for file in files if request(file).media_type in (DOCX, PPTX, XLSX, HTML)]
    pdfs = [request(file) for file in sorted((folder / "financebench").rglob("*.pdf"))]
    pages = sum(len(pypdfium2.PdfDocument(pdf.path)) for pdf in pdfs)
    list(extract_all(warm, settings))
    seconds, busy = timed(warm * 4, settings)
    print(f"  office and HTML: {len(warm) * 4 / seconds:.0f} files/s, cores busy {busy:.0%}")
    seconds, busy = timed(pdfs, settings)
    print(f"  PDF: {pages / seconds:.0f} pages/s, cores busy {busy:.0%}")
    mixed = [request(file) for file in files]
    seconds, busy = timed(mixed * 2, settings)
    print(f"  all ordinary files: {len(mixed) * 2 / seconds:.0f} files/s, cores busy {busy:.0%}")


def timed(requests: Sequence[ExtractionRequest], settings: Settings) -> tuple[float, float]:
    """Seconds, and the share of all cores that was busy."""
    before, started = processor_seconds(), time.perf_counter()
    list(extract_all(requests, settings))
    seconds = time.perf_counter() - started
    return seconds, (processor_seconds() - before) / seconds / (os.cpu_count() or 1)


def processor_seconds() -> float:
    """Of this process and all below it, ended ones included."""
    times = [process.cpu_times() for process in (psutil.Process(), *psutil.Process().children(recursive=True))]
    return sum(one.user + one.system + one.children_user + one.children_system for one in times)


def print_large(folder: Path, settings: Settings) -> None:
    roomy = settings.model_copy(update={"extraction_workers": 1})
    with tempfile.TemporaryDirectory() as name:
        table = Path(name, "large.csv")
        with table.open("w") as file:
            file.write("number,name,amount,comment\n")
            number = 0
            while file.tell() < CSV_BYTES:
                file.writelines(
                    f"{row},name {row % 977},{row * 1.25:.2f},a comment on row {row}\n" for row in range(number, number + 10_000)
                )
                number += 10_000
        long = Path(name, "long.pdf")
        long.write_bytes(long_pdf(folder))
        for path in (table, long):
            with PeakMemory() as peak:
                (result,) = extract_all([request(path, spool=f"{name}/spool")], roomy)
            held = result.error or result.pages
            print(f"  {path.name}: {result.state}, {result.seconds:.1f} s, peak {peak.megabytes:.0f} MB ({held or number})")


def long_pdf(folder: Path) -> bytes:
    """Pages of real reports, over and over."""
    target = pypdfium2.PdfDocument.new()
    sources = [pypdfium2.PdfDocument(path) for path in sorted((folder / "financebench").rglob("*.pdf"))]
    while len(target) < PDF_PAGES:
        for source in sources:
            target.import_pages(source, list(range(min(len(source), PDF_PAGES - len(target)))))
    path = Path(tempfile.mkstemp(suffix=".pdf")[1])
    target.save(path)
    content = path.read_bytes()
    path.unlink()
    return content


class PeakMemory:
    """The most memory that the processes below this one held at once, looked at fifty times a second."""

    def __enter__(self) -> PeakMemory:
        self.megabytes = 0.0
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._over.wait(0.02):
            total = 0
            for process in psutil.Process().children(recursive=True):
                try:
                    total = max(total, process.memory_info().rss)
                except psutil.Error:
                    continue
            self.megabytes = max(self.megabytes, total / 2**20)


def expectations(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "expected.jsonl").read_text().splitlines()]


def request(path: Path, spool: str = "") -> ExtractionRequest:
    with path.open("rb") as file:
        media_type = media_type_of(path.name, file.read(HEAD_BYTES))
        file.seek(0)
        return ExtractionRequest(path.name, str(path), media_type, hashlib.file_digest(file, "sha256").hexdigest(), spool)


def words_of(result: ExtractionResult) -> str:
    return letters("\n".join(text for _, _, _, text, *_ in result.elements))


def letters(text: str) -> str:
    return "".join(character for character in unicodedata.normalize("NFKC", text).casefold() if character.isalnum())


def words_in(text: str) -> set[str]:
    return set(re.findall(r"\w+", unicodedata.normalize("NFKC", text).casefold()))


if __name__ == "__main__":
    main()
