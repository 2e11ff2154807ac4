"""``rag``: the command line. Arguments in, words or one JSON document out.

Belongs here: commands, printing. Not here: any work; slow imports stand in the command that needs them.
"""

from __future__ import annotations

import asyncio
import atexit
import json
import os
import sys
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from functools import partial, wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any, ParamSpec, TypeVar

import click

from rag_pipeline.cli.printing import printable
from rag_pipeline.document_life import stage_of
from rag_pipeline.errors import RagError
from rag_pipeline.privacy import switch_off_telemetry
from rag_pipeline.settings import Settings, UnfinishedRestoreError, load_settings

if TYPE_CHECKING:
    from rag_pipeline.answering.scope import Scope
    from rag_pipeline.models import Answered, AnswerEvent, Hit, Nearest, Refused
    from rag_pipeline.stores.catalog.database import DocumentStatus

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document and nothing else.")
collection_option = click.option("--collection", "-c", "collections", multiple=True, help="Only this collection; may be repeated.")

_DATE = click.DateTime(["%Y-%m-%d", "%Y-%m-%dT%H:%M:%S"])


def filter_options(function: Callable[Parameters, Result]) -> Callable[Parameters, Result]:
    """The options that narrow a search to some documents."""
    options = (
        click.option("--folder", default="", help="Only documents in this folder of a collection, or below it."),
        click.option("--type", "types", multiple=True, help="Only files with this ending, such as pdf; may be repeated."),
        click.option("--since", type=_DATE, help="Only files changed on this day or later."),
        click.option("--before", type=_DATE, help="Only files changed before this day."),
        click.option("--tag", "tags", multiple=True, help="Only documents with this tag; may be repeated: with all of them."),
    )
    for option in reversed(options):
        function = option(function)
    return function


def main() -> None:
    """Entry point of ``rag``."""
    switch_off_telemetry(os.environ)
    status = 1
    atexit.register(lambda: _leave(status))  # what is registered first is called last
    try:
        cli(prog_name="rag")
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else int(bool(end.code))
        raise


def _leave(status: int) -> None:
    """End the process without taking the interpreter apart: with the model's libraries loaded that takes 1.5 s and frees nothing."""
    if "torch" in sys.modules:
        for stream in filter(None, (sys.stdout, sys.stderr)):  # None where it was closed before the start
            stream.flush()
        os._exit(status)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(package_name="rag-pipeline")
def cli() -> None:
    """Drop documents into a folder, ask questions, get answers that cite the page."""


