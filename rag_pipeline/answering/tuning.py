"""Every number that answering is tuned by, with what it means and where it comes from; the parts take it, and hold none of their own.

Belongs here: weights, thresholds, depths, lengths, patience. Not here: what a machine's owner decides (``settings.py``), what is done
with a number (the part that the group is named after).

Each field ends with its source: ``Measured`` (on which question sets; the tables are in docs/decisions), ``By definition`` (of a
formula), or ``Reasoned``: chosen by reasoning, not measured. An experiment runs with ``replace(TUNING, ...)``, handed to
:func:`rag_pipeline.answering.answerer.build_answerer`.
"""

from __future__ import annotations

from dataclasses import dataclass

from rag_pipeline.stores.vectors import Fusion


@dataclass(frozen=True, slots=True)
class QuestionLimits:
    """What can be asked, and how a long question becomes a vector (``question.py``, ``retrieval/question_encoder.py``)."""

    longest_characters: int = 20_000
    """About ten pages; who pastes more wants the text indexed as a document. Reasoned."""
    special_tokens: int = 8
    """Tokens of room in a window for what the tokenizer adds around a text; no model in use adds more. Reasoned."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """The score of a passage (``retrieval/scoring.py``), and how many are scored. Tables: docs/decisions/fusion.md."""

    fusion_k: int = 2
    """Ranks that are added to each in reciprocal rank fusion (Cormack, Clarke and Büttcher 2009), less one. Measured against 5 and 60 on
    chunking_eval, squad2 and multihop_wiki; hardly matters once the passages are scored again."""
    dense_weight: float = 1.0
    """Of the list by vectors in the fusion. Measured on the same three sets, and as unimportant."""
    text_weight: float = 1.0
    """Of the list by words in the fusion. Measured on the same three sets against 2 and 3, and as unimportant."""
    prefetch: int = 100
    """Passages; how deep each of both lists is read: either alone can fill ``candidates``. Reasoned."""
    candidates: int = 100
    """Fused passages that are scored, and the sample that tells rare words from common ones. Measured on the same three sets: 50 gives
    an MRR of .884, 100 of .886."""
    cosine: float = 0.40
    """Weight of the cosine of question and passage. Measured on the same three sets together, one choice of 625 mixtures for all; the
    optimum is flat."""
    coverage: float = 0.45
    """Weight of the share of the question's words that the passage or its document's name has. Measured with ``cosine``."""
    rank: float = 0.15
    """Weight of the fused score as a share of the best possible one. Measured with ``cosine``."""
    pairs: float = 0.25
    """Weight of the share of the question's neighbouring words that are neighbours in the passage (sequential dependence; Metzler and
    Croft 2005). Measured on squad2 (hit@1 .876 to .903) and chunking_eval (.751 to .782)."""
    name: float = 0.05
    """Weight of the coverage by the document's name alone. Measured on multihop_wiki (all files @5 .63 to .65)."""
    row: float = 0.15
    """Added to the score of a passage for all of the question's words in one row of numbers and the names above it, where a number is
    asked for. Measured on 31 questions about figures of financebench's reports (docs/decisions/extraction.md): .1 to .35 do nearly the
    same, and questions that ask for no number are not touched."""
    row_other: float = 0.5
    """What a row loses of that whose own name has none of the question's words. Measured with ``row``."""
    row_words: float = 0.5
    """Share of the question's words that a passage has at least for its rows to be read one by one. Reasoned."""
    unseen_place: float = 0.6
    """Weight, for a passage that has no vector yet, of its place in the list by words: 1 for the first, 0 for the last that is read, by
    its logarithm. Measured with the next three on two thirds of chunking_eval, financebench, multihop_wiki, squad2 and mtrag_un: of 1,620
    mixtures among the best of those whose order alone is below BM25's on none of them at 1, 5 and 10 passages."""
    unseen_coverage: float = 0.2
    """Weight of the share of the question's words there. Measured with ``unseen_place``."""
    unseen_pairs: float = 0.35
    """Weight of the share of the question's pairs there. Measured with ``unseen_place``."""
    unseen_name: float = 0.05
    """Weight of the coverage by the document's name alone there. Measured with ``unseen_place``."""
    unseen_slope: float = 0.93
    """From the weighted mean of these to the score of the same passage with its vector: the least squares fit on the first 20 by words.
    Measured on two thirds of chunking_eval (1.02), multihop_wiki (.84) and squad2 (.94)."""
    unseen_start: float = -0.07
    """The score where that mean is 0. Measured with ``unseen_slope``."""
    unseen_cosine: float = 0.18
    """What its cosine will be, whatever it says; with the next two the least squares fit of the cosines of 141,613 candidates by coverage
    and pairs. Measured on the same sets as ``unseen_place``."""
    unseen_cosine_by_coverage: float = 0.10
    """What is added to it for all of the question's words. Measured with ``unseen_cosine``."""
    unseen_cosine_by_pairs: float = 0.70
    """What is added to it for all of the question's pairs. Measured with ``unseen_cosine``."""
    inverse_frequency_smoothing: float = 0.5
    """Passages added to those with, and to those without, a word: BM25's IDF (Robertson and Spärck Jones 1976). By definition."""

    @property
    def fusion(self) -> Fusion:
        """What the engine is asked for."""
        return Fusion(self.fusion_k, self.dense_weight, self.text_weight)

    @property
    def all_weights(self) -> float:
        """What the score is divided by, to be 1 at most."""
        return self.cosine + self.coverage + self.rank + self.pairs + self.name

    @property
    def unseen_weights(self) -> float:
        """What the sum of a passage without a vector is divided by, to be 1 at most."""
        return self.unseen_place + self.unseen_coverage + self.unseen_pairs + self.unseen_name


