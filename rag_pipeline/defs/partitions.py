"""How work is divided for Dagster: a partition is a collection, never a document."""

import dagster as dg

collections = dg.DynamicPartitionsDefinition(name="collections")
"""Keys are added and removed by the sensor (and by ``rag ingest``)."""

PARTITION_TAG = "dagster/partition"
