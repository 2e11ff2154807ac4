"""Writes docs/benchmarks.md and its pictures from the results that the other programs kept.

    python bench/report.py

What was not measured has no section. Nothing is measured here; what is computed says so.
"""

from __future__ import annotations

import json
import math
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import environments
from measuring import median, percentile
from plots import TEMPLATES, Points, plot

STEPS = ("first ingest", "nothing changed", "one changed", "one deleted")
SCALE_STEPS = (*STEPS, "a tenth deleted", "all touched")
PAPER_SIZES = (10**5, 10**6, 10**7, 10**8)
LEAST_ON_PAPER = 10_000
BUSY = 2.5
"""A load of more than this many processes a core: others were at work, too."""
PAGE = environments.ROOT / "docs" / "benchmarks.md"
PICTURES = environments.ROOT / "docs" / "pictures"

Result = dict[str, Any]


def main() -> None:
    compared = [result for result in results("notes-*") + results("reports-*") + results("folder-*") if result["floor"]]
    scale = results("scale-*")
    if not compared and not scale:
        raise SystemExit(f"{environments.RESULTS} holds no results yet. Run: python bench/run_all.py --quick")
    parts = compared + scale
    loads = [part["load_at_end"] for part in parts if part["load_at_end"] > BUSY * (os.cpu_count() or 1)]
    page = TEMPLATES.get_template("benchmarks.md.j2").render(
        machines=machines(parts),
        busy=f"{max(loads):.0f}" if loads else "",
        compared=[compared_part(result) for result in compared],
        versions=versions(compared),
        scale=scale_part(scale) if scale else None,
        # Lines through the seconds of a busy machine would be taken for more than they are.
        pictures=[] if loads else pictures(compared, scale),
        paper=None if loads else on_paper(scale, compared),
        quality=quality(),
    )
    PAGE.write_text(re.sub(r"\n{3,}", "\n\n", page).strip() + "\n", encoding="utf-8")
    print(f"wrote {PAGE}")


def machines(parts: Sequence[Result]) -> list[dict[str, Any]]:
    """Each machine once, with the states of the code that were measured on it."""
    found: dict[str, dict[str, Any]] = {}
    for part in parts:
        about = {key: value for key, value in part["machine"].items() if key != "commit"}
        commits = found.setdefault(json.dumps(about), {**about, "commits": []})["commits"]
        commits += [commit for commit in [part["machine"]["commit"]] if commit not in commits]
    return list(found.values())


def results(pattern: str) -> list[Result]:
    """Kept results by name, the smallest size first."""
    files = sorted(environments.RESULTS.glob(f"{pattern}.json"), key=lambda file: (len(file.stem), file.stem))
    return [{"name": file.stem, **json.loads(file.read_text(encoding="utf-8"))} for file in files]


def compared_part(result: Result) -> dict[str, Any]:
    corpus = result["corpus"]
    kind = {"notes": "small notes", "reports": "annual reports of 90 pages", "folder": "files"}[corpus["kind"]]
    return {
        "title": f"Beside its peers: {corpus['files']:,} {kind}",
        "about": f"{corpus['bytes'] / 1e6:,.1f} MB.",
        "runs": result["runs"],
        "steps": STEPS,
        "rows": [contender_row(name, figures) for name, figures in result["contenders"].items()],
        "floor": floor_words(result),
    }


def contender_row(name: str, figures: Mapping[str, Any]) -> dict[str, Any]:
    if figures["error"]:
        return {"name": name, "error": figures["error"].replace("|", "/").replace("\n", " ")}
    steps = figures["steps"]
    ends = [step["seconds"] for step in steps["first ingest"]]
    first, everything = (median(figures.get(key) or ends) for key in ("first_answer", "all_answer"))
    return {
        "name": f"**{name}**" if name == "rag" else name,
        "chunks": f"{figures['chunks']:,}",
        "cells": [cell(steps[step]) for step in STEPS],
        "first_answer": f"{first:.1f} / {everything:.1f}",
        "search": f"{percentile(figures['search_ms'], 50):.1f} / {percentile(figures['search_ms'], 95):.1f}",
        "peak": f"{max(step['peak_mb'] for steps in steps.values() for step in steps):.0f}",
        "changed": "yes" if figures["changed_answers"] else "**no**",
        "deleted": "**yes**" if figures["deleted_answers"] else "no",
    }


