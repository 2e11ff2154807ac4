"""A bucket of any storage that speaks S3's protocol, by ``botocore``.

Belongs here: requests, and their failures in plain words. Not here: what the objects are.

Why ``botocore`` alone, and what it does not do for us: docs/decisions/object-storage.md.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from typing import TYPE_CHECKING, Any, BinaryIO

from rag_pipeline.errors import RagError, TransientError
from rag_pipeline.settings import BucketFolder, Settings
from rag_pipeline.stores.objects.contract import (
    STORAGE_FAILED,
    STORAGE_UNREACHABLE,
    ObjectChangedError,
    ObjectExistsError,
    ObjectGoneError,
    ObjectUnreadableError,
    StorageRefusedError,
    StoredObject,
)

if TYPE_CHECKING:
    from botocore.exceptions import ClientError

CONNECT_SECONDS, SILENCE_SECONDS = 5.0, 20.0
TRIES = 4
"""Of a request, with growing pauses between them (botocore's standard mode: 7 s in all at most)."""
SLOWEST_BYTES_A_SECOND = 20_000
"""A download that is slower on the whole, after its first minute, is given up."""
MOST_BYTES_IN_ONE_PUT = 5 * 2**30
"""S3's own limit of one request."""
_PATIENCE_SECONDS = 60.0
_BLOCK_BYTES = 1 << 16
_BAD_KEYS = ("InvalidAccessKeyId", "SignatureDoesNotMatch", "ExpiredToken", "InvalidToken", "TokenRefreshRequired", "AuthFailure")
_THROTTLED = ("SlowDown", "Throttling", "ThrottlingException", "RequestTimeout", "ConditionalRequestConflict", "OperationAborted")


def open_bucket(settings: Settings, folder: BucketFolder, variable: str) -> S3Store:
    """See :func:`rag_pipeline.stores.objects.open_store`."""
    try:
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
        from botocore.session import get_session
    except ImportError:
        install = "pip install --constraint constraints.txt --editable '.[s3]'"
        raise RagError(f"{variable} names a bucket; for that the extra `s3` has to be installed: {install}") from None
    configuration = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=SILENCE_SECONDS,
        retries={"mode": "standard", "total_max_attempts": TRIES},
        max_pool_connections=16,
        request_checksum_calculation="when_required",  # storages other than Amazon's may know no other
        s3={"addressing_style": "path"} if settings.s3_endpoint_url else None,
    )
    key, secret = settings.s3_access_key_id, settings.s3_secret_access_key
    if (key is None) != (secret is None):
        raise RagError("RAG_S3_ACCESS_KEY_ID and RAG_S3_SECRET_ACCESS_KEY belong together: set both, or neither.")
    try:
        session = get_session()
        # A listing is mostly times, and botocore's own way to read them takes most of its processor time.
        session.get_component("response_parser_factory").set_parser_defaults(timestamp_parser=_time)
        client = session.create_client(
            "s3",
            region_name=settings.s3_region,
            endpoint_url=settings.s3_endpoint_url,
            aws_access_key_id=key and key.get_secret_value(),
            aws_secret_access_key=secret and secret.get_secret_value(),
            config=configuration,
        )
    except (BotoCoreError, ValueError) as error:
        raise StorageRefusedError(f"{folder} cannot be used: {error}. Check RAG_S3_ENDPOINT_URL, RAG_S3_REGION and AWS's own.") from error
    return S3Store(client, folder, variable)


