"""Which rows of a table name its columns, and which are a form's: a label and its value."""

from __future__ import annotations

import pytest

from rag_pipeline.ingestion.extract.data.tables import table_element
from rag_pipeline.models import is_header


def first_row_names(*rows: str) -> bool:
    found = table_element([row.split("|") for row in rows])
    assert found
    return is_header(found.text.split("\n")[0])


@pytest.mark.parametrize(
    "rows",
    [
        ("Landlord|Mr Achebe, 7 Orchard Close, BS31 2QT", "Deposit|£1,900, held by the scheme", "Term|12 months from 1 May"),
        ("Policy number|WM-HC-7730294", "Sum insured|£65,000", "Theft|Included"),
        ("Tenant|Helen Pargeter", "Rent|950", "Pets|none", "Keys|2", "Parking|none"),
        ("Name:|Anna", "Trade:|Baker"),
    ],
)
def test_a_form_names_no_columns(rows: tuple[str, ...]) -> None:
    assert not first_row_names(*rows)


@pytest.mark.parametrize(
    "rows",
    [
        ("Item|Price 2024", "Dog|54", "Cat|on request"),
        ("Item|Price per 100 g", "Cheese|2.30", "Ham|3.10"),
        ("Item|Price", "Dog|54", "Cat|on request", "Bird|included", "Cow|77"),
        ("Country|Capital", "France|Paris", "Spain|Madrid"),
        ("(in millions)|2023", "Net sales|34,229"),
        ("Date|Event", "3 May|Meeting at 7 pm", "10 May|Swim meet"),
        ("Landlord|Term of 12 months|Deposit", "Mr Achebe|1 May|£1,900", "Ms Lee|2 May|none"),
    ],
)
def test_a_table_names_them(rows: tuple[str, ...]) -> None:
    assert first_row_names(*rows)
