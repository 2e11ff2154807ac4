"""Time left, against simulated work whose end is known."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from hypothesis import given, settings
from hypothesis import strategies as st

from rag_pipeline.ingestion.backlog import slice_seconds
from rag_pipeline.ingestion.pauses import NO_PAUSES
from rag_pipeline.ingestion.progress import reading_work
from rag_pipeline.ingestion.progress.estimate import pace_of, seconds_for, turns
from rag_pipeline.ingestion.progress.live import LiveRun, SliceTimes
from rag_pipeline.ingestion.progress.overview import overview
from rag_pipeline.ingestion.progress.words import line
from rag_pipeline.settings import Settings
from rag_pipeline.stores.catalog.listing import WorkCounts

SETTINGS = Settings(data_dir="/nowhere")  # type: ignore[arg-type]
WITHIN = 1.5
PASSAGES_OF_A_DOCUMENT = 5
BYTES = 50_000
BEGIN = 1000.0
SHORT = 5.0
"""What is left then is nobody's plan."""
LATE = 20
"""Documents that arrive in the middle, at most."""


@dataclass(frozen=True)
class Machine:
    """Seconds and rates of a simulated machine; ``noise`` multiplies the rate of each bit of work, in turn."""

    documents_a_second: float
    passages_a_second: float
    start: float
    pause: float
    publishing: float
    noise: tuple[float, ...]


@dataclass
class Work:
    """What is left to do, and what runs have said of it."""

    waiting: int
    passages: int = 0
    vectors: int = 0
    now: float = 0.0
    bit: int = 0
    all_known_since: float = 0.0
    telling_since: float | None = None

    def counts(self) -> WorkCounts:
        published = self.passages // PASSAGES_OF_A_DOCUMENT
        states = {"pending": self.waiting + published}
        return WorkCounts(states, self.waiting, self.waiting * BYTES, published, 0, self.passages, self.vectors, published * BYTES)


machines = st.builds(
    Machine,
    st.floats(5, 200),
    st.floats(4, 400),
    st.floats(0.2, 8),
    st.floats(0.2, 8),
    st.floats(0, 2),
    st.lists(st.floats(0.7, 1.4), min_size=7, max_size=31).map(tuple),
)


def promises(machine: Machine, work: Work, late: int, before: tuple[SliceTimes, ...]) -> Iterator[tuple[float, float | None]]:
    """Moment and promised seconds, every second of reading all documents and then embedding all of them, in slices as the sensor makes
    them; ``late`` documents arrive when half of the vectors are there. ``before``: vector slices of an earlier work."""
    runs = {"text": LiveRun("c", "text"), "vectors": LiveRun("c", "vectors", slices=before)}
    slices = {"text": 0, "vectors": 0}
    half = (work.waiting * PASSAGES_OF_A_DOCUMENT) // 2
    while work.waiting or work.vectors < work.passages:
        if late and work.vectors >= half:
            work.waiting, late, slices["text"], work.all_known_since = work.waiting + late, 0, 0, work.now
        lane = "text" if work.waiting else "vectors"
        for run in _slice(machine, work, lane, slice_seconds(SETTINGS, lane, slices[lane]), runs[lane]):
            runs[lane] = run
            found = overview(SETTINGS, {"c": work.counts()}, list(runs.values()), NO_PAUSES)
            yield work.now, found.collections[0].seconds_left
        slices[lane] += 1
        work.now += machine.pause


def _slice(machine: Machine, work: Work, lane: str, seconds: float, run: LiveRun) -> Iterator[LiveRun]:
    started = work.now
    work.now += machine.start
    times = SliceTimes(started, work.now, work.now, work.now, 0.0, machine.pause if started > BEGIN else 0.0, seconds)
    unpublished = 0
    while work.now < times.began + seconds and (left := _left(work, lane) - unpublished) > 0:
        done = min(left, max(1, round(machine.documents_a_second if lane == "text" else machine.passages_a_second)))
        rate = machine.documents_a_second if lane == "text" else machine.passages_a_second
        work.now += done / rate / machine.noise[work.bit % len(machine.noise)]
        work.bit, unpublished = work.bit + 1, unpublished + done
        worth = reading_work(BYTES * done, done) if lane == "text" else float(done)
        times = replace(times, worked_until=work.now, ended=work.now, work=times.work + worth)
        of_slice = reading_work(BYTES * unpublished, unpublished) if lane == "text" else float(unpublished)
        yield replace(run, alive=True, current=times, unpublished=unpublished, unpublished_work=of_slice, updated=work.now)
    work.now += machine.publishing
    if lane == "text":
        work.waiting, work.passages = work.waiting - unpublished, work.passages + unpublished * PASSAGES_OF_A_DOCUMENT
        published = work.passages // PASSAGES_OF_A_DOCUMENT
        if work.telling_since is None and (not work.waiting or (published >= 5 and published / (published + work.waiting) >= 1 / 20)):
            work.telling_since = work.now
    else:
        work.vectors += unpublished
    yield replace(run, alive=False, current=None, slices=(*run.slices, replace(times, ended=work.now))[-12:], updated=work.now)


