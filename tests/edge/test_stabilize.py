"""What is published, when, and how often."""

from dataclasses import replace
from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitcam.edge.frame import Box, Digit, Line, Reading, StableReading
from digitcam.edge.settings import PlausibilitySettings, StabilizeSettings
from digitcam.edge.stabilize import MAX_PLACES, Stabilizer

FRAME_S = 0.1
SETTINGS = StabilizeSettings(agree=4, of=5, min_stable_s=0.3, gone_after_s=1.0)
RULES = PlausibilitySettings(max_step=10, max_digits=4, accept_after_s=5)
NOW = datetime(2026, 1, 2, tzinfo=UTC)


def line(text: str, x: int = 100, y: int = 50, confidence: float = 0.9) -> Line:
    """Return a line of digits of 20 x 40 px from a place on, `?` for what cannot be told."""
    places = [Box(x + 25 * i, y, 20, 40) for i in range(len(text))]
    return Line(
        tuple(
            Digit(None, 0.51, box, ((3, 0.51), (8, 0.4)))
            if sign == "?"
            else Digit(int(sign), confidence, box)
            for sign, box in zip(text, places, strict=True)
        )
    )


def reading(*lines: Line) -> Reading:
    return Reading(lines, 0, 640, 480, model="sha256:0")


class Film:
    """Shows frame after frame to a stabilizer, `FRAME_S` apart."""

    def __init__(
        self,
        settings: StabilizeSettings = SETTINGS,
        plausibility: PlausibilitySettings = PlausibilitySettings(),  # noqa: B008
    ) -> None:
        self.stabilizer = Stabilizer(settings, plausibility, "replay:x", now=lambda: NOW)
        self.time_s = 1000.0
        self.published: list[StableReading] = []

    def show(self, *texts: str | Line, times: int = 1, moving: bool = False) -> list[str]:
        """Show a frame with these lines, at one place if they are texts; return what came of it."""
        lines = [text if isinstance(text, Line) else line(text) for text in texts]
        before = len(self.published)
        for _ in range(times):
            self.time_s += FRAME_S
            self.published += self.stabilizer.update(reading(*lines), self.time_s, lambda _: moving)
        return [each.text for each in self.published[before:]]


def test_what_agrees_is_published_once() -> None:
    """The fourth of five equal frames publishes, with all that is known; later ones do not."""
    film = Film()
    assert film.show("1234", times=3) == []
    assert film.show("1234") == ["1234"]
    assert film.show("1234", times=100) == []
    found = film.published[0]
    assert (found.text, found.value, found.suspect) == ("1234", "1234", None)
    assert found.confidence == pytest.approx(0.9)
    assert found.agreed == (4, 4)
    assert (found.time, found.source, found.model) == (NOW, "replay:x", "sha256:0")
    assert found.line.box == Box(100, 50, 95, 40)
    assert len(found.id) == 32


def test_too_little_time_is_not_stable() -> None:
    """Frames that agree are waited for until they agree for long enough, also without new ones."""
    film = Film(StabilizeSettings(agree=2, of=2, min_stable_s=5))
    assert film.show("7", times=40) == []
    assert film.stabilizer.tick(film.time_s + 0.5) == []
    assert [each.text for each in film.stabilizer.tick(film.time_s + 2)] == ["7"]


@pytest.mark.parametrize("text", ["1", "111"])
def test_ones_alone_wait_for_longer(text: str) -> None:
    """What edges and shadows look like has to stay."""
    film = Film()
    seconds = SETTINGS.ones_stable_s
    assert film.show(text, times=round(seconds / FRAME_S) - 1) == []
    assert film.show(text, times=3) == [text]


def test_one_frame_that_differs_is_outvoted() -> None:
    """Four of five agree although one was misread or missed."""
    film = Film()
    for shown in (["12"], ["12"], ["17"], ["12"]):
        assert film.show(*shown) == []
    assert film.show("12") == ["12"]
    film = Film()
    for shown in (["12"], [], ["12"], ["12"]):
        assert film.show(*shown) == []
    assert film.show("12") == ["12"]


