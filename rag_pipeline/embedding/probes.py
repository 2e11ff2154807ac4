"""Texts that runtimes are compared on: short and long ones, several scripts, nothing at all, more than any window.

Belongs here: the texts. Not here: what is done with them (``light_export.py``, ``runtime_choice.py``).
"""

from __future__ import annotations

PROBES = (
    "The annual report lists revenue of 4.2 million euros.",
    "Water boils at 100 °C at sea level, and sooner on a mountain.",
    "The committee met on 3 March 1998 to discuss the bridge over the river.",
    "def area(radius): return 3.14159 * radius ** 2",
    "Patients received 20 mg daily for six weeks; none reported adverse effects.",
    "Die Verordnung tritt am Tag nach ihrer Verkündung in Kraft.",
    "Who may borrow books, and for how long, is decided by the library.",
    "Amy Johnson flew alone from London to Darwin in a second-hand aeroplane.",
)

CHUNKS = tuple(" ".join(PROBES[place:] + PROBES[:place]) for place in range(len(PROBES)))
"""Of about 130 tokens each: what a chunk costs."""

_ODD = (
    "",
    " ",
    ".",
    "a",
    "ÀÉÎÕÜ naïve ﬁancée Straße",
    "図書館では、本を三週間借りることができます。",
    "Библиотека открыта с девяти до шести.",
    "تفتح المكتبة أبوابها في التاسعة صباحا",
    "🌍🚀 \u200b\u00a0\ufeff\t\n\x00",
    "<s> </s> [CLS] [SEP] [MASK] [PAD] <pad>",
    "Donaudampfschifffahrtsgesellschaftskapitän" * 9,
)

WITHIN_WINDOW = (*PROBES, *CHUNKS, *_ODD)
BEYOND_WINDOW = (" ".join(CHUNKS), "".join(f"{number} " for number in range(9999)))
"""Longer than the window of most models."""