@dataclass(frozen=True, slots=True)
class SecondLook:
    """A second search, for the names in the best passage or with what was asked before (``retrieval/second_look.py``)."""

    depth: int = 20
    """Passages of either search that are put together. Reasoned."""
    weight: float = 0.9
    """What the score of a passage that only the second search found is multiplied by. Measured on the conversations of
    docs/decisions/follow-ups.md: full weight harmed 3 and helped 27 of 390."""
    said_by_one: float = 0.7
    """Share of the question's words; a best passage that has so many is what was asked for, and nothing more is searched. Measured
    against never, .5 and always on multihop_wiki, mtrag_un, chunking_eval and squad2: docs/decisions/fusion.md."""
    own_words: float = 0.1
    """Share of those words of a question that the best passage it found alone has, rare ones counting more, that one found with what was
    asked before has at least. Measured on questions after unrelated ones and on such that leave out what they are about
    (docs/decisions/follow-ups.md): .2 finds less of the latter, 0 leans on nearly three times as many of the former."""
    longest_names_characters: int = 300
    """Characters of names that are added to the question. Reasoned."""
    read_before_characters: int = 10
    """Characters before a capital letter that tell whether it begins a sentence: a stop, quotation marks, blanks. Reasoned."""


@dataclass(frozen=True, slots=True)
class Reranking:
    """The second opinion of a cross-encoder, where one is set (``retrieval/reranking.py``)."""

    depth: int = 20
    """Passages that are read again; a model of 22 million parameters takes about 10 ms for each on a CPU. Reasoned: no such model is
    packaged to measure its order with."""
    close_to_best: float = 0.9
    """Share of the best passage's score that the second needs for any to be read again: a first by far stays first. Reasoned."""
    batch: int = 8
    """Passages that are read at once; after each batch it is asked whether there is time for more. Reasoned."""


@dataclass(frozen=True, slots=True)
class Selection:
    """Which passages are shown beside one another (``retrieval/selection.py``). Tables: docs/decisions/fusion.md."""

    same_page: float = 0.10
    """Share of its score that a passage loses for each better one of its page. Measured on financebench (right page @5 + .034); larger
    ones were not better."""
    same_document: float = 0.02
    """The same for each better one of its document. Measured on mtrag_un (all files @10 + .006); larger ones were not better."""
    lacking: float = 0.2
    """The same of one that holds nothing of what alone can answer: no date, no number of what is counted. Measured on the 113 such
    questions of two thirds of squad2 (hit@1 .903 to .912, hit@5 .991 to 1.000); flat from .1 to .3."""
    unnamed: float = 0.3
    """Share of the best passage's score by which one that speaks of what the question names may be behind it and comes first all the same.
    Measured on two thirds of multihop_wiki (hit@1 .863 to .904) and financebench (.158 to .211); .1 gives .890 and .211, others are not
    touched."""
    spoken: float = 0.5
    """More of the words of a document's name are in a passage that speaks of that document: ``Ada Lindqvist (director)``, of whom a page
    about a film says two. Reasoned."""
    most_counted: int = 3
    """Better passages of one page or document that are counted; further ones cost nothing more. Reasoned."""
    continuation_place: int = 8
    """Rank of the passage after the best one where it would not be found otherwise: late enough to push out nothing that matters.
    Measured on chunking_eval (hit@10 .987 to .996); an earlier rank was not better."""