def cell(runs: Sequence[Mapping[str, float]]) -> str:
    return f"{median([run['seconds'] for run in runs]):.1f} / {median([run['processor'] for run in runs]):.1f}"


def floor_words(result: Result) -> dict[str, str]:
    floors, first = result["floor"], result["contenders"]["rag"]["steps"]["first ingest"]
    seconds, processor = (median([floor[key] for floor in floors]) for key in ("seconds", "processor"))
    return {
        "chunks": f"{floors[0]['chunks']:,}",
        "dtype": floors[0]["dtype"],
        "seconds": f"{seconds:.1f}",
        "processor": f"{processor:.1f}",
        "load": f"{median([floor['load_seconds'] for floor in floors]):.1f}",
        "ratio": f"{median([run['seconds'] for run in first]) / seconds:.2f}",
        "processor_ratio": f"{median([run['processor'] for run in first]) / processor:.2f}",
    }


def versions(compared: Sequence[Result]) -> dict[str, str]:
    return {name: figures["versions"] for result in compared for name, figures in result["contenders"].items() if "versions" in figures}


def chunks_of(result: Result) -> int:
    return int(result["name"].removeprefix("scale-"))


def scale_part(scale: Sequence[Result]) -> dict[str, Any]:
    return {"steps": SCALE_STEPS, "rows": [scale_row(result) for result in scale]}


def scale_row(result: Result) -> dict[str, Any]:
    steps, search, recall, disk = result["steps"], result["search"], result["recall"], result["disk"]
    known = "error" not in recall
    return {
        "chunks": f"{chunks_of(result):,}",
        "documents": f"{result['documents']:,}",
        "cells": [cell(steps[step]) for step in SCALE_STEPS],
        "peak": " / ".join(f"{max(run['peak_mb'] for run in steps[step]):.0f}" for step in STEPS[:2]),
        "search": f"{search['p50_ms']:.1f} / {search['p95_ms']:.1f}",
        "search_peak": f"{search['peak_mb']:.0f}",
        "engine": f"{recall['engine_ms']:.1f}" if known else "–",
        "exact": f"{recall['exact_ms']:.1f}" if known else "–",
        "recall": f"{recall['recall']:.3f}" if known else recall["error"],
        "index": f"{disk['index'] / 1e6:,.0f}",
        "catalog": f"{disk['catalog'] / 1e6:,.0f}",
    }


def pictures(compared: Sequence[Result], scale: Sequence[Result]) -> list[dict[str, str]]:
    """Draws what there are two sizes of, and names what was drawn."""
    drawn = [
        ("bench-scale-steps.svg", "Work at scale: seconds of rag ingest", "chunks", "seconds", scale_lines(scale)),
        ("bench-scale-search.svg", "Search at scale", "chunks", "milliseconds", search_lines(scale)),
        ("bench-scale-memory.svg", "Memory at scale: largest process", "chunks", "MB", memory_lines(scale)),
        *((f"bench-{step.replace(' ', '-')}.svg", f"{step.capitalize()}: small notes", "documents", "seconds", peer_lines(compared, step))
          for step in STEPS[:3]),
    ]  # fmt: skip
    return [
        {"file": file, "title": title} for file, title, x, y, lines in drawn if plot(PICTURES / file, f"{title} (log scales)", x, y, lines)
    ]


def scale_lines(scale: Sequence[Result]) -> dict[str, Points]:
    def line(step: str) -> Points:
        return [(chunks_of(result), median([run["seconds"] for run in result["steps"][step]])) for result in scale]

    return {**{step: line(step) for step in SCALE_STEPS if step != "nothing changed"}, "floor: nothing changed": line("nothing changed")}


