"""Being told of changes, on a real file system: nothing that a listing would show may go untold, whatever it was and whenever it came."""

import os
import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rag_pipeline.ingestion.folder import changes as module
from rag_pipeline.ingestion.folder.changes import Changes
from rag_pipeline.ingestion.folder.listing import FolderListing, list_folder

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere the folder is listed each time")


class Watcher:
    """What the sensor does with changes: look, watch what was listed, look again until both agree."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.other: dict[str, int] = {"catalog": 0}
        self.changes = Changes(folder, lambda: tuple(self.other.items()))
        self.mark = ""

    def look(self) -> FolderListing:
        while True:
            self.mark = self.changes.begin_look()
            listing = list_folder(self.folder)
            if self.changes.watch(listing):
                return listing

    def told(self, seconds: float = 1.0) -> bool:
        return self.changes.since(self.mark, seconds)

    def rest(self) -> None:
        """Look until nothing more is told of what happened before."""
        self.look()
        while self.told():
            self.look()


@pytest.fixture
def watcher(tmp_path: Path) -> Iterator[Watcher]:
    folder = tmp_path / "uploads"
    (folder / "team" / "deep").mkdir(parents=True)
    for name in ("a.txt", "team/b.txt", "team/deep/c.txt"):
        (folder / name).write_text("x")
    made = Watcher(folder)
    made.look()
    yield made
    made.changes.close()


def test_at_rest_nothing_is_told_and_reading_is_no_change(watcher: Watcher) -> None:
    assert watcher.changes.tells
    for path in watcher.folder.rglob("*.txt"):
        path.read_text()
    list_folder(watcher.folder)
    assert not watcher.told()


CHANGES: dict[str, Callable[[Path], object]] = {
    "new": lambda root: (root / "new.txt").write_text("y"),
    "new deep down": lambda root: (root / "team/deep/new.txt").write_text("y"),
    "written": lambda root: (root / "team/b.txt").write_text("longer"),
    "appended": lambda root: (root / "a.txt").open("a").write("y"),
    "touched": lambda root: os.utime(root / "team/deep/c.txt"),
    "rights": lambda root: (root / "a.txt").chmod(0o600),
    "renamed": lambda root: (root / "a.txt").rename(root / "b.txt"),
    "moved into a folder": lambda root: (root / "a.txt").rename(root / "team/a.txt"),
    "moved away": lambda root: (root / "a.txt").rename(root.parent / "a.txt"),
    "replaced": lambda root: (_write(root / ".new", "z"), (root / ".new").replace(root / "a.txt")),
    "deleted": lambda root: (root / "team/b.txt").unlink(),
    "folder": lambda root: (root / "other").mkdir(),
    "folder renamed": lambda root: (root / "team").rename(root / "crew"),
    "folder deleted": lambda root: shutil.rmtree(root / "team"),
    "folder's rights": lambda root: (root / "team").chmod(0o700),
    "link": lambda root: (root / "link.txt").symlink_to(root / "a.txt"),
    "all gone": lambda root: root.rename(root.parent / "elsewhere"),
}


def _write(path: Path, text: str) -> None:
    path.write_text(text)


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES.keys())
def test_every_kind_of_change_is_told(watcher: Watcher, change: Callable[[Path], object]) -> None:
    change(watcher.folder)
    assert watcher.told()


def test_names_that_are_never_documents_wake_nobody(watcher: Watcher) -> None:
    (watcher.folder / "film.crdownload").write_text("half")
    (watcher.folder / ".DS_Store").write_text("x")
    assert not watcher.told()
    (watcher.folder / "film.crdownload").rename(watcher.folder / "film.txt")
    assert watcher.told()


def test_a_change_while_the_folder_is_being_listed_is_told(watcher: Watcher) -> None:
    watcher.mark = watcher.changes.begin_look()
    listing = list_folder(watcher.folder)
    (watcher.folder / "late.txt").write_text("y")
    assert watcher.changes.watch(listing)
    assert watcher.told()


def test_a_folder_that_is_filled_before_it_is_watched_is_listed_once_more(watcher: Watcher) -> None:
    (watcher.folder / "new").mkdir()
    watcher.mark = watcher.changes.begin_look()
    listing = list_folder(watcher.folder)
    (watcher.folder / "new" / "early.txt").write_text("y")
    assert not watcher.changes.watch(listing)
    assert "new/early.txt" in watcher.look().files
    (watcher.folder / "new" / "later.txt").write_text("y")
    assert watcher.told()


def test_another_folder_in_the_same_place_is_watched_anew(watcher: Watcher) -> None:
    """As a mount is: of the folder that is covered nothing more would be told."""
    team = watcher.folder / "team"
    team.rename(watcher.folder.parent / "covered")
    team.mkdir()
    watcher.look()
    (team / "new.txt").write_text("y")
    assert watcher.told()


@pytest.mark.parametrize("name", ["", "team", "team/deep"])
def test_a_folder_that_is_deleted_and_made_again_is_watched_anew_whatever_its_inode_number(
    name: str, watcher: Watcher, monkeypatch: pytest.MonkeyPatch
) -> None:
    """ext4 gives a new folder the number of the one just deleted; other file systems are made to look as if they did."""
    monkeypatch.setattr(module, "_identities", lambda root, folders: {folder: (1, 1) for folder in folders if (root / folder).is_dir()})
    watcher.rest()
    shutil.rmtree(watcher.folder / name)
    (watcher.folder / "team" / "deep").mkdir(parents=True)
    watcher.rest()
    (watcher.folder / "team" / "deep" / "new.txt").write_text("y")
    assert watcher.told()


def test_of_a_folder_that_was_deleted_and_made_again_changes_are_told(watcher: Watcher) -> None:
    """Most file systems give it the inode number of the one before."""
    deep = watcher.folder / "team" / "deep"
    shutil.rmtree(deep)
    deep.mkdir()
    watcher.rest()
    (deep / "new.txt").write_text("y")
    assert watcher.told()


@pytest.mark.parametrize("name", [b"caf\xe9.txt", b".caf\xe9.part"])
def test_a_name_that_is_not_utf8_is_said_once_and_the_folder_is_listed(
    name: bytes, watcher: Watcher, caplog: pytest.LogCaptureFixture
) -> None:
    """What the system says of it cannot be read, and reading such a file is an event too."""
    file = Path(os.fsdecode(os.fsencode(watcher.folder / "team") + b"/" + name))
    file.write_text("x")
    for _ in range(3):
        assert watcher.told()
        watcher.look()
        assert not watcher.changes.tells
        file.read_text()
    assert caplog.text.count("is not UTF-8") == 1
    assert "caf\\udce9" in caplog.text
    file.unlink()
    watcher.look()
    assert not watcher.told(0)
    (watcher.folder / "new.txt").write_text("y")
    assert watcher.told()


def test_a_name_that_is_not_utf8_and_gone_again_is_a_change(watcher: Watcher) -> None:
    file = Path(os.fsdecode(os.fsencode(watcher.folder) + b"/caf\xe9.txt"))
    file.write_text("x")
    file.unlink()
    assert watcher.told()
    watcher.look()
    assert watcher.changes.tells
    assert not watcher.told(0)
    (watcher.folder / "new.txt").write_text("y")
    assert watcher.told()


def test_a_link_whose_target_lies_in_a_listed_folder_is_told_of(watcher: Watcher) -> None:
    (watcher.folder / "link.txt").symlink_to("team/b.txt")
    watcher.look()
    (watcher.folder / "team/b.txt").write_text("other words")
    assert watcher.told()


def test_a_link_into_a_folder_that_is_not_listed_means_listing_each_time(watcher: Watcher, caplog: pytest.LogCaptureFixture) -> None:
    (watcher.folder / ".store").mkdir()
    (watcher.folder / ".store" / "x.txt").write_text("x")
    (watcher.folder / "x.txt").symlink_to(".store/x.txt")
    assert watcher.look().strays == ("x.txt",)
    assert not watcher.changes.tells
    assert watcher.told(0)
    assert "x.txt is a link" in caplog.text
    (watcher.folder / "x.txt").unlink()
    watcher.look()
    assert not watcher.told(0)


def test_what_else_changed_is_told(watcher: Watcher) -> None:
    watcher.other["catalog"] += 1
    assert watcher.told(3)


def test_who_waits_is_woken(watcher: Watcher) -> None:
    timer = threading.Timer(0.3, (watcher.folder / "new.txt").write_text, ["y"])
    timer.start()
    assert watcher.told(60)
    timer.join()


def test_a_look_is_due_after_a_while_whatever_was_told(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    assert not watcher.told(0)
    monkeypatch.setattr(module, "LOOK_ANYWAY_SECONDS", 0.0)
    assert watcher.told(0)


def test_a_mark_of_another_process_is_out_of_date(watcher: Watcher) -> None:
    other = Watcher(watcher.folder)
    other.look()
    assert watcher.changes.since(other.mark, 0)


def test_a_system_that_has_no_more_watches_is_said_once_and_the_folder_is_listed(
    watcher: Watcher, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_: object) -> None:
        raise OSError("OS file watch limit reached.")

    monkeypatch.setattr(module, "RustNotify", full)
    for name in ("new", "newer"):
        (watcher.folder / name).mkdir()
        watcher.look()
        assert watcher.told(0)
    assert caplog.text.count("OS file watch limit reached") == 1
    monkeypatch.undo()
    (watcher.folder / "newest").mkdir()
    watcher.look()
    assert watcher.changes.tells


@pytest.mark.parametrize(
    ("mounts", "kinds"),
    [
        (["/ ext4"], {"ext4"}),
        (["/ ext4", "/srv nfs4"], {"nfs4"}),
        (["/ ext4", "/srv/docs/team cifs"], {"ext4", "cifs"}),
        (["/ ext4", "/srv/docs2 nfs4", "/home xfs"], {"ext4"}),
        (["/ overlay", r"/srv/docs/with\040blank fuse.sshfs"], {"overlay", "fuse.sshfs"}),
        (["/ ext4", "/srv xfs", "/srv 9p"], {"9p"}),
    ],
)
def test_the_kinds_of_file_systems_around_and_below_a_folder(mounts: list[str], kinds: set[str]) -> None:
    lines = [f"36 35 98:0 / {place} rw,noatime master:1 - {kind} /dev/x rw" for place, kind in (mount.rsplit(" ", 1) for mount in mounts)]
    assert module._file_systems(Path("/srv/docs"), "\n".join(lines)) == kinds


def test_a_disk_that_other_machines_may_write_to_is_listed_each_time(watcher: Watcher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_LOCAL", frozenset())
    watcher.look()
    assert watcher.told(0)


NAMES = st.sampled_from(["a", "b", "c.txt", "d.txt", "deep/e.txt", "deep/f"])
ACTIONS = st.lists(st.tuples(st.sampled_from(["write", "mkdir", "rename", "delete", "link", "touch"]), NAMES, NAMES), max_size=6)


def act(root: Path, action: str, name: str, other: str) -> None:
    path, second = root / name, root / other
    try:
        path.parent.mkdir(exist_ok=True)
        if action == "write":
            path.write_text(other)
        elif action == "mkdir":
            path.mkdir()
        elif action == "rename":
            path.rename(second)
        elif action == "delete":
            shutil.rmtree(path) if path.is_dir() and not path.is_symlink() else path.unlink()
        elif action == "link":
            path.symlink_to(second)
        else:
            os.utime(path)
    except OSError:
        pass  # that one cannot be done here


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(before=ACTIONS, after=ACTIONS)
def test_whatever_differs_from_the_last_listing_has_been_told(
    before: list[tuple[str, str, str]], after: list[tuple[str, str, str]], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("uploads")
    for step in before:
        act(root, *step)
    watcher = Watcher(root)
    listing = watcher.look()
    for step in after:
        act(root, *step)
    if list_folder(root) != listing:
        assert watcher.told()
    watcher.changes.close()
