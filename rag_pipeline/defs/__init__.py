"""Dagster's view of the ingestion: assets, checks, sensor, job. The only package that imports dagster; thin shells over ``ingestion/``."""