@dataclass(frozen=True, slots=True)
class Segmentation:
    """What can be quoted of a passage (``sentences/segmentation.py``). As a whole, the rules were measured before and after on
    financebench, chunking_eval, mtrag_un and squad2: docs/decisions/refusal.md. The single numbers were not."""

    longest_sentence_characters: int = 600
    """Longer ones are shortened: something without full stops is a list of words, not a sentence. Reasoned."""
    most_heading_words: int = 9
    """Words; a line of more without a full stop is rather a sentence whose stop is missing. Reasoned."""
    stacked_headings: int = 2
    """Short lines above a paragraph that are a heading and one below it; more are an address, a card, a list of names. Reasoned."""
    most_lines_together: int = 6
    """Lines that say something only together, quoted as one. Reasoned."""
    fewest_letters: int = 3
    """Letters and digits; what has fewer says nothing. Reasoned."""
    fewest_capitals: float = 0.01
    """Share of a passage's words that begin with a capital; where there are fewer, sentences begin with small letters too. Measured: the
    least of 1,000 characters of squad2, mtrag_un and chunking_eval is .028, of text without capitals 0."""
    most_small: float = 0.1
    """Share of a sentence's words that begin with a small letter, below which it is rather names one after the other. Reasoned."""
    function_words: int = 2
    """Different ones of a language that make a sentence of such words all the same. Reasoned: one is in many a name."""
    narrowest_wrapped: int = 50
    """Characters of the longest line of a text that was broken into lines, as mails and plain text are: shorter lines are a list.
    Reasoned."""
    widest_wrapped: int = 120
    """The same; a longer line is a paragraph. Reasoned: mails are broken after 72 to 78, terminals have 80, source code up to 120."""
    shortest_telling: float = 0.5
    """Share of the longest line that a line has which tells whether the text was broken: shorter ones are greetings and ends. Reasoned."""
    fewest_full: int = 2
    """Lines that the next word would not have fitted; one is the longest of any text. Reasoned."""
    longest_kept_whole: int = 80
    """Characters; a longer quotation or remark in brackets is rather several sentences, each of which can be quoted alone. Reasoned."""


