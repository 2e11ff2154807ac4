from rag_pipeline.ingestion.extract.registry import FAMILIES
from rag_pipeline_tests.readme_formats import README, formats_list, with_formats


def test_the_readme_lists_what_the_registry_has() -> None:
    readme = README.read_text(encoding="utf-8")
    assert with_formats(readme) == readme, "Run `make format`."


def test_every_family_is_listed_once() -> None:
    listed = " ".join(formats_list().split())
    assert [family.name for family in FAMILIES if family.words not in listed] == []
