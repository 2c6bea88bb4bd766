"""What to look at before training on a pair set: what it would teach beside good explanations.

    checks = lint(pairs, facts, CompareSettings())
    checks[0].name, checks[0].figure, checks[0].pairs     # "length gap", an Estimate, which pairs to open

DPO learns whatever tells chosen from rejected: length, a form, the right label.  Each check counts one such
difference and says when it should worry.  A question gives one pair, so intervals resample pairs.
Not covered: whether chosen is the better explanation, which only people can say.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from core.records import Pair, Side
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples

Unit = Literal["share", "tokens"]
UNREADABLE = "not known"
SEVERAL = "several alike"


@dataclass(frozen=True)
class SideFacts:
    """What is known of a response beyond its pair."""

    tokens: int
    criteria: tuple[float | None, ...]
    """The judge's value a criterion, in the order of the rubric."""
    readable: bool = True
    """Whether an answer can be read in it as generated."""


@dataclass(frozen=True)
class Check:
    """One thing to look at."""

    name: str
    figure: Estimate
    unit: Unit
    says: str
    """What the figure means for training."""
    worry: bool
    pairs: tuple[int, ...]
    """Places of the pairs to open, those that show it most first."""


def lint(
    pairs: Sequence[Pair], facts: Mapping[tuple[str, str, int], SideFacts], settings: CompareSettings
) -> list[Check]:
    """The checks of a pair set; facts: (run, item, sample) → what is known of that response."""
    drawn = Resamples(len(pairs), settings.resamples, settings.seed)
    gaps = np.array([token_gap(pair, facts) for pair in pairs], dtype=float)
    unequal = ~np.isnan(gaps) & (gaps != 0)
    marks = {name: np.array(found, dtype=float) for name, found in _marks(pairs, facts).items()}
    columns = [np.where(unequal, gaps > 0, np.nan), *marks.values()]
    longer, *shares = drawn.means(np.stack(columns, axis=1), bounds=(0.0, 1.0))
    return [
        _length(gaps, drawn.mean(gaps)),
        _longer(longer, np.flatnonzero(unequal & (gaps > 0))),
        *(_share(name, figure, marks[name]) for name, figure in zip(marks, shares, strict=True)),
    ]


SAYS: dict[str, tuple[str, float]] = {
    "label of chosen is wrong": ("chosen ends in a wrong answer, which DPO makes likelier", 0.05),
    "labels tell them apart": ("chosen is right and rejected wrong: answers are learned along with explanations", 2.0),
    "chosen scores below rejected": ("the label decides against the judge", 0.05),
    "equal text": ("the two differ in white space or case alone", 0.0),
    "empty or unparsed chosen": ("chosen has no text or no readable answer, a form that DPO would teach", 0.05),
    "unparsed rejected alone": ("form alone tells them apart", 0.5),
    "duplicates": ("another question has the same chosen and the same rejected text", 0.05),
    "pulled both ways": ("its chosen text is rejected elsewhere, or its rejected text chosen", 0.05),
}
"""Check of a share → what it means, and from which share on to worry (2: never, it is there to be known)."""


def _marks(pairs: Sequence[Pair], facts: Mapping[tuple[str, str, int], SideFacts]) -> dict[str, list[bool]]:
    """Check → whether each pair shows it."""
    formless = [tuple(_formless(p, side, facts) for side in (p.chosen, p.rejected)) for p in pairs]
    return {
        "label of chosen is wrong": [not p.chosen.correct for p in pairs],
        "labels tell them apart": [p.chosen.correct and not p.rejected.correct for p in pairs],
        "chosen scores below rejected": [p.chosen.score < p.rejected.score for p in pairs],
        "equal text": [same_text(p) for p in pairs],
        "empty or unparsed chosen": [chosen for chosen, _ in formless],
        "unparsed rejected alone": [rejected and not chosen for chosen, rejected in formless],
        "duplicates": duplicated(pairs),
        "pulled both ways": contradicted(pairs),
    }


def _length(gaps: np.ndarray, figure: Estimate) -> Check:
    longest = np.argsort(-np.abs(np.nan_to_num(gaps)), kind="stable")
    biased = figure.value is not None and figure.n > 1 and figure.excludes_zero
    way = "longer" if (figure.value or 0) > 0 else "shorter"
    says = f"chosen is {way} than rejected on average, so length is learned" if biased else "no length gap is shown"
    return Check("length gap", figure, "tokens", says, biased, tuple(longest.tolist()))


def _longer(figure: Estimate, rows: np.ndarray) -> Check:
    biased = figure.value is not None and not figure.low <= 0.5 <= figure.high
    says = "of pairs with unequal lengths have the longer text chosen; 50% teaches no length"
    return Check("longer is chosen", figure, "share", says, biased, tuple(rows.tolist()))


