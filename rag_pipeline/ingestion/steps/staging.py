"""Where batches leave results for the commit: Parquet files by collection and step, each complete or not there at all.

Belongs here: names, atomic writes, listing, the copy that other machines see. Not here: what the columns mean.

A batch touches no database, so it can run on any machine that sees this folder, or the objects in its place (``RAG_STAGING_URL``): then the
folder holds only what is being written or read here. What a killed run left complete is committed by the next one: its rows are keyed by
content, so they stay true.
"""

from __future__ import annotations

import hashlib
import io
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
from rag_pipeline.stores.objects import ObjectGoneError, ObjectStore

_REPORT = "report"


@dataclass(frozen=True, slots=True)
class Staging:
    """The staging folder of one step of one collection."""

    root: Path
    collection: str
    step: str
    shared: ObjectStore | None = None

    @property
    def folder(self) -> Path:
        """Named by a hash: collections may be called anything."""
        return self.root / self._place

    @property
    def _place(self) -> str:
        return f"{hashlib.sha256(self.collection.encode()).hexdigest()[:16]}/{self.step}"

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
        self._hand_over(target)
        return target

    def reports(self, files: Sequence[Path]) -> list[dict[str, Any]]:
        """What the makers of finished files said of them."""
        metadata = [polars.read_parquet_metadata(file) for file in files]
        return [json.loads(one[_REPORT]) for one in metadata if _REPORT in one]

    def write_plan(self, batch: str, plan: Sequence[Mapping[str, object]]) -> None:
        """Write what a batch is to do."""
        target = self.plan_path(batch)
        write_atomically(target, json.dumps(list(plan)).encode())
        self._hand_over(target)

    def read_plan(self, batch: str) -> list[dict[str, object]]:
        """What a batch is to do.

        Raises:
            FileNotFoundError: somebody did it already.
        """
        return list(json.loads(self._read(self.plan_path(batch))))

    def read_frame(self, name: str) -> polars.DataFrame:
        """A frame by its name.

        Raises:
            FileNotFoundError: it is not there any more.
        """
        return polars.read_parquet(self._read(self.path(name)))

    def path(self, name: str) -> Path:
        """The file of that name."""
        return self.folder / f"{name}.parquet"

    def plan_path(self, batch: str) -> Path:
        """The file that says what a batch is to do."""
        return self.folder / f"{batch}.plan.json"

    def hand_over(self, beginning: str) -> None:
        """Let other machines see the finished files whose names begin so, where somebody else than :meth:`write_frame` wrote them."""
        for file in self._finished(f"{beginning}*.parquet"):
            self._hand_over(file)

    def complete(self, kind: str) -> list[Path]:
        """Finished files whose name ends in ``.<kind>.parquet``, of this run or an earlier one, of this machine or another."""
        if not self.shared:
            return self._finished(f"*.{kind}.parquet")
        names = [found.key.rpartition("/")[2] for found in self.shared.list(f"{self._place}/")]
        return [self._fetched(name) for name in sorted(names) if name.endswith(f".{kind}.parquet")]

    def remove(self, files: Sequence[Path]) -> None:
        """Remove committed files."""
        for file in files:
            if self.shared:
                self.shared.delete(self._key(file))
            file.unlink(missing_ok=True)

    def remove_stale(self, older_than_seconds: float) -> None:
        """Remove what killed runs left unfinished, once no living run can be at work on it any more."""
        limit = time.time() - older_than_seconds
        for file in self.folder.glob("*"):
            with suppress(FileNotFoundError):  # a batch at work renames its files when they are complete
                if file.stat().st_mtime < limit:
                    file.unlink()

    def remove_stale_objects(self, older_than_seconds: float) -> None:
        """The same of what other machines left, by the storage's own clock: the newest object says how late it is there at least."""
        if self.shared:
            found = list(self.shared.list(f"{self._place}/"))
            limit = max((one.modified_at for one in found), default=0.0) - older_than_seconds
            for one in found:
                if one.modified_at < limit:
                    self.shared.delete(one.key)

    def clear(self) -> None:
        """Remove all that is left of this step."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def _finished(self, pattern: str) -> list[Path]:
        return sorted(file for file in self.folder.glob(pattern) if not file.name.startswith("."))

    def _hand_over(self, file: Path) -> None:
        """It goes on its way whole; here it would only take up room."""
        if self.shared:
            with file.open("rb") as source:
                self.shared.put(self._key(file), source)
            file.unlink()

    def _read(self, file: Path) -> bytes:
        if not self.shared:
            return file.read_bytes()
        content = io.BytesIO()
        try:
            self.shared.get(self._key(file), content)
        except ObjectGoneError:
            raise FileNotFoundError(file) from None
        return content.getvalue()

    def _fetched(self, name: str) -> Path:
        """A file that other machines wrote, now also here. What has come once does not change: names are used once."""
        file = self.folder / name
        if self.shared and not file.exists():
            file.parent.mkdir(parents=True, exist_ok=True)
            partial = file.with_name(f".{name}.{os.getpid()}")
            with partial.open("wb") as target:
                self.shared.get(self._key(file), target)
            partial.replace(file)
        return file

    def _key(self, file: Path) -> str:
        return f"{self._place}/{file.name}"
