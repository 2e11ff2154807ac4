"""``rag backup`` and ``rag restore``: their words and the bar.

Belongs here: what is said. Not here: any of the work (``rag_pipeline/backup``).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from rag_pipeline.backup.making import UPLOADS, Progress, back_up
from rag_pipeline.backup.manifest import BackupManifest
from rag_pipeline.backup.restoring import restore
from rag_pipeline.backup.snapshot import TOKENS_FILE
from rag_pipeline.cli.printing import printable
from rag_pipeline.settings import Settings

_NEVER = "passwords.txt, .env and other keys, the history of Dagster's runs"


def make_backup(settings: Settings, target: str, *, with_uploads: bool) -> None:
    """Make a backup, and say what it holds and what it does not.

    Raises:
        RagError: see :func:`rag_pipeline.backup.making.back_up`.
    """
    with _bar("Packing") as progress:
        manifest = back_up(settings, target, with_uploads=with_uploads, say=_say, progress=progress)
    size = sum(part.size_bytes for part in manifest.parts)
    click.echo(f"Backed up {_contents(manifest)}: {size / 1e6:,.2f} MB at {target}")
    left_out = [] if with_uploads else [f"the documents themselves ({settings.uploads}; --uploads takes them along)"]
    click.echo(f"Not in it: {', '.join([*left_out, _NEVER])}.")


def restore_backup(settings: Settings, target: str, *, replace: bool) -> None:
    """Restore a backup, and say what to do next.

    Raises:
        RagError: see :func:`rag_pipeline.backup.restoring.restore`.
    """
    with _bar("Unpacking and verifying") as progress:
        manifest = restore(settings, target, replace=replace, say=_say, progress=progress)
    click.echo(f"Restored {_contents(manifest)}, as they were on {manifest.made_at[:16].replace('T', ' ')} UTC.")
    tokens = settings.data / TOKENS_FILE
    if tokens.exists() and not settings.api_tokens:
        click.echo(f"Its access tokens (their hashes) stand in {tokens}: put them into RAG_API_TOKENS to let the same people in.")
    if manifest.contents.get(UPLOADS) and settings.uploads != settings.data / UPLOADS:
        click.echo(f"Its documents lie in {settings.data / UPLOADS}. Copy them to {settings.uploads}.")
    elif not manifest.contents.get(UPLOADS):
        click.echo(f"The documents themselves were not in it. They have to be in {settings.uploads} before the next run.")


def _contents(manifest: BackupManifest) -> str:
    words = [f"{count:,} {word if count != 1 else word.removesuffix('s')}" for word, count in manifest.contents.items() if count]
    return ", ".join(words) or "what there was"


def _say(words: str) -> None:
    click.echo(printable(words), err=True)


@contextmanager
def _bar(label: str) -> Iterator[Progress]:
    with click.progressbar(length=1000, label=label, file=sys.stderr) as bar:
        done = 0

        def progress(more: int, total: int) -> None:
            nonlocal done
            done += more
            bar.update(max(0, min(1000, 1000 * done // max(1, total)) - bar.pos))

        yield progress
