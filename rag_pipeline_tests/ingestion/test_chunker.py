import re
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordLevel, WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer
from tokenizers.processors import TemplateProcessing

from rag_pipeline.embedding.model_files import TokenCounter
from rag_pipeline.errors import RagError
from rag_pipeline.ingestion.chunker import Chunker, fingerprint
from rag_pipeline.models import Box, Chunk, Element, pack_places, unpack_places


def counter(window: int = 256, prompt: str = "") -> TokenCounter:
    """A WordPiece tokenizer like the model's, whose only pieces are letters: a word has as many tokens as letters, at most 100."""
    letters = "abcdefghijklmnopqrstuvwxyz0123456789.,:;|>-"
    pieces = ["[UNK]", "[CLS]", "[SEP]", *letters, *(f"##{letter}" for letter in letters)]
    vocabulary = {piece: number for number, piece in enumerate(pieces)}
    return _counter(Tokenizer(WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100)), window, prompt)


def word_counter(window: int) -> TokenCounter:
    """One token a word or mark: makes sizes easy to foresee."""
    return _counter(Tokenizer(WordLevel({"[UNK]": 0, "[CLS]": 1, "[SEP]": 2}, unk_token="[UNK]")), window, "")


def _counter(tokenizer: Tokenizer, window: int, prompt: str) -> TokenCounter:
    tokenizer.normalizer = BertNormalizer()
    tokenizer.pre_tokenizer = BertPreTokenizer()
    tokenizer.post_processor = TemplateProcessing(single="[CLS] $A [SEP]", special_tokens=[("[CLS]", 1), ("[SEP]", 2)])
    return TokenCounter(tokenizer, window, prompt)


def words(count: int, name: str = "w") -> str:
    return " ".join(f"{name}{number}" for number in range(count))


def prose(text: str, *path: str) -> Element:
    return Element("NarrativeText", text, heading_path=path)


def title(text: str, *path: str) -> Element:
    return Element("Title", text, heading_path=path)


def visible(texts: Sequence[str]) -> str:
    return "".join("".join(texts).split())


def check(elements: Sequence[Element], chunks: Sequence[Chunk], tokens: TokenCounter, limit: int) -> None:
    """What must hold for every document."""
    assert visible([chunk.text for chunk in chunks]) == visible([element.text for element in elements])
    assert [chunk.position for chunk in chunks] == list(range(len(chunks)))
    for chunk in chunks:
        assert chunk.text == chunk.text.strip()
        assert chunk.text
        assert chunk.tokens == tokens.count(chunk.embedded_text) <= limit
        assert all(0 <= place.start < place.end <= len(chunk.text) for place in (*chunk.boxes, *chunk.headings))
    titles = [element.text for element in elements if element.kind == "Title"]
    assert visible([chunk.text[place.start : place.end] for chunk in chunks for place in chunk.headings]) == visible(titles)


def test_tables_are_indexed_as_the_words_that_a_page_shows() -> None:
    rows = "(in millions) || Years ended June 30, 2022 || Years ended June 30, 2021\nNet sales | 34,229 | 35,355\n | 7"
    chunk = Chunk(0, rows, "Statements", (), None, None, (), 0)
    assert chunk.embedded_text == "Statements\n(in millions) Years ended June 30, 2022 2021\nNet sales 34,229 35,355\n7"


kinds = st.sampled_from(["Title", "NarrativeText", "ListItem", "Table", "CodeSnippet"])
texts = st.one_of(
    st.text(max_size=300),
    st.text(alphabet="ab. \n|。漢字กา👩‍👧é\u0301\0", max_size=300),
    st.text(alphabet="abc", min_size=200, max_size=600),
    st.lists(st.sampled_from(["word", "another", "end.", "\n", "世界。", "🎉", "שלום"]), max_size=80).map(" ".join),
)
documents = st.lists(
    st.builds(
        Element,
        kind=kinds,
        text=texts,
        page=st.none() | st.integers(1, 9),
        heading_path=st.lists(st.text(max_size=40), max_size=3).map(tuple),
        table_header=st.none() | st.text(max_size=60),
    ),
    max_size=8,
)


@given(documents, st.integers(16, 80))
def test_nothing_is_lost_doubled_reordered_or_too_long(elements: list[Element], limit: int) -> None:
    tokens = counter(80)
    check(elements, Chunker(tokens, limit).chunk(elements), tokens, limit)


@given(documents)
def test_the_same_document_gives_the_same_chunks(elements: list[Element]) -> None:
    chunker = Chunker(counter(), 40)
    chunker.chunk([prose("something else")])
    assert chunker.chunk(elements) == Chunker(counter(), 40).chunk(elements)


def test_short_documents_are_one_chunk() -> None:
    (chunk,) = Chunker(word_counter(50)).chunk([title("Guide"), prose("Some words.", "Guide")])
    assert (chunk.text, chunk.context, chunk.heading_path) == ("Guide\nSome words.", "", ("Guide",))


def test_a_chunk_knows_which_of_its_lines_are_headings() -> None:
    (chunk,) = Chunker(word_counter(50)).chunk(
        [title("Guide"), prose("Parts", "Guide"), title("The\nparts", "Guide"), prose("Six.", "Guide")]
    )
    assert [chunk.text[place.start : place.end] for place in chunk.headings] == ["Guide", "The\nparts"]
    assert unpack_places(pack_places(chunk.headings)) == chunk.headings


def test_empty_documents_have_no_chunks() -> None:
    assert Chunker(counter()).chunk([]) == []
    assert Chunker(counter()).chunk([prose(" \n\t")]) == []


