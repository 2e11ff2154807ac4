"""When the sensor looks: with real folders, a catalog and the real look; only the length of a tick is shortened."""

import json
import os
import sys
import time
from pathlib import Path

import dagster as dg
import pytest

from rag_pipeline.definitions import defs
from rag_pipeline.defs import sensors, ticks
from rag_pipeline.defs.instance import STOP_FILE
from rag_pipeline.defs.sensors import folder_sensor
from rag_pipeline.settings import load_settings
from rag_pipeline_tests.defs.test_assets import run

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every tick looks")


class Sensor:
    """The sensor as Dagster's daemon runs it: each tick gets the cursor of the one before."""

    def __init__(self, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> None:
        self.instance, self.cursor, self.looks = instance, None, 0
        real = sensors._look

        def look(*arguments: object) -> ticks.Look:
            self.looks += 1
            return real(*arguments)

        monkeypatch.setattr(sensors, "_look", look)

    def tick(self, *, kept: bool = True) -> tuple[int, list[str]]:
        """How often it looked, and which collections it asked for. ``kept``: False as in a preview, whose cursor is thrown away."""
        looks = self.looks
        result = folder_sensor(dg.build_sensor_context(self.instance, cursor=self.cursor, definitions=defs))
        if isinstance(result, dg.SkipReason):
            return self.looks - looks, []
        if kept:
            self.cursor = result.cursor
        return self.looks - looks, [request.partition_key for request in result.run_requests or []]


@pytest.fixture
def sensor(uploads: Path, instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch) -> Sensor:
    """One that has seen that folder and index agree."""
    monkeypatch.setattr(ticks, "LONGEST_REST_SECONDS", 0.1)
    (uploads / "a.txt").write_text("Zebras.")
    run(instance)
    made = Sensor(instance, monkeypatch)
    assert made.tick()[1] == []  # in a tick as long as the real one: it looks twice, however slow the machine
    monkeypatch.setattr(ticks, "TICK_SECONDS", 1.0)
    return made


def test_at_rest_a_tick_does_not_look(sensor: Sensor) -> None:
    assert sensor.tick() == (0, [])
    assert sensor.tick() == (0, [])


def test_a_new_file_is_asked_for_in_the_tick_that_waits(sensor: Sensor, uploads: Path) -> None:
    (uploads / "herbs").mkdir()
    (uploads / "herbs" / "b.txt").write_text("Thyme.")
    assert sensor.tick()[1] == ["herbs"]


def test_a_preview_takes_nothing_from_the_tick_after_it(sensor: Sensor, uploads: Path) -> None:
    (uploads / "b.txt").write_text("Thyme.")
    assert sensor.tick(kept=False)[1] == ["default"]
    assert sensor.tick()[1] == ["default"]


def test_a_file_that_settles_is_asked_for_without_any_other_event(sensor: Sensor, uploads: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ticks, "TICK_SECONDS", 20.0)
    monkeypatch.setenv("RAG_SETTLE_SECONDS", "1")
    assert sensor.tick()[1] == []  # other settings: it starts to watch anew
    (uploads / "b.txt").write_text("Thyme.")
    looks, asked = sensor.tick()
    assert looks > 1
    assert asked == ["default"]


def test_what_waits_for_a_time_is_looked_at_in_every_tick(sensor: Sensor, uploads: Path) -> None:
    (uploads / "b.txt").write_text("Thyme.")
    assert sensor.tick()[1] == ["default"]
    looks, asked = sensor.tick()  # no run was made of the request: the next try is a matter of time
    assert looks > 0
    assert asked == []
    assert sensor.tick()[0] > 0


def test_a_held_deletion_is_looked_at_in_every_tick(sensor: Sensor, uploads: Path) -> None:
    (uploads / "a.txt").unlink()
    assert sensor.tick()[1] == ["default"]
    run(sensor.instance)
    assert sensor.tick()[1] == []
    assert sensor.tick() == (1, [])


def test_a_damaged_index_is_noticed(sensor: Sensor, uploads: Path) -> None:
    (uploads.parent / "index" / "default" / "manifest.json").write_text("{")
    assert sensor.tick()[1] == ["default"]


def test_a_new_password_is_noticed(sensor: Sensor) -> None:
    load_settings().passwords_path.write_text("secret\n")
    assert sensor.tick()[0] > 0


def test_stopping_ends_a_tick(sensor: Sensor) -> None:
    home = load_settings().dagster_home
    home.mkdir(parents=True, exist_ok=True)
    (home / STOP_FILE).touch()
    assert sensor.tick()[0] > 0


def test_a_tick_whose_program_was_killed_ends(sensor: Sensor, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getppid", lambda: 1)
    assert sensor.tick()[0] > 0


def test_the_cursor_of_an_earlier_release_is_read(sensor: Sensor, uploads: Path) -> None:
    memory = {"default": {"state": "s", "requested_at": time.time(), "tries": 1, "waiting_since": 0.0}}
    sensor.cursor = json.dumps(memory)
    (uploads / "b.txt").write_text("Thyme.")
    assert sensor.tick()[1] == ["default"]


def test_waiting_for_a_run_that_holds_the_catalog_is_not_made_up_for_by_sleeping(
    sensor: Sensor, uploads: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A look that waited two seconds for the lock once was followed by twenty of deafness."""
    monkeypatch.setattr(ticks, "TICK_SECONDS", 8.0)
    monkeypatch.setattr(ticks, "AT_WORK_SECONDS", 0.1)
    slept: list[float] = []
    real = sensors.look_around

    def slow_look(*arguments: object) -> object:
        time.sleep(1.0)
        return real(*arguments)  # type: ignore[arg-type]

    def sleep(seconds: float) -> None:
        slept.append(seconds)

    monkeypatch.setattr(sensors, "look_around", slow_look)
    monkeypatch.setattr(sensors, "_tasks_in_flight", lambda *_: {("text", "default")})
    monkeypatch.setattr(ticks.time, "sleep", lambda seconds: sleep(seconds) if seconds != 1.0 else None)
    (uploads / "b.txt").write_text("Giraffes.")
    sensor.tick()
    assert slept
    assert max(slept) <= ticks.LONGEST_REST_SECONDS
