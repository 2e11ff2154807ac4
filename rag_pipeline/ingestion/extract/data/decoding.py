"""Bytes to characters without losing any, and the characters that no store can keep.

Belongs here: encodings and cleaning of text. Not here: what the text means.
"""

from __future__ import annotations

import codecs
import io
import os
import re
import unicodedata
from collections.abc import Iterator
from typing import BinaryIO

from rag_pipeline.ingestion.extract.media_types import utf16_without_mark

_MARKS = (  # the UTF-32 marks first: one of them begins with a UTF-16 mark
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_DETECTION_BYTES = 256 * 1024
"""Guessing an encoding is slow, and this much text is plenty for it."""
_ENOUGH_TO_GUESS = 16
"""With fewer bytes beyond ASCII a guess is no better than chance."""
_READ_WHOLE_BYTES = 32 * 1024 * 1024
"""Files up to this size are decoded at once, with every byte looked at before the encoding is chosen."""
_ODD_CHARACTERS = re.compile("[\u00a0\u00ad\u2000-\u200b\u202f\u205f\u3000\ufb00-\ufdc7\ufdf0-\ufdff\ufe70-\ufeff]+")
"""Spaces of odd widths, soft hyphens, ligatures, Arabic and Hebrew letters in their printed forms."""
_LEFT_OUT = str.maketrans("", "", "\u00ad\u200b\ufeff")
_WESTERN = frozenset("äöüÄÖÜßéèêëÉÈÊàâÀÂçÇîïôœŒùûáíóúÁÍÓÚñÑ¿¡ãõÃÕåÅøØæÆìòý’‘“”„–—…«»°§€£©®·")
_MEASURES = frozenset("µ²³¹½¼¾±×÷¥¢ªº")
_MOST_ACCENTS = 0.25
_NEARLY_ALL = 0.9
_MIXED_UTF8 = 2
"""Sequences of UTF-8 for each byte that is none. Two bytes of another encoding pass for such a sequence now and then (in EUC and GBK one
character in ten), and never more often than not."""
_MEANT = {"iso8859-1": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874", "tis-620": "cp874", "gb2312": "gb18030", "gbk": "gb18030",
          "shift_jis": "cp932", "euc_kr": "cp949", "big5": "big5hkscs"}  # fmt: skip
"""What writers mean who declare an encoding, by Python's names: the larger one (Encoding Standard of the WHATWG, 4.2)."""
_CODE_PAGES = {
    1200: "utf-16-le",
    1361: "johab",
    10000: "mac-roman",
    10001: "shift_jis",
    10006: "mac-greek",
    10007: "mac-cyrillic",
    10029: "mac-latin2",
    20127: "ascii",
    28591: "latin-1",
    50220: "iso2022_jp",
    51949: "euc_kr",
    54936: "gb18030",
    65001: "utf-8",
}
"""Numbers that Python's names for encodings do not have in them."""
_CODE_PAGE_LABEL = re.compile(r"^(?:windows|ibm|cp)[-_]?(?=\d)")
_SEQUENCES = (
    (re.compile(rb"\x1b\$[@B]|\x1b\(I"), "iso2022_jp_ext"),
    (re.compile(rb"\x1b\$\)C"), "iso2022_kr"),
)
"""Escape sequences that call for the characters of two bytes (RFC 1468, RFC 1557), and half-width kana; by Python's names."""
_CALLED = re.compile(rb"\x1b(\$[@B]|\([BHIJ])([^\x1b]*)")
_TWO_BYTES = re.compile(rb"[\x21-\x7e]{2}")
_BETWEEN_ERRORS = 20
"""Bytes beyond ASCII for each that an encoding cannot read: in the wrong one far more of them are errors."""
_SO_MANY_MORE = 3
"""Errors for each one of the encoding that has the fewest, and for one more: with more than that it is not what a text was written in."""
_UNREADABLE = "\ufffd"
_BEYOND_ASCII = bytes(range(0x80, 0x100))
_SEVERAL_BYTES = ("cp932", "euc_jp", "gb18030", "big5hkscs", "cp949")
_NOT_IN_WINDOWS = b"\x81\x8d\x8f\x90\x9d"
"""Bytes that Windows-1252 gives no character."""
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")


def decode_text(content: bytes, declared: str | None = None) -> str:
    """The text of a file: byte order mark, then UTF-8, then the encoding it declares, then a guess. No byte is ever dropped.

    Encodings that write other characters with the bytes of ASCII come before UTF-8, which all of them would pass for.

    Args:
        content: the bytes.
        declared: an encoding that the document names; ignored when unknown or wrong.
    """
    mark = next(((mark, name) for mark, name in _MARKS if content.startswith(mark)), None)
    if mark:
        return clean_text(decode_leniently(content[len(mark[0]) :], mark[1]))
    wide, meant = utf16_without_mark(content[:8192]), _encoding_meant(declared or "")
    for encoding in (_seven_bit_encoding(content, meant), wide, "utf-8", meant):
        text = _decode(content, encoding) if encoding else None
        if text is not None:
            return clean_text(text)
    if _is_mixed_utf8(content):
        return clean_text(decode_leniently(content, "utf-8"))
    if meant and _has_few_errors(content, meant):
        return clean_text(decode_leniently(content, meant))
    return clean_text(_guess(content))


def text_lines(stream: BinaryIO) -> Iterator[str]:
    """The lines of a file of any size, in little memory; line ends of every system become ``\\n``. Clean, as from :func:`decode_text`.

    The encoding of a very large file is chosen by its first part; bytes that it does not allow later are kept, as Windows-1252.
    """
    start = stream.tell()
    size = stream.seek(0, os.SEEK_END) - start
    stream.seek(start)
    if size <= _READ_WHOLE_BYTES:
        yield from io.StringIO(decode_text(stream.read()), newline=None)
        return
    mark, encoding = _encoding_of(stream.read(_DETECTION_BYTES))
    stream.seek(start + len(mark))
    lines = io.TextIOWrapper(stream, encoding=encoding, errors="rag-keep-bytes", newline=None)
    yield from map(clean_text, lines)
    lines.detach()  # the stream stays open: it is the caller's


def encoding_of(sample: bytes, declared: str | None = None) -> str:
    """The encoding of texts that are decoded one by one, such as the cells of a table, by many of them together: as :func:`decode_text`.

    Args:
        sample: whole texts, parted by line ends.
        declared: an encoding that the document names.
    """
    meant = _encoding_meant(declared or "")
    if meant and _decode(sample, "utf-8") is None and not _is_mixed_utf8(sample) and _has_few_errors(sample, meant):
        return meant
    return _encoding_of(sample)[1]


def _encoding_of(sample: bytes) -> tuple[bytes, str]:
    """The byte order mark and the encoding of a file that begins like this."""
    for mark, name in _MARKS:
        if sample.startswith(mark):
            return mark, name
    cut = sample[: sample.rfind(b"\n") + 1] or sample[:-4]  # no character cut in two
    wide = _seven_bit_encoding(cut, None) or utf16_without_mark(cut[:8192])
    if wide or _decode(cut, "utf-8") is not None or _is_mixed_utf8(cut):
        return b"", wide or "utf-8"
    if _looks_western(cut):
        return b"", "cp1252"
    from charset_normalizer import from_bytes

    best = from_bytes(cut).best()
    return b"", best.encoding if best else _damaged_encoding(cut) or "cp1252"


def clean_text(text: str) -> str:
    """Text that stores can keep and searches can find.

    NULs and lone surrogates go, which neither JSON, nor databases, nor tokenizers can hold. Characters that only say how a word is
    printed become those it is spelled with, by Unicode's compatibility form (NFKC): ligatures, presentation forms, spaces of odd
    widths; soft hyphens and zero-width spaces go. Others keep their form: NFKC would make 10² into 102.
    """
    if _UNSTORABLE.search(text):
        paired = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
        text = _UNSTORABLE.sub("", paired)
    return _ODD_CHARACTERS.sub(lambda odd: unicodedata.normalize("NFKC", odd[0]).translate(_LEFT_OUT), text)


def code_page_encoding(number: int) -> str | None:
    """What a code page of Windows or the Macintosh is, by Python's name; None of one that Python lacks."""
    try:
        return codecs.lookup(_CODE_PAGES.get(number, f"cp{number}")).name
    except LookupError:
        return None


def _encoding_meant(label: str) -> str | None:
    """The encoding that a document's word for it stands for; None where nobody knows."""
    plain = label.strip().lower().removeprefix("x-")
    for name in (plain, _CODE_PAGE_LABEL.sub("cp", plain)):
        try:
            encoding = codecs.lookup(name).name
        except (LookupError, ValueError):
            continue
        return _MEANT.get(encoding, encoding)
    return None


def _seven_bit_encoding(content: bytes, meant: str | None) -> str | None:
    """The encoding of characters beyond ASCII that are written with its bytes alone: what their sequences say, or the document."""
    called = next((encoding for sequence, encoding in _SEQUENCES if sequence.search(content)), None)
    return called or (meant if meant in ("hz", "utf-7") else None)


def _decode(content: bytes, encoding: str) -> str | None:
    try:
        return content.decode(encoding)
    except (UnicodeError, LookupError):  # some of Python's codecs raise the wider error
        # With bytes beyond ASCII it is no text in this encoding, but one in another that holds a piece of it.
        return _decode(_shift_jis(content), "cp932") if encoding == "iso2022_jp_ext" and content.isascii() else None


def _shift_jis(content: bytes) -> bytes:
    """ISO-2022-JP as Shift_JIS, for which Python knows the circled numbers, units and forms of names that Windows adds to both."""

    def shifted(pair: re.Match[bytes]) -> bytes:
        row, cell = pair[0]
        lead = (row + 1) // 2 + (0x70 if row < 0x5F else 0xB0)
        return bytes((lead, cell + (0x7E if row % 2 == 0 else 0x1F if cell < 0x60 else 0x20)))

    def plain(called: re.Match[bytes]) -> bytes:
        if called[1].startswith(b"$"):
            return _TWO_BYTES.sub(shifted, called[2])
        return bytes(byte | 0x80 if called[1] == b"(I" and byte > 0x20 else byte for byte in called[2])

    return _CALLED.sub(plain, content)


def _guess(content: bytes) -> str:
    high = sum(byte > 0x7F for byte in content[:_DETECTION_BYTES])
    few = high < _ENOUGH_TO_GUESS
    if few and high < 0.15 * len(content):  # an accent here and there
        return decode_leniently(content, "cp1252")
    if (_is_western_snippet if few else _looks_western)(content[:_DETECTION_BYTES]):
        return decode_leniently(content, "cp1252")
    from charset_normalizer import from_bytes

    best = from_bytes(content[:_DETECTION_BYTES]).best()
    return decode_leniently(content, best.encoding if best else _damaged_encoding(content[:_DETECTION_BYTES]) or "cp1252")


def _is_mixed_utf8(content: bytes) -> bool:
    """UTF-8 with some bad bytes, or with pieces pasted from elsewhere, is still UTF-8; a guess would garble every other accent in it."""
    wrong = _errors(content, "utf-8") - content.count(_UNREADABLE.encode())
    right = sum(character > "\x7f" for character in content.decode("utf-8", "ignore"))
    return right > _MIXED_UTF8 * wrong


def _has_few_errors(content: bytes, encoding: str) -> bool:
    """Whether nearly all of what is beyond ASCII can be read so: one broken character must not garble all others."""
    return _errors(content, encoding) * _BETWEEN_ERRORS <= len(content) - len(content.translate(None, _BEYOND_ASCII))


def _errors(content: bytes, encoding: str) -> int:
    """How much of a text an encoding cannot read."""
    try:
        return content.decode(encoding, "replace").count(_UNREADABLE)
    except (UnicodeError, LookupError):
        return len(content)


def _damaged_encoding(content: bytes) -> str | None:
    """The encoding of several bytes a character that a text is in but for a few broken ones, for which statistics know no answer at all."""
    from charset_normalizer import from_bytes

    errors = {encoding: _errors(content, encoding) for encoding in _SEVERAL_BYTES if _has_few_errors(content, encoding)}
    judged = []
    for encoding, wrong in errors.items():
        if wrong <= _SO_MANY_MORE * (1 + min(errors.values())):
            whole = content.decode(encoding, "ignore").encode(encoding, "ignore")
            best = from_bytes(whole, cp_isolation=[encoding]).best()
            judged += [(best.chaos, -best.coherence, encoding)] if best else []
    return min(judged)[2] if judged else None


def _looks_western(content: bytes) -> bool:
    """Whether bytes beyond ASCII are few among letters, and nearly all are letters that western European languages use.

    A guess by statistics takes German or French of a few hundred words for one of the old code pages of DOS or the Macintosh.
    """
    beyond = _beyond_ascii(content)
    plain = sum(content.count(byte) for byte in b"abcdefghijklmnopqrstuvwxyz")
    return len(beyond) < _MOST_ACCENTS * plain and sum(map(_WESTERN.__contains__, beyond)) >= _NEARLY_ALL * len(beyond)


def _is_western_snippet(content: bytes) -> bool:
    """Whether a text with too little beyond ASCII for statistics, such as a name or a measure, makes sense in western Europe."""
    beyond = _beyond_ascii(content)
    plain = sum(chr(byte).isalnum() for byte in content if byte < 0x80)
    return len(beyond) <= plain and all(character in _WESTERN or character in _MEASURES for character in beyond)


def _beyond_ascii(content: bytes) -> list[str]:
    return [character for character in content.decode("cp1252", "replace") if character > "\x7f"]


def decode_leniently(content: bytes, encoding: str) -> str:
    """Decode, with each undecodable byte read as Windows-1252, or as Latin-1 where that has nothing, so that it is kept."""
    return content.decode(encoding, "rag-keep-bytes")


def _keep_bytes(error: UnicodeError) -> tuple[str, int]:
    if not isinstance(error, UnicodeDecodeError):
        raise error
    kept = error.object[error.start : error.end]
    return "".join(bytes((byte,)).decode("latin-1" if byte in _NOT_IN_WINDOWS else "cp1252") for byte in kept), error.end


codecs.register_error("rag-keep-bytes", _keep_bytes)
