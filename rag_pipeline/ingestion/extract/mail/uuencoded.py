"""Files written into the text of a message by uuencode, as mail did before MIME.

Belongs here: finding them and decoding them (POSIX.1-2017, uuencode). Not here: the text around them, attachments of MIME.
Outlook makes attachments of such files when it receives them: only the messages themselves have them.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Sequence

_BEGIN = re.compile(r"begin [0-7]{3,4} (\S.*)")
_LINE = re.compile(r"[ -`]+")
_END_OF_DATA = ("", "`")
_MOST_BEHIND = 2
"""Some writers put a checksum behind a line."""


def taken_apart(text: str) -> tuple[str, list[tuple[str, bytes]], list[str]]:
    """A message's text without the files in it, the files with their names, and the names of those that are damaged.

    What is damaged stays in the text: whoever sent it may have meant something else, and no word may be lost.
    """
    lines = text.splitlines()
    kept: list[str] = []
    files: list[tuple[str, bytes]] = []
    damaged: list[str] = []
    position = 0
    while position < len(lines):
        begin = _BEGIN.fullmatch(lines[position].rstrip())
        found = _file(lines, position + 1) if begin else None
        if begin and found:
            files.append((begin[1], found[0]))
        elif begin and _is_whole(lines[position + 1 : position + 2]):
            damaged.append(begin[1])
        kept.append("" if found else lines[position])
        position = found[1] if found else position + 1
    return ("\n".join(kept) if files else text), files, damaged


def _file(lines: Sequence[str], start: int) -> tuple[bytes, int] | None:
    """A file whose lines begin there, and where the text goes on; None where it does not end as it must, or a line is none of a file."""
    end = start
    while end < len(lines) and _LINE.fullmatch(lines[end]) and lines[end].rstrip() not in _END_OF_DATA:
        end += 1
    data = lines[start:end]
    if end < len(lines) and lines[end].rstrip() in _END_OF_DATA:
        end += 1
    if end >= len(lines) or lines[end].rstrip() != "end":
        return None
    if any("`" in line for line in data) and not _is_whole(data):
        return None  # no blanks are written, so none got lost: the lines are cut
    try:
        return b"".join(binascii.a2b_uu(line[: _characters(line)]) for line in data), end + 1
    except binascii.Error:
        return None


def _is_whole(data: Sequence[str]) -> bool:
    """Whether there are lines, of the length that their first characters say."""
    sizes = (_characters(line) - len(line) if _LINE.fullmatch(line) else None for line in data)
    return bool(data) and all(missing is not None and -_MOST_BEHIND <= missing <= 2 for missing in sizes)


def _characters(line: str) -> int:
    """How many a line has that says at its beginning how many bytes it holds. The last two may say nothing, and some leave them out."""
    return 1 + (((ord(line[0]) - 32) & 63) + 2) // 3 * 4
