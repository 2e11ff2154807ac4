"""All benchmarks, one part after the other, then the page.

    python bench/run_all.py [--quick] [--resume] [--parts notes reports scale report]

A part whose result is kept is measured again, unless ``--resume`` is given: after an interruption, say.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
from pathlib import Path

import environments

Part = tuple[str, str, list[str]]
"""Its kind, the name of its result, and the program with its arguments."""


def parts(quick: bool) -> list[Part]:
    notes, reports = ((1448,), ()) if quick else ((100, 1448, 10_000), (8,))
    sizes = (100, 1_000, 20_000) if quick else (100, 1_000, 10_000, 20_000, 100_000)
    runs = 1 if quick else 3
    return [
        *(("notes", f"notes-{n}", ["compare.py", "notes", "--count", f"{n}", "--runs", f"{runs if n < 10_000 else 1}"]) for n in notes),
        *(("reports", f"reports-{n}", ["compare.py", "reports", "--count", f"{n}", "--runs", f"{runs}"]) for n in reports),
        *(("scale", f"scale-{n}", ["scale.py", "--sizes", f"{n}", "--runs", f"{runs}"]) for n in sizes),
        ("report", "", ["report.py"]),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="some ten minutes on two quiet cores instead of hours")
    parser.add_argument("--resume", action="store_true", help="leave out what has a result")
    parser.add_argument("--parts", nargs="*", default=["notes", "reports", "scale", "report"])
    arguments = parser.parse_args()
    failed = []
    for kind, name, command in parts(arguments.quick):
        if kind not in arguments.parts or (arguments.resume and name and environments.load(name)):
            continue
        program, *options = command
        if subprocess.run([sys.executable, str(Path(__file__).with_name(program)), *options]).returncode:
            failed.append(" ".join(command))
    if failed:
        raise SystemExit("These parts failed, and the page is without them: " + "; ".join(failed))


if __name__ == "__main__":
    main()