@dataclass(frozen=True, slots=True)
class Quoting:
    """Which sentences answer (``quoting/extractive.py``). Measured as a whole on 150 answerable questions of squad2: 89 % of the
    answers contain a reference answer (docs/decisions/refusal.md). No table of single weights is kept."""

    passages: int = 5
    """Best passages whose sentences are looked at. Reasoned."""
    embedded_sentences: int = 24
    """Sentences that are compared by meaning at most: those with most of the question's words, of the best passages. All of them only
    where the first of them do not convince, so that fewer refuse nothing more. Measured with ``first_characters``."""
    first_sentences: int = 12
    """Of those, compared first; nearly always the only ones. Measured with ``first_characters``."""
    first_characters: int = 1500
    """Of those first sentences together: what the model reads in about 0.1 s on 2 cores. Measured on mtrag_un, squad2, financebench,
    chunking_eval and multihop_wiki against 1,000, 700 and all: docs/decisions/embedding.md."""
    cosine: float = 0.5
    """Weight of the cosine of question and sentence. Measured with ``length``."""
    length: float = 0.03
    """Weight of the logarithm of a sentence's words. Measured with ``cosine`` by how often a sentence that has the answer comes first, of
    all in the best passages: five everyday folders and two thirds of squad2, chunking_eval, multihop_wiki and xquad's German and Spanish
    567 → 586 of 771; nine other folders and the unseen thirds 431 → 442 of 587. Flat from .02 to .04."""
    words_of_label: int = 8
    """Words that a value with its label counts for at least. Measured with ``length``: 6, 8 and 10 are alike, and then
    ``Nationality: Norwegian`` stays before ``Guest name: Ingrid Solberg``."""
    words_of_row: int = 40
    """The same of a row of a table, which is a whole statement however short. Measured on 31 questions of annual reports: with 8, 24 and 40
    right 27, 28, 29 (29 without ``length``); five everyday folders 112, 111, 111 of 202."""
    coverage: float = 0.35
    """Weight of the share of the question's words that the sentence has. Measured with the whole, on squad2."""
    unnamed: float = 0.5
    """What a sentence loses where its passage cannot be about what the question names: it is quoted where there is nothing else. Measured
    on two thirds of financebench (sentences of the company that was asked for 52 to 56 of 59) and multihop_wiki (answers that contain the
    reference 21 of 71, as before); flat from .2 to 1."""
    passage: float = 0.2
    """Weight of the score of the sentence's passage. Measured with the whole, on squad2."""
    kind: float = 0.1
    """Added to the score of a sentence or row that holds what the question asks for: a number, a date, a name, a list. Reasoned: small
    beside ``coverage``, so that it decides between sentences that say nearly as much."""
    total: float = 0.05
    """Added to the score of a row that is the total of those above it, where a number is asked for: who names no part means the whole.
    Reasoned: less than a word of the question, so that a row that is named stays before it."""
    part: float = 0.05
    """What a row loses where another one of its name in the same document has more, and a number is asked for: what is spent on research
    in one segment, or out of one fund. Measured with ``row_name``; .1 is no better. As ``total``, less than a word of the question."""
    row_name: float = 0.1
    """Added for the share of a row's own name that the question has, where a number is asked for: ``Operating income`` rather than
    ``Total operating income impact``. Measured with ``Ranking.row``: 19 of 31 right cells become 27; 29, 23 of them first, with its name
    apart from the labels above it, and with ``part``."""
    listed: float = 0.85
    """What the cosine of short lines that stand together is multiplied by: a menu has many words of a question and answers none.
    Measured on financebench, chunking_eval, mtrag_un and squad2."""
    most_sentences: int = 4
    """Sentences of an answer, those not counted that others lean on. Reasoned."""
    close_to_best: float = 0.85
    """Share of the best sentence's score that a further one needs. Measured on 120 questions of squad2 for numbers and dates and 31 of
    annual reports: at .8, .85, .9 and .95 the answer is in 113, 112, 109, 106 and in 28, 27, 26, 25, by 317, 297, 256, 231 characters."""
    same_words: float = 0.7
    """A sentence with this share of its words in one already quoted says nothing new. Reasoned."""
    own_words: float = 0.5
    """Share of the words that a question adds to its conversation, rare ones counting more, that a sentence needs to answer it.
    Measured on mtrag_un and on squad2 after its conversations, against a third."""


@dataclass(frozen=True, slots=True)
class Outline:
    """What stands for a whole document (``retrieval/retrieve.py``), and what is quoted of that (``quoting/outline.py``)."""

    most_documents: int = 3
    """Documents that one question may mean: the reports of three years. Reasoned."""
    first_passages: int = 2
    """Of a document, beside those that say what it is about. Reasoned: the title and what comes first."""
    sentences: int = 5
    """That are quoted at most. Reasoned."""
    shortest_characters: int = 40
    """Of a sentence that says something by itself about a document. Reasoned."""
    most_alike: float = 0.7
    """Cosine of two sentences that say the same. Reasoned, as ``Quoting.same_words``."""


@dataclass(frozen=True, slots=True)
class Procedure:
    """How many steps are quoted where it is asked how something is done (``quoting/procedure.py``)."""

    most_steps: int = 8
    """Sentences or items of a list. Reasoned: a recipe or an instruction has more only over several headings."""
    most_characters: int = 800
    """Of all together. Reasoned: as much as four quoted sentences have at most, and often have."""


