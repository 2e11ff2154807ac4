"""Names of files in archives: bytes of any encoding and paths that lead anywhere, made names of documents.

Belongs here: decoding names, making them harmless. Not here: which files are read.

Nothing is ever written under such a name. It is shown, and it is the identity of a document: so it stays below its archive.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence

from rag_pipeline.ingestion.folder.listing import is_ignored

DOS, LOCAL = ("cp437", "cp850"), ("cp1252",)
_OTHERS = ("cp866", "cp1251", "koi8-r", "cp737", "cp1253", "cp852", "cp1250", "cp857", "cp1254", "cp862", "cp1255", "cp1256")
_DOUBLE_BYTE = ("cp932", "gb18030", "cp949", "big5hkscs")
_RARE_LATIN = frozenset("ƒÞþðÐÿªº")
_COMMON_CHINESE = (("gb2312", 0xB0, 0xD7), ("euc_jp", 0xB0, 0xCF), ("big5", 0xA4, 0xC6))
"""Where the frequent characters of these encodings stand: their first bytes. The rare ones are a sign of a wrong guess."""
_DRIVE = re.compile(r"^[A-Za-z]:(?=/)")
_UNSEEN = re.compile("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters, and those that reverse the reading direction of a name."""


def decoded_names(names: Sequence[bytes | str], first: Sequence[str] = DOS) -> list[str]:
    """Names as text; bytes that are no UTF-8 are guessed together, as one program wrote them all.

    Args:
        names: text where the archive says what they are in.
        first: encodings that are taken where others are as good.
    """
    unclear = [name for name in names if isinstance(name, bytes) and not _is_utf8(name)]
    encoding = _likeliest(b"\n".join(dict.fromkeys(unclear)), first) if unclear else ""
    return [name if isinstance(name, str) else name.decode(encoding if not _is_utf8(name) else "utf-8", "replace") for name in names]


def _is_utf8(name: bytes) -> bool:
    try:
        name.decode()
    except UnicodeDecodeError:
        return False
    return True


def _likeliest(content: bytes, first: Sequence[str]) -> str:
    scores: dict[str, float] = {}
    for encoding in dict.fromkeys((*first, *DOS, *LOCAL, *_OTHERS, *_DOUBLE_BYTE)):
        try:
            scores[encoding] = _plausibility(content.decode(encoding))
        except UnicodeDecodeError:
            continue
    return max(scores, key=scores.__getitem__, default=first[0])


def _plausibility(text: str) -> float:
    """At most 1, of names in one script with letters as words have them."""
    score, seen = 0.0, 0
    before = " "
    for character in text:
        if character > "\x7f":
            seen += 1
            score += _worth(character)
        if character.isalpha() and before.isalpha() and (character > "\x7f" or before > "\x7f"):
            score -= _oddity(before, character)
        before = character
    return score / max(1, seen)


def _oddity(before: str, character: str) -> float:
    """Of two letters side by side: of two scripts, a capital within a word, two accents in a row."""
    if _script(character) != _script(before):
        return 1.0
    accents = _script(character) == "LATIN" and min(before, character) > "\x7f"
    return 0.5 * (before.islower() and character.isupper()) + 0.3 * accents


def _worth(character: str) -> float:
    if not character.isalpha():
        return -1.0
    script = _script(character)
    if script == "LATIN":
        return 0.4 if character in _RARE_LATIN else 1.0 if character <= "\xff" else 0.95
    if script == "CYRILLIC":  # Ђ, ђ and the like are letters too, of fewer names
        return 1.0 if "а" <= character.lower() <= "ё" else 0.5
    if script == "CJK":
        return max(_is_common(character, *where) for where in _COMMON_CHINESE)
    if script == "HANGUL":
        return 1.02 * _is_common(character, "euc_kr", 0xB0, 0xC8)
    return 1.0 if script in ("GREEK", "HIRAGANA", "KATAKANA", "HEBREW", "ARABIC") else 0.1


def _is_common(character: str, encoding: str, first: int, last: int) -> float:
    try:
        return 0.95 if first <= character.encode(encoding)[0] <= last else 0.2
    except UnicodeEncodeError:
        return 0.1


def _script(character: str) -> str:
    return unicodedata.name(character, "").split(" ")[0].replace("KATAKANA-HIRAGANA", "KATAKANA")


def safe_path(name: str, *, windows: bool = False) -> str:
    """A path below the archive, without drives, ``..`` and what cannot be seen; empty where nothing is left.

    Args:
        name: as the archive has it.
        windows: whether backslashes separate folders.
    """
    slashes = name.replace("\\", "/") if windows else name
    parts = _UNSEEN.sub("_", _DRIVE.sub("", slashes)).split("/")
    return "/".join(part for part in parts if part not in ("", ".", ".."))


def is_left_out(path: str) -> bool:
    """Whether a folder's files of such a path are no documents: hidden ones, those of systems and of programs at work."""
    return not path or any(map(is_ignored, path.split("/")))