def test_what_flickers_is_not_published() -> None:
    """Two readings in turn never agree."""
    film = Film()
    for _ in range(50):
        assert film.show("12") == []
        assert film.show("17") == []


def test_a_change_is_published() -> None:
    """The next number at the same place follows, and the first again if it comes back."""
    film = Film()
    assert film.show("12", times=10) == ["12"]
    assert film.show("13", times=10) == ["13"]
    assert film.show("12", times=10) == ["12"]


def test_what_is_missed_for_a_moment_is_not_repeated() -> None:
    """A line that is hidden shorter than gone_after_s is still the same."""
    film = Film()
    assert film.show("12", times=10) == ["12"]
    assert film.show(times=8) == []
    assert film.show("12", times=10) == []


def test_what_was_gone_is_published_again() -> None:
    """A line that was away for gone_after_s is a new one."""
    film = Film()
    assert film.show("12", times=10) == ["12"]
    assert film.show(times=12) == []
    assert film.show("12", times=10) == ["12"]


def test_time_alone_takes_nothing_away() -> None:
    """While the picture is unchanged a line is there, and a line that is hidden goes."""
    film = Film()
    film.show("12", times=10)
    for _ in range(100):
        film.time_s += FRAME_S
        assert film.stabilizer.tick(film.time_s) == []
    assert film.show("12", times=10) == []
    film.show()
    for _ in range(20):
        film.time_s += FRAME_S
        film.stabilizer.tick(film.time_s)
    assert film.show("12", times=10) == ["12"]


def test_a_hand_publishes_nothing() -> None:
    """While the picture moves nothing is read, and what it hides is not gone."""
    film = Film()
    assert film.show("12", times=10) == ["12"]
    assert film.show("1", times=30, moving=True) == []
    assert film.show(times=30, moving=True) == []
    assert film.show("12", times=10) == []


def test_what_is_hidden_when_its_time_comes_is_not_published() -> None:
    """A line must still be there when it has been stable for long enough."""
    film = Film()
    assert film.show("1", times=50) == []
    film.time_s += 60
    assert film.show(moving=True, times=5) == []
    assert film.show(times=50) == []


def test_a_number_that_is_being_written_waits() -> None:
    """Its beginning is read in every frame but published only when the pen is away."""
    film = Film()
    for text in ("1", "12", "123"):
        assert film.show(text, times=20, moving=True) == []
    assert film.show("123", times=5) == ["123"]


def test_what_trembles_is_published_in_the_end() -> None:
    """A line that reads the same, within a few px, is published though the picture moves."""
    film = Film()
    for frame in range(28):
        assert film.show(line("12345", x=100 + frame % 4, y=50 - frame % 3), moving=True) == []
    for frame in range(20):
        text = "12845" if frame % 5 == 4 else "12345"  # now and then it is misread
        film.show(line(text, x=100 + frame % 4), moving=True)
    assert [each.text for each in film.published] == ["12345"]


def test_what_wanders_is_not_published() -> None:
    """A line that is carried through the picture reads the same, but not at one place."""
    film = Film()
    for frame in range(100):
        assert film.show(line("12345", x=100 + frame), moving=True) == []


def test_a_part_that_a_hand_leaves_free_is_not_published() -> None:
    """What is left of a number under something that moves is not a number of its own."""
    film = Film()
    assert film.show("12345", times=10) == ["12345"]
    assert film.show("123", times=300, moving=True) == []
    assert film.show("12345", times=10) == []


def test_another_number_that_trembles_is_published() -> None:
    """A counter that goes on under a lamp that flickers is followed."""
    film = Film()
    for text in ("12345", "12346", "12347"):
        assert film.show(text, times=40, moving=True) == [text]


def withheld(film: Film) -> list[tuple[str, str, float]]:
    found = film.stabilizer.withheld(film.time_s)
    return [(each.line.text, each.why, round(each.since_s - 1000, 6)) for each in found]


