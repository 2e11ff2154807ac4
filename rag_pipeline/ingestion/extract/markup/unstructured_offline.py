"""unstructured, kept from the network.

Belongs here: what must be done before the first import of unstructured. Not here: use of its partitioners.

Left alone, unstructured calls home when imported, and when the spaCy model ``en_core_web_sm`` is missing it downloads a wheel from
GitHub *at run time into site-packages*. The model is used only to tell narrative text from other text by its sentences and verbs,
a difference that no element of ours keeps, so a rule-based pipeline takes its place.
"""

from __future__ import annotations

import importlib.util
import os
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

_SWITCHES = {"DO_NOT_TRACK": "true", "SCARF_NO_ANALYTICS": "true", "UNSTRUCTURED_DISABLE_NOTICE": "1"}
_CLOSING = re.compile(r"(?<![.!?…。！？])[.!?…。！？]+\Z")
"""What ends a sentence, split from its last word. spaCy's own rules for signs around words take quadratic time for a long row of signs."""
_VERB_ENDINGS = ("ed", "ing", "ize", "ise", "ify")
_COMMON_VERBS = frozenset(
    ["is", "are", "was", "were", "be", "has", "have", "had", "do", "does", "did", "can", "will", "should", "may", "must"]
)


@lru_cache(maxsize=1)
def prepare_unstructured() -> None:
    """Switch telemetry off and replace the model download. Call before importing from ``unstructured``."""
    os.environ.update(_SWITCHES)
    from unstructured.nlp import tokenize

    # No public way exists: the name of the model and what is done when it is missing are written into the function.
    if importlib.util.find_spec("en_core_web_sm") is None:
        tokenize._load_spacy_model = rule_based_english


def rule_based_english() -> Language:
    """An English pipeline without a model: sentences end at punctuation, verbs are known by ending."""
    import spacy
    from spacy.language import Language
    from spacy.tokenizer import Tokenizer

    if not Language.has_factory("rag_verb_tagger"):
        Language.factory("rag_verb_tagger", func=_verb_tagger)
    language = spacy.blank("en")
    language.tokenizer = Tokenizer(language.vocab, language.Defaults.tokenizer_exceptions, suffix_search=_CLOSING.search)
    language.add_pipe("sentencizer")
    language.add_pipe("rag_verb_tagger")
    return language


def _verb_tagger(nlp: Language, name: str) -> Any:
    def tag(doc: Doc) -> Doc:
        for token in doc:
            word = token.lower_
            token.tag_ = "VB" if word in _COMMON_VERBS or word.endswith(_VERB_ENDINGS) else "NN"
        return doc

    return tag
