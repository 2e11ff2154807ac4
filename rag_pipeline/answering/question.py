"""What can be asked.

Belongs here: limits of a question. Not here: where its answer may come from (``scope.py``), a question as a vector
(``retrieval/question_encoder.py``), what was asked before it (``conversation``).
"""

from __future__ import annotations

from rag_pipeline.answering.tuning import TUNING, QuestionLimits
from rag_pipeline.errors import RagError


class BadQuestionError(RagError):
    """What was asked is not a question that can be searched for."""

    code = "bad_question"


def checked_question(question: str, limits: QuestionLimits = TUNING.question) -> str:
    """The question without surrounding blanks and without characters that are no text.

    Raises:
        BadQuestionError: it is empty, has no letter or digit, or is longer than ``limits`` allow.
    """
    if len(question) > limits.longest_characters:
        raise BadQuestionError(
            f"The question has {len(question):,} characters; at most {limits.longest_characters:,} can be read. "
            "Ask about a shorter passage, or put the text into the watched folder as a document."
        )
    # Lone surrogates come from JSON escapes; no tokenizer takes them.
    text = question.encode("utf-8", "replace").decode("utf-8").replace("\x00", " ").strip()
    if not any(character.isalnum() for character in text):
        raise BadQuestionError("There is no word in the question. Write what you want to know in a sentence or a few words.")
    return text
