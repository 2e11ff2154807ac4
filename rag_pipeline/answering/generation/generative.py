"""The fourth step with a language model: its answer, as events.

Belongs here: turning the model's text into tokens, an answer or a refusal. Not here: the connection (``language_model.py``), prompts,
answers without a model (``quoting/extractive.py``).
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from rag_pipeline.answering.generation.augment import Prompt
from rag_pipeline.answering.generation.citations import cited
from rag_pipeline.answering.generation.language_model import ChatError, ChatModel, ChatReply
from rag_pipeline.answering.generation.marks import CitationFilter
from rag_pipeline.answering.generation.reply_opening import OpeningFilter
from rag_pipeline.answering.tuning import TUNING, MarkReading
from rag_pipeline.models import Citation, Mark, Token

NOT_IN_DOCUMENTS = "The documents do not say."


@dataclass
class Writing:
    """An answer that is being written; complete when its stream has ended."""

    text: str = ""
    citations: tuple[Citation, ...] = ()
    marks: tuple[Mark, ...] = ()
    refused: bool = False
    model: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why the answer was refused, in the model's words if it gave any."""
        return self.text.strip() or NOT_IN_DOCUMENTS

    def written(self, token: Token) -> Token:
        """Adds the next piece of text; what was added, which at the beginning is without blanks."""
        if not self.text:
            token = replace(token, text=token.text.lstrip())
        start, self.text = len(self.text), self.text + token.text
        if token.citation is not None:
            self.marks += (Mark(start, len(self.text), token.citation),)
        return token


async def generated(chat: ChatModel, prompt: Prompt, writing: Writing, reading: MarkReading = TUNING.marks) -> AsyncGenerator[Token, None]:
    """The answer as it may be shown, piece by piece; ``writing`` is complete afterwards. A refusal yields nothing.

    Raises:
        ChatError: the model failed, or said nothing; what was yielded before stays true.
    """
    opening, marks, reply = OpeningFilter(), CitationFilter(len(prompt.hits), prompt.brackets, reading), ChatReply()
    writing.model = chat.name

    def shown(tokens: Sequence[Token]) -> list[Token]:
        written = [writing.written(token) for token in tokens]
        return [] if opening.not_found else [token for token in written if token.text]

    async with aclosing(chat.stream(prompt.messages, reply)) as pieces:
        async for piece in pieces:
            for token in shown(marks.feed(opening.feed(piece))):
                yield token
    *rest, last = [*marks.feed(opening.finish()), *marks.finish(), Token("")]
    for token in shown([*rest, last]):
        yield token
    writing.text = writing.text.rstrip()
    writing.refused, writing.usage = opening.not_found, reply.usage
    writing.citations = cited(writing.text, writing.marks, prompt.hits)
    if not writing.text and not writing.refused:
        raise ChatError("chat_empty", f"The language model {chat.name} gave an empty answer. Ask again, or choose another RAG_CHAT_MODEL.")
