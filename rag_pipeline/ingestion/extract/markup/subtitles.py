"""Subtitles: SubRip and WebVTT, their cues joined to paragraphs that say when they begin.

Belongs here: cues, times, speakers. Not here: speech recognition.

Not through pysubs2: it knows WebVTT as SubRip only, and loses comments and files with unpadded times (measured, 1.8.1).
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from rag_pipeline.ingestion.extract.data.decoding import decode_text
from rag_pipeline.ingestion.extract.source import Source
from rag_pipeline.models import Element

_TIME = r"(?:(\d+):)?(\d{1,2}):(\d{1,2})[.,]\d{1,3}"
"""Some programs write ``0:0:3.54`` for ``00:00:03.540``."""
_TIMES = re.compile(rf"\s*{_TIME}\s*-->\s*{_TIME}")
_CUE_START = re.compile(rf"^[ \t]*{_TIME}[ \t]*-->", re.MULTILINE)
_NUMBERED_CUE_START = re.compile(rf"^\d+[ \t]*\n[ \t]*{_TIME}[ \t]*-->", re.MULTILINE)
"""Where the first cue has no number, digits before the next one were said."""
_SPEAKER = re.compile(r"<v(?:\.[\w.]+)?\s+([^>]+)>")
_TAG = re.compile(r"</?[a-zA-Z][^>]*>|<\d[\d:.]*>|\{\\[^}]*\}")
_BLANK_LINES = re.compile(r"\n\n+")
"""A line of blanks does not end a cue (WebVTT, 4.1): where captions roll, it holds the place of a line that is still to come."""
_NOT_SHOWN = ("STYLE", "REGION")
_PARAGRAPH_CHARACTERS = 400
_LONGEST_PARAGRAPH_CHARACTERS = 800
"""Where no sentence ends: programs that write what they hear set no full stops, and each paragraph tells when it was said."""
_PAUSE_SECONDS = 5
"""Whoever is silent this long begins a new paragraph."""
_SENTENCE_ENDS = (".", "!", "?", "…", "。", "！", "？", '."', '!"', '?"')


@dataclass(frozen=True, slots=True)
class _Cue:
    start: int
    end: int
    lines: tuple[str, ...]

    @property
    def text(self) -> str:
        return " ".join(self.lines)


def read_subtitles(source: Source) -> Iterator[Element]:
    """What is said, in paragraphs of whole sentences, each led by the time of its first cue. Titles and comments of the file are kept."""
    text = decode_text(source.stream.read()).replace("\r\n", "\n").replace("\r", "\n")
    waiting: list[_Cue] = []
    shown: tuple[str, ...] = ()
    for block in _blocks(text):
        cue = _cue(block)
        if cue is None:
            if block.strip() and not block.startswith(_NOT_SHOWN):
                yield from _paragraph(waiting)
                waiting = []
                yield Element("NarrativeText", block.strip())
        elif cue.lines:
            if waiting and _ends_paragraph(waiting, cue):
                shown = () if _is_apart(waiting[-1], cue) else shown
                yield from _paragraph(waiting)
                waiting = []
            waiting.append(replace(cue, lines=_new_lines(shown, cue.lines)))
            shown = cue.lines
    yield from _paragraph(waiting)


def _blocks(text: str) -> Iterator[str]:
    """What stands between blank lines, or between cues: not every writer parts them by a blank line (WebVTT, 6.3: ``-->`` ends a cue)."""
    for block in _BLANK_LINES.split(text):
        start, first_line = 0, block.strip("\n").partition("\n")[0]
        begins = _NUMBERED_CUE_START if first_line.strip().isdigit() else _CUE_START
        for following in list(begins.finditer(block))[1:]:
            yield block[start : following.start()].strip("\n")
            start = following.start()
        yield block[start:].strip("\n")


def _cue(block: str) -> _Cue | None:
    lines = block.split("\n")
    for number, line in enumerate(lines[:2]):  # the first line may be the cue's number or name
        times = _TIMES.match(line)
        if times:
            said = html.unescape(_TAG.sub("", _SPEAKER.sub(r"\1: ", "\n".join(lines[number + 1 :]))))
            written = tuple(words for line in said.split("\n") if (words := " ".join(line.split())))
            return _Cue(_seconds(times, 1), _seconds(times, 4), written)
    return None


def _new_lines(shown: tuple[str, ...], lines: tuple[str, ...]) -> tuple[str, ...]:
    """The lines of a cue without those that the one before ends with: live captions repeat a line while the next is written below it."""
    repeated = next((size for size in range(len(lines), 0, -1) if shown[-size:] == lines[:size]), 0)
    return lines[repeated:]


def _seconds(times: re.Match[str], group: int) -> int:
    hours, minutes, seconds = (int(times[index] or 0) for index in range(group, group + 3))
    return hours * 3600 + minutes * 60 + seconds


def _ends_paragraph(waiting: list[_Cue], following: _Cue) -> bool:
    characters = sum(len(cue.text) for cue in waiting)
    whole = characters >= _PARAGRAPH_CHARACTERS and waiting[-1].text.endswith(_SENTENCE_ENDS)
    return whole or characters >= _LONGEST_PARAGRAPH_CHARACTERS or _is_apart(waiting[-1], following)


def _is_apart(cue: _Cue, following: _Cue) -> bool:
    return following.start - cue.end >= _PAUSE_SECONDS


def _paragraph(cues: list[_Cue]) -> Iterator[Element]:
    said = [cue for cue in cues if cue.lines]
    if said:
        start = said[0].start
        shown = f"[{start // 3600:02d}:{start // 60 % 60:02d}:{start % 60:02d}]"
        yield Element("NarrativeText", f"{shown} {' '.join(cue.text for cue in said)}")
