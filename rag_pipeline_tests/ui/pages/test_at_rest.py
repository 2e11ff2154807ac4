"""What the page does while nobody asks: Gradio's queue looks a thousand times a second unless it is told otherwise."""

from pathlib import Path

from gradio.queueing import Queue

from rag_pipeline.settings import Settings
from ui.web.app import create_app
from ui.web.services import Services


def test_the_queue_looks_at_most_some_times_a_second(tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path))
    assert isinstance(app.state.services, Services)
    (queue,) = {id(found): found for found in _queues(app)}.values()
    assert queue.sleep_when_free >= 0.02
    assert queue.progress_update_sleep_when_free >= 0.5


def _queues(app: object) -> list[Queue]:
    return [route.app.blocks._queue for route in app.routes if hasattr(getattr(route, "app", None), "blocks")]  # type: ignore[attr-defined]
