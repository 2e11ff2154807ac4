"""Questions about whole documents, and which documents they mean."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rag_pipeline.answering.whole_document import document_asked_about, documents_meant, is_of_whole_documents, names_no_document
from rag_pipeline.models import Hit
from rag_pipeline_tests.answering.conftest import hit

DOCUMENTS = [
    hit(1, document="reports/AcmeCorp_2023_10-K.pdf"),
    hit(2, document="lease.docx", heading_path=("Harbour Street lease", "Rent")),
    hit(3, document="reports/AcmeCorp_2022_10-K.pdf"),
    hit(4, document="Umzug_nach_Köln.md"),
]


def meant(question: str, hits: list[Hit] = DOCUMENTS) -> list[str] | None:
    called = document_asked_about(question)
    return None if called is None else [one.document for one in documents_meant(called, question, hits)]


@pytest.mark.parametrize(
    ("question", "documents"),
    [
        ("Summarize the Acme Corp report of 2023", ["reports/AcmeCorp_2023_10-K.pdf"]),
        ("please summarise AcmeCorp_2022_10-K.pdf!", ["reports/AcmeCorp_2022_10-K.pdf"]),
        ("What is the Acme 10-K about?", ["reports/AcmeCorp_2023_10-K.pdf", "reports/AcmeCorp_2022_10-K.pdf"]),
        ("Give me a short summary of the Harbour Street lease", ["lease.docx"]),
        ("What does the lease say?", ["lease.docx"]),
        ("What are the key points of the lease agreement?", ["lease.docx"]),
        ("Worum geht es in dem Dokument Umzug nach Köln?", ["Umzug_nach_Köln.md"]),
        ("Fasse Umzug_nach_Köln.md bitte kurz zusammen.", ["Umzug_nach_Köln.md"]),
        ("Gib mir eine Zusammenfassung von lease.docx", ["lease.docx"]),
        ("De quoi parle le document AcmeCorp_2022_10-K.pdf ?", ["reports/AcmeCorp_2022_10-K.pdf"]),
        ("Fais-moi un résumé de lease.docx", ["lease.docx"]),
        ("¿De qué trata lease.docx?", ["lease.docx"]),
        ("Hazme un resumen de lease.docx", ["lease.docx"]),
        ("Summarize the risks of Acme", []),
        ("What is the dispute with the landlord about?", []),
    ],
)
def test_documents_are_meant_by_the_words_that_they_are_named_for(question: str, documents: list[str]) -> None:
    assert meant(question) == documents


@pytest.mark.parametrize(
    "question",
    [
        "How high is the rent?",
        "What does the lease say about pets?",
        "Who wrote the summary of the lease?",
        "Was kostet der Umzug?",
        "?",
        "",
    ],
)
def test_other_questions_ask_about_no_document_as_a_whole(question: str) -> None:
    assert document_asked_about(question) is None
    assert not is_of_whole_documents(question, DOCUMENTS)


@pytest.mark.parametrize(
    "question", ["Summarize this document.", "What is it about?", "What is this file about?", "Worum geht es in diesem Bericht?"]
)
def test_what_names_no_document_may_mean_any(question: str) -> None:
    called = document_asked_about(question)
    assert called is not None
    assert names_no_document(called, question)
    assert meant(question) == [one.document for one in DOCUMENTS]


def test_passages_are_of_whole_documents_only_if_all_of_theirs_are_meant() -> None:
    assert is_of_whole_documents("Summarize the lease", DOCUMENTS[1:2])
    assert not is_of_whole_documents("Summarize the lease", DOCUMENTS[1:3])
    assert not is_of_whole_documents("What is the dispute about?", DOCUMENTS[1:2])


PIECES = ["summarize", "what is", "about", "zusammen", "fasse", "résumé de", "de qué", "the", "a.b", "_", "?"]


@given(st.lists(st.sampled_from(PIECES), max_size=400))
def test_any_question_is_read_in_time(words: list[str]) -> None:
    question = " ".join(words)
    called = document_asked_about(question)
    assert called is None or documents_meant(called, question, DOCUMENTS) is not None