@dataclass(frozen=True, slots=True)
class KindReading:
    """When a text holds a number of what a question counts (``expected_kind.py``). Together they refuse 2 of 100 such questions of squad2
    that its texts answer, and 10 of 100 that they do not: docs/decisions/refusal.md."""

    near_words: int = 6
    """Words before and after a number, one of which says what it counts. Reasoned."""
    ending: int = 2
    """Letters at a word's end that another form of it may have otherwise: ``employees``, ``employed``. Reasoned."""
    shortest_stem: int = 4
    """Letters that are left of a word at least. Reasoned."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """When quoted sentences are no answer (``quoting/extractive.py``). Tables and the whole curve: docs/decisions/refusal.md."""

    passage: float = 0.64
    """Weight of the best passage's score beside the best sentence's cosine. With the next three by logistic regression on two thirds of
    squad2, mtrag_un, chunking_eval, multihop_wiki and financebench, 200 questions off their topics, and those of two made-up folders.
    Measured: flat from .5 to .8."""
    coverage: float = 0.1
    """What the share of the question's words in that passage takes away: its score counts them, and who asks for the capital of France
    finds "capital" and "France" in any annual report. Measured with ``passage``; flat from 0 to .18."""
    apart: float = 0.14
    """What is taken away where no sentence has both what is asked for and what it is asked of (``capital`` and ``France``). Measured with
    ``passage``."""
    convincing: float = 0.62
    """Least nearness. Measured with ``passage``: of a set's own questions .03 are refused besides what is off topic, .93 to .94."""
    words_together: int = 3
    """Of the question's words in one sentence, or all of a shorter question; more are no better a sign where there is no vector of the
    question. Measured with the next two on the same sets, searched by their words alone; 3, 4 and 5 do the same."""
    together: float = 0.2
    """Weight of the share of those words beside the best passage's score, for each of them. Measured with ``words_together``; flat
    from .15 to .3 with a ``convincing_by_words`` that moves along."""
    most_named: int = 3
    """Words that no passage has, and places of the nearest ones, that a refusal names. Reasoned."""
    nearest_sentences: int = 2
    """Of each of the nearest passages, shown below a refusal. Measured on everyday folders: of 88 questions that are refused though the
    documents answer them, these show the answer to 48, one of each passage to 42."""
    convincing_by_words: float = 0.87
    """Least nearness by words alone. Measured with ``words_together``; from .84 to .89 all shares move by .05 at most."""
    elsewhere_coverage: float = 1.0
    """Where question and passages are in another language than English, the weight of the most of the question's words that one sentence
    has beside the best passage's score. Measured with ``convincing_elsewhere``; flat from .5 on."""
    convincing_elsewhere: float = 0.47
    """Least sum of the two. Measured on two thirds of xquad in five languages, each question asked of all articles and of all but its
    own: refuses .65 of these and .02 of those."""


@dataclass(frozen=True, slots=True)
class Verification:
    """When a language model's sentence is taken for one that its passages say (``generation/verification.py``)."""

    fewest_words: int = 3
    """Words, stop words not counted; a shorter sentence ("Yes.") says nothing that could be looked up. Reasoned."""
    supporting_share: float = 0.5
    """Share of its words, and of those that it adds to the question, that the cited passages have. Measured on two thirds of the reference
    replies of mtrag_un beside their own passages and beside another question's; from .45 to .55 the shares that are marked move by .02 and
    .04. Of added words, .6 withdraws three more of 108 of them, and no more of invented answers."""
    function_words: int = 3
    """Different ones of a language that tell which one a text is in. Reasoned: one or two are names as well."""


