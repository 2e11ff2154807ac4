"""Passages cut into what can be quoted alone."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, strategies

from rag_pipeline.answering.sentences.segmentation import sentences_of
from rag_pipeline.answering.sentences.table_row import table_row
from rag_pipeline.answering.tuning import TUNING
from rag_pipeline.models import Place
from rag_pipeline.stores.vectors.bm25 import word_ids
from rag_pipeline_tests.answering.conftest import hit


def texts(text: str, **fields: object) -> list[str]:
    return [sentence.text for sentence in sentences_of(1, hit(1, text, **fields))]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("It opened in 1781. It is red.", ["It opened in 1781.", "It is red."]),
        (
            "Dr. A. Darby paid 3.6 million, e.g. for iron. Why? Nobody knows!",
            ["Dr. A. Darby paid 3.6 million, e.g. for iron.", "Why?", "Nobody knows!"],
        ),
        ("A line that goes\non in small letters. Next one.", ["A line that goes on in small letters.", "Next one."]),
        ("the fee was 0.25% in 2017. it may vary, e.g. by 0.1.", ["the fee was 0.25% in 2017.", "it may vary, e.g. by 0.1."]),
        (
            "Section 1. The Board has nine seats. Section 2. Five are a quorum.",
            ["Section 1. The Board has nine seats.", "Section 2. Five are a quorum."],
        ),
        ("§ 3. Der Beitrag ist im Mai fällig.", ["§ 3. Der Beitrag ist im Mai fällig."]),
        ("Article IV. Officers are elected yearly.", ["Article IV. Officers are elected yearly."]),
        ("- first item\n- second item", ["- first item", "- second item"]),
        ("東京は首都です。人口は多い。", ["東京は首都です。", "人口は多い。"]),
        ("\n\n***\n", []),
    ],
)
def test_sentences_end_where_a_reader_would_end_them(text: str, sentences: list[str]) -> None:
    assert texts(text) == sentences


def test_headings_are_left_out() -> None:
    assert texts("Opening hours\nWe open at nine.", heading_path=("Opening hours",)) == ["We open at nine."]
    assert texts("Opening hours", heading_path=("Opening hours",)) == []


def test_what_is_quoted_knows_the_heading_it_stands_under() -> None:
    text = "Rent\nThe rent is due monthly.\nPets\n- no dogs\n- one cat\nName || Phone\nMartha | 555"
    under = [sentence.heading for sentence in sentences_of(1, hit(1, text, heading_path=("Lease", "Rent")))]
    assert under == ["Rent", "Pets", "Pets", "Pets"]
    (further,) = sentences_of(1, hit(1, "It is paid in advance.", heading_path=("Lease", "Rent")))
    assert further.heading == "Rent"


def test_headings_that_the_document_has_are_none_of_a_list_however_they_look() -> None:
    text = "8. Five rules\nDisconnect\nSecure\nTest\n9. Colours of\nold leads\nPeriod || Earth\nuntil 1965 | red\n10. Open\nDisconnect"
    titles = "8. Five rules", "9. Colours of\nold leads", "10. Open"
    places = tuple(Place(text.index(title), text.index(title) + len(title)) for title in titles)
    found = sentences_of(1, hit(1, text, headings=places, heading_path=("Notes",)))
    assert [(one.text, one.heading) for one in found] == [
        ("Disconnect / Secure / Test", "8. Five rules"),
        ("Period: until 1965; Earth: red", "9. Colours of old leads"),
        ("Disconnect", "10. Open"),
    ]


def test_a_numbered_heading_is_none_of_a_list() -> None:
    lease = "3. Rent\nThe rent is due on the first day of each month.\n4. Deposit\nThe deposit is returned."
    assert [(sentence.text, sentence.heading) for sentence in sentences_of(1, hit(1, lease))] == [
        ("The rent is due on the first day of each month.", "3. Rent"),
        ("The deposit is returned.", "4. Deposit"),
    ]
    books = "Books\n1. Piranesi\n2. The Overstory\nThese are read in spring."
    assert texts(books) == ["1. Piranesi", "2. The Overstory", "These are read in spring."]


_PIECES = strategies.sampled_from(
    ["a", "Net sales", "12", "(3.5)", "%", "|", " | ", " || ", "||", "\n", "\n\n", " ", ". ", ": ", "-", "“", "1.", "Xy?"]
)


@given(strategies.lists(_PIECES, max_size=40).map("".join), strategies.lists(_PIECES, max_size=8).map("".join))
def test_whatever_a_passage_holds_is_cut_into_what_it_says(text: str, context: str) -> None:
    said = set(re.findall(r"\w+", f"{text} {context}"))
    for sentence in sentences_of(1, hit(text=text, context=context, heading_path=("Net sales",))):
        assert set(re.findall(r"\w+", sentence.text)) <= said


def test_rows_carry_the_names_of_their_columns() -> None:
    assert texts("Year || Cost\n2018 | 3.6 | \n2019 | 4.1") == ["Year: 2018; Cost: 3.6", "Year: 2019; Cost: 4.1"]
    assert texts("Year || Cost\n2018 | 3.6 | new") == ["2018; 3.6; new"]
    assert texts("2019 | 4.1", context="Costs\nYear || Cost") == ["Year: 2019; Cost: 4.1"]


def test_text_without_full_stops_is_shortened() -> None:
    (long,) = texts("word " * 1000)
    assert len(long) <= TUNING.segmentation.longest_sentence_characters + 2
    assert long.endswith("…")


def test_sentences_that_refer_back_are_marked() -> None:
    assert [sentence.leans for sentence in sentences_of(1, hit(1, "The bridge is old. It opened in 1781."))] == [False, True]


def test_a_line_that_reads_like_a_heading_is_not_quoted_unless_there_is_nothing_else() -> None:
    assert texts("HOUSE RULES OF THE ROOM\n\nGoggles are worn at the grinder.") == ["Goggles are worn at the grinder."]
    assert texts("Only a few words") == ["Only a few words"]


@pytest.mark.parametrize(
    ("text", "sentences"),
    [
        ("Order form\nSupplier: Acme Corporation\nTerms: net", ["Supplier: Acme Corporation", "Terms: net"]),
        ("Order form\nSupplier:\nAcme Corporation\nTerms:\nnet", ["Supplier: Acme Corporation", "Terms: net"]),
        ("Order form\nSupplier      Acme Corporation\nTerms\tnet", ["Supplier Acme Corporation", "Terms net"]),
        ("Jane Smith\nHead of Purchasing\n+49 30 123456", ["Jane Smith / Head of Purchasing / +49 30 123456"]),
        ("Supplier\nAcme Corporation\nTerms\nThirty days", ["Supplier / Acme Corporation / Terms / Thirty days"]),
        ("Part One\nOpening hours\nWe open at nine.", ["We open at nine."]),
        ("Name: Ann Lee\nPosition\nKeeper of the lamps", ["Name: Ann Lee", "Position / Keeper of the lamps"]),
        ("Port ..... Old Harbour\nPier . . . . Stone Pier", ["Port ..... Old Harbour", "Pier . . . . Stone Pier"]),
        ("They waited... Then they left.", ["They waited...", "Then they left."]),
        ("We sell:\n- lamps\n- ropes", ["We sell:", "- lamps", "- ropes"]),
    ],
)
def test_forms_are_told_from_headings_by_what_stands_around_a_line(text: str, sentences: list[str]) -> None:
    assert texts(text) == sentences


def test_a_short_line_with_a_number_is_a_fact() -> None:
    assert texts("Our first invoice of spring\nInvoice total 4711 euros\nIt is paid by transfer.") == [
        "Invoice total 4711 euros",
        "It is paid by transfer.",
    ]


WRAPPED = """Wednesday the 9th of April suits us, please come after one, with Doctor
Okafor, who has the key, since we have been using the small autoclave of
3 North Street in the meantime. It takes one kit at a time.
Sunita"""


def test_a_text_that_was_broken_into_lines_is_read_in_its_paragraphs() -> None:
    first = "Wednesday the 9th of April suits us, please come after one, with Doctor Okafor, who has the key, since"
    assert texts(WRAPPED)[0] == f"{first} we have been using the small autoclave of 3 North Street in the meantime."
    assert texts("> " + WRAPPED.replace("\n", "\n> "))[0].endswith("autoclave of 3 North Street in the meantime.")


def test_broken_lines_of_a_script_without_blanks_are_put_together_without_one() -> None:
    body = (
        "我们的办公室位于上海市浦东新区，每周一至周五上午九点开门，下午六点关门。访客须在前台登记，并由接待人员陪同进入办公区域。"
        "会议室需要提前一天预订，并注明参加人数和所需设备。停车场在大楼的地下二层，访客可以免费停车两个小时，之后每小时收费十元。"
    )
    broken = "\n".join(body[start : start + 38] for start in range(0, len(body), 38))
    assert texts(broken) == texts(body)
    assert texts(body)[1] == "访客须在前台登记，并由接待人员陪同进入办公区域。"
    assert texts("办公室规定\n访客登记\n停车场收费") == ["办公室规定 / 访客登记 / 停车场收费"]


def test_what_stands_above_a_mail_says_nothing_of_the_length_of_its_lines() -> None:
    header = "".join(f"{name}: Sybille G. <sybille.g@wohnbau.example>, {name} of the board\n" for name in ("From", "To", "Cc", "Date"))
    body = """Dear all,