def search_lines(scale: Sequence[Result]) -> dict[str, Points]:
    measured = [result for result in scale if "error" not in result["recall"]]
    return {
        "p95": [(chunks_of(result), result["search"]["p95_ms"]) for result in scale],
        "p50": [(chunks_of(result), result["search"]["p50_ms"]) for result in scale],
        "engine alone": [(chunks_of(result), result["recall"]["engine_ms"]) for result in measured],
        "floor: exact scan": [(chunks_of(result), result["recall"]["exact_ms"]) for result in measured],
    }


def memory_lines(scale: Sequence[Result]) -> dict[str, Points]:
    def line(step: str) -> Points:
        return [(chunks_of(result), max(run["peak_mb"] for run in result["steps"][step])) for result in scale]

    search = [(chunks_of(result), result["search"]["peak_mb"]) for result in scale]
    return {"first ingest": line("first ingest"), "one changed": line("one changed"), "search": search, "nothing changed": line(STEPS[1])}


def peer_lines(compared: Sequence[Result], step: str) -> dict[str, Points]:
    notes = [result for result in compared if result["corpus"]["kind"] == "notes"]
    lines: dict[str, list[tuple[float, float]]] = {}
    for result in notes:
        size = result["corpus"]["files"]
        for name, figures in result["contenders"].items():
            if not figures["error"]:
                lines.setdefault(name, []).append((size, median([run["seconds"] for run in figures["steps"][step]])))
        if step == "first ingest":
            lines.setdefault("floor: bare model", []).append((size, median([floor["seconds"] for floor in result["floor"]])))
    return dict(lines)


def on_paper(scale: Sequence[Result], compared: Sequence[Result]) -> dict[str, Any] | None:
    """Straight lines through the two largest sizes; None where there are not two, they are too small, or the model was not measured."""
    if len(scale) < 2 or not compared or chunks_of(scale[-1]) < LEAST_ON_PAPER:
        return None
    one, two = scale[-2:]
    floor = max((floor for result in compared for floor in result["floor"]), key=lambda floor: floor["chunks"])
    embedding = floor["seconds"] / floor["chunks"]
    rows = [paper_row(size, one, two, embedding) for size in PAPER_SIZES]
    return {"sizes": f"{chunks_of(one):,} and {chunks_of(two):,}", "embedding_ms": f"{1000 * embedding:.1f}", "rows": rows}


def paper_row(size: int, one: Result, two: Result, embedding: float) -> list[str]:
    def line(of: Any) -> float:
        slope = max(0.0, (of(two) - of(one)) / (chunks_of(two) - chunks_of(one)))
        return float(of(two) + slope * (size - chunks_of(two)))

    def seconds(step: str) -> Any:
        return lambda result: median([run["seconds"] for run in result["steps"][step]])

    return [
        f"{size:,}",
        f"{line(lambda result: sum(result['disk'].values())) / 1e9:,.1f}",
        f"{line(lambda result: result['search']['peak_mb']) / 1e3:,.1f}",
        f"{size * embedding / 3600:,.1f}",
        f"{line(seconds('first ingest')) / 3600:,.2f}",
        f"{line(seconds('nothing changed')):,.0f}",
        f"{line(seconds('one changed')):,.0f}",
        f"{two['search']['p95_ms'] * (size / chunks_of(two)) ** search_growth(one, two):,.0f}",
    ]


def search_growth(one: Result, two: Result) -> float:
    """The exponent by which a search's time grows with the number of chunks: 0 not at all, 1 as they do."""
    ratio = two["search"]["p95_ms"] / one["search"]["p95_ms"]
    return max(0.0, math.log(ratio) / math.log(chunks_of(two) / chunks_of(one)))


def quality() -> list[dict[str, Any]]:
    """Tables of ``rag eval --json``, one set after the other. Its latencies are left out: they are measured better above."""
    tables = []
    for file in sorted(environments.RESULTS.glob("quality-*.json")):
        for name, values in json.loads(Path(file).read_text(encoding="utf-8")).items():
            if name not in ("refusal_curve", "latency_ms"):
                shown = {measure: f"{value:.0f}" if measure == "questions" else f"{value:.3f}" for measure, value in values.items()}
                tables.append({"name": f"{file.stem.removeprefix('quality-')}: {name}", "figures": shown})
    return tables


if __name__ == "__main__":
    main()
