"""How many pairs of each category a target for λ would leave, over its whole range.

    table = pairs_over_lambda(pairs, settings)      # pairs: without a target and without a maximum

Counted from the same nested draw as `core.method.pairs.drawn_pairs`, so each row is what a run with that target
would write.
"""

from collections import Counter
from collections.abc import Sequence

import pandas as pd

from core.method.pair_draw import anchor_lambda, counts_at, draw_order
from core.records import Pair
from core.settings import PairSettings

TARGETS = tuple(round(0.05 * step, 2) for step in range(21))
"""Values of λ that are looked at: 0, 0.05, …, 1."""

COLUMNS = ("target", "reached", "category", "reason", "pairs", "of", "total")


def pairs_over_lambda(
    pairs: Sequence[Pair], settings: PairSettings, targets: Sequence[float] = TARGETS
) -> pd.DataFrame:
    """Counts at each target: a row a target and kind of pair (category and reason), those without a pair too.

    pairs: all that the strategy gives (`target_lambda` and `max_pairs` unset); `settings.max_pairs` is kept to.
    Columns: target; reached (λ of what is left, a share; NaN without a pair); category; reason; pairs; of (pairs of
    this kind that the strategy gives); total (pairs at this target).
    """
    order = draw_order(pairs, settings)
    hard = [pair for pair in order if pair.category != "consistently_correct"]
    easy = [pair for pair in order if pair.category == "consistently_correct"]
    kinds = Counter((pair.category, pair.reason) for pair in pairs)
    rows = []
    for target in targets:
        n_hard, n_easy = counts_at(target, len(hard), len(easy), settings)
        left = hard[:n_hard] + easy[:n_easy]
        found = Counter((pair.category, pair.reason) for pair in left)
        reached = anchor_lambda(left)
        rows += [(target, reached, *kind, found[kind], of, len(left)) for kind, of in kinds.items()]
    return pd.DataFrame(rows, columns=COLUMNS).astype({"reached": float})