the board has met. Six boxes and no more will be put up, as
Kiesel has told us on Friday. The reason is the line, which
Netze has no better one for."""
    assert texts(header + body)[-1] == "The reason is the line, which Netze has no better one for."


@pytest.mark.parametrize(
    "text",
    [
        "Den Rest behalte ich zurück, bis die wackligen Tische gerichtet sind und die\nFuge an der Theke geschlossen ist.",
        "We have been waiting for the new boiler since the letter that came from the\nCouncil in May.",
    ],
)
def test_a_long_line_whose_last_word_ends_no_sentence_goes_on(text: str) -> None:
    assert texts(text) == [text.replace("\n", " ")]


def test_a_heading_that_ends_with_such_a_word_is_one() -> None:
    assert texts("What we stand for\nMembers vote every year.") == ["Members vote every year."]


def test_what_a_mail_quotes_is_not_put_together_with_what_is_written_below_or_with_what_that_quotes() -> None:
    text = "> The cycle aborts because\n> the seal has gone hard\n>> and what\nyes, that is it."
    assert texts(text) == ["> The cycle aborts because the seal has gone hard", ">> and what", "yes, that is it."]


def test_lines_of_a_list_are_no_paragraph_however_long_the_longest_is() -> None:
    longest = "Log in to the site, pick Meets, choose Commit, and pick your events"
    assert texts(f"{longest}\nDeadline is the Sunday\nScratches still pay") == [longest, "Deadline is the Sunday / Scratches still pay"]


def test_the_lines_of_a_mails_header_are_quoted_together() -> None:
    text = "Copper\nFrom: Doris V. <d@v.example>\nTo: all@v.example\nDate: Tue, 11 Mar 2025 08:05:27 +0100\nPrices rise by 3 %.\nTo: whom"
    found = sentences_of(1, hit(1, text, heading_path=("Copper",)))
    header = "From: Doris V. <d@v.example> / To: all@v.example / Date: Tue, 11 Mar 2025 08:05:27 +0100"
    assert [(one.text, one.heading, one.listed) for one in found][:2] == [
        (header, "Copper", True),
        ("Prices rise by 3 %.", "Copper", False),
    ]


def test_what_is_announced_is_told_with_it() -> None:
    assert texts("Direct claims with:\nPaws & Peace\nBellwether Pet\nSupplier: Acme") == [
        "Direct claims with: Paws & Peace / Bellwether Pet",
        "Supplier: Acme",
    ]
    below = "Supplier:\nAcme\nOpening hours\nWe open at nine."
    assert texts(below)[0] == "Supplier: Acme"
    places = (Place(below.index("Opening"), below.index("\nWe")),)
    assert [(one.text, one.heading) for one in sentences_of(1, hit(1, below, headings=places))] == [
        ("Supplier: Acme", ""),
        ("We open at nine.", "Opening hours"),
    ]


def test_rows_keep_the_names_of_their_own_table_and_the_unit() -> None:
    text = "(in millions) || 2022 || 2021\nNet sales | 34,229 | 35,355\nStaff || Office\nAnn Lee | B 7"
    assert texts(text) == ["Net sales; 2022: 34,229; 2021: 35,355 (in millions)", "Staff: Ann Lee; Office: B 7"]


def test_two_cells_without_names_of_columns_are_a_label_and_its_value() -> None:
    (row,) = sentences_of(1, hit(1, "Deposit: | £1,900, held by the scheme"))
    assert (row.text, row.labels) == ("Deposit: £1,900, held by the scheme", ["Deposit", ""])


def test_rows_begin_with_the_label_above_them_up_to_their_total() -> None:
    rows = "|| 2022\nCurrent assets:\nCash | 10\nReceivables | 5\nTotal current assets | 15\nGoodwill | 7"
    said = ["Current assets: Cash; 2022: 10", "Current assets: Receivables; 2022: 5", "Current assets: Total current assets; 2022: 15"]
    assert texts(rows) == [*said, "Goodwill; 2022: 7"]


def test_only_the_columns_that_were_asked_for_are_quoted() -> None:
    row = table_row("Net sales | 34,229 | 35,355", "(in millions) || 2022 || 2021")
    assert str(row.asked_for(word_ids("What were net sales in 2022?"))) == "Net sales; 2022: 34,229 (in millions)"
    assert str(row.asked_for(word_ids("How did net sales change?"))) == str(row)


@pytest.mark.parametrize(
    "text",
    [
        "Das gilt z. B. für Abs. 3 und Nr. 5 der Verordnung.\u2016Am 3. Oktober 1990 war es so weit.",
        "Die Kosten der Stadt sind nach dem Plan ca. 300 Mio. Euro, d. h. mehr und nicht weniger.\u2016Vgl. § 12 Abs. 3 Satz 2 BGB.",
        "Véase el art. 5 y la pág. 12 de la ley.\u2016El Sr. García vive en la ciudad.",
        "Voir l'art. 5 et p. 12 du texte.\u2016C'est la fin.",
        "А. С. Пушкин был поэтом.\u2016См. рис. 2 и стр. 15.",
        "Dr. Smith met Mr. Jones at 5 p.m. on Jan. 3.\u2016See Fig. 2, Sec. 4.1 and No. 5 for details.",
        "Vergütung im 1. Jahr 850 €, 2. Jahr 960 €, 3. Jahr 1.080 €.\u2016Er wohnt in Zimmer 12.\u2016Danach kam nichts.",
        "Den 3. Maj 2024 er der fri.\u2016Vi ses.",
        "Closed from 4. bis 18. August 2025, which is the summer.\u2016We met in room 12.\u2016It was cold.",
        "这是第一句。\u2016这是第二句！",
        "यह पहला वाक्य है।\u2016यह दूसरा वाक्य है।",
    ],
)
def test_abbreviations_of_a_language_end_no_sentence(text: str) -> None:
    sentences = text.split("\u2016")
    assert texts(("" if sentences[0][-1] == "。" else " ").join(sentences)) == sentences


@pytest.mark.parametrize(
    "marks",
    ["“”", '""', "„“", "«»", "()", "[]"],
)
def test_long_quotations_and_remarks_are_cut_and_short_ones_are_not(marks: str) -> None:
    opens, closes = marks
    long = ["The bridge over the river was built of iron in those years.", "It was painted red by the engineers who came after."]
    passage = hit(1, f"Before all that. {opens}{' '.join(long)}{closes} Then they left. {opens}See p. 3. No.{closes} The end came.")
    said = [sentence.text for sentence in sentences_of(1, passage)]
    assert said[:4] == ["Before all that.", f"{opens}{long[0]}", f"{long[1]}{closes}", "Then they left."]
    assert any(f"{opens}See p. 3. No.{closes}" in text for text in said[4:])
