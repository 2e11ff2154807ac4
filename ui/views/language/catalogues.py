"""Which languages there are: one for each ``.po`` file in ``views/locale``, and English, which has none.

Belongs here: reading them, once. Not here: choosing one (``choice.py``), looking messages up (``speaking.py``).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from gettext import c2py
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po

FOLDER = Path(__file__).parent.parent / "locale"
_OTHER_THAN_ONE = "(n != 1)"


@dataclass(frozen=True, slots=True)
class Language:
    """A language that the app speaks.

    Attributes:
        code: as ``lang`` has it: ``de``, ``pt-BR``.
        messages: English text → text; of one that counts, English singular → all forms.
        for_scripts: those of them that scripts of the pages say.
        plural: the expression that tells the form of a number ``n``, as catalogues and JavaScript write it; ``form`` does it.
    """

    code: str
    locale: Locale
    messages: Mapping[str, str | tuple[str, ...]] = field(default_factory=dict, repr=False, compare=False)
    for_scripts: frozenset[str] = field(default=frozenset(), repr=False, compare=False)
    plural: str = _OTHER_THAN_ONE
    form: Callable[[int], int] = field(default=c2py(_OTHER_THAN_ONE), repr=False, compare=False)

    @property
    def direction(self) -> str:
        """``ltr`` or ``rtl``."""
        return str(self.locale.text_direction)


ENGLISH = Language("en", Locale("en"))


def languages() -> Mapping[str, Language]:
    """All of them by their codes in small letters."""
    return _languages_in(FOLDER)


@lru_cache(maxsize=4)
def _languages_in(folder: Path) -> Mapping[str, Language]:
    found = [ENGLISH, *map(_language_of, sorted(folder.glob("*.po")))]
    return {one.code.lower(): one for one in found}


def _language_of(file: Path) -> Language:
    with file.open("rb") as stream:
        catalog = read_po(stream)
    if catalog.locale is None:
        raise ValueError(f"{file.name} does not say of which language it is: its header has no line Language.")
    messages = _messages_of(catalog)
    scripts = (str(_key(one.id)) for one in catalog if any(place.endswith(".js") for place, _ in one.locations))
    code = str(catalog.locale).replace("_", "-")
    return Language(code, catalog.locale, messages, frozenset(scripts), catalog.plural_expr, c2py(catalog.plural_expr))


def _messages_of(catalog: Catalog) -> dict[str, str | tuple[str, ...]]:
    """What is translated; what is not, or not looked at since the English text changed, is said in English."""
    found: dict[str, str | tuple[str, ...]] = {}
    for one in catalog:
        forms = [str(form or "") for form in (one.string if isinstance(one.string, list | tuple) else [one.string])]
        if one.id and all(forms) and not one.fuzzy:
            found[_key(one.id)] = tuple(forms) if isinstance(one.id, list | tuple) else forms[0]
    return found


def _key(identity: str | list[str] | tuple[str, ...]) -> str:
    return identity if isinstance(identity, str) else identity[0]
