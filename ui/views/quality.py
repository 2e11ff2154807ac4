"""How well a collection answers, drawn over the versions of its index, and the questions that it is measured with.

Belongs here: what is shown of both, pure but for reading measurements. Not here: markup (``templates/quality/``), measuring.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from markupsafe import Markup

from rag_pipeline.evaluation.folder import EditedList, EditedQuestion, evaluation_folder
from rag_pipeline.settings import Settings
from ui.views.environment import render
from ui.views.language import gettext, message
from ui.views.language.formats import moment, number
from ui.views.plots import Line, Plot, drawing_of

if TYPE_CHECKING:
    from rag_pipeline.evaluation.results import Past

MEASURES = ("ndcg_at_10", "hit_at_1", "hit_at_5")
MOST_SHOWN = 50
COLUMNS = {"question": message("Question"), "document": message("Document"), "page": message("Page"), "answer": message("Answer")}
EMPTY_LINES = 3


def past_of(settings: Settings, collection: str) -> list[Past]:
    """The last measurements of a collection, oldest first.

    Raises:
        RagError: a result is damaged.
    """
    folder = evaluation_folder(settings, collection)
    if not folder.exists():
        return []
    from rag_pipeline.evaluation.results import history  # tables of polars: only where there is something to show

    return history(folder, MEASURES, MOST_SHOWN)


def quality_html(past: Sequence[Past], collection: str) -> str:
    """A line for nDCG of ten passages with its confidence band, and a table of the same, newest first."""
    drawn = [one for one in past if MEASURES[0] in one.figures]
    means, halves = (tuple(one.figures[MEASURES[0]][part] for one in drawn) for part in (0, 1))
    plot = Plot("nDCG@10", tuple(gettext("No. {number}", number=one.number) for one in drawn), (Line("nDCG@10", means, halves),), top=1.0)
    return render("quality/history.html", collection=collection, rows=[_row(one) for one in reversed(past)], drawing=drawing_of(plot))


def page_html(names: Sequence[str], collection: str, past: Sequence[Past], questions: str) -> str:
    """The tab: ``names`` are the collections to choose from, ``past`` and ``questions`` (HTML) are of the one that was chosen."""
    history = quality_html(past, collection)
    return render("quality/page.html", names=names, collection=collection, parts=[Markup(history), Markup(questions)])  # noqa: S704  Jinja's


def questions_html(collection: str, edited: EditedList) -> str:
    """The questions that are measured with, to be written, with lines for more."""
    lines = (*edited.questions, *[EditedQuestion("")] * EMPTY_LINES)
    return render("quality/questions.html", collection=collection, version=edited.version, columns=COLUMNS, lines=lines)


def _row(one: Past) -> tuple[str, ...]:
    when = moment(one.measured_at) if one.measured_at else ""
    figures = [
        f"{number(one.figures[name][0], 3)} ± {number(one.figures[name][1], 3)}" if name in one.figures else "–" for name in MEASURES
    ]
    return number(one.number), when, number(one.questions), *figures
