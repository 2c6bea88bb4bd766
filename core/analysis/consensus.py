"""What judgements made elsewhere say: who wins under each annotator, and how far annotators agree.

    with any_store(home) as store:
        rates = preference_rates(store, find_set(store, "annotations").id, CompareSettings())
        found = set_agreements(store, find_set(store, "testset-v1").id, CompareSettings())

Intervals resample questions: what several annotators say of one question is one observation.  Whose choice is
a tie: a preference of exactly 1.5 (AlpacaEval's 0 is one).  A judgement without a choice is left out and counted.
Not covered: length control, ratings against scores of this lab's own judges.
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from core.analysis.agreement import PairAgreement, agreement_between, alpha
from core.errors import BadInput
from core.loading.preferences import TIE, A, B
from core.records import RaterKind
from core.settings import CompareSettings
from core.statistics.alpha import Level
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.store.database import Store

DECIMAL = re.compile(r"[+-]?\d+,\d+")
"""A number with a decimal comma."""
FIRST, EQUAL, SECOND = "first", "tie", "second"
MAJORITY = "majority of people"
"""The rater whose label is what more than half of the people said."""
NO_CARD = (
    "A judge that worked elsewhere has no judge card here: whether to believe it is how far it agrees with people."
)
"""What is to be said beside the figures of such a judge."""
PREFERENCE = "preference"
"""Criterion under which pairwise choices are compared."""


@dataclass(frozen=True)
class JudgementSet:
    """An imported set of judgements."""

    id: str
    name: str
    what: str
    """`preferences` or `ratings`."""


def judgement_sets(store: Store) -> list[JudgementSet]:
    """Every set whose rows are in, oldest first."""
    found = store.rows("SELECT id, name, what FROM judgement_sets ORDER BY created, id")
    return [JudgementSet(*row) for row in found]


def find_set(store: Store, wanted: str) -> JudgementSet:
    """The set of this id, of an id that begins so, or of this name; `BadInput` unless it is one."""
    known = judgement_sets(store)
    found = [s for s in known if s.id == wanted] or [s for s in known if s.id.startswith(wanted) or s.name == wanted]
    if len(found) != 1:
        said = "none is" if not found else f"{len(found)} are: {', '.join(s.id for s in found)}"
        raise BadInput(f"No single set of judgements is {wanted!r} ({said}); `anchorlab judgements list` lists them.")
    return found[0]


# --- pairwise


@dataclass(frozen=True)
class PreferenceRate:
    """How often one variant is preferred to another, by one annotator."""

    annotator: str
    kind: RaterKind
    a: str
    """The reference: the first variant of the pair, as the source first has it."""
    b: str
    """The variant whose rate it is."""
    wins: int
    ties: int
    losses: int
    nothing: int
    """Judgements without a choice; they are in no other count."""
    rate: Estimate
    """Win rate of b over a in percent, mean(preference − 1), a tie one half; Wilson's interval over questions."""


def _escaped(column: str) -> str:
    """A column in SQL with the marks that join names made unlike those that stand in them."""
    return rf"replace(replace(replace({column}, '\', '\\'), '/', '\/'), chr(10), '\n')"


QUESTION = f"concat_ws('/', {_escaped('part')}, {_escaped('item_id')})"
"""A question of a set in SQL: no two pairs of part and id give the same."""


def choices(store: Store, run: str) -> pd.DataFrame:
    """Preferences of a set, each pair of variants in one order.

    Columns: question (part and id), a, b, annotator, kind, preference (1 a wins … 2 b wins, NaN for nothing).
    """
    frame = store.frame(
        f"SELECT {QUESTION} AS question, a, b, annotator, annotator_kind AS kind, preference "
        "FROM preferences WHERE run = ? ORDER BY seq",
        [run],
    )
    first: dict[frozenset[str], tuple[str, str]] = {}
    pairs = [first.setdefault(frozenset(pair), pair) for pair in zip(frame["a"], frame["b"], strict=True)]
    turned = np.array([a != pair[0] for a, pair in zip(frame["a"], pairs, strict=True)], dtype=bool)
    preference = frame["preference"].astype(float)
    return frame.assign(
        a=[a for a, _ in pairs], b=[b for _, b in pairs], preference=preference.where(~turned, A + B - preference)
    )


def side(preference: float) -> str | None:
    """The output that a preference is for; None where nothing was given.

    >>> side(1.2), side(1.5), side(2.0), side(float("nan"))
    ('first', 'tie', 'second', None)
    """
    if np.isnan(preference):
        return None
    return EQUAL if preference == TIE else FIRST if preference < TIE else SECOND


def preference_rates(store: Store, run: str, settings: CompareSettings) -> list[PreferenceRate]:
    """Win rates of a set for each pair of variants and annotator; for the majority where there are several people."""
    frame = choices(store, run)
    both = pd.concat([frame, majority_choices(frame)], ignore_index=True)
    groups = both.groupby(["a", "b", "annotator", "kind"], sort=False)
    return [_rate(*names, group, settings) for names, group in groups]


