"""LaTeX and BibTeX: what the typeset document shows, and nothing that only its writer sees."""

from pathlib import Path

import pytest

from rag_pipeline.models import Extraction
from rag_pipeline_tests.ingestion.extract.documents import element_with, read, texts


def latex(tmp_path: Path, body: str, preamble: str = "") -> Extraction:
    """The reading of a document with such a body."""
    content = f"\\documentclass{{article}}\n{preamble}\n\\begin{{document}}\n{body}\n\\end{{document}}\nleft over\n"
    return read(tmp_path, "a.tex", content.encode())


def test_a_document(tmp_path: Path) -> None:
    preamble = "\\usepackage{graphicx} % for the figures\n\\title{On \\emph{Looms}}\n\\author{Ann Weaver\\thanks{The mill.} \\and Bob}\n"
    body = "\\maketitle\n\\section{First}\\label{sec:first}\nSome % not this\nwords.\n\n"
    body += "\\subsection*{Second}\nMore words, see~\\ref{sec:first}."
    extraction = latex(tmp_path, body, preamble)
    assert texts(extraction) == [
        *("On Looms", "Author: Ann Weaver, Bob", "The mill.", "First", "Some words.", "Second", "More words, see ."),
    ]
    assert extraction.elements[-1].heading_path == ("First", "Second")