@dataclass(frozen=True, slots=True)
class FollowUps:
    """What the words of a follow-up stand for (``conversation``), after Lappin and Leass (1994), much reduced. The rules were measured
    as a whole, on two thirds of canard, cast, mtrag, mtrag_un and questions of squad2 and xquad, and checked on the last third:
    docs/decisions/follow-ups.md."""

    read_messages: int = 40
    """The last messages of a conversation that are read; what was named before them counts for nothing any more (``decay``). Reasoned."""
    read_characters: int = 4000
    """Characters of each message that are read. Reasoned."""
    longest_phrase_words: int = 5
    """Words of a name or noun phrase; all choices of a name's words are looked up, 2 to this power. Reasoned."""
    messages_of_a_turn: int = 2
    """A question and its reply. By definition."""
    least_share: float = 0.3
    """What the share of messages that something stands in is added to before it multiplies the score. Measured with the whole."""
    question_weight: float = 1.0
    """What is named in a question counts this much. By definition: the others are relative to it."""
    reply_weight: float = 0.2
    """What is named in a reply counts this much. Measured with the whole."""
    decay: float = 0.8
    """What was named one turn earlier counts this much of what was named now (Lappin and Leass halve by sentences). Measured with the
    whole."""
    name_weight: float = 1.3
    """What a name counts for beside a common noun phrase. Measured with the whole."""
    mention_weight: float = 0.25
    """Share of the lesser of two mentions that is added to the greater. Measured with the whole."""
    later_in_message: float = 0.1
    """How much less each further phrase of a message counts: 1 / (1 + this x place). Measured with the whole."""
    one_for_several: float = 0.6
    """Fit of something singular to "they". Measured with the whole."""
    several_for_one: float = 0.5
    """Fit of something plural to "it". Measured with the whole."""
    person_for_thing: float = 0.6
    """Fit of a name to "it" where the conversation speaks of people. Measured with the whole."""
    completed_messages: int = 8
    """The last messages whose own pronouns are replaced before the question's are. Measured with the whole: more change nothing."""
    least_topic_words: int = 4
    """Words that can be searched for; earlier questions are read backwards until they have so many. Measured with the whole."""
    longest_topic_characters: int = 500
    """Of each earlier question, of all together, and of the question they are put behind. Reasoned."""
    rewriting_history_tokens: int = 1500
    """Of the conversation that a language model sees when it rewrites. Reasoned."""
    longest_rewriting_factor: int = 3
    """Lengths of the question that a rewriting may have beside the characters below; a longer one is an answer. Reasoned."""
    longest_rewriting_characters: int = 300
    """Added to that. Reasoned."""


@dataclass(frozen=True, slots=True)
class Decomposition:
    """Questions taken apart by a language model (``conversation/decomposition.py``)."""

    most_questions: int = 4
    """Sub-questions; each costs a search. Reasoned."""
    longest_characters: int = 500
    """Of a sub-question; a longer line is an answer. Reasoned."""
    long_question_words: int = 14
    """Words; a question of so many often asks by way of something else ("the director of the film that ..."). Reasoned."""


@dataclass(frozen=True, slots=True)
class Packing:
    """How the language model's window is filled (``generation/augment.py``, ``generation/token_count.py``)."""

    message_tokens: int = 8
    """What a model's own format adds around each message. Reasoned."""
    answer_share: float = 0.2
    """Of the window, left free for the answer. Reasoned."""
    history_share: float = 0.2
    """Of what remains, at most, for what was said before; passages matter more. Reasoned."""
    shortest_passage_characters: int = 200
    """What is left at least of a best passage that does not fit. Reasoned."""
    shortened: float = 0.75
    """Share of such a passage that is kept at each try. Reasoned."""
    bytes_per_token: float = 3.5
    """Of UTF-8. Most tokenizers make a token of 4 bytes of English and of 3 of other scripts, so this errs on the safe side. Reasoned."""


@dataclass(frozen=True, slots=True)
class MarkReading:
    """How ``[n]`` is told from other text in brackets (``generation/marks.py``)."""

    largest_number: int = 99
    """``[404]`` and ``[2024]`` are text wherever they stand. Reasoned."""
    longest_mark_characters: int = 60
    """Of ``[1, 2, 3]``; what is longer is text, and is held back no further. Reasoned."""
    longest_span_characters: int = 1000
    """Of code or a formula within a paragraph; what is longer is text. Reasoned."""
    look_behind_characters: int = 200
    """Of the line before a mark, which tell whether it is one. Reasoned."""
    short_word_characters: int = 3
    """A word of more letters with a mark glued to it is rather a word than the name of an array. Reasoned."""


@dataclass(frozen=True, slots=True)
class Connection:
    """The connection to a language model (``generation/language_model.py``). Its longest silence is a setting."""

    connect_seconds: float = 10.0
    """Longest wait for a connection. Reasoned."""
    kept_connections: int = 20
    """Connections that stay open unused. Reasoned."""
    kept_seconds: float = 30.0
    """How long they do: a reader's next question needs no new handshake. Reasoned."""
    retry_seconds: tuple[float, ...] = (0.5, 1.5)
    """Waits before each further try; only before the first piece of text, afterwards a retry would say things twice. Reasoned."""
    error_characters: int = 300
    """Of what the provider said that a reader is shown. Reasoned."""


