"""The jobs that bring one collection up to date from folder to index, all at once, or one of two lanes (``ingestion/backlog.py``), and the
one that measures it."""

import dagster as dg

from rag_pipeline.defs import measuring
from rag_pipeline.defs.assets import GROUP
from rag_pipeline.defs.lanes import JOB_OF_LANE, MEASURING_JOB

ingest_job = dg.define_asset_job(
    "ingest",
    selection=dg.AssetSelection.groups(GROUP),
    description="Scan the folder, read, cut, embed, publish one collection. Only what is out of date is done, so it can be run again at any"
    " time; `full_refresh` in the launchpad does all anew. If it fails, run it again once the failed step's message is dealt with: what was"
    " finished is kept, and the version published before goes on answering.",
)

text_job = dg.define_asset_job(
    JOB_OF_LANE["text"],
    selection=dg.AssetSelection.assets("source_documents", "extracted_text", "chunks", "vector_index"),
    description="Scan the folder, read, cut, and publish one collection, so that its documents are found by their words. The sensor starts"
    " it, a slice at a time.",
)

vectors_job = dg.define_asset_job(
    JOB_OF_LANE["vectors"],
    selection=dg.AssetSelection.assets("embeddings", "vector_index"),
    description="Embed passages of one collection and publish them again with their vectors, so that they are found by their meaning too."
    " The sensor starts it, a slice at a time.",
)

quality_job = dg.define_asset_job(
    MEASURING_JOB,
    selection=dg.AssetSelection.groups(measuring.GROUP),
    description="Gather the questions of one collection, and measure how well they are answered from its index. The sensor starts it once"
    " all of its documents are indexed; `full_refresh` in the launchpad measures again. If it fails: look at its message, mend that, and"
    " run it again; answers do not depend on it.",
)
