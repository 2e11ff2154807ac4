"""The steps of ingestion, one module for each asset and of its name. Dagster calls them, and tests do without it."""

from rag_pipeline.ingestion.steps import chunks, embeddings, extracted_text, source_documents, vector_index

__all__ = ["chunks", "embeddings", "extracted_text", "source_documents", "vector_index"]