def test_what_is_withheld_says_why_and_since_when() -> None:
    """Of each line that is read and not published the reason is known, until it is."""
    film = Film()
    film.show("12", times=2, moving=True)
    assert withheld(film) == [("12", "moving", 0.1)]
    film.show("12", times=2)
    assert withheld(film) == [("12", "fewer than 4 of 5 frames agree", 0.1)]
    film.show("12", times=20)
    assert withheld(film) == []
    film = Film()
    film.show(line("42", confidence=0.5), line("111", y=200), times=20)
    assert withheld(film) == [
        ("42", "a digit is certain to 0.50, less than stabilize.min_confidence, 0.6", 0.1),
        ("111", "stable for 1.9 s, less than 10", 0.1),
    ]
    film.show()
    assert withheld(film) == []


def test_another_picture_begins_anew() -> None:
    """What was published of one picture is published of the next, judged by the same memory."""
    film = Film(replace(SETTINGS, agree=1, of=1, min_stable_s=0), RULES)
    assert film.show("13?5") == ["13?5"]
    assert film.show("1345") == ["1345"]
    film.stabilizer.begin_anew(film.time_s)
    assert film.show("13?5") == ["13?5"]
    film.stabilizer.begin_anew(film.time_s)
    assert film.show("1345") == ["1345"]
    film.stabilizer.begin_anew(film.time_s)
    assert film.show("9000") == ["9000"]
    assert film.published[-1].suspect is not None


def test_lines_are_told_apart_by_their_place() -> None:
    """Of two lines one may flicker, and the other is published all the same."""
    film = Film()
    for i in range(10):
        film.show(line("12"), line(str(30 + i), y=200))
    assert [each.text for each in film.published] == ["12"]


def test_a_page_that_is_pushed_publishes_nothing() -> None:
    """A line that stands at another place is the same one."""
    film = Film()
    assert film.show(line("12"), line("99", y=300), times=10) == ["12", "99"]
    assert film.show(line("12", x=300, y=200), line("99", y=300), times=20) == []


def test_equal_lines_at_two_places_are_both_published() -> None:
    """The same number written twice is two readings."""
    film = Film()
    assert film.show(line("12"), line("12", y=300), times=10) == ["12", "12"]


def test_the_confidence_is_the_mean_of_the_agreeing_frames() -> None:
    """A frame that read otherwise does not count."""
    film = Film(StabilizeSettings(agree=3, of=4, min_stable_s=0))
    for text, confidence in (("12", 0.6), ("17", 0.1), ("12", 0.7), ("12", 0.8)):
        film.show(line(text, confidence=confidence))
    assert film.published[0].confidence == pytest.approx(0.7)
    assert film.published[0].agreed == (3, 4)


def test_a_doubtful_line_is_not_published() -> None:
    """What is likelier wrong than the setting allows waits until it is read better."""
    film = Film()
    assert film.show(line("42", confidence=0.55), times=20) == []
    assert film.show(line("42", confidence=0.9), times=20) == ["42"]


# --- what cannot be told ---------------------------------------------------------------------


def test_what_is_never_told_is_published_once_as_suspect() -> None:
    """A number with `?` has no value, however long it stays, and a reason."""
    film = Film()
    assert film.show("13?45", times=3) == []
    assert film.show("13?45", times=300) == ["13?45"]
    found = film.published[0]
    assert (found.value, found.suspect) == (None, "1 of 5 digits cannot be told: 13?45")
    assert (found.agreed, found.confidence) == ((4, 4), pytest.approx(0.51))
    assert found.line.digits[2].likeliest == ((3, 0.51), (8, 0.4))


@pytest.mark.parametrize("frames", [1, 2, 3, 50])
def test_what_comes_and_goes_speaks_not_against_a_number(frames: int) -> None:
    """Frames that leave a digit open are not counted, and four of those that tell it publish.

    Where four of five leave it open, that is published first.
    """
    film = Film()
    for _ in range(3):
        assert film.show("13745") == []
        film.show("13?45", times=frames)
    assert film.show("13745") == ["13745"]
    found = film.published[-1]
    assert (found.value, found.suspect, found.agreed) == ("13745", None, (4, 4))
    assert found.line.is_whole
    assert [each.text for each in film.published[:-1]] == ["13?45"] * (frames > 1)
    before = len(film.published)
    film.show("13?45", times=30)
    film.show("13745", times=30)
    assert len(film.published) == before


