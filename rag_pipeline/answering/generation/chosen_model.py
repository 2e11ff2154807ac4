"""Which language model of this machine was chosen in the app, where the settings name none: a small file in the data folder, so that all
programs that answer from there go by it at once, and after a restart.

Belongs here: reading and changing that choice. Not here: what is offered (``local_models.py``), who may choose (the app).

A program and a model's name are kept, and no address: where it answers is looked up anew, on this machine's own ports, so that nothing in
this file can send a passage anywhere else.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass

from rag_pipeline.errors import RagError
from rag_pipeline.settings import Settings
from rag_pipeline.stores.files import read_json, write_json


@dataclass(frozen=True, slots=True)
class ChosenModel:
    """``server``: what the program that serves it is called (Ollama, llama.cpp, …)."""

    server: str
    name: str

    def __str__(self) -> str:
        return f"{self.name} of {self.server}"


def chosen_model(settings: Settings) -> ChosenModel | None:
    """What was chosen; None where nothing was, or the settings say who answers.

    Raises:
        RagError: the file is damaged.
    """
    if settings.chat_model:
        return None
    path = settings.chosen_model_path
    try:
        found = read_json(path)
        return ChosenModel(str(found["server"]), str(found["name"])) if found else None
    except (ValueError, KeyError) as error:
        raise RagError(
            f"{path}, which says what language model was chosen, is damaged ({error!r}). Delete it, and choose again."
        ) from error


def choose_model(settings: Settings, chosen: ChosenModel | None) -> None:
    """Have answers written by it from the next question on; None: have them quoted."""
    if chosen is None:
        settings.chosen_model_path.unlink(missing_ok=True)
    else:
        write_json(settings.chosen_model_path, asdict(chosen))
