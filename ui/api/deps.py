"""What routes ask for in their signatures.

Belongs here: ``Annotated`` aliases. Not here: the parts themselves (``services.py``).
"""

from __future__ import annotations

from typing import Annotated, cast

from fastapi import Depends, Request

from ui.services import Services


def _services(request: Request) -> Services:
    return cast("Services", request.app.state.services)


ServicesDependency = Annotated[Services, Depends(_services)]