def test_one_misread_frame_among_open_ones_is_no_value() -> None:
    """What leaves a digit open supports no reading that one frame made."""
    film = Film()
    film.show("13?45", times=20)
    film.show("13845")
    assert film.show("13?45", times=100) == []
    assert [each.text for each in film.published] == ["13?45"]


def test_open_digits_that_wander_are_one_reading() -> None:
    """Whichever digit a frame leaves open, the number is published once, as it was last."""
    film = Film()
    for _ in range(20):
        for text in ("13?45", "1?745", "137??"):
            film.show(text)
    assert len(film.published) == 1
    assert film.published[0].value is None


def test_what_is_told_later_is_published() -> None:
    """A whole number after a suspect reading of it is accepted as soon as frames agree."""
    film = Film()
    assert film.show("13?45", times=20) == ["13?45"]
    assert film.show("13745", times=4) == ["13745"]
    assert (film.published[-1].value, film.published[-1].suspect) == ("13745", None)


def test_an_open_frame_is_no_obstacle_when_the_time_comes() -> None:
    """What was told by enough frames is published though the last one leaves a digit open."""
    film = Film(StabilizeSettings(agree=4, of=5, min_stable_s=1))
    assert film.show("13745", times=4) == []
    assert film.show("13?45", times=8) == ["13745"]


def test_another_number_with_an_open_digit_is_published() -> None:
    """What contradicts the number before is new, keeps its value, and makes it new again."""
    film = Film()
    film.show("13745", times=10)
    assert film.show("13?46", times=10) == ["13?46"]
    found = film.published[-1]
    assert (found.value, found.suspect) == ("13745", "1 of 5 digits cannot be told: 13?46")
    assert film.show("13745", times=10) == ["13745"]


def test_contradicting_frames_end_an_agreement() -> None:
    """Three frames of a number do not wait through another one for a fourth."""
    film = Film()
    film.show("13745", times=3)
    film.show("13?46", times=50)
    assert film.show("13745") == []


def test_a_suspect_reading_that_is_missed_for_a_moment_is_not_repeated() -> None:
    """It is remembered as others are until it is gone."""
    film = Film()
    assert film.show("1?", times=200) == ["1?"]
    assert film.show(times=8) == []
    assert film.show("1?", times=50) == []
    film.show(times=20)
    assert film.show("1?", times=200) == ["1?"]


def test_a_page_that_is_pushed_may_be_read_worse() -> None:
    """A line with an open digit at another place is the one that was published before."""
    film = Film()
    film.show(line("12345"), times=10)
    assert film.show(line("12?45", y=300)) == []
    assert film.show(line("12345", y=300), times=20) == []


def test_ones_with_an_open_digit_wait_as_ones_do() -> None:
    """A stroke beside what cannot be told may be an edge too."""
    film = Film()
    assert film.show("1?", times=round(SETTINGS.ones_stable_s / FRAME_S) - 1) == []
    assert film.show("1?", times=3) == ["1?"]


def test_the_told_digits_of_an_open_line_must_be_certain() -> None:
    """A line of doubtful digits is not published because one is more doubtful still."""
    film = Film()
    assert film.show(line("4?", confidence=0.55), times=50) == []
    assert film.show(line("4?", confidence=0.65), times=20) == ["4?"]


def test_open_frames_do_not_accept_a_jump() -> None:
    """What is suspect by its step is accepted when it is still told after accept_after_s."""
    film = Film(plausibility=RULES)
    film.show("1234", times=10)
    assert film.show("5000", times=10) == ["5000"]
    assert film.show("50?0", times=100) == []
    assert film.show("5000") == ["5000"]
    assert film.published[-1].value == "5000"


