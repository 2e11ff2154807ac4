"""The job that brings one collection up to date from folder to index."""

import dagster as dg

from rag_pipeline.defs.assets import GROUP

ingest_job = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups(GROUP),
    description="Scan the folder, read, cut, embed, publish one collection. Only what is out of date is done, so it can be run again at any"
    " time; `full_refresh` in the launchpad does all anew. If it fails, run it again once the failed step's message is dealt with: what was"
    " finished is kept, and the version published before goes on answering.",
)