def _rate(
    a: str, b: str, annotator: str, kind: RaterKind, rows: pd.DataFrame, settings: CompareSettings
) -> PreferenceRate:
    counts = Counter(map(side, rows["preference"]))
    means = rows.groupby("question", sort=False)["preference"].mean().to_numpy() - A
    drawn = Resamples(len(means), settings.resamples, settings.seed)
    rate = drawn.mean(means, bounds=(0, 1)).scaled(100)
    return PreferenceRate(annotator, kind, a, b, counts[SECOND], counts[EQUAL], counts[FIRST], counts[None], rate)


def majority_choices(frame: pd.DataFrame) -> pd.DataFrame:
    """Rows like those of `choices` for what more than half of the people chose; empty for fewer than two people.

    Where no side has more than half of those who chose, the majority gives nothing.
    """
    people = frame[frame["kind"] == "person"]
    if people["annotator"].nunique() < 2:
        return frame.iloc[:0]
    value = {FIRST: A, EQUAL: TIE, SECOND: B, None: np.nan}
    chosen = people.assign(side=people["preference"].map(side)).groupby(["question", "a", "b"], sort=False)["side"]
    rows = chosen.agg(lambda sides: value[majority_of(sides)]).reset_index(name="preference")
    name = majority_name(frame["annotator"])
    return rows.assign(annotator=name, kind="person", preference=rows["preference"].astype(float))


def majority_name(raters: Iterable[str]) -> str:
    """What the majority of people is called: a name that no rater has.

    >>> majority_name(["ann"]), majority_name(["majority of people"])
    ('majority of people', 'majority of people (counted)')
    """
    taken = set(raters)
    name = MAJORITY
    while name in taken:
        name += " (counted)"
    return name


def majority_of(labels: Sequence[str | None]) -> str | None:
    """The label that more than half of the labels are; None where there is none.

    >>> majority_of(["tie", "first", "first"]), majority_of(["tie", "first", "second"]), majority_of([None])
    ('first', None, None)
    """
    given = [label for label in labels if label is not None]
    if not given:
        return None
    label, count = Counter(given).most_common(1)[0]
    return label if 2 * count > len(given) else None


def majority_counts(store: Store, run: str) -> dict[str, int]:
    """How many comparisons the majority of people gave to the first output, to the second, to neither.

    `split` counts those without a majority.  Empty for fewer than two people.
    """
    counts = Counter(side(value) or "split" for value in majority_choices(choices(store, run))["preference"])
    return {name: counts[name] for name in (FIRST, EQUAL, SECOND, "split")} if counts else {}


# --- agreement


@dataclass(frozen=True)
class SetAgreement:
    """How far the raters of a set agree on one criterion."""

    set: JudgementSet
    criterion: str
    pairs: list[PairAgreement]
    """Every two raters, and the majority of people against each judge."""
    alpha: Estimate
    """Krippendorff's α of all raters, nominal; ordinal where all labels are numbers or an order is given."""
    kinds: dict[str, RaterKind]
    """Rater → person or judge."""
    scale: Level
    """What α takes labels for: names (nominal), or places in an order (ordinal).  κ takes them for names."""


def agreements(
    store: Store,
    settings: CompareSettings,
    wanted: str = "",
    criterion: str | None = None,
    order: Sequence[str] | None = None,
) -> list[SetAgreement]:
    """Agreement in the set `wanted` (as in `find_set`), or in every set that has the criterion."""
    if wanted:
        return set_agreements(store, find_set(store, wanted).id, settings, criterion, order)
    known = judgement_sets(store)
    chosen = [s for s in known if criterion is None or criterion in criteria(store, s)]
    if known and not chosen:
        raise BadInput(f"No set of judgements has the criterion {criterion!r}: leave it out to see what there are.")
    return [found for s in chosen for found in set_agreements(store, s.id, settings, criterion, order)]


def criteria(store: Store, wanted: JudgementSet) -> list[str]:
    """What a set's raters judged, in the order of the source."""
    if wanted.what == "preferences":
        return [PREFERENCE]
    query = "SELECT criterion FROM ratings WHERE run = ? GROUP BY criterion ORDER BY min(seq)"
    return [name for (name,) in store.rows(query, [wanted.id])]


def set_agreements(
    store: Store,
    run: str,
    settings: CompareSettings,
    criterion: str | None = None,
    order: Sequence[str] | None = None,
) -> list[SetAgreement]:
    """Agreement on each criterion of a set, or on one; `order` names its labels from worst to best."""
    found = find_set(store, run)
    known = criteria(store, found)
    if criterion is not None and criterion not in known:
        raise BadInput(f"{found.id} has no criterion {criterion!r}: use {', '.join(known)}.")
    labels = _choice_labels if found.what == "preferences" else _rating_labels
    wanted = known if criterion is None else [criterion]
    tables = {name: labels(store, found.id, name) for name in wanted}
    return [_agreement(found, name, rows, settings, order, _derived(store, found)) for name, rows in tables.items()]