# --- plausibility ----------------------------------------------------------------------------


def test_a_suspect_reading_keeps_the_accepted_value() -> None:
    """The raw digits and the last accepted ones are both there, with the reason."""
    film = Film(plausibility=RULES)
    film.show("1234", times=10)
    film.show("9234", times=10)
    found = film.published[-1]
    assert (found.text, found.value) == ("9234", "1234")
    assert found.suspect == "expected at most 10 from 1234, found 9234"


def test_a_wrong_reading_locks_no_right_one_out() -> None:
    """The right number that follows is accepted at once."""
    film = Film(plausibility=RULES)
    for text in ("1234", "9234", "1235"):
        assert film.show(text, times=10) == [text]
    assert (film.published[-1].value, film.published[-1].suspect) == ("1235", None)


def test_a_real_jump_is_accepted_when_it_goes_on() -> None:
    """The second number after a jump is near the first, so it is the new truth."""
    film = Film(plausibility=RULES)
    for text in ("1234", "5000", "5001"):
        assert film.show(text, times=10) == [text]
    assert [each.suspect is None for each in film.published] == [True, False, True]


def test_a_jump_that_stays_is_accepted_in_time() -> None:
    """A number that does not change again is published a second time, as accepted."""
    film = Film(plausibility=RULES)
    film.show("1234", times=10)
    assert film.show("5000", times=10) == ["5000"]
    assert film.show("5000", times=60) == ["5000"]
    assert (film.published[-1].value, film.published[-1].suspect) == ("5000", None)
    assert film.show("5000", times=200) == []


def test_what_breaks_a_rule_by_itself_is_never_accepted() -> None:
    """Five digits where four are the most stay suspect, and are published once."""
    film = Film(plausibility=RULES)
    assert film.show("12345", times=200) == ["12345"]
    found = film.published[-1]
    assert (found.value, found.suspect) == (None, "expected 1 to 4 digits, found 5")


def test_a_line_that_was_gone_is_remembered() -> None:
    """The largest step is counted from what stood at this place before the hand."""
    film = Film(plausibility=RULES)
    film.show("1234", times=10)
    film.show(times=50)
    film.show("9999", times=10)
    assert film.published[-1].suspect is not None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.from_regex(r"[0-9?]{0,4}[0-9]", fullmatch=True), max_size=8),
    st.integers(0, 9999),
    st.integers(0, 500),
)
def test_no_history_locks_a_right_number_out(history: list[str], right: int, step: int) -> None:
    """Whatever was read or left open before, a number that stays is accepted in accept_after_s."""
    rules = PlausibilitySettings(max_step=step, max_digits=4, accept_after_s=5)
    film = Film(replace(SETTINGS, ones_stable_s=0), rules)
    for text in history:
        film.show(text, times=6)
    film.show(str(right), times=6 + round(rules.accept_after_s / FRAME_S))
    last = film.published[-1]
    assert (last.text, last.value, last.suspect) == (str(right), str(right), None)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["13745", "13?45", "1?7?5", "13?46", "?3845", ""]), max_size=60))
def test_no_value_has_an_open_digit(shown: list[str]) -> None:
    """Whatever comes and goes, values are whole, `?` is suspect, and nothing is said twice."""
    film = Film()
    for text in shown:
        film.show(*[text] if text else [])
    for found in film.published:
        assert found.value in (None, "13745")
        assert (found.suspect is None) == (found.text == found.value == "13745")
    texts = [each.text for each in film.published]
    assert all(a != b for a, b in pairwise(texts))


def test_places_are_bounded() -> None:
    """However much is read where, the memory of it ends; the newest stay."""
    film = Film(StabilizeSettings(agree=1, of=1, min_stable_s=0, gone_after_s=0.01))
    for i in range(3 * MAX_PLACES):
        assert film.show(line(str(20 + i % 70), x=100 * (i % 1000), y=60 * (i // 1000)))
    assert len(film.stabilizer._places) <= MAX_PLACES