def _share(name: str, figure: Estimate, marks: np.ndarray) -> Check:
    says, from_share = SAYS[name]
    worry = bool(figure.value and figure.value >= from_share)
    return Check(name, figure, "share", says, worry, tuple(np.flatnonzero(marks).tolist()))


def token_gap(pair: Pair, facts: Mapping[tuple[str, str, int], SideFacts]) -> float:
    """Tokens of chosen less tokens of rejected, as sampled; NaN where one is not known."""
    chosen, rejected = _facts(pair, pair.chosen, facts), _facts(pair, pair.rejected, facts)
    return float(chosen.tokens - rejected.tokens) if chosen and rejected else float("nan")


def same_text(pair: Pair) -> bool:
    """Whether the two texts are the same but for white space and case."""
    return _plain(pair.chosen.text) == _plain(pair.rejected.text)


def duplicated(pairs: Sequence[Pair]) -> list[bool]:
    """Whether another pair has the same two texts in the same places."""
    texts = [(pair.chosen.text, pair.rejected.text) for pair in pairs]
    counts = Counter(texts)
    return [counts[text] > 1 for text in texts]


def contradicted(pairs: Sequence[Pair]) -> list[bool]:
    """Whether a text of the pair stands on the other side in some pair of the set."""
    chosen = {pair.chosen.text for pair in pairs}
    rejected = {pair.rejected.text for pair in pairs}
    return [pair.chosen.text in rejected or pair.rejected.text in chosen for pair in pairs]


def _formless(pair: Pair, side: Side, facts: Mapping[tuple[str, str, int], SideFacts]) -> bool:
    """No text, or no answer that can be read (one that the builder appended can)."""
    known = _facts(pair, side, facts)
    readable = pair.answer_line_added or (known.readable if known else side.prediction is not None)
    return not side.text.strip() or not readable


def _plain(text: str) -> str:
    return " ".join(text.split()).casefold()


def _facts(pair: Pair, side: Side, facts: Mapping[tuple[str, str, int], SideFacts]) -> SideFacts | None:
    return facts.get((side.run, pair.item_id, side.sample))


# --- the criterion behind a choice


def criterion_gaps(pair: Pair, facts: Mapping[tuple[str, str, int], SideFacts]) -> list[float | None]:
    """Chosen less rejected, a value a criterion, in verdict points; None where a verdict is missing."""
    chosen, rejected = _facts(pair, pair.chosen, facts), _facts(pair, pair.rejected, facts)
    if not (chosen and rejected):
        return []
    both = zip(chosen.criteria, rejected.criteria, strict=True)
    return [None if a is None or b is None else a - b for a, b in both]


def driver(pair: Pair, facts: Mapping[tuple[str, str, int], SideFacts], criteria: Sequence[str]) -> str:
    """The criterion with the largest lead of chosen; `several alike` for a tie, `not known` without verdicts."""
    gaps = criterion_gaps(pair, facts)
    if not gaps or any(gap is None for gap in gaps):
        return UNREADABLE
    top = max(gaps)
    first = [name for name, gap in zip(criteria, gaps, strict=True) if top - gap < 1e-9]
    return first[0] if len(first) == 1 else SEVERAL


@dataclass(frozen=True)
class Driver:
    """How a criterion takes part in the choices of a pair set."""

    criterion: str
    drives: Estimate
    """Share of pairs in which it leads most."""
    lead: Estimate
    """Mean lead of chosen over rejected, in verdict points; undefined for `several alike` and `not known`."""
    pairs: tuple[int, ...]


def drivers(
    pairs: Sequence[Pair],
    facts: Mapping[tuple[str, str, int], SideFacts],
    criteria: Sequence[str],
    settings: CompareSettings,
) -> list[Driver]:
    """Every criterion, then ties and pairs without verdicts where there are some."""
    drawn = Resamples(len(pairs), settings.resamples, settings.seed)
    led = [driver(pair, facts, criteria) for pair in pairs]
    names = [*criteria, *(name for name in (SEVERAL, UNREADABLE) if name in led)]
    marks = np.array([[other == name for name in names] for other in led], dtype=float).reshape(len(pairs), len(names))
    gaps = [criterion_gaps(pair, facts) or [None] * len(criteria) for pair in pairs]
    leads = drawn.means(np.array(gaps, dtype=float).reshape(len(pairs), len(criteria)))
    leads += [Estimate.undefined(0, "it is no criterion")] * (len(names) - len(criteria))
    shares = drawn.means(marks, bounds=(0.0, 1.0))
    return [
        Driver(name, share, lead, tuple(np.flatnonzero(column).tolist()))
        for name, share, lead, column in zip(names, shares, leads, marks.T, strict=True)
    ]
