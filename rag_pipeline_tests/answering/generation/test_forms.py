"""Forms, cards and letterheads, read from real files: what stands on a short line is quoted, and cited."""

from __future__ import annotations

from collections.abc import Callable
from io import BytesIO

import docx
import pytest

from rag_pipeline.answering.answerer import build_answerer
from rag_pipeline.answering.scope import DocumentFilter, Scope
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings
from rag_pipeline_tests.answering.conftest import events_of
from rag_pipeline_tests.ui.documents import make_pdf

INVOICE = [
    "INVOICE",
    "Supplier: Acme Corporation",
    "Customer: Harbour Boat Repairs",
    "Payment terms: thirty days net",
    "Delivery address: Old Rope Walk, Whitby",
    "Contact person: Mary Ellis",
]
REGISTRATION = ["Registration card", "Guest name:", "Ingrid Solberg", "Nationality:", "Norwegian", "Room type:", "Double with sea view"]
CONTRACT = [
    "SERVICE AGREEMENT",
    "between",
    "Northern Lighthouse Trust",
    "and",
    "Pemberton Lamp Works",
    "The parties agree that the lamps are serviced twice a year and that each service is recorded in the log.",
]
CARD = ["Jane Smith", "Head of Purchasing", "Acme Corporation", "+49 30 123456", "jane@acme.example"]
ALIGNED = ["Delivery note", "Carrier        Swift Haulage", "Driver\tTom Baker", "Goods ....... copper pipes", "Port ....... Old Harbour"]


def as_text(lines: list[str]) -> bytes:
    return "\n".join(lines).encode()


def as_word(lines: list[str]) -> bytes:
    document, file = docx.Document(), BytesIO()
    for line in lines:
        document.add_paragraph(line)
    document.save(file)
    return file.getvalue()


MAKERS = {"txt": as_text, "docx": as_word, "pdf": make_pdf}
ASKED = [
    (INVOICE, "Who is the supplier?", "Supplier: Acme Corporation"),
    (INVOICE, "What are the payment terms?", "Payment terms: thirty days net"),
    (INVOICE, "Who is the contact person?", "Contact person: Mary Ellis"),
    (REGISTRATION, "What is the nationality of the guest?", "Norwegian"),
    (REGISTRATION, "What is the guest name on the registration card?", "Ingrid Solberg"),
    (CONTRACT, "Who are the parties of the service agreement?", "Northern Lighthouse Trust"),
    (CARD, "Who is the head of purchasing?", "Jane Smith"),
    (CARD, "Which corporation does Jane Smith purchase for?", "Acme Corporation"),
    (ALIGNED, "Who is the carrier of the delivery?", "Swift Haulage"),
    (ALIGNED, "Which port is on the delivery note?", "Port ....... Old Harbour"),
]


@pytest.mark.parametrize("ending", MAKERS)
async def test_a_form_is_quoted_line_by_line_and_cited(settings: Settings, ingest: Callable[..., object], ending: str) -> None:
    for lines, *_ in ASKED:
        (settings.uploads / f"{lines[0]}.{ending}").write_bytes(MAKERS[ending](lines))
    ingest()
    answerer = build_answerer(settings)
    for lines, question, wanted in ASKED:
        if lines is CARD and ending == "pdf":
            continue  # its first line, at the top of a page, is a heading to the reader of PDFs
        scope = Scope(("default",), DocumentFilter((f"{lines[0]}.{ending}",)))
        end = (await events_of(answerer, question, (), scope))[-1]
        assert isinstance(end, Answered), (question, end)
        assert wanted in end.answer, (question, end.answer)
        assert wanted in end.citations[0].hit.text
