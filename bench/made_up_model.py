"""An embedding model that costs next to nothing, so that what is measured is everything else.

    python bench/made_up_model.py FOLDER

A BERT of one narrow layer with random weights, of the packaged model's tokenizer, window and dimension: small, and yet of the kind that
the product knows best, with a light runtime and all. A program of its own: what a process holds when it starts others counts as theirs
(see ``measuring.py``).
"""

from __future__ import annotations

import random
import sys
import tempfile
from pathlib import Path

import corpora
import torch
from sentence_transformers import SentenceTransformer
from sentence_transformers.sentence_transformer.modules import Dense, Normalize, Pooling, Transformer
from transformers import AutoTokenizer, BertConfig, BertModel

from rag_pipeline.embedding.model_files import locate_model
from rag_pipeline.settings import PACKAGED_MODEL, Settings

DIMENSION = 384
WIDTH = 32
WINDOW = 256


def make_model(folder: Path) -> None:
    """A question resembles what holds its words: a layer this weak leaves the vectors of word pieces nearly as they are."""
    torch.manual_seed(0)
    tokenizer = AutoTokenizer.from_pretrained(locate_model(Settings(embedding_model=PACKAGED_MODEL)).path)
    shape = {"hidden_size": WIDTH, "num_hidden_layers": 1, "num_attention_heads": 1, "intermediate_size": WIDTH}
    inner = BertModel(BertConfig(vocab_size=len(tokenizer), initializer_range=0.02, **shape))
    torch.nn.init.normal_(inner.embeddings.word_embeddings.weight)
    with tempfile.TemporaryDirectory() as bare:
        inner.save_pretrained(bare)
        tokenizer.save_pretrained(bare)
        transformer = Transformer(bare, max_seq_length=WINDOW)
    pooled = [transformer, Pooling(WIDTH, pooling_mode="mean")]
    widened = Dense(WIDTH, DIMENSION, activation_function=torch.nn.Identity())
    with torch.no_grad():
        widened.linear.bias.copy_(-widened.linear.weight @ average(SentenceTransformer(modules=pooled, device="cpu")))
    SentenceTransformer(modules=[*pooled, widened, Normalize()], device="cpu").save(str(folder))


def average(model: SentenceTransformer) -> torch.Tensor:
    """What the vectors of all texts have in common. Without it they point everywhere, as those of a real model do."""
    numbers = random.Random("average")
    texts = [corpora.prose(numbers, 190, corpora.topic(numbers)) for _ in range(200)]
    return model.encode(texts, convert_to_tensor=True).mean(dim=0)


if __name__ == "__main__":
    make_model(Path(sys.argv[1]))
