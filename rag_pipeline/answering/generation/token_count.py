"""How many tokens the language model makes of a text.

Belongs here: counting. Not here: what is done with the room (``augment.py``).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.errors import RagError

TokenCount = Callable[[str], int]


def estimated_tokens(text: str, bytes_per_token: float = TUNING.packing.bytes_per_token) -> int:
    """About how many tokens any language model makes of a text, rather too many than too few."""
    return math.ceil(len(text.encode()) / bytes_per_token)


@cache
def token_count(tokenizer: str | None, bytes_per_token: float = TUNING.packing.bytes_per_token) -> TokenCount:
    """How to count: with a tokenizer (a ``tokenizer.json``, a folder that holds one, or a name on the Hugging Face hub), or by estimate.

    Raises:
        RagError: there is no such tokenizer.
    """
    if tokenizer is None:
        return partial(estimated_tokens, bytes_per_token=bytes_per_token)
    from tokenizers import Tokenizer

    path = Path(tokenizer).expanduser()
    file = path / "tokenizer.json" if path.is_dir() else path
    try:
        loaded = Tokenizer.from_file(str(file)) if file.is_file() else Tokenizer.from_pretrained(tokenizer)
    except Exception as error:  # the library raises bare Exception, and whatever the hub's client raises
        raise RagError(
            f"RAG_CHAT_TOKENIZER: {tokenizer!r} cannot be used ({error}). Give the language model's tokenizer.json or its name on the "
            "Hugging Face hub, or unset it: tokens are then estimated."
        ) from error
    loaded.no_truncation()
    return lambda text: len(loaded.encode(text, add_special_tokens=False).ids)