def command(function: Callable[Parameters, Result], name: str | None = None) -> click.Command:
    """A command of ``rag``, by the function's name or another, whose :class:`RagError` is shown as words, with exit status 1."""

    @wraps(function)
    def shown(*arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        try:
            try:
                return function(*arguments, **options)
            except UnfinishedRestoreError as error:  # raised before anything was done
                _finish_restore(error.settings)
                return function(*arguments, **options)
        except RagError as error:
            raise click.ClickException(str(error)) from error

    return cli.command(name)(shown)


def _finish_restore(settings: Settings) -> None:
    from rag_pipeline.backup.replacement import finish_replacement

    click.echo(f"Finishing the restore of {settings.data} that was killed …", err=True)
    finish_replacement(settings)


@command
def up() -> None:
    """Start Dagster and the app; Ctrl-C stops both."""
    from rag_pipeline.cli.up import run_up

    sys.exit(run_up(load_settings()))


@command
@click.argument("queues", nargs=-1)
@click.option("--alive", is_flag=True, help="Only say whether the one that runs here is well.")
def worker(queues: tuple[str, ...], alive: bool) -> None:
    """Do batches of runs on other machines: extracted_text (reading), embeddings, or both. Ends by Ctrl-C or SIGTERM."""
    from rag_pipeline.cli.worker import require_life, run_worker

    if alive:
        require_life(load_settings())
    else:
        run_worker(load_settings(), queues)


@command
@click.argument("collections", nargs=-1)
@click.option("--full", is_flag=True, help="Do again what is up to date.")
@click.option("--confirm-deletions", is_flag=True, help="Files that are missing were deleted, however many they are.")
@click.option("--continue", "go_on", is_flag=True, help="End their pause first.")
def ingest(collections: tuple[str, ...], full: bool, confirm_deletions: bool, go_on: bool) -> None:
    """Bring collections (default: all that are not paused) up to date with the folder, here and now."""
    from rag_pipeline.cli.ingest import ingest_collections

    _show_failures(ingest_collections(load_settings(), collections, full, confirm_deletions, go_on))


@command
@click.argument("collections", nargs=-1)
def pause(collections: tuple[str, ...]) -> None:
    """Let the work on collections (default: everything) rest until `rag continue`; what is at work ends within seconds."""
    from rag_pipeline.cli.ingest import pause_collections

    click.echo(pause_collections(load_settings(), collections))


@partial(command, name="continue")
@click.argument("collections", nargs=-1)
def carry_on(collections: tuple[str, ...]) -> None:
    """End the pause of collections (default: of everything)."""
    from rag_pipeline.cli.ingest import continue_collections

    click.echo(continue_collections(load_settings(), collections))


@command
@click.argument("collection")
def stop(collection: str) -> None:
    """Cancel the work on a collection and pause it; what was finished is kept."""
    from rag_pipeline.cli.ingest import stop_collection

    click.echo(stop_collection(load_settings(), collection))


@command
@click.argument("documents", nargs=-1)
@collection_option
@click.option("--failed", is_flag=True, help="All documents that cannot be answered from.")
@click.option("--again", is_flag=True, help="Those named, although they have not failed.")
def retry(documents: tuple[str, ...], collections: tuple[str, ...], failed: bool, again: bool) -> None:
    """Read failed documents again: those named as in `rag status`, or all that failed (--failed, or --collection alone)."""
    from rag_pipeline.cli.ingest import retry_documents

    if bool(documents) == (failed or (bool(collections) and not documents)):
        raise click.UsageError("Name documents, or ask for all that failed with --failed or --collection.")
    if again and not documents:
        raise click.UsageError("Name the documents to read again. A whole collection: rag ingest --full COLLECTION")
    _show_failures(retry_documents(load_settings(), documents, collections, again=again))


@command
@click.argument("collection")
def rollback(collection: str) -> None:
    """Answer from the version of a collection's index before the current one, until the next run; twice: as it was."""
    from rag_pipeline.ingestion.folder.listing import escape_collection
    from rag_pipeline.ingestion.rollback import roll_back
    from rag_pipeline.stores.catalog import open_catalog

    settings = load_settings()
    name = collection if collection in open_catalog(settings).collections() else escape_collection(collection)
    click.echo(roll_back(settings, name).message)


@command
@click.option("--to", required=True, metavar="URL|embedded", help="A Qdrant server, or the index in the data folder.")
@collection_option
@click.option("--overwrite", is_flag=True, help="Replace collections there that are other ones.")
def move(to: str, collections: tuple[str, ...], overwrite: bool) -> None:
    """Copy the published index to a Qdrant server, or back, without embedding again."""
    from rag_pipeline.cli.move import move_index
    from rag_pipeline.ingestion.folder.listing import escape_collection

    _show_failures(move_index(load_settings(), to, [escape_collection(name) for name in collections], overwrite=overwrite))


@command
@click.argument("target")
@click.option("--uploads", is_flag=True, help="The documents themselves too.")
def backup(target: str, uploads: bool) -> None:
    """Back up all that is kept to a folder, a .zip file, or s3://bucket/prefix, while everything runs."""
    from rag_pipeline.cli.backup import make_backup

    make_backup(load_settings(), target, with_uploads=uploads)


@command
@click.argument("target")
@click.option("--replace", is_flag=True, help="Lose what is there.")
def restore(target: str, replace: bool) -> None:
    """Put back what `rag backup` made. Stop `rag up` first."""
    from rag_pipeline.cli.backup import restore_backup

    restore_backup(load_settings(), target, replace=replace)


def _show_failures(failures: Sequence[str]) -> None:
    if failures:
        raise click.ClickException("\n".join(failures))


@command
@json_option
@click.option("--watch", is_flag=True, help="Show how far the work is, until Ctrl-C; on a pipe a line for each change.")
def status(as_json: bool, watch: bool) -> None:
    """Show every document with its state."""
    if watch:
        from rag_pipeline.cli.watching import watch_progress

        watch_progress(load_settings(), as_json=as_json)
    else:
        _show_status(load_settings(), as_json=as_json)


def _show_status(settings: Settings, *, as_json: bool) -> None:
    from rag_pipeline.cli.ingest import show_held
    from rag_pipeline.ingestion.progress.live import files_being_read
    from rag_pipeline.stores.catalog import open_catalog

    rows, now = open_catalog(settings).documents(), files_being_read(settings)
    if as_json:
        _print_json([_status_row(row, row.file in now) for row in rows])
    elif not rows:
        click.echo(f"No documents yet. Put files into {settings.uploads} and run: rag ingest")
    else:
        counts = Counter(row.state for row in rows)
        summary = ", ".join(f"{count} {state}" for state, count in sorted(counts.items()))
        click.echo("\n".join([*(_status_line(row, row.file in now) for row in rows), summary]))
    looks = _folder_problems, _index_problems
    problems = [problem for look in looks for problem in _told(look, settings, sorted({row.collection for row in rows}))]
    show_held(settings)
    if problems:
        raise RagError("\n".join(problems))


def _told(look: Callable[[Settings, list[str]], None], settings: Settings, collections: list[str]) -> list[str]:
    """What of the system is out of reach, in words: the documents are shown all the same."""
    try:
        look(settings, collections)
    except RagError as error:
        return [str(error)]
    return []


def _folder_problems(settings: Settings, _: list[str]) -> None:
    from rag_pipeline.ingestion.folder.watched import watched_folder

    if settings.uploads_dir is not None:  # the default one is made when it is needed
        folder = watched_folder(settings)
        folder.prepare()
        folder.folders()


def _index_problems(settings: Settings, collections: list[str]) -> None:
    from rag_pipeline.ingestion.rollback import in_words, rolled_back
    from rag_pipeline.ingestion.unread import unread_collections
    from rag_pipeline.stores.vectors import open_index

    index = open_index(settings)
    for damage in index.damaged():
        click.echo(str(damage), err=True)
    for manifest in rolled_back(index, collections or index.collections()):
        click.echo(in_words(manifest), err=True)
    for collection, message in unread_collections(settings).items():
        click.echo(f"{collection}: {message}", err=True)


def _status_row(row: DocumentStatus, is_read_now: bool = False) -> dict[str, object]:
    names = ("document", "collection", "state", "error_code", "error", "attempts", "pages", "chunks", "vectors", "size_bytes")
    shown: dict[str, object] = {name: getattr(row, name) for name in names}
    shown["stage"] = stage_of(row.state, row.chunks, row.vectors, is_read_now=is_read_now, is_leaving=row.is_leaving)
    shown["indexed_at"] = f"{row.indexed_at.isoformat()}Z" if row.indexed_at else None
    shown["warnings"] = list(row.warnings)
    held = row.deletion_held_since
    return {**shown, "deletion_held_since": f"{held.isoformat()}Z"} if held else shown


def _status_line(row: DocumentStatus, is_read_now: bool = False) -> str:
    pages = f"{row.pages} pages, " if row.pages else ""
    answers = f"{pages}{row.chunks} chunks" if row.chunks or row.state != "indexed" else "an archive, whose files are documents"
    detail = row.error or answers
    held = "  (its file is missing; the deletion is held)" if row.deletion_held_since else ""
    stage = stage_of(row.state, row.chunks, row.vectors, is_read_now=is_read_now, is_leaving=row.is_leaving)
    lines = [f"{stage:<11} {row.collection}/{printable(row.document)}  {detail}{held}"]
    return "\n".join([*lines, *(f"{'':<11} warning: {printable(warning)}" for warning in row.warnings)])


@command
@click.argument("question")
@collection_option
@filter_options
@click.option("--top-k", "-k", type=click.IntRange(1, 100), help="Number of passages.  [default: RAG_TOP_K]")
@json_option
def search(question: str, collections: tuple[str, ...], top_k: int | None, as_json: bool, **wanted: Any) -> None:
    """Show the passages that match a question best."""
    from rag_pipeline.answering.answerer import build_answerer

    settings = load_settings()
    answerer = build_answerer(settings)
    scope = _scope(settings, collections, **wanted)
    found = asyncio.run(answerer.retriever.retrieve(question, scope, top_k or settings.top_k))
    hits = found.hits
    if found.coverage.reason:
        click.echo(f"Found by words alone. {found.coverage.reason}", err=True)
    if as_json:
        _print_json([hit.to_json() for hit in hits])
    else:
        shown = [f"{hit.rank:>3}. {_source(hit)}  ({hit.score:.3f})\n{_indented(hit.text)}\n" for hit in hits]
        click.echo("\n".join(shown) or "Nothing found.")


@command
@click.argument("question")
@collection_option
@filter_options
@json_option
def ask(question: str, collections: tuple[str, ...], as_json: bool, **wanted: Any) -> None:
    """Answer a question from the documents, with citations."""
    from rag_pipeline.models import Failed

    settings = load_settings()
    end = asyncio.run(_ask(settings, question, _scope(settings, collections, **wanted), show=not as_json))
    if isinstance(end, Failed):
        raise RagError(end.message)
    if as_json:
        _print_json(_answer_json(end))


async def _ask(settings: Settings, question: str, scope: Scope, *, show: bool) -> AnswerEvent:
    """Run the stream to its end, writing the answer as it comes; the last event."""
    from rag_pipeline.answering.answerer import build_answerer
    from rag_pipeline.models import Answered, Refused, Token

    last: AnswerEvent | None = None
    answerer = build_answerer(settings)
    try:
        async for event in answerer.stream(question, (), scope):
            last = event
            if show and isinstance(event, Token):
                click.echo(event.text, nl=False)
    finally:
        await answerer.close()
    if show and isinstance(last, Answered | Refused) and last.withdrawn:
        click.echo("\n\nNo passage says any of this, so it is no answer. What the documents say:\n")
    if show and isinstance(last, Answered):
        click.echo(
            (last.answer if last.withdrawn else "") + "\n\n" + "\n".join(f"[{c.number}] {_source(c.hit, c.page)}" for c in last.citations)
        )
    if show and isinstance(last, Refused):
        click.echo("\n".join([last.reason, *map(_near, last.nearest)]))
    if show and isinstance(last, Answered | Refused):
        click.echo("".join(f"{remark}\n" for remark in _remarks(settings, last)), nl=False)
    if last is None:
        raise RagError("The answer ended before it began. Please report this.")
    return last


def _near(nearest: Nearest) -> str:
    said = (f"    {printable(' '.join(sentence.split()))}" for sentence in nearest.sentences)
    return "\n".join((f"  near: {_source(nearest.hit, nearest.page)}", *said))


def _remarks(settings: Settings, end: Answered | Refused) -> list[str]:
    """What to say below an answer of the work that is not done yet."""
    from rag_pipeline.ingestion.progress.overview import ProgressReader
    from rag_pipeline.ingestion.progress.words import how_far
    from rag_pipeline.models import Answered, Refused

    said = []
    if isinstance(end, Answered):
        said += [f"Not verified: “{end.answer[one.start : one.end]}”. {one.reason}" for one in end.unverified]
    if isinstance(end, Refused) and end.nothing_indexed and (words := how_far(ProgressReader(settings).current())):
        said.append(f"How far it is: {words}. More: rag status --watch")
    if end.coverage and end.coverage.reason:
        said.append(f"Found by words alone. {end.coverage.reason}")
    elif end.coverage:
        said.append(f"Found partly by words alone: vectors for {end.coverage.vectors:,} of {end.coverage.passages:,} passages so far.")
    return said


def _answer_json(end: AnswerEvent) -> dict[str, object]:
    from rag_pipeline.models import Answered, Refused

    if not isinstance(end, Answered | Refused):
        raise RagError(f"The answer broke off at {type(end).__name__}. Please report this.")
    places = ("marks", "unverified", "computed")
    return {
        "answer": end.reason if isinstance(end, Refused) else end.answer,
        "citations": [] if isinstance(end, Refused) else [citation.to_json() for citation in end.citations],
        **{name: [] if isinstance(end, Refused) else [asdict(one) for one in getattr(end, name)] for name in places},
        "nearest": [one.to_json() for one in end.nearest] if isinstance(end, Refused) else [],
        "refused": isinstance(end, Refused),
        "reformulated_question": end.reformulated_question,
        "timings": dict(end.timings),
        "coverage": asdict(end.coverage) if end.coverage else None,
        "withdrawn": end.withdrawn,
    }


@command
@click.argument("questions", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--collection", "-c", required=True, help="The collection that holds the documents.")
@click.option("--core", is_flag=True, help="Only the rows that the file marks as core.")
@click.option("--answers/--no-answers", default=True, help="Also answer, to measure refusals and citations, or only retrieve.")
@click.option("--against", type=click.Path(exists=True, dir_okay=False, path_type=Path), help="Compare with what --json printed earlier.")
@json_option
def eval(questions: Path, collection: str, core: bool, answers: bool, against: Path | None, as_json: bool) -> None:
    """Measure answers on a file of questions whose answers are known (JSON lines)."""
    from rag_pipeline.cli import evaluate
    from rag_pipeline.ingestion.folder.listing import escape_collection

    name = escape_collection(collection)
    with click.progressbar(length=1000, label="Asking", file=sys.stderr, hidden=as_json) as bar:
        found = evaluate.run_evaluation(
            load_settings(), questions, name, core=core, answers=answers, progress=lambda n, of: bar.update(1000 * n // of - bar.pos)
        )
    differences = evaluate.compared(found, against) if against else []
    if as_json:
        _print_json({**evaluate.as_json(found), **({"differences": [asdict(one) for one in differences]} if against else {})})
        return
    from rich.console import Console

    for title, table in found.report.items():
        Console().print(evaluate.report_table(title, table))
    if differences:
        Console().print(evaluate.difference_table(differences))


@command
@click.argument("message")
@json_option
def replay(message: str, as_json: bool) -> None:
    """Give a kept answer (MESSAGE is its id) word for word, ask its passages again, and show what differs."""
    from rag_pipeline.cli.replay import in_words
    from rag_pipeline.cli.replay import replay as asked_again

    found = asyncio.run(asked_again(load_settings(), message))
    if as_json:
        _print_json({**asdict(found), "same": found.same})
    else:
        click.echo("\n".join([found.kept, "", *map(printable, in_words(found))]))


@command
@click.argument("name")
@click.option("--scope", "scopes", multiple=True, type=click.Choice(["read", "write"]), help="May be repeated.  [default: both]")
@collection_option
def token(name: str, scopes: tuple[str, ...], collections: tuple[str, ...]) -> None:
    """Make an access token, and the entry for RAG_API_TOKENS that lets it in."""
    from rag_pipeline.access import SCOPES, new_token
    from rag_pipeline.ingestion.folder.listing import escape_collection

    wanted = [scope for scope in SCOPES if not scopes or scope in scopes]
    secret, entry = new_token(name, wanted, [escape_collection(one) for one in collections])
    click.echo(f"Token for {name} (shown only now):\n  {secret}\n\nAdd to RAG_API_TOKENS, separated by a blank from the others:\n  {entry}")


@command
@json_option
def doctor(as_json: bool) -> None:
    """Say what is installed, reachable and configured, and what to do about what is not."""
    from rag_pipeline.cli.doctor import examine

    findings = examine(load_settings())
    if as_json:
        _print_json([asdict(finding) for finding in findings])
        return
    marks = {"ok": "ok  ", "missing": "--  ", "problem": "!!  "}
    for finding in findings:
        click.echo(f"{marks[finding.state]}{finding.subject:<18} {finding.detail}")
        if finding.remedy:
            click.echo(f"{'':<22} → {finding.remedy}")


def _scope(
    settings: Settings, collections: Sequence[str], folder: str, types: tuple[str, ...], tags: tuple[str, ...], **times: datetime | None
) -> Scope:
    """``times``: since and before."""
    from rag_pipeline.answering.scope import DocumentFilter, Scope
    from rag_pipeline.ingestion.folder.listing import escape_collection

    since, before = (time.astimezone(UTC).replace(tzinfo=None) if time else None for time in (times["since"], times["before"]))
    wanted = DocumentFilter(folder=folder, types=types, since=since, before=before, tags=tags)
    tagged = asyncio.run(_paths_with_tags(settings, tags)) if tags else None
    return Scope(tuple(escape_collection(name) for name in collections), wanted, tagged=tagged)


async def _paths_with_tags(settings: Settings, tags: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    from rag_pipeline.stores.conversations.engine import open_database
    from rag_pipeline.stores.conversations.tag_names import tags_of
    from rag_pipeline.stores.conversations.tags import Tags

    database = open_database(settings)
    try:
        return (await Tags(database).current()).paths_with_all(tags_of(tags))
    finally:
        await database.close()


def _source(hit: Hit, page: int | None = None) -> str:
    """``page``: the one of the passage's pages that is meant."""
    first, last = (page, page) if page else (hit.page_first, hit.page_last)
    where = f", page {first}" if first else ""
    return f"{hit.collection}/{printable(hit.document)}{where}{f'–{last}' if last and last != first else ''}"


def _indented(text: str) -> str:
    return "\n".join(f"     {line}" for line in text.splitlines())


def _print_json(value: object) -> None:
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))
