"""The list of passwords for protected documents: a text file, a line each.

Belongs here: reading it, adding to it. Not here: opening documents with them (each format's reader).
"""

from __future__ import annotations

import os
from pathlib import Path

from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings

MOST_ADDED = 200
"""Each one is tried on each protected document, and formats make that slow on purpose: some tenths of a second each."""


class PasswordNotKeptError(RagError):
    """A password cannot be added to the list; the message says why, and what to do."""

    code = "password_not_kept"


def listed_passwords(settings: Settings) -> tuple[str, ...]:
    """The lines of the passwords file, in order; none when it does not exist.

    Raises:
        RagError: it cannot be read.
    """
    try:
        lines = settings.passwords_path.read_text(encoding="utf-8-sig").splitlines()
    except FileNotFoundError:
        return ()
    except (OSError, UnicodeDecodeError) as error:
        raise RagError(
            f"The passwords file {settings.passwords_path} cannot be read ({error}). It is a UTF-8 text, a password a line."
        ) from None
    return tuple(dict.fromkeys(line for line in lines if line))


def add_password(settings: Settings, password: str) -> None:
    """Add a line to the passwords file, which is made, for its user alone, where there is none. One that is listed stays as it is.

    Raises:
        PasswordNotKeptError: it is no line of text, too many are listed, other machines have lists of their own, or the file cannot be
            written.
        RagError: the file cannot be read.
    """
    if password.splitlines() != [password] or not password.isprintable():
        raise PasswordNotKeptError("A password is one line of printable characters, and not empty.")
    if settings.celery_broker_url:
        raise PasswordNotKeptError(
            "Workers on other machines read documents, each with a list of its own: "
            f"add the password to {settings.passwords_path} on all of them."
        )
    listed = listed_passwords(settings)
    if password in listed:
        return
    if len(listed) >= MOST_ADDED:
        raise PasswordNotKeptError(
            f"{len(listed)} passwords are listed, and each is tried on each protected document. "
            f"Take out those that no document needs any more: {settings.passwords_path}"
        )
    try:
        _append(settings.passwords_path, password)
    except OSError as error:
        words = f"The password cannot be kept in {settings.passwords_path} ({error.strerror}). Add it there by hand, as a line of its own."
        raise PasswordNotKeptError(words) from error


def _append(file: Path, line: str) -> None:
    """What somebody wrote there stays as it is, and so does who may read it."""
    file.parent.mkdir(parents=True, exist_ok=True)
    handle = os.open(file, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o600)
    with os.fdopen(handle, "r+b") as stream:
        end = stream.seek(0, os.SEEK_END)
        stream.seek(max(0, end - 1))
        begun = stream.read(1) not in (b"", b"\n")
        stream.write(("\n" * begun + line + "\n").encode())
