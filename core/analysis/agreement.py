"""Can the judge be believed?  Agreement of raters (people, judges), and the AUC of a judge's score.

    pair = agreement_between(human, judge, order=["bad", "fair", "good"], clusters=question_ids)
    pair.kappa.value, pair.kappa.low, pair.kappa.high, pair.sentence
    alpha(table, "ordinal", order=["bad", "fair", "good"])      # table: items × raters, None where missing

Every interval resamples questions (`clusters`).  A figure that is undefined says why in its note.  Labels may be
anybody's words: show `sentence` as literal text.  docs/statistics/ has the formulas and when not to use each.

AUC is the chance that a right response's score is above a wrong one's of the same question and variant (ties count
half); 0.5 is chance.  A judge whose interval covers 0.5 cannot be distinguished from one that rolls dice, and every
number made from it says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from math import ceil
from typing import Any

import numpy as np
import pandas as pd
from scipy.special import ndtri

from core.errors import BadInput
from core.settings import CompareSettings
from core.statistics import coefficients
from core.statistics.alpha import Level, krippendorff
from core.statistics.auc import Compared
from core.statistics.coefficients import Cells, bootstrap
from core.statistics.estimates import CONFIDENCE, Estimate
from core.statistics.resampling import Resamples
from core.statistics.words import in_a_sentence, number

MOST_LABELS = 100
"""κ and the confusion matrix are for categories; with more labels than that they are left undefined."""
HIGH_AGREEMENT, LOW_KAPPA = 0.7, 0.4
"""Raw agreement from here with κ below there is explained in the pair's sentence."""

Label = str | int | float | None
"""What a rater says of an item; None (or NaN) where the rating is missing."""


@dataclass(frozen=True)
class PairAgreement:
    """How far two raters agree, over the items that both rated."""

    a: str
    """Name of the first rater."""
    b: str
    """Name of the second rater."""
    n: int
    """Items that both rated; the estimates' own n counts questions."""
    left_out: int
    """Items that one of them, or both, did not rate."""
    percent: Estimate
    """Share of items with the same label (a share, not points), Wilson's interval."""
    kappa: Estimate
    """Cohen's κ of the labels as names."""
    kappa_linear: Estimate | None
    """κ with |x_a − x_b| as disagreement; None where labels have no order."""
    kappa_quadratic: Estimate | None
    """κ with (x_a − x_b)² as disagreement; None where labels have no order."""
    spearman: Estimate | None
    """Spearman's ρ, ties at mid-ranks; None where labels have no order."""
    kendall: Estimate | None
    """Kendall's τ-b; None where labels have no order."""
    confusion: pd.DataFrame | None
    """Counts: rows the labels of a, columns those of b; None for more than MOST_LABELS labels."""
    prevalence: float | None
    """(k·p_max − 1) / (k − 1), p_max the commonest label's share of both raters' ratings: 0 even, 1 one label only;
    for two labels Byrt's prevalence index without its sign."""
    bias: float | None
    """½ Σ_c |p_ac − p_bc|: 0 the same shares of labels; for two labels Byrt's bias index without its sign."""
    pabak: float | None
    """(k·p_o − 1) / (k − 1): κ if every label were equally common (prevalence- and bias-adjusted κ)."""
    commonest: str | None
    """The label given most, by both together."""
    commonest_share: float | None
    """Its share of both raters' ratings."""
    sentence: str
    """The finding in words; holds labels and names as they were given."""


def agreement_between(
    a: Sequence[Label],
    b: Sequence[Label],
    *,
    order: Sequence[Label] | None = None,
    clusters: Sequence[Any] | None = None,
    names: tuple[str, str] = ("a", "b"),
    settings: CompareSettings = CompareSettings(),  # noqa: B008
) -> PairAgreement:
    """Agreement of two raters of the same items.

    a, b: a label an item, None where missing.  order: all labels from worst to best, taken as equally far apart;
    without it numbers keep their own distances and names have no order.  clusters: the question of each item
    (None: each item is one).  Raises BadInput for unequal lengths or a label that `order` lacks.
    """
    if len(a) != len(b):
        raise BadInput(f"{names[0]} has {len(a)} ratings and {names[1]} {len(b)}: give both for the same items.")
    scale = _Scale.of([*a, *b], order)
    codes_a, codes_b = scale.codes(a), scale.codes(b)
    both = (codes_a >= 0) & (codes_b >= 0)
    questions = _questions(clusters, len(a))
    cells = Cells.of(codes_a[both], codes_b[both], questions[both], scale.points)
    return _pair(cells, scale, names, int((~both).sum()), settings)


def rater_agreements(
    ratings: pd.DataFrame,
    order: Sequence[Label] | None = None,
    clusters: Sequence[Any] | None = None,
    settings: CompareSettings = CompareSettings(),  # noqa: B008
) -> list[PairAgreement]:
    """Every two raters of a table items × raters (columns name the raters), arguments as in `agreement_between`."""
    return [
        agreement_between(
            list(ratings[one]),
            list(ratings[other]),
            order=order,
            clusters=clusters,
            names=(str(one), str(other)),
            settings=settings,
        )
        for one, other in combinations(ratings.columns, 2)
    ]


