"""The index on a Qdrant server or cluster.

Belongs here: everything that only a server needs. Not here: the contract, points' payload, words (``stores/vectors``).
"""

from rag_pipeline.stores.vectors.server.index import ServerIndex, connect

__all__ = ["ServerIndex", "connect"]
