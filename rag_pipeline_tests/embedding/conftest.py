"""The packaged model in both runtimes; small models of other kinds; a process that has loaded nothing yet."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from rag_pipeline.embedding import embedder
from rag_pipeline.embedding.light_runtime import LightEmbedder, open_light
from rag_pipeline.embedding.model_files import ModelFiles, locate_model
from rag_pipeline.embedding.sentence_transformer import SentenceTransformerEmbedder
from rag_pipeline.settings import Settings
from rag_pipeline_tests.made_model import put_into

MakeModel = Callable[..., Settings]


@pytest.fixture(scope="session")
def light_settings(tmp_path_factory: pytest.TempPathFactory, packaged_model: Path) -> Settings:
    """Of a folder that has the light runtime, made as an installation does it, and where nobody has measured which is the fastest."""
    settings = Settings(data_dir=tmp_path_factory.mktemp("light") / "data")
    put_into(settings.data, packaged_model)
    (settings.data / "models.json").unlink()
    return settings


@pytest.fixture(scope="session")
def model(light_settings: Settings) -> ModelFiles:
    return locate_model(light_settings)


@pytest.fixture(scope="session")
def loaded(model: ModelFiles) -> SentenceTransformerEmbedder:
    return SentenceTransformerEmbedder(model, "cpu", 32)


@pytest.fixture(scope="session")
def light(model: ModelFiles, light_settings: Settings) -> LightEmbedder:
    made = open_light(model, light_settings)
    assert made
    return made


@pytest.fixture
def nothing_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("_BULK", "_LIGHT", "_LOADED", "_PREPARED", "_UNUSABLE"):
        monkeypatch.setattr(embedder, name, {})


@pytest.fixture
def make_model(tmp_path: Path, model: ModelFiles) -> MakeModel:
    """A model with few weights, all random: the modules that a function makes of its first, and prompts."""

    def make(further: Callable[[Any], list[Any]], **prompts: str) -> Settings:
        from sentence_transformers import SentenceTransformer
        from sentence_transformers.models import Transformer
        from transformers import AutoTokenizer, BertConfig, BertModel

        small = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 64, "initializer_range": 0.5}
        BertModel(BertConfig(vocab_size=30522, max_position_embeddings=64, **small)).save_pretrained(tmp_path / "bert")
        AutoTokenizer.from_pretrained(model.path).save_pretrained(tmp_path / "bert")
        first = Transformer(str(tmp_path / "bert"), max_seq_length=48)
        made = SentenceTransformer(modules=[first, *further(first)], device="cpu", prompts=prompts)
        made.save(str(tmp_path / "model"))
        return Settings(data_dir=tmp_path / "data", embedding_model=str(tmp_path / "model"))

    return make