def _derived(store: Store, found: JudgementSet) -> list[str]:
    """Raters of a set that are counted from others."""
    if found.what == "ratings":
        return []
    return list(majority_choices(choices(store, found.id))["annotator"].unique())


def _choice_labels(store: Store, run: str, criterion: str) -> pd.DataFrame:
    """Sides that annotators chose: question, annotator, kind, unit (what is judged), label."""
    frame = choices(store, run)
    both = pd.concat([frame, majority_choices(frame)], ignore_index=True)
    names = [both[side].str.replace("\\", "\\\\").str.replace("\n", "\\n") for side in ("a", "b")]
    unit = both["question"] + "\n" + names[0] + "\n" + names[1]
    labels = both["preference"].map(side).astype(object)
    return both[["question", "annotator", "kind"]].assign(unit=unit, label=labels)


def _rating_labels(store: Store, run: str, criterion: str) -> pd.DataFrame:
    """Labels that raters gave, in the columns of `_choice_labels`."""
    return store.frame(
        f"SELECT {QUESTION} AS question, concat_ws(chr(10), {QUESTION}, {_escaped('variant')}) AS unit, "
        "rater AS annotator, rater_kind AS kind, label FROM ratings WHERE run = ? AND criterion = ? ORDER BY seq",
        [run, criterion],
    )


def _agreement(
    found: JudgementSet,
    criterion: str,
    rows: pd.DataFrame,
    settings: CompareSettings,
    order: Sequence[str] | None,
    derived: Sequence[str],
) -> SetAgreement:
    labels = rows["label"] if order else _as_numbers(rows["label"])
    wide = rows.assign(label=labels).pivot(index=["question", "unit"], columns="annotator", values="label")
    table = wide.astype(object).where(wide.notna(), None)
    clusters = list(table.index.get_level_values("question"))
    kinds: dict[str, RaterKind] = dict(zip(rows["annotator"], rows["kind"], strict=True))
    raters = [name for name in kinds if name not in derived]
    pairs = [(a, b) for i, a in enumerate(raters) for b in raters[i + 1 :]]
    pairs += [(majority, rater) for majority in derived for rater in raters if kinds[rater] == "judge"]
    ranked = order is not None or pd.api.types.is_numeric_dtype(labels)
    shared = {"order": order, "clusters": clusters, "settings": settings}
    return SetAgreement(
        found,
        criterion,
        [agreement_between(list(table[a]), list(table[b]), names=(a, b), **shared) for a, b in pairs],
        alpha(table[raters], "ordinal" if ranked else "nominal", **shared),
        {rater: kinds[rater] for rater in raters},
        "ordinal" if ranked else "nominal",
    )


def _as_numbers(labels: pd.Series) -> pd.Series:
    """Labels as numbers where every one of them is one, whether their decimals follow a point or a comma.

    >>> _as_numbers(pd.Series(["1,5", "2", None])).tolist()[:2], _as_numbers(pd.Series(["1,5", "good"])).tolist()
    ([1.5, 2.0], ['1,5', 'good'])
    """
    written = labels.astype(object).where(labels.notna(), None)
    points = written.map(lambda label: label.replace(",", ".") if DECIMAL.fullmatch(str(label).strip()) else label)
    numbers = pd.to_numeric(points, errors="coerce")
    return numbers if bool((numbers.notna() | labels.isna()).all()) and numbers.notna().any() else labels


# --- as rows


def rate_row(rate: PreferenceRate) -> dict[str, Any]:
    """A win rate as plain columns; rate, se, low and high in percent."""
    names = ("annotator", "kind", "a", "b", "wins", "ties", "losses", "nothing")
    estimate = rate.rate
    numbers = {"rate": estimate.value, "se": estimate.se, "low": estimate.low, "high": estimate.high, "n": estimate.n}
    return {name: getattr(rate, name) for name in names} | numbers | {"note": estimate.note}


def agreement_rows(found: SetAgreement) -> list[dict[str, Any]]:
    """Agreement of every two raters as plain columns; percent is a share."""
    shared = {"set": found.set.id, "name": found.set.name, "criterion": found.criterion}
    return [
        shared
        | {"a": pair.a, "b": pair.b, "n": pair.n, "left_out": pair.left_out, "questions": pair.percent.n}
        | _columns("percent", pair.percent)
        | _columns("kappa", pair.kappa)
        | {"sentence": pair.sentence}
        for pair in found.pairs
    ]


def _columns(name: str, estimate: Estimate) -> dict[str, float | None]:
    return {name: estimate.value, f"{name}_low": estimate.low, f"{name}_high": estimate.high}


def estimate_words(estimate: Estimate) -> str:
    """A coefficient with its interval, to three decimals as they are published, or why there is none.

    >>> estimate_words(Estimate(0.408, 0.321, 0.496, 80))
    '0.408 (0.321 … 0.496)'
    """
    if estimate.value is None:
        return estimate.note or "undefined"
    if estimate.low is None:
        return f"{estimate.value:.3f}".replace("-", "−")
    text = f"{estimate.value:.3f} ({estimate.low:.3f} … {estimate.high:.3f})"
    return text.replace("-", "−")
