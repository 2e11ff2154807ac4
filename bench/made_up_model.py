"""An embedding model that costs next to nothing, so that what is measured is everything else.

    python bench/made_up_model.py FOLDER

A table that gives each word piece a random vector, the rarer the longer; the vector of a text is their mean. Any product setting that
takes a model takes it, and a question still resembles what holds its words. A program of its own: what a process holds when it starts
others counts as theirs (see ``measuring.py``).
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import StaticEmbedding
from tokenizers import Tokenizer

from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.settings import PACKAGED_MODEL, Settings

DIMENSION = 384
WINDOW = 256


def make_model(folder: Path) -> None:
    """With the packaged model's tokenizer and window."""
    tokenizer = Tokenizer.from_file(str(locate_model(Settings(embedding_model=PACKAGED_MODEL)).path / "tokenizer.json"))
    tokenizer.no_truncation()
    pieces = tokenizer.get_vocab_size()
    lengths = np.log(1 + np.arange(pieces) / 50)[:, None]  # pieces are numbered by how common they are, more or less
    table = np.random.default_rng(0).normal(size=(pieces, DIMENSION)) * lengths
    SentenceTransformer(modules=[StaticEmbedding(tokenizer, table.astype(np.float32))]).save(str(folder))
    (folder / "sentence_bert_config.json").write_text(json.dumps({"max_seq_length": WINDOW}))


if __name__ == "__main__":
    make_model(Path(sys.argv[1]))
