"""What Gradio's components say, in the language of whoever looks at them.

Belongs here: that, and in which language an event is answered. Not here: what is said (``views``), finding out the language of a request
(``web/language.py``).

Gradio's components are made once for all pages. Its own way to translate their labels goes by the browser alone, and would send every page
all languages; so what differs is put into what a page is told of its components when it is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import gradio
from gradio.blocks import Block

from ui.views.language import gettext, language, speaking
from ui.web.language import language_of

Component = TypeVar("Component", bound=Block)


def says(component: Component, **properties: Callable[[], object]) -> Component:
    """The component, with properties that are asked for anew for each page: ``says(gradio.Button(), value=lambda: gettext("Save"))``."""
    component.said = properties  # type: ignore[attr-defined]
    return component


def is_from_the_right() -> bool:
    """Whether what the page says runs from right to left."""
    return language().direction == "rtl"


class SpeakingBlocks(gradio.Blocks):
    """Blocks that say what :func:`says` was told, and whose events are answered in the language of who sent them."""

    _made: Mapping[str, Any] = {}

    @property  # type: ignore[override]
    def config(self) -> dict[str, Any]:
        """What a page is told of its components."""
        components = [self._worded(one) for one in self._made.get("components", ())]
        spoken = {"lang": language().code, "dir": language().direction}
        title = gettext(str(self._made.get("title", "")))
        return {**self._made, **({"components": components, "title": title, "spoken": spoken} if self._made else {})}

    @config.setter
    def config(self, made: Mapping[str, Any]) -> None:
        self._made = made

    def _worded(self, component: Mapping[str, Any]) -> Mapping[str, Any]:
        said = getattr(self.blocks.get(component["id"]), "said", None)
        return {**component, "props": {**component["props"], **{name: make() for name, make in said.items()}}} if said else component

    async def call_function(
        self, block_fn: Any, processed_input: list[Any], iterator: Any = None, requests: Any = None, *rest: Any, **more: Any
    ) -> Any:
        """Called for each step of an event, by workers that know nothing of the request behind it."""
        request = requests[0] if isinstance(requests, list) else requests
        behind = getattr(request, "request", None)
        with speaking(language_of(behind) if behind is not None else language()):
            return await super().call_function(block_fn, processed_input, iterator, requests, *rest, **more)
