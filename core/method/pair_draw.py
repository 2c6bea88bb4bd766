"""λ of a pair set, and the seeded draw that reaches a target for it.

    drawn_pairs(pairs, PairSettings(target_lambda=0.5))         # of as many pairs at every target
    counts_at(0.5, hard=40, easy=25, settings)                  # (12, 13)

Hard questions are variable or consistently incorrect, easy ones consistently correct.  Which pair a question gives is
`core.method.pairs`'; counts over the whole range of λ are `core.analysis.pair_lambda`'s.
"""

from collections.abc import Sequence
from operator import itemgetter

from core.records import Pair
from core.seeds import seeds_of
from core.settings import PairSettings


def anchor_lambda(pairs: Sequence[Pair]) -> float | None:
    """λ: the share of pairs from wavering or always-wrong questions (published); None for no pairs."""
    if not pairs:
        return None
    return sum(pair.category != "consistently_correct" for pair in pairs) / len(pairs)


def drawn_pairs(pairs: Sequence[Pair], settings: PairSettings) -> list[Pair]:
    """The pairs that `target_lambda` and `max_pairs` leave, in their order; all of them where neither is set.

    λ is reached by drawing from either kind of question.  Every target leaves equally many, as many as the scarcer
    kind has (`lambda_total` = constant, published), or as many as it allows by itself (largest).  The draw is nested:
    another λ or maximum takes questions of one kind in the same seeded order.
    """
    order = draw_order(pairs, settings)
    if settings.target_lambda is None:
        kept = order[: settings.max_pairs]
    else:
        hard = [pair for pair in order if pair.category != "consistently_correct"]
        easy = [pair for pair in order if pair.category == "consistently_correct"]
        n_hard, n_easy = counts_at(settings.target_lambda, len(hard), len(easy), settings)
        kept = hard[:n_hard] + easy[:n_easy]
    ids = {pair.item_id for pair in kept}
    return [pair for pair in pairs if pair.item_id in ids]


def draw_order(pairs: Sequence[Pair], settings: PairSettings) -> list[Pair]:
    """Pairs in the order in which they are drawn; it hangs on the seed and the questions alone."""
    seeds = seeds_of(("pairs", "draw", settings.seed), (pair.item_id for pair in pairs))
    return [pair for _, pair in sorted(zip(seeds, pairs, strict=True), key=itemgetter(0))]


def counts_at(share: float, hard: int, easy: int, settings: PairSettings) -> tuple[int, int]:
    """How many pairs of hard and of easy questions make a set of λ = share; hard, easy: how many there are.

    >>> largest = PairSettings(lambda_total="largest")
    >>> counts_at(0.5, 10, 4, largest), counts_at(1.0, 10, 4, largest), counts_at(0.75, 6, 9, largest)
    ((4, 4), (10, 0), (6, 2))
    >>> [counts_at(share, 10, 4, PairSettings()) for share in (0.0, 0.5, 0.75, 1.0)]
    [(0, 4), (2, 2), (3, 1), (4, 0)]
    """
    total = min(_total_at(share, hard, easy, settings), settings.max_pairs or hard + easy)
    n_hard = min(hard, round(share * total))
    return n_hard, min(easy, total - n_hard)


def _total_at(share: float, hard: int, easy: int, settings: PairSettings) -> int:
    """How many pairs a target leaves: the same at every target that the two kinds of questions can reach.

    All of λ from 0 to 1 can be reached by min(hard, easy) pairs; where one kind is missing, λ of the other alone.
    """
    if settings.lambda_total == "constant" and hard and easy:
        return min(hard, easy)
    limits = [hard + easy]
    limits += [int(hard / share + 1e-9)] if share > 0 else []
    limits += [int(easy / (1 - share) + 1e-9)] if share < 1 else []
    return min(limits)
