"""What becomes of tests whose program is not installed."""

from pathlib import Path

import pytest

from rag_pipeline_tests import programs
from rag_pipeline_tests.programs import ALL, Program, require

ROOT = Path(__file__).parents[4]


@pytest.fixture
def nothing_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(programs, "_POSTGRESQL", tmp_path)
    monkeypatch.setattr(programs, "_SYSTEM_PROGRAMS", tmp_path)
    monkeypatch.setattr("rag_pipeline.ingestion.extract.process.libreoffice._MACOS", str(tmp_path / "soffice"))
    monkeypatch.setattr("ctypes.util.find_library", lambda name: None)
    monkeypatch.setattr("rag_pipeline.ingestion.extract.archive.libarchive._LINUX_NAME", str(tmp_path / "libarchive.so"))


@pytest.mark.usefixtures("nothing_installed")
@pytest.mark.parametrize("program", ALL, ids=lambda program: program.package)
def test_a_missing_program_skips_and_fails_in_continuous_integration(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match=f"apt install {program.package}"):
        require(program)
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match=f"apt install {program.package}"):
        require(program)


def test_continuous_integration_installs_every_package_that_a_test_needs() -> None:
    script = (ROOT / ".ci" / "run").read_text()
    assert [program.package for program in ALL if program.package not in script] == []
