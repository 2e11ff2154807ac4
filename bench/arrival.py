"""How long files take from the watched folder to the answers, under a `rag up` that has nothing else to do, and where the time goes.

    python bench/arrival.py [--files 10]
    python bench/arrival.py --folder FOLDER

Drops small files one by one, at odd times, and asks the API until it finds each. ``--folder``: drops all files of a folder at once instead,
and waits until the first answers, until all are found by their words, and until all have vectors. The parts are read from Dagster's
records: the sensor's tick, the queue, the start of the run's process, and each step.
"""

from __future__ import annotations

import argparse
import os
import random
import shutil
import sqlite3
import statistics
import time
import urllib.error
from collections import defaultdict
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from at_rest import Running, processor, running

PART_ENDS = {"PIPELINE_ENQUEUED": "noticed, settled, asked for", "PIPELINE_STARTING": "queue", "PIPELINE_START": "process started"}


def drop(up: Running, word: str) -> tuple[float, float]:
    """When the file was there, and when it was found (seconds since 1970)."""
    aside = up.uploads / f".{word}"
    aside.write_text(f"The {word} stands in the third room on the left.\n")
    aside.rename(up.uploads / f"{word}.txt")
    dropped = time.time()
    while True:
        try:
            hits = up.call("search", {"question": f"Where does the {word} stand?"})["hits"]
        except urllib.error.HTTPError:  # nothing is indexed yet
            hits = []
        if any(hit["document"] == f"{word}.txt" for hit in hits):
            return dropped, time.time()
        time.sleep(0.05)


def drop_all(up: Running, folder: Path) -> None:
    """Prints when the first, when all can be found, and what the first run's time went into."""
    files = [file for file in folder.iterdir() if file.is_file()]
    aside = up.uploads / ".aside"
    shutil.copytree(folder, aside)
    for file in aside.iterdir():
        file.rename(up.uploads / file.name)
    dropped, last, answers = time.time(), "", False
    while True:
        now, found = time.time() - dropped, up.call("ingestion")["collections"]
        one = found[0] if found else {"stages": {}, "passages": 0, "vectors": 0, "documents": 0}
        state = f"{one['passages']} passages, {one['vectors']} vectors, {dict(sorted(one['stages'].items()))}"
        if state != last:
            print(f"{now:6.1f} s  {state}", flush=True)
        if one["passages"] and not answers:
            answers = True
            for name, seconds in parts(up.data / "dagster", dropped, dropped + now).items():
                print(f"    {seconds:7.2f} s  {name}")
        last = state
        if one["documents"] >= len(files) and one["complete"]:
            return
        time.sleep(0.1)


def events(home: Path) -> list[tuple[float, str, str | None]]:
    """Time, kind and step of every event of the newest run, in order."""
    records = max((home / "history" / "runs").glob("*-*.db"), key=lambda path: path.stat().st_mtime)
    with closing(sqlite3.connect(records)) as connection:
        rows = connection.execute("SELECT timestamp, dagster_event_type, step_key FROM event_logs ORDER BY id").fetchall()
    return [(datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp(), kind, step) for moment, kind, step in rows if kind]


def parts(home: Path, dropped: float, found: float) -> dict[str, float]:
    """Seconds of each part of the way, in order."""
    spent: dict[str, float] = defaultdict(float)
    last = dropped
    for moment, kind, step in events(home):
        name = step if kind == "STEP_SUCCESS" else PART_ENDS.get(kind)
        if name and moment <= found:
            spent[name] += moment - last
            last = moment
    spent["until the search found it"] = found - last
    return spent


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--files", type=int, default=10)
    parser.add_argument("--folder", type=Path)
    options = parser.parse_args()
    with running() as up:
        print(f"{processor()}; load {os.getloadavg()[0]:.1f}")
        up.wait_until_ready()
        if options.folder:
            time.sleep(10)  # the sensor's first tick waits already
            drop_all(up, options.folder)
            return
        drop(up, "warmup")  # makes the collection, loads the app's model
        times: list[float] = []
        table: dict[str, list[float]] = defaultdict(list)
        for number in range(options.files):
            time.sleep(random.uniform(20, 40))  # the run before has ended, and the sensor's tick is anywhere
            dropped, found = drop(up, f"lamp{number}x{random.randrange(10**6)}")
            times.append(found - dropped)
            for name, seconds in parts(up.data / "dagster", dropped, found).items():
                table[name].append(seconds)
            print(f"{times[-1]:.1f} s", flush=True)
        late = sorted(times)[int(0.95 * (len(times) - 1))]
        print(f"median {statistics.median(times):.1f} s, p95 {late:.1f} s, load {os.getloadavg()[0]:.1f}")
        for name, seconds in table.items():
            print(f"{statistics.median(seconds):7.2f} s  {name}")


if __name__ == "__main__":
    main()
