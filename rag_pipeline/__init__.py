"""Answers with sources from your own documents: ingestion (Dagster assets) and Q&A (an async library)."""
