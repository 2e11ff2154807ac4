"""What those who run the app ask: is it alive, is it ready, how much does it do.

Belongs here: health, readiness, metrics. Not here: counting (``metrics.py``).
"""

from __future__ import annotations

from fastapi import APIRouter, Response
from pydantic import BaseModel

from rag_pipeline.errors import RagError
from ui.api.deps import ReaderDependency, ServicesDependency
from ui.api.schema_examples import Responses, shown
from ui.api.schemas import Health
from ui.web import metrics

router = APIRouter(tags=["operations"])
_METRICS: Responses = {200: {"description": "Counts and times", "content": {"text/plain": {"schema": {"type": "string"}}}}}


class Readiness(BaseModel):
    """Whether questions can be answered, and what is missing if not."""

    model_config = shown({"ready": True, "message": "Questions can be asked."})

    ready: bool
    message: str


@router.get("/api/v1/health")
async def health(services: ServicesDependency) -> Health:
    """Whether the app answers, and who writes its answers."""
    model = await services.answerer.language_model()
    return Health(answers=model.name if model else None)


@router.get("/api/v1/ready", responses={503: {"model": Readiness, "description": "Not yet, and why"}})
async def ready(services: ServicesDependency, response: Response) -> Readiness:
    """Whether there is something to ask about: 200, or 503 with the reason."""
    try:
        found = bool(await services.indexed_collections())
        message = "Questions can be asked." if found else "No document is indexed yet."
    except RagError as error:
        found, message = False, str(error)
    response.status_code = 200 if found else 503
    return Readiness(ready=found, message=message)


@router.get("/metrics", response_class=Response, responses=_METRICS)
async def prometheus(access: ReaderDependency) -> Response:
    """Counts and times in Prometheus' text format."""
    content, media_type = metrics.exposition()
    return Response(content, media_type=media_type)