@dataclass(frozen=True, slots=True)
class LocalServers:
    """Where programs of this machine serve language models (``generation/local_models.py``): the ports that they take by themselves."""

    ollama: int = 11434
    """Reasoned: its documentation, as of the next three."""
    llama_cpp: int = 8080
    """Reasoned."""
    vllm: int = 8000
    """Reasoned."""
    lm_studio: int = 1234
    """Reasoned."""
    answer_seconds: float = 1.0
    """Longest silence; a port where nobody listens refuses at once. Reasoned."""
    server_seconds: float = 2.0
    """For all that one server is asked. Reasoned."""
    remembered_seconds: float = 10.0
    """So long what was found is believed: a server that is started answers the next question but one. Reasoned."""
    most_models: int = 20
    """Looked at of one server: each costs Ollama a request. Reasoned."""
    ollama_tokens: int = 4096
    """What Ollama lets a model read that it has not loaded yet; it cuts longer prompts without saying so. Reasoned: its documentation; it
    is more where there is much graphics memory, or where it was told so."""
    lm_studio_tokens: int = 4096
    """The same of LM Studio. Reasoned."""


@dataclass(frozen=True, slots=True)
class Quotation:
    """Which sentence of a passage is shown as what an answer says of it (``generation/quotation.py``). It decides no answer."""

    shared_words: float = 0.5
    """Share of the words of the claim, or of the sentence where that is shorter, that both have. Reasoned: with fewer it is rather another
    sentence of the same passage, and a stronger mark on that would mislead."""


@dataclass(frozen=True, slots=True)
class Runaway:
    """When a language model's reply is broken off (``generation/runaway.py``). Its longest length is a setting."""

    bytes_per_token: int = 4
    """Of English, as vocabularies of 100,000 tokens have it; other scripts have fewer, so more of their tokens come through. Reasoned."""
    repeated_characters: int = 600
    """So many characters at the end are nothing but repetition. Reasoned: a refrain is shorter, and so are equal rows of a table."""
    longest_repeated: int = 75
    """Characters that are repeated, so at least eight times. Reasoned."""
    looked_at_each: int = 200
    """Characters between two looks. Measured: a look takes 10 microseconds."""


@dataclass(frozen=True, slots=True)
class Patience:
    """Everything else that is waited for or tried again."""

    keep_alive_seconds: float = 5.0
    """How often an answer under way is said to be still written (``conversation/remembered.py``); much less than the time after which
    its store takes it for broken off. Reasoned."""
    search_attempts: int = 3
    """Searches of a collection that changes its embedding model meanwhile. Reasoned."""


@dataclass(frozen=True, slots=True)
class Caches:
    """How many results are kept in memory, by number."""

    document_names: int = 1 << 14
    """Words of documents' names: more than the documents of most libraries. Reasoned."""
    tokenizers: int = 8
    """Of embedding models; there are two while a change of model is under way. Reasoned."""
    question_vectors: int = 256
    """Questions; several steps and collections ask for the same one. 0.4 MB at 384 dimensions. Reasoned."""
    sentence_vectors: int = 1 << 12
    """Sentences; those of the last few hundred questions. 6 MB at 384 dimensions. Reasoned."""


@dataclass(frozen=True, slots=True)
class Tuning:
    """All of it."""

    question: QuestionLimits = QuestionLimits()
    ranking: Ranking = Ranking()
    second_look: SecondLook = SecondLook()
    reranking: Reranking = Reranking()
    selection: Selection = Selection()
    segmentation: Segmentation = Segmentation()
    quoting: Quoting = Quoting()
    outline: Outline = Outline()
    procedure: Procedure = Procedure()
    kinds: KindReading = KindReading()
    refusal: Refusal = Refusal()
    verification: Verification = Verification()
    follow_ups: FollowUps = FollowUps()
    decomposition: Decomposition = Decomposition()
    packing: Packing = Packing()
    marks: MarkReading = MarkReading()
    quotation: Quotation = Quotation()
    connection: Connection = Connection()
    local_servers: LocalServers = LocalServers()
    runaway: Runaway = Runaway()
    patience: Patience = Patience()
    caches: Caches = Caches()


TUNING = Tuning()
"""What the product runs with."""
