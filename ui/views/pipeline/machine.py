"""The settings in force and what the doctor found, for those who may change everything.

Belongs here: both as HTML, pure. Not here: finding them out (``settings_in_force.py`` and ``doctor.py`` of ``rag_pipeline``), who may see
them (``web/visibility.py``).
"""

from __future__ import annotations

from collections.abc import Sequence

from rag_pipeline.doctor import Finding
from rag_pipeline.settings_in_force import SettingInForce
from ui.views.environment import render
from ui.views.language import gettext, message

_ORIGINS = {"default": message("default"), "environment": message("environment"), ".env": ".env", "start": message("its start")}
_LOOKS = {"ok": "indexed", "missing": "empty", "problem": "failed"}


def machine_html(*, may_see: bool) -> str:
    """Two parts to unfold, which are asked for then; or who may see them."""
    return render("pipeline/machine.html", may_see=may_see)


def settings_html(settings: Sequence[SettingInForce]) -> str:
    """A table of all settings, those that somebody set first."""
    ordered = sorted(settings, key=lambda one: one.origin == "default")
    return render(
        "pipeline/settings.html", rows=[(one, gettext(_ORIGINS[one.origin]), one.description.replace("`", "")) for one in ordered]
    )


def findings_html(findings: Sequence[Finding]) -> str:
    """What the doctor found, problems first."""
    order = ("problem", "missing", "ok")
    ordered = sorted(findings, key=lambda one: order.index(one.state))
    return render("pipeline/findings.html", rows=[(one, _LOOKS[one.state]) for one in ordered])
