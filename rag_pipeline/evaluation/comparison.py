"""Whether the same questions are answered better or worse than before: paired differences, and how sure one can be of them.

Belongs here: the statistics, on tables of polars. Not here: measuring, where results are kept.

Questions about one document share its fate, so an interval is made by drawing documents (a cluster bootstrap; Field and Welsh 2007).
Whether a collection got worse on its own questions is asked of the questions alone, by Fisher's randomisation test (Smucker, Allan and
Carterette 2007). See ``docs/decisions/fusion.md``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import polars as pl

RESAMPLES = 9_999
CONFIDENCE = 0.95
_SEED = 20_070_811
"""Any number: the same results are to give the same intervals."""
_TIE = 1e-9
LOWER_IS_BETTER = ("refused_of_answerable", "harmed", "citations_of_nothing", "unverified_numbers", "unverified_sentences", "bad_again")
Values = pl.DataFrame
"""Columns ``question_id``, ``document`` (whose fate the question shares), ``measure``, ``value``."""
VALUES = pl.Schema({"question_id": pl.String, "document": pl.String, "measure": pl.String, "value": pl.Float64})


@dataclass(frozen=True, slots=True)
class Difference:
    """One measure on the questions that both results have. ``low`` and ``high`` enclose the true difference with 95 % confidence.

    ``wins`` are questions that are answered better than before, ``losses`` worse, whichever way the measure goes. ``chance_of_drop``: how
    likely so much of a drop would be if nothing had got worse (one-sided p).
    """

    measure: str
    questions: int
    documents: int
    before: float
    after: float
    difference: float
    low: float
    high: float
    wins: int
    losses: int
    ties: int
    chance_of_drop: float


def paired(before: Values, after: Values) -> pl.DataFrame:
    """Both values of each question and measure that both results have, and their ``difference``."""
    right = before.select("question_id", "measure", before="value")
    pairs = after.rename({"value": "after"}).join(right, on=["question_id", "measure"], how="inner")
    return pairs.with_columns(difference=pl.col("after") - pl.col("before")).sort("measure", "question_id")


def differences(pairs: pl.DataFrame) -> list[Difference]:
    """What changed, one measure after the other."""
    return [_difference(str(measure), part) for (measure,), part in pairs.group_by("measure", maintain_order=True)]


def _difference(measure: str, pairs: pl.DataFrame) -> Difference:
    sign = -1.0 if measure.rpartition(".")[2].endswith(LOWER_IS_BETTER) else 1.0
    better = pairs["difference"] * sign
    by_document = pairs.group_by("document", maintain_order=True).agg(pl.col("difference").sum(), pl.len().alias("questions"))
    clusters = by_document if len(by_document) > 1 else pairs.select("difference", questions=pl.lit(1))
    low, high = interval(clusters["difference"].to_list(), clusters["questions"].to_list())
    wins, losses = int((better > _TIE).sum()), int((better < -_TIE).sum())
    return Difference(
        measure, len(pairs), len(by_document), _mean(pairs["before"]), _mean(pairs["after"]), _mean(pairs["difference"]),
        low, high, wins, losses, len(pairs) - wins - losses, chance_of_drop(better.to_list()),
    )  # fmt: skip


def interval(sums: Sequence[float], counts: Sequence[int]) -> tuple[float, float]:
    """Enclose the mean of values that come in clusters, by the percentiles of a bootstrap that draws clusters.

    Args:
        sums: of each cluster's values.
        counts: how many values each cluster has.
    """
    mean = sum(sums) / sum(counts)
    if len(sums) < 2 or len({(round(one / count, 12)) for one, count in zip(sums, counts, strict=True)}) == 1:
        return mean, mean  # nothing varies between them
    import numpy as np
    from scipy.stats import bootstrap

    def mean_of(drawn: Any, sizes: Any, axis: int) -> Any:
        return drawn.sum(axis=axis) / sizes.sum(axis=axis)

    found = bootstrap(
        (np.asarray(sums, float), np.asarray(counts, float)), mean_of, paired=True, vectorized=True, method="percentile",
        n_resamples=RESAMPLES, confidence_level=CONFIDENCE, rng=np.random.default_rng(_SEED), batch=1_000,
    )  # fmt: skip
    return float(found.confidence_interval.low), float(found.confidence_interval.high)


def chance_of_drop(better: Sequence[float]) -> float:
    """How likely a mean as low as this is where each difference could as well have gone the other way: 1.0 where nothing changed.

    It is exact for few questions: of two that both got worse it says .25, where an interval by bootstrap would be certain.
    """
    changed = [one for one in better if abs(one) > _TIE]
    if not changed:
        return 1.0
    import numpy as np
    from scipy.stats import permutation_test

    def mean(values: Any, axis: int) -> Any:
        return values.mean(axis=axis)

    # A zero more changes nothing, and scipy wants two values.
    found = permutation_test(
        (np.asarray([*changed, 0.0], float),), mean, permutation_type="samples", alternative="less", vectorized=True,
        n_resamples=RESAMPLES, rng=np.random.default_rng(_SEED), batch=1_000,
    )  # fmt: skip
    return float(found.pvalue)


def _mean(values: pl.Series) -> float:
    return float(values.mean() or 0.0)  # type: ignore[arg-type]
