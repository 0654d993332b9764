"""The yardstick's pictures hold what their truth says, come again from a seed, and are scored."""

import json
import os
from pathlib import Path

import cv2
import numpy as np
import pytest

from digitcam.train.held_back import Answer, Case, Mark, Score, Set, matching
from digitcam.train.pages.print_ink import FACES
from digitcam.train.pages.seen import SEEN_TEXTURES, UNSEEN_FACES, UNSEEN_TEXTURES
from digitcam.train.pages.texture import TEXTURES
from digitcam.train.pens.drawn import drawn_hand
from digitcam.train.yardstick import digits, numbers, photo, scoring, silence, specimens
from digitcam.train.yardstick.left_out import ENTRIES
from digitcam.train.yardstick.sets import KINDS, limited

yardstick = pytest.importorskip("yardstick", reason="benchmarks/ is not importable")


def answer(*lines: str) -> Answer:
    """Make an answer of lines; what is told has a mark."""
    told = "".join(lines).replace("?", "").replace(" ", "")
    marks = tuple(Mark(digit, 0.9, (0, 0, 5, 5)) for digit in told)
    return Answer(lines, marks, 0.0)


def case(truth: object) -> Case:
    return Case("case", lambda: np.zeros((1, 1, 3), np.uint8), truth)


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the drawn hand write, so that no data is needed."""
    for module in (digits, numbers):
        monkeypatch.setattr(module, "writers", lambda *_, **__: [drawn_hand()])


@pytest.mark.parametrize(
    ("read", "truth", "expected"),
    [
        ("", "", (0, 0, 0, 0)),
        ("123", "123", (0, 0, 0, 0)),
        ("173", "123", (1, 0, 0, 0)),
        ("1?3", "123", (0, 1, 0, 0)),
        ("13", "123", (0, 0, 1, 0)),
        ("1723", "123", (0, 0, 0, 1)),
        ("", "123", (0, 0, 3, 0)),
        ("12", "", (0, 0, 0, 2)),
        ("?", "", (0, 0, 0, 1)),
        ("31", "12", (2, 0, 0, 0)),
        ("4?", "456", (0, 1, 1, 0)),
    ],
)
def test_errors_are_told_apart(read: str, truth: str, expected: tuple[int, int, int, int]) -> None:
    """Replaced, not told, lost and invented digits, with the fewest edits in all."""
    errors = scoring.errors_between(read, truth)
    assert (errors.replaced, errors.untold, errors.lost, errors.invented) == expected


@pytest.mark.parametrize(
    ("read", "expected"),
    [("7", "right"), ("1", "wrong"), ("", "nothing"), ("?", "unsure"), ("71", "several"),
     ("7?", "several")],
)  # fmt: skip
def test_what_came_of_a_digit(read: str, expected: str) -> None:
    """One digit is right, wrong, lost, a `?`, or read as several; each picture is one of these."""
    score = Score()
    verdict = scoring.score_digit(case("7"), answer(*([read] if read else [])), score)
    assert {key: score.counts[key] for key in scoring.OUTCOMES if score.counts[key]} == {
        expected: 1
    }
    assert verdict.right == (expected == "right")


def test_a_question_mark_makes_a_number_wrong() -> None:
    """It is neither lost nor invented, and the digits beside it are judged by their own."""
    score = Score()
    verdict = scoring.score_number(case("1234"), answer("1?34"), score)
    assert not verdict.right
    counts = score.counts
    assert (counts["exact"], counts["untold"], counts["lost"], counts["invented"]) == (0, 1, 0, 0)
    assert score.confidences == [(0.9, True)] * 3


def test_a_number_in_two_parts_is_not_exact() -> None:
    """All its digits are found, but it is two numbers to who reads it."""
    score = Score()
    scoring.score_number(case("1234"), answer("12", "34"), score)
    assert (score.counts["exact"], score.counts["edits"]) == (0, 0)


def test_rows_count_one_by_one() -> None:
    """A row is exact or not, whatever becomes of the others; none counts twice."""
    score = Score()
    verdict = scoring.score_rows(case(["12", "34", "34"]), answer("12", "34"), score)
    assert (score.counts["numbers"], score.counts["exact"]) == (3, 2)
    assert score.counts["lost"] == 2
    assert not verdict.right


def test_what_is_told_of_a_page_without_digits_is_invented() -> None:
    """A `?` there is counted aside; confidence in what is told is wrong."""
    score = Score()
    scoring.score_nothing(case(""), answer("1?", "2"), score)
    assert (score.counts["invented"], score.counts["unsure"], score.counts["silent"]) == (2, 1, 0)
    assert score.confidences == [(0.9, False)] * 2


def made(hands: None) -> list[Set]:
    """Return a small set of each sort that needs no data."""
    sheets = [
        numbers.on_paper(Path(), "squared", 2, 5),
        numbers.on_desks(Path(), 2, 5),
        numbers.in_rows(Path(), 1.35, 1, 5),
        digits.by_place(Path(), 6, 5),
        digits.on_canvas(Path(), 1, 5),
    ]
    return [limited(each, 6) for each in sheets]


def test_a_seed_gives_the_same_pictures(hands: None) -> None:
    """Names, truths and every pixel come again; a case does not depend on those before it."""
    for first, second in zip(made(hands), made(hands), strict=True):
        assert [(c.name, c.truth) for c in first.cases] == [(c.name, c.truth) for c in second.cases]
        for one, other in zip(first.cases, reversed(second.cases), strict=True):
            other = next(c for c in second.cases if c.name == one.name)
            np.testing.assert_array_equal(one.load(), other.load())


def test_a_limit_takes_some_of_the_cases() -> None:
    """The same ones each time, in their order."""
    whole = Set("set", tuple(Case(str(i), lambda: None, i) for i in range(50)), print)  # type: ignore[arg-type, return-value]
    some = [c.truth for c in limited(whole, 7).cases]
    assert some == [c.truth for c in limited(whole, 7).cases]
    assert len(some) == 7
    assert some == sorted(some)  # type: ignore[type-var]


def test_places_are_what_they_are_called(hands: None) -> None:
    """The ink lies in the corner, at the side or in the middle of a frame of the size named."""
    for each in digits.by_place(Path(), 40, 3).cases:
        factors = dict(yardstick.factors_of(each.name))
        image = each.load()
        width, height = map(int, factors["frame"].split("x"))
        assert image.shape == (height, width, 3)
        gray = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
        rows, columns = np.nonzero(gray < 0.55 * np.median(gray))
        if int(factors["size"]) <= 6:
            middle = columns.mean() / width, rows.mean() / height
            at = digits.PLACES[factors["place"]]
            off = max(abs(m - a) for m, a in zip(middle, at, strict=True))
            assert off < 0.35, each.name


def test_digits_have_their_height_of_paper_around(hands: None) -> None:
    """At least its own height on each side; cut to the ink, hardly any."""
    found = specimens.written([drawn_hand()], 10, np.random.default_rng(1))
    for each in found:
        wide = digits._on_paper(each, 40, np.random.default_rng(2))
        cut = digits._on_paper(each, None, np.random.default_rng(2))
        assert wide.shape[0] >= 3 * 40
        rows = np.nonzero((cut.min(axis=2) < 0.6 * np.median(cut)).any(axis=1))[0]
        assert np.ptp(rows) > 0.75 * len(cut)


def test_a_canvas_has_both_polarities_and_bare_ones(hands: None) -> None:
    """Ink is white on black or black on white, and some ones are bars."""
    cases = digits.on_canvas(Path(), 1, 1).cases
    factors = [dict(yardstick.factors_of(c.name)) for c in cases]
    assert {f["polarity"] for f in factors} == {"white on black", "black on white"}
    assert {c.truth for c, f in zip(cases, factors, strict=True) if f["shape"] == "bar"} == {"1"}
    for each, factor in zip(cases[::29], factors[::29], strict=True):
        image = each.load()
        assert image.shape == (280, 280, 3)
        assert (np.median(image) == 255) == (factor["polarity"] == "black on white")


def test_mnist_files_are_as_they_are() -> None:
    """Unscaled, a file has the very pixels; a negative is their complement."""
    image = np.arange(784, dtype=np.uint16).reshape(28, 28).astype(np.uint8)
    rng = np.random.default_rng(1)
    np.testing.assert_array_equal(digits._file(image, 28, False, rng)[..., 0], image)
    np.testing.assert_array_equal(digits._file(image, 28, True, rng)[..., 0], 255 - image)
    png = yardstick._png(digits._file(image, 112, False, rng))
    assert cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_UNCHANGED).shape == (112, 112)


def test_rulings_lie_under_the_ink() -> None:
    """Plain paper has none; squares have lines both ways, ruled paper across alone."""
    rng = np.random.default_rng(1)
    assert photo.ruled((80, 90), "plain", 30, 50, rng) is None
    ruled = photo.ruled((80, 90), "ruled", 30, 50, rng)
    squared = photo.ruled((80, 90), "squared", 30, 50, rng)
    assert ruled is not None
    assert squared is not None
    assert (ruled == ruled[:, :1]).all()
    assert (squared[:, squared.min(axis=0) == 255]).size > 0


def test_unseen_is_a_part_of_what_there_is() -> None:
    """A third of the textures and faces, by names that are there, and desks of both kinds."""
    assert set(TEXTURES) > UNSEEN_TEXTURES
    assert set(FACES) > UNSEEN_FACES
    assert len(UNSEEN_TEXTURES) == pytest.approx(len(TEXTURES) / 3, abs=1)
    assert set(numbers.DESKS) <= set(TEXTURES)
    assert set(numbers.DESKS) & UNSEEN_TEXTURES
    assert set(numbers.DESKS) & SEEN_TEXTURES


def test_silent_pages_hold_no_digit_and_nothing_seen() -> None:
    """No number is written on them, and textures and faces are those that training lacks."""
    from digitcam.train.pages.render import render_page
    from digitcam.train.pages.seen import SEEN_FACES

    for k in range(12):
        plan = silence.plan_without_digits(np.random.default_rng(k))
        rng = np.random.default_rng((k, 1))
        page = render_page(rng, [drawn_hand()], plan, (120, 160),
                           without_textures=SEEN_TEXTURES, without_faces=SEEN_FACES)  # fmt: skip
        assert not page.numbers
        assert page.textures <= UNSEEN_TEXTURES
        assert page.faces <= UNSEEN_FACES


def test_factors_come_from_names() -> None:
    """A width such as 1/40 is one value, and what names no factor is passed over."""
    name = "set/3/unipen:apb:X/pen=1/40/size=16 px"
    assert list(yardstick.factors_of(name)) == [("pen", "1:40"), ("size", "16 px")]


def test_a_set_is_summed_by_factor() -> None:
    """Each value of a factor has its own score, and all are in the total."""
    result = yardstick.Result("digits: x", "digits")
    for read, size in (("7", "16 px"), ("", "16 px"), ("7", "cut")):
        score = Score(seconds=[0.001])
        one = Case(f"x/size={size}", case("7").load, "7")
        scoring.score_digit(one, answer(*([read] if read else [])), score)
        result.add(one, score)
    assert result.total.share("right", "pictures") == pytest.approx(2 / 3)
    assert result.factors["size"]["16 px"].share("right", "pictures") == 0.5
    (row,) = yardstick.rows_of(result)
    assert "MISSED" in str(row)
    assert "lost 33.3%" in str(row)
    figures = yardstick.as_dict([result])
    assert json.loads(json.dumps(figures))["sets"]["digits: x"]["cases"] == 3


def test_every_kind_has_figures() -> None:
    """What is read is told."""
    names = {"digits", "pens", "silence", "places", "files", "canvas"}
    assert names <= set(yardstick.FIGURES)
    assert {"numbers", "rows", "photographs"} == set(KINDS) - names


@pytest.mark.skipif(not os.environ.get("DIGITCAM_DATA"), reason="DIGITCAM_DATA names no data")
@pytest.mark.parametrize("source", ["nsysu", "semeion", "mnist", *specimens.GROUPS])
def test_specimens_are_what_they_are_called(source: str) -> None:
    """Each digit as often, as high as asked for, and its ink is the source's."""
    folder = Path(os.environ["DIGITCAM_DATA"])
    found = specimens.specimens(folder, source, 20, 1, everything=True)
    assert sorted(each.digit for each in found) == sorted("0123456789" * 2)
    again = specimens.specimens(folder, source, 20, 1, everything=True)
    for each, other in zip(found, again, strict=True):
        ink = each.draw(40, None, np.random.default_rng(3))
        # A bar that fell over is not blown up: it is as high as its box allows.
        assert 12 <= len(ink) <= 46
        assert ink.max() > 60
        np.testing.assert_array_equal(ink, other.draw(40, None, np.random.default_rng(3)))


def test_every_left_out_source_can_be_left_out() -> None:
    """Training knows the name of all that the table leaves out."""
    writers = pytest.importorskip("digitcam.train.writers")
    for entry in ENTRIES.values():
        writers.check_sources(entry.without)


def test_matching_and_errors_agree() -> None:
    """What is aligned is what is neither replaced nor invented, where nothing moved."""
    for read, truth in (("123", "123"), ("173", "123"), ("1723", "123")):
        errors = scoring.errors_between(read, truth)
        assert sum(matching(read, truth)) == len(read) - errors.replaced - errors.invented


def test_a_folder_without_data_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It says what was expected; nothing is read."""
    assert yardstick.main(["--data", str(tmp_path), "--sets", "pens"]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"yardstick: {tmp_path}: expected strokes/unipen_digits.npz")
