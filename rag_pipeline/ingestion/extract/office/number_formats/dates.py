"""Numbers of a workbook that their formats show as dates, times or lengths of time.

Belongs here: telling them, and what day a number is. Not here: what else a format writes (``codes``).
"""

from __future__ import annotations

from contextlib import suppress


def value_shown(number: float, code: str, since_1904: bool = False) -> object:
    """A number, or the date, time or length of time that its format shows.

    Args:
        number: days, where its format shows a date.
        code: of the format.
        since_1904: days are counted from the first of January 1904, as the Macintosh does.
    """
    from openpyxl.styles.numbers import is_date_format, is_timedelta_format
    from openpyxl.utils.datetime import MAC_EPOCH, WINDOWS_EPOCH, from_excel

    if is_date_format(code):
        with suppress(ValueError, OverflowError):
            return from_excel(number, MAC_EPOCH if since_1904 else WINDOWS_EPOCH, is_timedelta_format(code))
    return number