def alpha(
    ratings: pd.DataFrame,
    level: Level,
    *,
    order: Sequence[Label] | None = None,
    clusters: Sequence[Any] | None = None,
    settings: CompareSettings = CompareSettings(),  # noqa: B008
) -> Estimate:
    """Krippendorff's α of a table items × raters, None or NaN where a rating is missing.

    level: "nominal" (names), "ordinal" (numbers, or names in `order`), "interval" (differences mean something).
    clusters: question of each row.  n of the result: questions with an item that two raters rated.
    Raises BadInput for names without `order` at a level that needs one.
    """
    if ratings.shape[1] < 2:
        return Estimate.undefined(0, "agreement needs two raters")
    scale = _Scale.of(ratings.to_numpy(dtype=object).ravel().tolist(), order)
    if level != "nominal" and not scale.ordered and len(scale.labels) > 1:
        raise BadInput(f"α at the {level} level needs labels in order: give `order`, from worst to best.")
    codes = np.stack([scale.codes(list(ratings[rater])) for rater in ratings.columns], axis=1)
    questions = _questions(clusters, len(ratings))
    return krippendorff(codes, scale.points, level, questions, settings.resamples, settings.seed)


def labels_needed(pair: PairAgreement, half_width: float = 0.1) -> int | None:
    """About how many items both must rate for κ ± half_width (95%), in all; None where κ is unknown.

    From the bootstrap standard error of κ, which shrinks as 1/√n: n · (z·se / half_width)², z = 1.96.
    """
    if not pair.kappa.se:
        return None
    z = float(ndtri(0.5 + CONFIDENCE / 2))
    return ceil(pair.n * (z * pair.kappa.se / half_width) ** 2)


# --- labels and their order


@dataclass(frozen=True)
class _Scale:
    """The labels in use, or of the order given, and their places."""

    labels: list[Any]
    points: np.ndarray
    ordered: bool

    @classmethod
    def of(cls, given: Sequence[Label], order: Sequence[Label] | None) -> "_Scale":
        used = set(pd.Series(given, dtype=object).dropna())
        if order is not None:
            if unknown := used - set(order):
                raise BadInput(f"The label {sorted(map(str, unknown))[0]!r} is not in the order of labels given.")
            return cls(list(order), np.arange(len(order), dtype=float), True)
        if all(isinstance(label, int | float | np.number) and not isinstance(label, bool) for label in used):
            numbers = sorted(used)
            return cls(numbers, np.array(numbers, dtype=float), True)
        names = sorted(used, key=str)
        return cls(names, np.arange(len(names), dtype=float), False)

    def codes(self, given: Sequence[Label]) -> np.ndarray:
        """Position of each label, shape (items,), −1 where missing."""
        place = {label: code for code, label in enumerate(self.labels)}
        return pd.Series(given, dtype=object).map(place).fillna(-1).to_numpy(dtype=int)


def _questions(clusters: Sequence[Any] | None, items: int) -> np.ndarray:
    """Code of the question of each item, shape (items,)."""
    if clusters is None:
        return np.arange(items)
    named = pd.Series(list(clusters), dtype=object)
    if len(named) != items or named.isna().any():
        raise BadInput(f"Clusters name the question of each of the {items} items: {named.notna().sum()} are named.")
    return pd.factorize(named, sort=True)[0]


# --- one pair


def _pair(
    cells: Cells, scale: _Scale, names: tuple[str, str], left_out: int, settings: CompareSettings
) -> PairAgreement:
    found = _estimates(cells, scale, names, settings)
    table = cells.table() if cells.k <= MOST_LABELS else None
    skew = _skew(table, found["percent"].value)
    commonest, share = _commonest(cells, scale)
    pair = PairAgreement(
        *names,
        n=int(cells.whole.sum()),
        left_out=left_out,
        percent=found["percent"],
        kappa=found["kappa"],
        kappa_linear=found.get("kappa_linear"),
        kappa_quadratic=found.get("kappa_quadratic"),
        spearman=found.get("spearman"),
        kendall=found.get("kendall"),
        confusion=_confusion(table, scale),
        **skew,
        commonest=commonest,
        commonest_share=share,
        sentence="",
    )
    return replace(pair, sentence=_sentence(pair))


_CATEGORICAL = {"kappa": coefficients.kappa}
_WEIGHTED = {"kappa_linear": coefficients.kappa_linear, "kappa_quadratic": coefficients.kappa_quadratic}
_RANKED = {"spearman": coefficients.spearman, "kendall": coefficients.kendall}


def _estimates(cells: Cells, scale: _Scale, names: tuple[str, str], settings: CompareSettings) -> dict[str, Estimate]:
    wanted = _CATEGORICAL | (_WEIGHTED | _RANKED if scale.ordered else {})
    undefined = {name: because for name in wanted if (because := _undefined(name, cells, scale, names))}
    computed = {"percent": coefficients.percent_agreement} | wanted
    if not cells.n:
        return {name: Estimate.undefined(0, "no item has ratings of both") for name in computed}
    possible = {name: f for name, f in computed.items() if name not in undefined}
    found = bootstrap(cells, possible, Resamples(cells.n, settings.resamples, settings.seed))
    return found | {name: Estimate.undefined(cells.n, because) for name, because in undefined.items()}


