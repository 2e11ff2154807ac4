"""Telling a language model that has no end from one that has much to say.

Belongs here: when a reply is to be broken off. Not here: breaking it off (``language_model.py``).
"""

from __future__ import annotations

from rag_pipeline.answering.tuning import TUNING, Runaway


class ReplyLength:
    """How much of a reply has come, and whether that is enough. One for each reply."""

    def __init__(self, most_tokens: int, tuning: Runaway = TUNING.runaway) -> None:
        self._most_bytes = most_tokens * tuning.bytes_per_token
        self._tuning = tuning
        self._bytes = 0
        self._tail = ""
        self._unseen = 0

    def add(self, piece: str) -> None:
        """The next piece of the reply."""
        self._bytes += len(piece.encode())
        self._unseen += len(piece)
        self._tail = (self._tail + piece)[-self._tuning.repeated_characters :]

    @property
    def is_too_long(self) -> bool:
        """Whether there is more than was allowed."""
        return self._bytes > self._most_bytes

    def repeats_itself(self) -> bool:
        """Whether nothing but the same few words has come for a while; looked at now and then. Lines of a table have no words."""
        if self._unseen < self._tuning.looked_at_each or len(self._tail) < self._tuning.repeated_characters:
            return False
        self._unseen = 0
        periods = range(1, self._tuning.longest_repeated + 1)
        return any(map(str.isalpha, self._tail)) and any(self._tail[period:] == self._tail[:-period] for period in periods)
