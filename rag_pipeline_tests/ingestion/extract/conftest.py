"""What the readers find on this machine while they are tested."""

import pytest


@pytest.fixture(autouse=True)
def _only_programs_that_are_named(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A test that names no program passes on a machine that has none: it finds none here either."""
    if request.node.get_closest_marker("needs") is None:
        monkeypatch.setenv("PATH", "")
