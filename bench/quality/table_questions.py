"""Questions whose answer is one cell of a table, against made-up tables in files of real programs: how many are answered with that cell.

    python bench/quality/table_questions.py [pdf|letters|docx|html|xlsx ...]

The same documents (a table between paragraphs that speak of the same things) as HTML, as DOCX, XLSX and PDF by LibreOffice, and as a PDF
without rules by reportlab (``letters``; needs ``pip install reportlab``). Each kind of file is a collection. An answer has the *right
cell* when one of its quoted parts holds the value and most words of the row's name; it is *exact* when no such part holds another value
of that row.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from pathlib import Path

from rag_pipeline.answering.answerer import Answerer, build_answerer
from rag_pipeline.answering.scope import Scope
from rag_pipeline.models import Answered
from rag_pipeline.settings import Settings

KINDS = ("pdf", "letters", "docx", "html", "xlsx")


@dataclass(frozen=True)
class Question:
    """``row`` is the name of the row, ``value`` what stands in the cell that answers."""

    text: str
    row: str
    value: str


@dataclass(frozen=True)
class Document:
    """A title, paragraphs, and a table whose first ``header`` rows name the columns; a cell is its text, or text and columns spanned."""

    name: str
    title: str
    before: Sequence[str]
    rows: Sequence[Sequence[str | tuple[str, int]]]
    header: int
    questions: Sequence[Question]
    after: Sequence[str] = ()


DOCUMENTS = (
    Document(
        "halvorsen_annual", "Halvorsen Marine annual report",
        ["Net sales of our subsidiaries in Norway were affected by the strike of 2021 and by new rules on ballast water.",
         "Operating income is discussed in the notes. Research and development spending follows the plan of the board."],
        [["(In millions, except per share amounts)", ("Years ended December 31,", 3)], ["", "2022", "2021", "2020"],
         ["Net sales", "$ 4,812", "$ 4,377", "$ 4,051"], ["Cost of sales", "2,901", "2,688", "2,540"],
         ["Research and development expenses", "311", "296", "—"], ["Operating income", "702", "655", "(18)"],
         ["Interest expense", "57", "61", "66"], ["Net income", "$ 498", "$ 461", "$ (90)"],
         ["Earnings per share — diluted", "$ 3.17", "$ 2.94", "$ (0.58)"]], 2,
        [Question("What were Halvorsen's net sales in 2022?", "Net sales", "4,812"),
         Question("What was the operating income of Halvorsen Marine in 2021?", "Operating income", "655"),
         Question("How much did Halvorsen spend on research and development in 2022?", "Research and development expenses", "311"),
         Question("What were diluted earnings per share in 2020?", "Earnings per share — diluted", "(0.58)"),
         Question("How high was interest expense in 2020?", "Interest expense", "66"),
         Question("What was the cost of sales in 2021?", "Cost of sales", "2,688")],
        ["The accompanying notes are an integral part of these statements of net sales, cost of sales and net income."]),
    Document(
        "quarters_tidewater", "Tidewater Bank quarterly results",
        ["Net interest margin is explained on the bank's website. Deposits of private customers are insured by law."],
        [["", ("Three months ended June 30,", 2), ("Six months ended June 30,", 2)], ["(in thousands)", "2023", "2022", "2023", "2022"],
         ["Interest income", "18,204", "14,911", "35,870", "29,006"], ["Interest expense", "6,118", "2,204", "11,540", "4,017"],
         ["Provision for credit losses", "1,450", "975", "2,880", "1,620"], ["Fee income", "3,377", "3,102", "6,690", "6,241"],
         ["Salaries and benefits", "7,015", "6,840", "14,102", "13,677"], ["Net profit", "4,906", "5,338", "9,415", "10,122"]], 2,
        [Question("What was Tidewater's interest income in the three months ended June 30, 2022?", "Interest income", "14,911"),
         Question("What was the provision for credit losses for the six months ended June 30, 2023?",
                  "Provision for credit losses", "2,880"),
         Question("How much fee income did the bank have in the six months ended June 30, 2022?", "Fee income", "6,241"),
         Question("What was the net profit in the three months ended June 30, 2023?", "Net profit", "4,906")],
        ["Interest income rose because of higher rates, and so did interest expense."]),
    Document(
        "balance_corvid", "Corvid Systems balance sheet",
        ["Inventories are stated at the lower of cost and net realisable value. Goodwill is tested every year in autumn."],
        [["(Dollars in thousands)", "December 31, 2023", "December 31, 2022"], ["Current assets", "", ""],
         ["Cash and cash equivalents", "$ 91,220", "$ 77,415"], ["Accounts receivable, net", "40,118", "38,006"],
         ["Inventories", "25,903", "31,447"], ["Total current assets", "157,241", "146,868"], ["Goodwill", "63,000", "63,000"],
         ["Total assets", "$ 260,577", "$ 251,903"], ["Current liabilities", "", ""], ["Accounts payable", "19,344", "22,018"],
         ["Long-term debt", "80,500", "92,250"], ["Total liabilities", "$ 118,906", "$ 131,020"]], 1,
        [Question("How much cash did Corvid have at December 31, 2023?", "Cash and cash equivalents", "91,220"),
         Question("What were Corvid's total assets in 2022?", "Total assets", "251,903"),
         Question("What was the amount of inventories at the end of 2022?", "Inventories", "31,447"),
         Question("What is the long-term debt of Corvid Systems as of December 31, 2023?", "Long-term debt", "80,500"),
         Question("How high were accounts payable in 2023?", "Accounts payable", "19,344")]),
    Document(
        "regions_lumen", "Lumen Foods sales by region",
        ["Sales in Asia grew because of a new plant in Thailand; in Europe the weather was poor."],
        [["Region", "Sales (million EUR)", "Share of sales", "Employees"], ["North America", "812.4", "41.2%", "3,910"],
         ["Europe", "640.9", "32.5%", "4,285"], ["Asia Pacific", "377.0", "19.1%", "2,750"], ["Latin America", "142.3", "7.2%", "1,104"],
         ["Total", "1,972.6", "100.0%", "12,049"]], 1,
        [Question("How many employees does Lumen Foods have in Europe?", "Europe", "4,285"),
         Question("What share of sales comes from Asia Pacific?", "Asia Pacific", "19.1%"),
         Question("What were the sales of Lumen Foods in Latin America?", "Latin America", "142.3"),
         Question("How many employees are there in North America?", "North America", "3,910")],
        ["Employees are counted at the end of the year, trainees in Europe left out."]),
    Document(
        "staff_atlas", "Atlas Institute staff",
        ["Heads of department meet every second Tuesday in the green room. The telephone exchange is closed at night."],
        [["Name", "Position", "Office", "Telephone"], ["Miriam Okafor", "Director", "A 101", "555-0140"],
         ["Lars Petersen", "Head of Laboratory", "C 214", "555-0177"], ["Yuki Tanabe", "Librarian", "B 007", "555-0152"],
         ["Paulo Mendes", "Head of Purchasing", "A 115", "555-0169"], ["Grete Zimmer", "Safety Officer", "D 002", "555-0191"]], 1,
        [Question("Who is the librarian of the Atlas Institute?", "Librarian", "Yuki Tanabe"),
         Question("What is the telephone number of Lars Petersen?", "Lars Petersen", "555-0177"),
         Question("Who is head of purchasing?", "Head of Purchasing", "Paulo Mendes"),
         Question("In which office is Grete Zimmer?", "Grete Zimmer", "D 002")]),
    Document(
        "umsatz_bergmann", "Bergmann Werkzeuge Geschäftsbericht",
        ["Der Umsatz im Inland litt unter der schwachen Baukonjunktur. Die Zahl der Beschäftigten wird im Jahresmittel angegeben."],
        [["in Tausend Euro", "2023", "2022"], ["Umsatzerlöse", "48.215", "51.902"], ["Materialaufwand", "21.334", "24.017"],
         ["Personalaufwand", "15.880", "15.246"], ["Abschreibungen", "2.904", "2.771"], ["Jahresüberschuss", "1.377", "2.615"],
         ["Beschäftigte", "312", "325"]], 1,
        [Question("Wie hoch waren die Umsatzerlöse von Bergmann im Jahr 2023?", "Umsatzerlöse", "48.215"),
         Question("Wie hoch war der Personalaufwand 2022?", "Personalaufwand", "15.246"),
         Question("Wie viele Beschäftigte hatte Bergmann 2022?", "Beschäftigte", "325"),
         Question("Wie groß war der Jahresüberschuss 2023?", "Jahresüberschuss", "1.377")],
        ["Die Umsatzerlöse gingen zurück, der Personalaufwand stieg."]),
    Document(
        "comptes_valmont", "Valmont Textiles comptes annuels",
        ["Le chiffre d'affaires de la filiale belge n'est pas compris. Les charges de personnel comprennent les primes."],
        [["(en milliers d'euros)", "2023", "2022"], ["Chiffre d'affaires", "27 418", "25 063"], ["Achats consommés", "11 902", "10 777"],
         ["Charges de personnel", "8 140", "7 955"], ["Impôts et taxes", "655", "610"], ["Résultat net", "1 284", "903"]], 1,
        [Question("Quel était le chiffre d'affaires de Valmont en 2022 ?", "Chiffre d'affaires", "25 063"),
         Question("Combien de charges de personnel en 2023 ?", "Charges de personnel", "8 140"),
         Question("Quel a été le résultat net en 2023 ?", "Résultat net", "1 284")]),
    Document(
        "cuentas_olivar", "Cooperativa Olivar cuentas anuales",
        ["Las ventas de aceite dependen de la cosecha. Los gastos de personal incluyen a los trabajadores de temporada."],
        [["(en miles de euros)", "2023", "2022"], ["Ventas netas", "9.871", "11.240"], ["Gastos de personal", "2.318", "2.207"],
         ["Amortización", "640", "655"], ["Beneficio neto", "512", "1.090"]], 1,
        [Question("¿Cuáles fueron las ventas netas de Olivar en 2022?", "Ventas netas", "11.240"),
         Question("¿Cuánto fueron los gastos de personal en 2023?", "Gastos de personal", "2.318"),
         Question("¿Cuál fue el beneficio neto en 2022?", "Beneficio neto", "1.090")]),
    Document(
        "segments_orrin", "Orrin Group segment information",
        ["Segments are reported as the chief operating decision maker sees them. Capital expenditures are on an accrual basis."],
        [["$ in millions", ("2023", 2), ("2022", 2)], ["Segment", "Revenue", "Operating profit", "Revenue", "Operating profit"],
         ["Packaging", "1,902", "244", "1,877", "239"], ["Specialty films", "655", "98", "702", "121"],
         ["Medical devices", "410", "77", "366", "59"], ["Corporate and eliminations", "(61)", "(40)", "(58)", "(44)"],
         ["Total", "2,906", "379", "2,887", "375"]], 2,
        [Question("What was the revenue of the Packaging segment in 2022?", "Packaging", "1,877"),
         Question("What operating profit did Medical devices make in 2023?", "Medical devices", "77"),
         Question("What was the operating profit of Specialty films in 2022?", "Specialty films", "121"),
         Question("What was the total revenue of Orrin in 2023?", "Total", "2,906")]),
    Document(
        "leases_pender", "Pender Airways obligations",
        ["Maturities of operating lease liabilities do not contain leases of aircraft that have not been delivered."],
        [["Year ending December 31,", "Operating leases", "Finance leases", "Debt"], ["2024", "118", "31", "402"],
         ["2025", "109", "29", "377"],
         ["2026", "97", "26", "350"], ["Thereafter", "461", "88", "1,940"], ["Total", "785", "174", "3,069"],
         ["Less: imputed interest on finance and operating lease liabilities", "(141)", "(22)", "—"]], 1,
        [Question("How much debt falls due in 2025?", "2025", "377"),
         Question("What are the operating lease payments of Pender Airways in 2026?", "2026", "97"),
         Question("What are total finance leases?", "Total", "174")]),
    Document(
        "stations_weather", "Weather stations of the county",
        ["Rainfall is measured by hand at seven in the morning. The station at Fallow Hill was moved in 1998."],
        [["Station", "Elevation (m)", "Opened", "Annual rainfall (mm)"], ["Fallow Hill", "412", "1931", "1,204"],
         ["Great Marsh", "3", "1958", "688"], ["Priory Bridge", "57", "1974", "731"], ["Upper Dene", "268", "2003", "967"]], 1,
        [Question("When was the station at Priory Bridge opened?", "Priory Bridge", "1974"),
         Question("What is the annual rainfall at Great Marsh?", "Great Marsh", "688"),
         Question("How high is Upper Dene?", "Upper Dene", "268"),
         Question("In which year did Fallow Hill open?", "Fallow Hill", "1931")]),
)  # fmt: skip


def main() -> None:
    kinds = sys.argv[1:] or list(KINDS)
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(data_dir=Path(folder))
        for kind in kinds:
            write(settings.uploads / kind, kind)
        subprocess.run(
            [sys.executable, "-m", "rag_pipeline", "ingest", *kinds], env=environment(folder), check=True, stdout=subprocess.DEVNULL
        )
        asyncio.run(print_shares(settings, kinds))


def environment(folder: str) -> dict[str, str]:
    import os

    return {**os.environ, "RAG_DATA_DIR": folder}


async def print_shares(settings: Settings, kinds: Sequence[str]) -> None:
    answerer = build_answerer(settings)
    for kind in kinds:
        asked = [(document, question) for document in DOCUMENTS for question in document.questions]
        judged = [await judge(answerer, kind, question) for _, question in asked]
        right, exact = (sum(one[place] for one in judged) for place in (0, 1))
        print(f"  {kind}: right cell {right} of {len(asked)}, exact {exact}")
        kept = [
            one for one, (_, question) in zip(judged, asked, strict=True) if hashlib.sha256(question.text.encode()).digest()[-1] % 3 == 0
        ]
        print(f"    of these not looked at while tuning: {sum(one[0] for one in kept)} of {len(kept)}, exact {sum(one[1] for one in kept)}")
        for (document, question), (good, _, answer) in zip(asked, judged, strict=True):
            if not good and hashlib.sha256(question.text.encode()).digest()[-1] % 3:
                print(f"    {document.name}: {question.text} ({question.value}) {answer[:300]!r}")


async def judge(answerer: Answerer, kind: str, question: Question) -> tuple[bool, bool, str]:
    """Whether an answer holds the right cell, whether it holds no other of that row, and the answer."""
    events = [event async for event in answerer.stream(question.text, (), Scope((kind,)))]
    last = events[-1]
    answer = last.answer if isinstance(last, Answered) else ""
    parts = [part for part in re.split(r"\[\d+\]", answer) if part.strip()]
    row = next(row for document in DOCUMENTS for row in document.rows if question in document.questions and _is_row(row, question))
    others = {cell for cell in row[1:] if isinstance(cell, str) and cell and letters(question.value) not in letters(cell)}
    right = [part for part in parts if letters(question.value) in letters(part) and _named(question.row, part)]
    exact = bool(right) and not any(re.search(rf"(?<![\d.,]){re.escape(cell)}(?![\d])", part) for part in right for cell in others)
    return bool(right), exact, answer or repr(last)[:200]


def _is_row(row: Sequence[str | tuple[str, int]], question: Question) -> bool:
    cells = [cell for cell in row if isinstance(cell, str)]
    return question.row in cells and any(letters(question.value) in letters(cell) for cell in cells)


def _named(row: str, part: str) -> bool:
    words = re.findall(r"\w+", row.casefold())
    return sum(word in part.casefold() for word in words) > len(words) / 2


def letters(text: str) -> str:
    return "".join(re.findall(r"[\w.,()%]", text.casefold()))


def write(folder: Path, kind: str) -> None:
    """The documents as files of a kind."""
    folder.mkdir(parents=True)
    if kind == "letters":
        for document in DOCUMENTS:
            write_letters(folder / f"{document.name}.pdf", document)
        return
    for document in DOCUMENTS:
        (folder / f"{document.name}.html").write_text(as_html(document, sheet=kind == "xlsx"), encoding="utf-8")
    if kind != "html":
        pages = [str(page) for page in sorted(folder.glob("*.html"))]
        program = {"xlsx": "HTML (StarCalc)", "docx": "HTML (StarWriter)", "pdf": "HTML (StarWriter)"}[kind]
        target = {"xlsx": "xlsx", "docx": "docx:MS Word 2007 XML", "pdf": "pdf:writer_pdf_Export"}[kind]
        subprocess.run(
            ["soffice", f"-env:UserInstallation=file://{folder}/.profile", "--headless", f"--infilter={program}", "--convert-to", target,
             "--outdir", str(folder), *pages],
            check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        shutil.rmtree(folder / ".profile", ignore_errors=True)
        for page in pages:
            Path(page).unlink()


def as_html(document: Document, sheet: bool) -> str:
    rows = ""
    for number, row in enumerate(document.rows):
        tag = "th" if number < document.header else "td"
        cells = (cell if isinstance(cell, tuple) else (cell, 1) for cell in row)
        # A spreadsheet program would read 4,812 as a number by its own country's rules; as text it stays what was printed.
        shown = ' sdval="" sdnum="0;0;@"' if sheet else ""
        rows += "<tr>" + "".join(f'<{tag} colspan="{span}"{shown}>{escape(text)}</{tag}>' for text, span in cells) + "</tr>\n"
    around = ["\n".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs) for paragraphs in (document.before, document.after)]
    return (
        f'<html><head><meta charset="utf-8"><title>{escape(document.title)}</title></head><body><h1>{escape(document.title)}</h1>\n'
        f'{around[0]}\n<table border="1">{rows}</table>\n{around[1]}</body></html>'
    )


def write_letters(path: Path, document: Document) -> None:
    """A PDF as annual reports are: no rules, numbers at the right edge of their columns, labels that wrap."""
    from reportlab.lib.styles import getSampleStyleSheet
    from reportlab.platypus import Flowable, Paragraph, SimpleDocTemplate, Table, TableStyle

    style = getSampleStyleSheet()
    grid, spans = [], []
    for number, row in enumerate(document.rows):
        cells: list[str | Flowable] = []
        for cell in row:
            text, span = cell if isinstance(cell, tuple) else (cell, 1)
            if span > 1:
                spans.append(("SPAN", (len(cells), number), (len(cells) + span - 1, number)))
                spans.append(("ALIGN", (len(cells), number), (len(cells), number), "CENTER"))
            cells += [Paragraph(text, style["Normal"]) if not cells and len(text) > 40 else text, *[""] * (span - 1)]
        grid.append(cells)
    right = [] if document.name == "staff_atlas" else [("ALIGN", (1, 0), (-1, -1), "RIGHT")]
    bold = [("FONTNAME", (0, 0), (-1, document.header - 1), "Helvetica-Bold")]
    table = Table(grid, colWidths=[130, *[98] * (len(grid[0]) - 1)], style=TableStyle([*right, *bold, *spans]))
    story = [Paragraph(document.title, style["Heading1"])]
    story += [Paragraph(text, style["Normal"]) for text in document.before] + [table]
    story += [Paragraph(text, style["Normal"]) for text in document.after]
    SimpleDocTemplate(str(path), title=document.title).build(story)


if __name__ == "__main__":
    main()
