"""The fourth step: the language model's answer, as events.

Belongs here: turning the model's text into tokens, an answer or a refusal. Not here: the connection (``chat.py``), prompts.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from dataclasses import dataclass, field

from rag_pipeline.answering.augment import Prompt
from rag_pipeline.answering.chat import ChatError, ChatModel, ChatReply
from rag_pipeline.answering.citations import CitationFilter, OpeningFilter
from rag_pipeline.answering.cited import cited
from rag_pipeline.models import Citation

NOT_IN_DOCUMENTS = "The documents do not say."


@dataclass
class Writing:
    """An answer that is being written; complete when its stream has ended."""

    text: str = ""
    citations: tuple[Citation, ...] = ()
    refused: bool = False
    model: str | None = None
    usage: Mapping[str, int] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        """Why the answer was refused, in the model's words if it gave any."""
        return self.text.strip() or NOT_IN_DOCUMENTS


async def generated(chat: ChatModel, prompt: Prompt, writing: Writing) -> AsyncGenerator[str, None]:
    """The answer's text as it may be shown, piece by piece; ``writing`` is complete afterwards. A refusal yields nothing.

    Raises:
        ChatError: the model failed, or said nothing; what was yielded before stays true.
    """
    opening, marks, reply = OpeningFilter(), CitationFilter(len(prompt.hits)), ChatReply()
    writing.model = chat.name
    async with aclosing(chat.stream(prompt.messages, reply)) as pieces:
        async for piece in pieces:
            shown = marks.feed(opening.feed(piece))
            writing.text += shown
            if shown and not opening.not_found:
                yield shown
    rest = marks.feed(opening.finish()) + marks.finish().rstrip()
    writing.text += rest
    if rest and not opening.not_found:
        yield rest
    writing.refused, writing.usage, writing.citations = opening.not_found, reply.usage, cited(writing.text, prompt.hits)
    if not writing.text.strip() and not writing.refused:
        raise ChatError("chat_empty", f"The language model {chat.name} gave an empty answer. Ask again, or choose another RAG_CHAT_MODEL.")