def _left(work: Work, lane: str) -> int:
    return work.waiting if lane == "text" else work.passages - work.vectors


def earlier(machine: Machine) -> tuple[SliceTimes, ...]:
    """A slice that this machine has embedded before."""
    began, until = machine.start, machine.start + 20
    return (SliceTimes(0, began, until, until + machine.publishing, 20 * machine.passages_a_second, machine.pause, 60),)


def wrong(machine: Machine, documents: int, late: int = 0) -> list[tuple[float, float, float | None]]:
    """Share of the time that had passed, truth and promise, of the promises after the first tenth that are not within the factor."""
    work = Work(documents, now=BEGIN)
    made = list(promises(machine, work, late, earlier(machine)))
    end = made[-1][0]
    published = next(now for now, promised in made if promised is not None)  # before that nothing is known of what the documents hold
    whole = end - BEGIN
    assert published == work.telling_since
    judged = [
        ((now - BEGIN) / whole, end - now, promised)
        for now, promised in made
        if now > max(BEGIN + whole / 10, work.all_known_since) and end - now > SHORT and not (promised is None and now <= published)
    ]
    one_start = machine.start + machine.pause + machine.publishing  # whether what is left fits the slice is told at its end only
    return [one for one in judged if one[2] is None or not one[1] / WITHIN - one_start <= one[2] <= one[1] * WITHIN + one_start]


@settings(max_examples=15)
@given(machines, st.integers(100, 900))
def test_after_a_tenth_the_time_left_is_within_half_of_the_truth(machine: Machine, documents: int) -> None:
    assert wrong(machine, documents) == []


@settings(max_examples=15)
@given(machines, st.integers(300, 900), st.integers(1, LATE))
def test_a_few_documents_that_arrive_in_the_middle_change_little(machine: Machine, documents: int, late: int) -> None:
    assert wrong(machine, documents, late) == []


def test_work_that_arrives_counts_from_the_moment_it_is_known() -> None:
    slow = (SliceTimes(0, 1, 11, 12, 100.0),)
    runs = [LiveRun("c", "text", slices=(SliceTimes(0, 1, 11, 12, reading_work(10 * BYTES, 10)),)), LiveRun("c", "vectors", slices=slow)]
    few, many = (
        overview(SETTINGS, {"c": Work(waiting, 500, 400).counts()}, runs, NO_PAUSES).collections[0].seconds_left for waiting in (0, 100)
    )
    assert few is not None and many is not None
    assert few < 15 < 100 < many  # 100 passages at 10 a second; 100 documents at 1 a second, and 500 passages more


def test_short_first_slices_do_not_count_as_half_the_speed() -> None:
    """An overhead as long as the slice: as one rate it would double the time of the long slices that follow."""
    pace = pace_of([SliceTimes(0, 10, 20, 20, 100.0)])
    assert pace is not None
    assert (pace.rate, pace.overhead) == (10.0, 10.0)
    assert seconds_for(10_000, pace, [100.0]) == 1000 + 10 * 10.0
    assert seconds_for(10_000, pace, [1000.0], SliceTimes(0, 0, 0, 0, 0)) == 1000


def test_what_was_never_measured_is_not_promised() -> None:
    assert pace_of([]) is None
    assert overview(SETTINGS, {"c": Work(5).counts()}, [], NO_PAUSES).collections[0].seconds_left is None


def drop(read: int, bytes_read: int, waiting: int, bytes_waiting: int) -> WorkCounts:
    """So many documents of a passage each were read, so many wait."""
    return WorkCounts({"pending": read + waiting}, waiting, bytes_waiting, read, 0, read, 0, bytes_read)


def expected(counts: WorkCounts) -> tuple[int | None, float | None]:
    slices = (SliceTimes(0, 1, 4, 5, 400_000.0, 0, 3),)
    runs = [LiveRun("c", "text", slices=slices), LiveRun("c", "vectors", slices=(SliceTimes(0, 3, 18, 19, 900.0, 0, 15),))]
    (found,) = overview(SETTINGS, {"c": counts}, runs, NO_PAUSES).collections
    assert (found.passages_expected is None) == ("known once more has been read" in line(found))
    return found.passages_expected, found.seconds_left


def test_a_few_small_documents_tell_nothing_of_large_ones() -> None:
    assert expected(drop(20, 2_000, 10, 500_000_000)) == (None, None)
    assert expected(drop(4, 400_000, 4, 400_000)) == (None, None)


def test_small_documents_have_the_most_passages_for_their_bytes() -> None:
    passages, seconds = expected(drop(100, 100_000, 10, 1_000_000))
    assert passages == 100 + 57  # by their bytes alone the large ones would have 1,000
    assert seconds is not None


def test_a_clock_that_was_set_back_gives_no_negative_times() -> None:
    pace = pace_of([SliceTimes(500, 501, 511, 511, 100.0), SliceTimes(100, 101, 111, 111, 100.0)])
    assert pace is not None
    assert pace.overhead == 1.0
    assert pace.rate == 10.0


def test_collections_take_turns() -> None:
    assert turns({"small": 10.0, "large": 100.0}) == {"small": 20.0, "large": 110.0}