def test_cuts_fall_between_elements_and_parts_are_even() -> None:
    elements = [prose(words(20, name)) for name in "abcd"]
    chunks = Chunker(word_counter(64)).chunk(elements)
    assert [chunk.text for chunk in chunks] == [f"{words(20, 'a')}\n{words(20, 'b')}", f"{words(20, 'c')}\n{words(20, 'd')}"]


def test_long_paragraphs_are_cut_between_sentences() -> None:
    chunks = Chunker(word_counter(30)).chunk([prose(". ".join(words(8, name) for name in "abcdef") + ".")])
    assert all(chunk.text.endswith(".") for chunk in chunks)


def test_headings_are_told_in_front_of_later_chunks_and_in_the_first() -> None:
    elements = [title("Part", "Book"), prose(words(100), "Book", "Part")]
    first, *others = Chunker(word_counter(50)).chunk(elements)
    assert first.text.startswith("Part\nw0")
    assert (first.context, first.heading_path) == ("Book", ("Book", "Part"))
    assert {chunk.context for chunk in others} == {"Book > Part"}


def test_a_heading_stays_with_what_follows() -> None:
    elements = [prose(words(40)), title("Next"), prose(words(40), "Next")]
    chunks = Chunker(word_counter(50)).chunk(elements)
    assert [chunk.text.split("\n")[0] for chunk in chunks] == [words(40), "Next"]


def test_a_heading_without_text_joins_the_next_section() -> None:
    elements = [title("Book"), title("Part", "Book"), prose("text", "Book", "Part"), title("End")]
    (chunk,) = Chunker(word_counter(50)).chunk(elements)
    assert chunk.text == "Book\nPart\ntext\nEnd"


def test_small_neighbours_share_a_chunk_only_if_their_headings_are_told() -> None:
    sheets = [prose("one", "Sheet 1"), prose("two", "Sheet 2")]
    assert [chunk.context for chunk in Chunker(word_counter(50)).chunk(sheets)] == ["Sheet 1", "Sheet 2"]
    sections = [title("A"), prose("one", "A"), title("B"), prose("two", "B")]
    (chunk,) = Chunker(word_counter(50)).chunk(sections)
    assert (chunk.context, chunk.heading_path) == ("", ())


def test_tables_are_cut_between_rows_and_every_part_knows_the_columns() -> None:
    rows = "\n".join(f"bolt{number} | {number}" for number in range(40))
    table = Element("Table", f"name || size\n{rows}", table_header="name || size")
    first, *others = Chunker(word_counter(40)).chunk([table])
    assert first.context == ""
    assert {chunk.context for chunk in others} == {"name || size"}
    assert all(re.fullmatch(r"(bolt\d+ \| \d+\n?)+", chunk.text) for chunk in others)


def test_contexts_too_long_are_shortened_from_the_outside() -> None:
    path = ("outer " * 20, "middle " * 5, "inner")
    chunks = Chunker(word_counter(40)).chunk([prose(words(100), *path)])
    assert {chunk.context for chunk in chunks} == {"middle " * 5 + " > inner"}
    header = " || ".join(f"column{number}" for number in range(500))
    chunks = Chunker(word_counter(40)).chunk([Element("Table", words(100), table_header=header)])
    assert all(header.startswith(chunk.context) and chunk.context for chunk in chunks)


def test_a_word_without_end_is_cut_and_an_unknown_one_is_not_taken_for_short() -> None:
    tokens = counter(64)
    elements = [prose("x" * 50_000)]
    chunks = Chunker(tokens).chunk(elements)
    check(elements, chunks, tokens, 64)
    assert max(len(chunk.text) for chunk in chunks) <= 640


def test_letters_keep_their_accents_and_emoji_stay_whole() -> None:
    family = "👩‍👩‍👧‍👦"
    chunks = Chunker(counter(16)).chunk([prose(family * 60 + "e\u0301" * 200)])
    assert all(not chunk.text.startswith(("\u200d", "\u0301")) for chunk in chunks)
    assert all(not before.text.endswith("\u200d") for before, _ in pairwise(chunks))


def test_pages_and_boxes_follow_the_text() -> None:
    boxes = tuple(Box(page, 0.1, 0.1, 0.9, 0.2, start, start + 5) for page, start in ((3, 0), (4, 6)))
    elements = [
        Element("NarrativeText", "first words", page=2, boxes=(Box(2, 0, 0, 1, 1, 6, 11),)),
        Element("NarrativeText", "third fourth", page=3, boxes=boxes),
    ]
    (chunk,) = Chunker(word_counter(50)).chunk(elements)
    assert (chunk.page_first, chunk.page_last) == (2, 3)
    assert [chunk.text[box.start : box.end] for box in chunk.boxes] == ["words", "third", "fourt"]


def test_boxes_of_a_cut_element_are_shared_out() -> None:
    text = words(60)
    boxes = tuple(Box(1, 0, 0, 1, 1, match.start(), match.end()) for match in re.finditer(r"\w+", text))
    chunks = Chunker(word_counter(30)).chunk([Element("NarrativeText", text, page=1, boxes=boxes)])
    assert [chunk.text[box.start : box.end] for chunk in chunks for box in chunk.boxes] == text.split()


def test_limits_and_fingerprints() -> None:
    assert Chunker(counter(128)).max_tokens == 128
    assert Chunker(counter(128), 64).max_tokens == 64
    assert Chunker(counter(128), 4096).max_tokens == 128
    assert fingerprint(64, 128) != fingerprint(0, 128)
    assert fingerprint(4096, 128) == fingerprint(128, 128)
    with pytest.raises(RagError, match="RAG_CHUNK_TOKENS"):
        Chunker(counter(), 8)


def test_a_document_prompt_counts() -> None:
    tokens = counter(64, prompt="passage: ")
    elements = [prose(words(200))]
    check(elements, Chunker(tokens).chunk(elements), tokens, 64)
