"""Binds ``defs/`` together and applies policy in one place: which executor, which resource."""

import dagster as dg

from rag_pipeline.defs import measuring
from rag_pipeline.defs.assets import assets
from rag_pipeline.defs.checks import checks
from rag_pipeline.defs.executor import ingestion_executor
from rag_pipeline.defs.jobs import ingest_job, quality_job, text_job, vectors_job
from rag_pipeline.defs.resources import Ingestion
from rag_pipeline.defs.sensors import folder_sensor

defs = dg.Definitions(
    assets=[*assets, *measuring.assets],
    asset_checks=checks,
    jobs=[ingest_job, text_job, vectors_job, quality_job],
    sensors=[folder_sensor],
    resources={"ingestion": Ingestion()},
    executor=ingestion_executor,
)
