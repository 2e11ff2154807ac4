"""Which arguments of LaTeX's commands and environments no reader of the document sees.

Belongs here: commands by name and the kinds of their arguments, from the manuals of LaTeX 2e and of the packages that most papers load.
Not here: commands whose arguments are seen (what is not here is read with all its arguments), symbols, anything with a meaning.

Kinds, in their order: ``m`` in braces, ``o`` in brackets, ``d`` in parentheses: not seen. What follows them is.
"""

from __future__ import annotations

_ONE = (
    "label ref pageref eqref autoref cref Cref vref nameref index glossary bibliographystyle nocite pagestyle thispagestyle pagenumbering "
    "vspace addvspace stepcounter refstepcounter newlength newsavebox graphicspath hypersetup geometry fontfamily fontseries fontshape "
    "fontencoding selectlanguage inputencoding hyphenation lstset theoremstyle tikzset usetikzlibrary pgfplotsset pgfkeys special typeout "
    "message enlargethispage vphantom hphantom phantom markright cline usebox linethickness circle DeclareGraphicsExtensions newif "
    "setkomafont sisetup fancyhf fancypagestyle ExecuteOptions DeclareOption hypertarget addtokomafont "
    "mathchoice ctable counterwithin setstretch linespread renewbibmacro captionof usepgflibrary write openout "
    "value arabic roman Roman alph Alph fnsymbol thefootnote AtBeginDocument AtEndDocument bibliographyunit"
)
_SIGNATURES = {
    "m": _ONE,
    "mm": "setlength addtolength settowidth setcounter addtocounter colorlet addtocontents markboth PassOptionsToPackage lstdefinestyle "
    "setbeamercolor DeclareUnicodeCharacter fontsize newfont savebox sbox crefformat AtBeginEnvironment newcolumntype",
    "om": "usepackage RequirePackage documentclass documentstyle color pagecolor captionsetup setlist addbibresource newcounter usetheme "
    "usecolortheme usefonttheme useinnertheme useoutertheme LoadClass setmainfont setsansfont setmonofont setmathfont setdefaultlanguage "
    "setmainlanguage setotherlanguage setotherlanguages textcolor colorbox href rotatebox bibitem includegraphics includepdf "
    "arrayrulecolor doublerulesepcolor",
    "omoo": "columncolor rowcolor cellcolor",
    "ommm": "rowcolors",
    "mmm": "definecolor addcontentsline newlist crefname Crefname qbezier",
    "mmmm": "titlespacing usefont",
    "o": "printbibliography addlinespace pagebreak nopagebreak allowdisplaybreaks midrule toprule bottomrule hyperref printglossary "
    "tableofcontents listoffigures listoftables maketitle marginpar hline",
    "omm": "rule fcolorbox setbeamerfont numberwithin newfontfamily resizebox",
    "mo": "ProvidesPackage ProvidesFile ProvidesClass NeedsTeXFormat setbeamertemplate scalebox foreignlanguage hyperlink raisebox",
    "ooom": "parbox",
    "oo": "makebox framebox",
    "odm": "cmidrule",
    "d": "put circle oval",
    "dm": "line vector",
    "ddmm": "multiput",
    "mmo": "multirow",
}
_LENGTHS = (
    "vskip hskip kern hsize vsize parindent parskip baselineskip textwidth textheight raise lower moveleft moveright mskip mkern "
    "oddsidemargin evensidemargin topmargin leftskip rightskip tabcolsep lineskip"
)
_LOOKS = (
    "left right big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr displaystyle textstyle scriptstyle scriptscriptstyle limits "
    "nolimits nonumber notag boldsymbol bm pmb operatorname mathop mathrel mathbin mathord mathopen mathclose mathstrut strut bf rm it cal "
    "sf tt normalfont middle overline underline overbrace underbrace substack tag hfill ensuremath unicode relax protect centering"
)
UNSEEN = {name: kinds for kinds, names in _SIGNATURES.items() for name in names.split()} | {"hypertarget": "m"}
"""By the name of the command."""
BEGINNINGS = {
    "minipage": "ooom", "multicols": "m", "wrapfigure": "omom", "wraptable": "omom", "adjustwidth": "mm", "list": "mm", "figure": "o",
    "table": "o", "thebibliography": "m", "tabbing": "", "array": "om", "aligned": "o", "alignedat": "om", "alignat": "m", "picture": "dd",
    "sloppypar": "", "spacing": "m", "otherlanguage": "m", "tcolorbox": "o", "columns": "o", "column": "om", "itemize": "o",
    "enumerate": "o", "description": "o", "subequations": "", "letter": "", "floatingfigure": "m", "sidewaystable": "o",
    "landscape": "", "trivlist": "",
    "figure*": "o", "table*": "o",
    "minted": "om", "subfigure": "om", "subtable": "om", "scope": "o", "lrbox": "m",
}  # fmt: skip
"""By the name of the environment."""
HEADINGS = {
    "part": 1, "chapter": 2, "addchap": 2, "section": 3, "addsec": 3, "subsection": 4, "subsubsection": 5, "paragraph": 6,
    "subparagraph": 7, "minisec": 7, "frametitle": 6, "framesubtitle": 7, "subsubsubsection": 6, "block": 7,
}  # fmt: skip
VERBATIM = ("verbatim", "Verbatim", "lstlisting", "minted", "alltt", "BVerbatim", "LVerbatim", "SaveVerbatim", "LTXexample",
            "verbatimtab", "boxedverbatim", "Code", "code", "lstcode", "sourcecode", "tcblisting", "dispListing",
            "dispExample")  # fmt: skip
UNREAD = ("comment", "filecontents", "asy", "gnuplot", "filecontentsgnuplot")
"""Environments of which the reader sees nothing, or a picture."""
DRAWINGS = ("tikzpicture", "pgfpicture", "circuitikz")
MATHS = ("math", "displaymath", "equation", "align", "alignat", "gather", "multline", "eqnarray", "flalign", "dmath", "IEEEeqnarray")
TABLES = {"tabular": "om", "tabular*": "mom", "tabularx": "mom", "tabulary": "mom", "longtable": "om", "tabu": "om", "longtabu": "om",
          "supertabular": "om", "xtabular": "om", "tblr": "om", "longtblr": "om", "mpsupertabular": "om", "xltabular": "mom"}  # fmt: skip
TAKE_LENGTH = frozenset(_LENGTHS.split())
"""Commands of TeX that a length follows."""
UNSEEN_IN_FORMULAS = frozenset(_LOOKS.split())
"""Commands of which a formula shows nothing but their arguments."""
TEXT_IN_FORMULAS = ("text", "textrm", "textbf", "textit", "mbox", "intertext", "mathrm", "hbox", "textnormal", "shortintertext")
INCLUDED = ("input", "include", "subfile", "subfileinclude", "verbatiminput", "lstinputlisting", "inputminted", "import", "subimport",
            "VerbatimInput", "bibliography")  # fmt: skip
"""Commands whose last argument names a file that belongs there."""
