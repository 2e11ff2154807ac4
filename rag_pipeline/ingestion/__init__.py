"""The ingestion layer's domain: folder, extraction, chunks, index. Knows nothing of Dagster; ``defs/`` makes assets of it."""
