"""Requests to a Qdrant server: tried again where that may help, and the client's errors in plain words.

Belongs here: errors and patience. Not here: what is asked (``points.py``, ``manifests.py``, ``search.py``).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ParamSpec, TypeVar

import grpc
from qdrant_client import QdrantClient
from qdrant_client.common.client_exceptions import ResourceExhaustedResponse
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt, wait_random_exponential

from rag_pipeline.errors import RagError, TransientError

Parameters = ParamSpec("Parameters")
Result = TypeVar("Result")

OLDEST_SERVER = (1, 17)
"""The first that replaces a point only where it is there and unchanged."""

ATTEMPTS = 5
_LONGEST_PAUSE_SECONDS = 30.0
_BUSY = (429, 502, 503, 504)
_PASSING = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED)
_UNREACHABLE = "The Qdrant server cannot be reached ({}). Check RAG_QDRANT_URL and that the server runs."
_NO_ACCESS = "The Qdrant server refuses the key. Check RAG_QDRANT_API_KEY."
_back_off = wait_random_exponential(multiplier=0.2, max=5)


class VersionGoneError(RagError):
    """The server has no collection of that name (any more)."""


class AlreadyThereError(RagError):
    """The server has a collection of that name already."""


class Server:
    """A client, and how patient it is asked. Safe to share by threads, as the client is."""

    def __init__(self, client: QdrantClient) -> None:
        self.client = client

    def send(self, request: Callable[Parameters, Result], *arguments: Parameters.args, **options: Parameters.kwargs) -> Result:
        """What the client's method answers. It is called again, with growing pauses, while the server is busy, or cannot be reached, or
        its answer breaks off; so only what may be done twice is sent: ids and filters here are such that nothing is done a second time.

        Raises:
            VersionGoneError: no such collection.
            AlreadyThereError: a collection of that name is there already.
            TransientError: the server cannot be reached, or failed by its own fault, several times.
            RagError: the server refuses.
        """
        patiently = Retrying(stop=stop_after_attempt(ATTEMPTS), wait=_pause, retry=retry_if_exception(_is_passing), reraise=True)
        with plain_errors():
            return patiently(request, *arguments, **options)


def require_recent(server: Server) -> None:
    """Check that a server can do what is asked of it.

    Raises:
        RagError: it is too old.
    """
    version = server.send(server.client.info).version
    numbers = tuple(int(part) for part in version.split("-")[0].split(".")[:2] if part.isdigit())
    if len(numbers) == 2 and numbers < OLDEST_SERVER:
        raise RagError(
            f"The Qdrant server at RAG_QDRANT_URL is of version {version}; {'.'.join(map(str, OLDEST_SERVER))} or newer is needed. "
            "Upgrade it (one minor version at a time), or unset RAG_QDRANT_URL for the embedded index."
        )


def create_indexes(server: Server, name: str, wanted: Mapping[str, Any], there: Collection[str]) -> None:
    """Have the fields of payloads indexed that are filtered by; some servers refuse to filter by others."""
    for field, schema in wanted.items():
        if field not in there:
            server.send(server.client.create_payload_index, name, field, schema, wait=True)


def _is_passing(error: BaseException) -> bool:
    if isinstance(error, UnexpectedResponse):
        return error.status_code in _BUSY
    if isinstance(error, grpc.RpcError):
        return _grpc_code(error) in _PASSING
    return isinstance(error, ResponseHandlingException | ResourceExhaustedResponse | json.JSONDecodeError)


def _pause(state: RetryCallState) -> float:
    """As long as the server asks for; else a random time that grows."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after_s if isinstance(error, ResourceExhaustedResponse) else 0
    return max(_back_off(state), min(asked, _LONGEST_PAUSE_SECONDS))


def _grpc_code(error: grpc.RpcError) -> grpc.StatusCode | None:
    return error.code() if isinstance(error, grpc.Call) else None


@contextmanager
def plain_errors() -> Iterator[None]:
    """Turn the client's exceptions into ours; see :meth:`Server.send`."""
    try:
        yield
    except (ResponseHandlingException, json.JSONDecodeError) as error:
        raise TransientError("qdrant_unreachable", _UNREACHABLE.format(error)) from error
    except ResourceExhaustedResponse as error:
        raise TransientError("qdrant_busy", f"The Qdrant server is too busy ({error}). Try again later.") from error
    except UnexpectedResponse as error:
        raise _refusal(error) from error
    except grpc.RpcError as error:
        raise _grpc_refusal(error) from error
    except ValueError as error:
        # The in-memory mode has no status codes.
        if "not found" in str(error):
            raise VersionGoneError(str(error)) from error
        if "already exists" in str(error):
            raise AlreadyThereError(str(error)) from error
        raise


def _refusal(error: UnexpectedResponse) -> RagError:
    status = error.status_code or 0
    if status == 404:
        return VersionGoneError("The Qdrant server has no such collection.")
    if status == 409:
        return AlreadyThereError("The Qdrant server has such a collection already.")
    if status in (401, 403):
        return RagError(_NO_ACCESS)
    reason = f"The Qdrant server at RAG_QDRANT_URL answered {status} {error.reason_phrase}: {_said(error.content)}"
    if status == 429 or status >= 500:
        return TransientError("qdrant_failed", f"{reason}. See the server's log.")
    return RagError(f"{reason}.")


def _said(content: bytes) -> str:
    """What a server says of its refusal, in one line of bounded length."""
    words = " ".join(content.decode("utf-8", "replace").split())
    return words if len(words) <= 300 else f"{words[:300]} …"


def _grpc_refusal(error: grpc.RpcError) -> RagError:
    code = _grpc_code(error)
    said = error.details() if isinstance(error, grpc.Call) else str(error)
    if code is grpc.StatusCode.NOT_FOUND:
        return VersionGoneError("The Qdrant server has no such collection.")
    if code is grpc.StatusCode.ALREADY_EXISTS:
        return AlreadyThereError("The Qdrant server has such a collection already.")
    if code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        return RagError(_NO_ACCESS)
    if code is grpc.StatusCode.UNAVAILABLE:
        return TransientError(
            "qdrant_unreachable", _UNREACHABLE.format(f"gRPC: {said}").replace("URL and", "URL, RAG_QDRANT_GRPC_PORT and")
        )
    reason = f"The Qdrant server answered over gRPC: {said}"
    if code in (*_PASSING, grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN):
        return TransientError("qdrant_failed", f"{reason}. See the server's log.")
    return RagError(f"{reason}.")