@dataclass(frozen=True, slots=True)
class S3Store:
    """Objects are those of a bucket whose key begins with the folder's prefix."""

    client: Any
    folder: BucketFolder
    variable: str

    @property
    def address(self) -> str:
        """See :class:`ObjectStore`."""
        return str(self.folder)

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """See :class:`ObjectStore`. By hand: botocore takes a page without the next one's token for the last."""
        further: dict[str, str] = {}
        while True:
            with self._plain_errors(""):
                page = self.client.list_objects_v2(Bucket=self.folder.bucket, Prefix=self.folder.prefix + prefix, **further)
            if "IsTruncated" not in page and "KeyCount" not in page:  # a page of HTML may be XML too
                raise StorageRefusedError(f"What answers at {self._endpoint} is no S3 storage. {self._check_address}")
            for entry in page.get("Contents", ()):
                yield self._stored(entry["Key"], entry, entry.get("Size"))
            if not page.get("IsTruncated"):
                return
            token = page.get("NextContinuationToken")
            if not token or token == further.get("ContinuationToken"):
                raise TransientError(STORAGE_FAILED, f"{self.address} was listed in part only: {self._endpoint} does not say how to go on.")
            further = {"ContinuationToken": token}

    def head(self, key: str) -> StoredObject | None:
        """See :class:`ObjectStore`."""
        try:
            with self._plain_errors(key):
                found = self.client.head_object(**self._of(key))
        except ObjectGoneError:
            return None
        return self._stored(self.folder.prefix + key, found, found.get("ContentLength"))

    def get(self, key: str, target: BinaryIO, version: str | None = None) -> StoredObject:
        """See :class:`ObjectStore`. An answer that breaks off is gone on with from there, of the same version."""
        began, written, tries = time.monotonic(), 0, 0
        found: StoredObject | None = None
        while True:
            before = written
            try:
                with self._plain_errors(key):
                    answer = self.client.get_object(**self._of(key), **_part(version, written))
                    found = found or self._stored(self.folder.prefix + key, answer, answer.get("ContentLength"))
                    version = version or found.version
                    for block in iter(lambda: answer["Body"].read(_BLOCK_BYTES), b""):  # noqa: B023 - read before the next answer
                        target.write(block)
                        written += len(block)
                        self._require_speed(key, began, written)
                if written == found.size_bytes:
                    return found
                reason = f"{written:,} of {found.size_bytes:,} bytes came"
            except _BrokenOffError as error:
                reason = str(error)
            tries = 0 if written > before else tries + 1
            if tries == TRIES or (found and written > found.size_bytes):
                raise ObjectUnreadableError(f"{self.address}/{key} cannot be read whole: {reason}. See the storage's log.")

    def put(self, key: str, source: BinaryIO, *, replace: bool = True) -> None:
        """See :class:`ObjectStore`."""
        if source.seek(0, 2) > MOST_BYTES_IN_ONE_PUT:
            raise ObjectUnreadableError(f"{self.address}/{key} is larger than 5 GiB, the most that S3 takes at once. Split it.")
        try:
            self._put(key, source, {} if replace else {"IfNoneMatch": "*"})
        except _UnknownToStorageError:  # storage that knows no conditions: looked at first, which leaves a moment between
            if self.head(key):
                raise ObjectExistsError(f"There is {self.address}/{key} already.") from None
            self._put(key, source, {})

    def delete(self, key: str) -> None:
        """See :class:`ObjectStore`."""
        with self._plain_errors(key):
            self.client.delete_object(**self._of(key))

    def _put(self, key: str, source: BinaryIO, condition: dict[str, str]) -> None:
        source.seek(0)
        try:
            with self._plain_errors(key):
                self.client.put_object(**self._of(key), Body=source, **condition)
        except ObjectChangedError:
            raise ObjectExistsError(f"There is {self.address}/{key} already.") from None

    def _of(self, key: str) -> dict[str, str]:
        return {"Bucket": self.folder.bucket, "Key": self.folder.prefix + key}

    def _stored(self, whole_key: str, entry: dict[str, Any], size_bytes: int | None) -> StoredObject:
        key = whole_key.removeprefix(self.folder.prefix)
        return StoredObject(key, size_bytes or 0, str(entry.get("ETag", "")).strip('"'), entry["LastModified"].timestamp())

    def _require_speed(self, key: str, began: float, written: int) -> None:
        seconds = time.monotonic() - began
        if seconds > _PATIENCE_SECONDS + written / SLOWEST_BYTES_A_SECOND:
            raise TransientError(STORAGE_UNREACHABLE, f"{self.address}/{key} came too slowly: {written:,} bytes in {seconds:.0f} s.")

    @contextmanager
    def _plain_errors(self, key: str) -> Iterator[None]:
        from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError, IncompleteReadError, ResponseStreamingError
        from botocore.exceptions import ConnectionError as NoConnectionError
        from botocore.parsers import ResponseParserError

        try:
            yield
        except ClientError as error:
            raise self._refusal(key, error) from error
        except (IncompleteReadError, ResponseStreamingError) as error:
            raise _BrokenOffError(str(error)) from error
        except (HTTPClientError, NoConnectionError) as error:
            raise TransientError(STORAGE_UNREACHABLE, f"{self.address} cannot be reached: {error}. {self._check_address}") from error
        except ResponseParserError as error:
            raise StorageRefusedError(f"What answers at {self._endpoint} is no S3 storage. {self._check_address}") from error
        except BotoCoreError as error:
            raise StorageRefusedError(f"{self.address} cannot be used: {error}. {_CHECK_KEYS}") from error

    @property
    def _endpoint(self) -> str:
        return str(self.client.meta.endpoint_url)

    @property
    def _check_address(self) -> str:
        return f"Check {self.variable}, RAG_S3_ENDPOINT_URL and the network."

    def _refusal(self, key: str, error: ClientError) -> RagError:
        code, status = _code_and_status(error)
        said = f"{code} ({error.response['Error'].get('Message') or status})"
        if code in _THROTTLED or (status >= 500 and code != "NotImplemented"):
            return TransientError(STORAGE_FAILED, f"{self.address} does not answer now: {said}. It is tried again.")
        if code == "NoSuchBucket":
            return StorageRefusedError(f"There is no bucket {self.folder.bucket} at {self._endpoint}. Make it, or correct {self.variable}.")
        if code == "RequestTimeTooSkewed":
            return StorageRefusedError(f"{self._endpoint} refuses requests because its clock and this machine's differ. Set the clock.")
        if code in _BAD_KEYS or (status in (401, 403) and not key):
            return StorageRefusedError(f"{self.address} is denied: {said}. {_CHECK_KEYS}")
        return self._refusal_of_one(key, code, status, said)

    def _refusal_of_one(self, key: str, code: str, status: int, said: str) -> RagError:
        """What stands in the way of this object alone; of the listing, where ``key`` is empty."""
        if not key:
            return StorageRefusedError(f"{self.address} cannot be listed: {said}. {self._check_address}")
        if code == "NotImplemented":
            return _UnknownToStorageError(said)
        if status == 404:
            return ObjectGoneError(f"There is no {self.address}/{key}.")
        if status in (412, 416):
            return ObjectChangedError(f"{self.address}/{key} is not what it was.")
        if code == "InvalidObjectState":
            return ObjectUnreadableError(f"{self.address}/{key} is archived. Restore it in the storage first.")
        return ObjectUnreadableError(f"{self.address}/{key}: {said}. Give the keys the right to it.")


_CHECK_KEYS = "Check RAG_S3_ACCESS_KEY_ID and RAG_S3_SECRET_ACCESS_KEY (or AWS's own), and what they may do."


class _BrokenOffError(Exception):
    """An answer ended before its end."""


class _UnknownToStorageError(RagError):
    """The storage does not know what was asked of it."""


def _time(text: str) -> datetime:
    """ISO 8601 in listings, RFC 9110 in headers."""
    return datetime.fromisoformat(text) if text[:1].isdigit() else parsedate_to_datetime(text)


def _part(version: str | None, written: int) -> dict[str, str]:
    condition = {"IfMatch": f'"{version}"'} if version else {}
    return {**condition, "Range": f"bytes={written}-"} if written else condition


def _code_and_status(error: ClientError) -> tuple[str, int]:
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return str(error.response.get("Error", {}).get("Code", status)), int(status)
