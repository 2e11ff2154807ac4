"""Where batches leave results for the commit: Parquet files by collection and step, each complete or not there at all.

Belongs here: names, atomic writes, listing. Not here: what the columns mean.

A batch touches no database, so it can run on any machine that sees this folder. What a killed run left complete is committed by the
next one: its rows are keyed by content, so they stay true.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
import uuid
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars

from rag_pipeline.stores.files import write_atomically

_REPORT = "report"


@dataclass(frozen=True, slots=True)
class Staging:
    """The staging folder of one step of one collection."""

    root: Path
    collection: str
    step: str

    @property
    def folder(self) -> Path:
        """Named by a hash: collections may be called anything."""
        return self.root / hashlib.sha256(self.collection.encode()).hexdigest()[:16] / self.step

    def new_batch(self) -> str:
        """A name that no other batch has."""
        return uuid.uuid4().hex

    def write_frame(self, name: str, frame: polars.DataFrame, report: Mapping[str, object] | None = None) -> Path:
        """Write a frame as ``<name>.parquet`` in one step. ``report``: what its maker says of it, see :meth:`reports`."""
        target = self.path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{os.getpid()}")
        frame.write_parquet(partial, metadata={_REPORT: json.dumps(report)} if report else None)
        partial.replace(target)
        return target

    def reports(self, files: Sequence[Path]) -> list[dict[str, Any]]:
        """What the makers of finished files said of them."""
        metadata = [polars.read_parquet_metadata(file) for file in files]
        return [json.loads(one[_REPORT]) for one in metadata if _REPORT in one]

    def write_plan(self, batch: str, plan: Sequence[Mapping[str, object]]) -> None:
        """Write what a batch is to do."""
        write_atomically(self.folder / f"{batch}.plan.json", json.dumps(list(plan)).encode())

    def read_plan(self, batch: str) -> list[dict[str, object]]:
        """What a batch is to do."""
        return list(json.loads((self.folder / f"{batch}.plan.json").read_bytes()))

    def path(self, name: str) -> Path:
        """The file of that name."""
        return self.folder / f"{name}.parquet"

    def complete(self, kind: str) -> list[Path]:
        """Finished files whose name ends in ``.<kind>.parquet``, of this run or an earlier one."""
        return sorted(file for file in self.folder.glob(f"*.{kind}.parquet") if not file.name.startswith("."))

    def remove(self, files: Sequence[Path]) -> None:
        """Remove committed files."""
        for file in files:
            file.unlink(missing_ok=True)

    def remove_stale(self, older_than_seconds: float) -> None:
        """Remove what killed runs left unfinished, once no living run can be at work on it any more."""
        limit = time.time() - older_than_seconds
        for file in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # a batch at work renames its files when they are complete
                if file.stat().st_mtime < limit:
                    file.unlink()

    def clear(self) -> None:
        """Remove all that is left of this step."""
        shutil.rmtree(self.folder, ignore_errors=True)