def _undefined(name: str, cells: Cells, scale: _Scale, names: tuple[str, str]) -> str | None:
    """Why a coefficient has no value, or None."""
    for rater, codes in zip(names, (cells.a, cells.b), strict=True):
        if len(np.unique(codes)) == 1:
            return f"{rater} gave one label only ({_quoted(scale.labels[codes[0]])}), so nothing can vary with it"
    if name not in _RANKED and cells.k > MOST_LABELS:
        return f"{cells.k} different labels are no categories; use ranks"
    if name == "kendall" and len(cells.a) > coefficients.MOST_CELLS:
        return f"{len(cells.a)} different pairs of values are too many to compare each with each; use Spearman's ρ"
    return None


def _skew(table: np.ndarray | None, percent: float | None) -> dict[str, float | None]:
    """Prevalence, bias and PABAK (Byrt, Bishop & Carlin 1993), for any number of labels k ≥ 2."""
    if table is None or percent is None or len(table) < 2:
        return {"prevalence": None, "bias": None, "pabak": None}
    k, n = len(table), table.sum()
    a, b = table.sum(axis=1) / n, table.sum(axis=0) / n
    return {
        "prevalence": float((k * ((a + b) / 2).max() - 1) / (k - 1)),
        "bias": float(np.abs(a - b).sum() / 2),
        "pabak": (k * percent - 1) / (k - 1),
    }


def _commonest(cells: Cells, scale: _Scale) -> tuple[str | None, float | None]:
    if not cells.n:
        return None, None
    shares = sum(margin[0] for margin in cells.margins(cells.whole)) / (2 * cells.whole.sum())
    return str(scale.labels[int(shares.argmax())]), float(shares.max())


def _confusion(table: np.ndarray | None, scale: _Scale) -> pd.DataFrame | None:
    return None if table is None else pd.DataFrame(table.astype(int), index=scale.labels, columns=scale.labels)


def _sentence(pair: PairAgreement) -> str:
    """The finding in one or two sentences; agreement that skewed labels alone would bring is called so."""
    if pair.percent.value is None:
        return f"No item was rated by both {pair.a} and {pair.b}."
    agree = f"They agree on {pair.percent.value:.0%} of {pair.n} ratings"
    kappa, most = pair.kappa, _quoted(pair.commonest)
    if kappa.value is None:
        return f"{agree}; κ is {kappa.note}."
    known = f"κ is {in_a_sentence(kappa, 'coefficient')}"
    share = pair.commonest_share or 0.0
    if pair.percent.value >= HIGH_AGREEMENT and kappa.value < LOW_KAPPA:
        much = "nearly all" if share >= 0.9 else f"{share:.0%} of all"
        return f"{agree}, but {known}: {much} ratings are {most}, so agreement says little."
    if pair.bias is not None and pair.bias >= 0.2:
        return f"{agree}; {known}. Their shares of the labels differ (bias {number(pair.bias, 'coefficient')})."
    return f"{agree}; {known}."


def _quoted(label: Any) -> str:
    return f"“{label}”"


# --- AUC


@dataclass(frozen=True)
class Auc:
    """Area under the ROC curve within questions and variants, with its 95% interval; None where it is undefined."""

    value: float | None
    low: float | None
    high: float | None
    right: int
    """Right explanations that were compared with wrong ones."""
    wrong: int
    questions: int
    """Questions in which a variant has right and wrong explanations."""
    left_out: int = 0
    """Questions in which none has both: they say nothing."""

    @property
    def estimate(self) -> Estimate:
        """The figure; n counts questions."""
        if self.value is None:
            return Estimate.undefined(self.questions, self.undefined)
        return Estimate(self.value, self.low, self.high, self.questions)

    @property
    def undefined(self) -> str:
        """Why there is no figure."""
        return f"none of {self.left_out} questions has right and wrong explanations by one variant"

    @property
    def at_chance(self) -> bool:
        """Whether the interval covers 0.5, or nothing can be said at all."""
        return self.value is None or self.low <= 0.5 <= self.high

    @property
    def inverted(self) -> bool:
        """Whether the judge reliably prefers wrong responses."""
        return self.value is not None and self.high < 0.5


def judge_auc(
    scores: np.ndarray, right: np.ndarray, questions: np.ndarray, variants: np.ndarray, settings: CompareSettings
) -> Auc:
    """AUC of `scores` for `right` within each question and variant, all of shape (explanations,).

    Pooled over questions or variants, what makes a question hard or a variant liked would decide in place of what the
    judge sees; questions in which no variant has both a right and a wrong explanation are left out and counted.
    """
    question, variant = (np.unique(names, return_inverse=True)[1].ravel() for names in (questions, variants))
    compared = Compared.of(scores, np.asarray(right, dtype=bool), question, variant)
    n = len(compared.weights)
    found = compared.area(Resamples(n, settings.resamples, settings.seed))
    return Auc(found.value, found.low, found.high, compared.right, compared.wrong, n, compared.left_out)
