"""A webserver on loopback that answers as Dagster's does: about the runs that a test gives it. It remembers what it was asked.

That Dagster understands the questions is for ``api/test_pipeline.py`` (its own schema) and ``test_up.py`` (a whole one).
"""

import json
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


def run_of(run_id: str, collection: str, status: str, created: float = 1000.0, **fields: Any) -> dict[str, Any]:
    """A run as Dagster tells it."""
    tags = [{"key": "dagster/partition", "value": collection}] if collection else []
    times = {"creationTime": created, "startTime": created + 1, "endTime": None if status == "STARTED" else created + 31}
    return {"runId": run_id, "jobName": "ingest_text", "status": status, "tags": tags, **times, **fields}


@dataclass
class Webserver:
    """``launched``: the variables of the runs that were asked for."""

    port: int = 0
    runs: Sequence[dict[str, Any]] = ()
    launched: list[dict[str, Any]] = field(default_factory=list)

    def answer(self, query: str, variables: dict[str, Any]) -> dict[str, Any]:
        if "runsOrError" in query:
            wanted = (variables["filter"] or {}).get("tags", [])
            found = [run for run in self.runs if all(tag in run["tags"] for tag in wanted)]
            return {"runsOrError": {"__typename": "Runs", "results": found[: variables["limit"]]}}
        if "launchRun" in query:
            self.launched.append(variables)
            return {"launchRun": {"__typename": "LaunchRunSuccess", "run": {"runId": "new", "status": "QUEUED"}}}
        return {"repositoriesOrError": {"nodes": [{"name": "repository", "location": {"name": "location"}}]}}


@contextmanager
def answering_as_dagster(runs: Sequence[dict[str, Any]] = ()) -> Iterator[Webserver]:
    webserver = Webserver(runs=runs)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            content = json.dumps({"data": webserver.answer(asked["query"], asked["variables"])}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        webserver.port = server.server_port
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield webserver
        server.shutdown()
