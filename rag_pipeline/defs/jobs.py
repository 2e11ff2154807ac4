"""The job that brings one collection up to date from folder to index."""

import dagster as dg

from rag_pipeline.defs.assets import GROUP

ingest_job = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups(GROUP),
    description="Scan the folder, read, cut, embed, publish. Only what is out of date is done.",
)