def test_a_part_of_a_document_has_no_preamble(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.tex", b"\\chapter{One}\nWords.\n\\par More.")) == ["One", "Words.", "More."]


def test_plain_tex_and_text_that_is_none_keep_all_words(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.tex", b"\\parindent=0pt \\bf Looms\n\nAre {\\it old}.\n\\bye\nunseen")) == ["Looms", "Are old."]
    assert texts(read(tmp_path, "b.tex", b"Only words.\n\nAnd more.")) == ["Only words.", "And more."]


def test_commands_that_nobody_knows_keep_their_arguments(tmp_path: Path) -> None:
    assert texts(latex(tmp_path, "\\strange[width=3cm]{one}{two \\odder{three}} four\\nothing.")) == ["one two three four."]
    assert texts(latex(tmp_path, "\\begin{oddity}{five}\nsix\n\\end{oddity}")) == ["five six"]


def test_commands_that_the_document_defines_are_what_they_stand_for(tmp_path: Path) -> None:
    preamble = (
        "\\newcommand{\\mill}{Mill of Ayr}\\newcommand{\\loom}[2][old]{the #1 loom of \\textbf{#2}}\n"
        "\\def\\pair#1#2{#1 and #2}\\let\\same\\mill\\newenvironment{remark}[1]{Remark by #1:}{(end)}\n"
    )
    assert texts(latex(tmp_path, "\\mill, \\same, \\loom{Ann}, \\loom[new]{Bob}, \\pair{x}{y}", preamble)) == [
        "Mill of Ayr, Mill of Ayr, the old loom of Ann, the new loom of Bob, x and y"
    ]
    assert texts(latex(tmp_path, "\\begin{remark}{Ann}words\\end{remark}", preamble)) == ["Remark by Ann:words(end)"]


def test_lists(tmp_path: Path) -> None:
    body = (
        "\\begin{itemize}\\item one\\item[--] two\\end{itemize}"
        "\\begin{enumerate}\\item a\\begin{enumerate}\\item b\\end{enumerate}\\item c\\end{enumerate}"
        "\\begin{description}\\item[Warp] runs along.\\end{description}"
    )
    extraction = latex(tmp_path, body)
    assert texts(extraction) == ["one", "– two", "1. a", "(a) b", "2. c", "Warp runs along."]
    assert {element.kind for element in extraction.elements} == {"ListItem"}


def test_tables(tmp_path: Path) -> None:
    body = (
        "\\begin{table}[ht]\\caption{Sizes of bolts}\\begin{tabular}{@{}l|rr@{}}\\toprule\nName & Width & \\textbf{Length} \\\\ \\midrule\n"
        "\\multirow{2}{*}{M3} & 3 & 10 \\\\\n & 3 & 20 \\\\ "
        "\\cmidrule(lr){1-2} \\multicolumn{2}{c}{all \\& sundry} & 5 \\\\[2pt]\\bottomrule"
        "\\end{tabular}\\end{table}"
    )
    extraction = latex(tmp_path, body)
    assert texts(extraction) == ["Sizes of bolts", "Name || Width || Length\nM3 | 3 | 10\nM3 | 3 | 20\nall & sundry |  | 5"]
    assert extraction.elements[1].table_header == "Name || Width || Length"


def test_a_table_in_a_cell_is_text_of_the_cell(tmp_path: Path) -> None:
    body = "\\begin{tabular}{ll}a & \\begin{tabular}{l}b\\\\c\\end{tabular}\\\\ d & e\\end{tabular}"
    assert texts(latex(tmp_path, body)) == ["a || b c\nd | e"]


def test_formulas_are_readable(tmp_path: Path) -> None:
    body = "$\\alpha \\leq x^{2}$, \\(\\frac{a+b}{2}\\), "
    body += "$x_{n+1}\\cdot\\sqrt{y}$, $\\sin\\theta$, "
    body += "$\\foo{q}$ "
    body += "\\begin{equation}\\label{e}E = mc^2\\text{ always}\\end{equation}"
    assert texts(latex(tmp_path, body)) == ["α ≤ x^2, (a+b)/2, x_(n+1)·√y, sin θ, foo q E = mc^2 always"]


def test_letters(tmp_path: Path) -> None:
    body = "na\\\"{\\i}ve caf\\'e Stra\\ss e \\c{c}a \\v{S}koda ``so'' -- 5\\,\\% of \\pounds 3---\\TeX\\ \\S\\,4 \\ldots"
    assert texts(latex(tmp_path, body)) == ["naïve café Straße ça Škoda “so” – 5 % of £3—TeX § 4 …"]
    german = "\\usepackage[ngerman]{babel}"
    assert texts(latex(tmp_path, 'f"ur "`alle"\'', german)) == ["für „alle“"]
    assert texts(latex(tmp_path, 'a "b', "")) == ['a "b']


def test_the_encoding_that_a_document_declares(tmp_path: Path) -> None:
    content = "\\documentclass{article}\\usepackage[applemac]{inputenc}\\begin{document}Zürich\\end{document}".encode("mac-roman")
    assert texts(read(tmp_path, "a.tex", content)) == ["Zürich"]


def test_code_is_kept_as_it_is(tmp_path: Path) -> None:
    body = "Call \\verb|a{b}%c|:\n\\begin{verbatim}\n  if {x} % y\n    \\end{document}\n\\end{verbatim}\n"
    body += "\\begin{lstlisting}[language=C,caption={A loop}]\nfor (;;) {}\n\\end{lstlisting}\nEnd."
    extraction = latex(tmp_path, body)
    assert texts(extraction) == ["Call a{b}%c:", "  if {x} % y\n    \\end{document}", "A loop", "for (;;) {}", "End."]
    assert [element.kind for element in extraction.elements].count("CodeSnippet") == 2


def test_signs_that_the_document_makes_marks_of_code(tmp_path: Path) -> None:
    assert texts(latex(tmp_path, "Type |\\end{document}| or |\\iffalse| last.", "\\MakeShortVerb{\\|}")) == [
        "Type \\end{document} or \\iffalse last."
    ]


def test_notes_stand_below_their_paragraph(tmp_path: Path) -> None:
    assert texts(latex(tmp_path, "One\\footnote{A note\\footnote{in a note}.} two.\n\nThree.")) == [
        "One two.",
        "in a note",
        "A note.",
        "Three.",
    ]


def test_sources(tmp_path: Path) -> None:
    body = "As \\cite[p.~3]{knuth, weaver} says.\\begin{thebibliography}{9}\\bibitem{knuth} Knuth: Books.\\end{thebibliography}"
    assert texts(latex(tmp_path, body)) == ["As [knuth, weaver, p. 3] says.", "[knuth] Knuth: Books."]


def test_what_is_not_seen_is_left_out(tmp_path: Path) -> None:
    body = "\\iffalse draft \\ifx a \\fi \\fi\\begin{comment}gone\\end{comment}\\vspace{3cm}\\hskip 3pt plus 1fil "
    body += "Seen\\index{loom} \\includegraphics[width=2cm]{loom.png}\\href{https://a.example}{here}."
    assert texts(latex(tmp_path, body)) == ["Seen here."]


def test_theorems_and_abstracts(tmp_path: Path) -> None:
    body = "\\begin{abstract}Short.\\end{abstract}"
    body += "\\begin{thm}[Euler]All is one.\\end{thm}\\begin{proof}Clear.\\end{proof}"
    assert texts(latex(tmp_path, body, "\\newtheorem{thm}{Theorem}")) == [
        "Abstract",
        "Short.",
        "Theorem (Euler). All is one.",
        "Proof. Clear.",
    ]


def test_slides(tmp_path: Path) -> None:
    content = "\\documentclass{beamer}\\begin{document}"
    content += "\\begin{frame}{Looms}\\begin{itemize}\\item<1-> One\\end{itemize}\\end{frame}\\end{document}"
    assert texts(read(tmp_path, "a.tex", content.encode())) == ["Looms", "One"]


def test_words_for_the_title_page_are_kept_whatever_command_takes_them(tmp_path: Path) -> None:
    assert texts(latex(tmp_path, "Words.", "\\supervisor{Prof. Ann Weaver}\\tweak{\\hsize=3cm}\\mode{a=b c}")) == [
        "Prof. Ann Weaver",
        "Words.",
    ]


def test_files_that_are_included_are_named(tmp_path: Path) -> None:
    extraction = latex(tmp_path, "Words.\\input{chapters/one}\\include{two}")
    assert texts(extraction) == ["Words."]
    assert extraction.notes == ("Files that it includes are no part of it here: chapters/one, two.",)


@pytest.mark.parametrize(
    "body", ["one {two", "one } two", "one \\textbf{two", "$one two", "\\begin{itemize} one two", "\\footnote{one two"]
)
def test_groups_that_do_not_end_cost_no_word(tmp_path: Path, body: str) -> None:
    assert " ".join(texts(latex(tmp_path, body))) == "one two"


@pytest.mark.parametrize(
    "definition",
    [
        "\\def\\a{\\a\\a}",
        "\\def\\a{\\b}\\def\\b{\\a}",
        "\\newcommand{\\a}[1]{\\a{#1#1}}",
        "\\newenvironment{a}{\\begin{a}}{\\end{a}}\\let\\a\\b",
    ],
)
def test_macros_that_stand_for_themselves_end(tmp_path: Path, definition: str) -> None:
    said = " ".join(texts(latex(tmp_path, "\\a{kept} words", definition)))
    assert said.endswith("words")


def test_a_latex_document_is_told_by_its_beginning(tmp_path: Path) -> None:
    content = b"% by Ann\n\\documentclass[a4paper]{article}\\begin{document}\\section{One}\\end{document}"
    assert element_with(read(tmp_path, "paper", content), "One").kind == "Title"


BIBLIOGRAPHY = b"""@comment{not this}
@string{acm = "ACM Press"}
@Article{knuth84,
  author = {Knuth, Donald E. and Weaver, Ann},
  title = "The {\\TeX}book of G{\\"o}del",
  publisher = acm # { and others},
  year = 1984,
  file = {/home/ann/knuth.pdf},
}
@book(weaver, title = {Looms}, note = {an {odd} one})
"""


def test_a_bibliography_is_a_list_of_sources(tmp_path: Path) -> None:
    extraction = read(tmp_path, "a.bib", BIBLIOGRAPHY)
    assert texts(extraction) == [
        "The TeXbook of Gödel; author: Knuth, Donald E. and Weaver, Ann; year: 1984; publisher: ACM Press and others [knuth84]",
        "Looms; note: an odd one [weaver]",
    ]
    assert {element.kind for element in extraction.elements} == {"ListItem"}


def test_a_source_whose_fields_cannot_be_told_is_kept_as_it_is(tmp_path: Path) -> None:
    assert texts(read(tmp_path, "a.bib", b"@book{a, title = {Looms}}\n@book{b, lost words\n}\n")) == ["Looms [a]", "@book{b, lost words\n}"]


def test_colours_of_tables_are_not_seen(tmp_path: Path) -> None:
    """As the manuals of colortbl and xcolor have them."""
    colours = "\\rowcolors{2}{gray!10}{white}\\arrayrulecolor{blue}"
    cells = "\\rowcolor[gray]{.9}[2pt][3pt]Name & Size\\\\\\cellcolor{red}bolt & \\cellcolor[rgb]{1,0,0}3"
    content = f"{colours}\\begin{{tabular}}{{ll}}{cells}\\end{{tabular}}"
    assert texts(read(tmp_path, "a.tex", content.encode())) == ["Name || Size\nbolt | 3"]
