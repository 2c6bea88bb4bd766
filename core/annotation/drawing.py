"""Which explanations people see: a seeded, stratified order of candidates (pure functions).

    strata = bins(candidates)                        # category, variant, score, margin
    places = stratified(strata, ids, seed)[:size]    # rows in the order drawn

Any beginning of the order is a proportional stratified sample: of a stratum with share p among the candidates
the first m rows hold m·p, up to one row more or less.  So the part that all annotators share is as balanced as
the whole, and what is found in the queue stands for the candidates without weights.  A stratum whose fair part
is less than one row comes in with that chance and is not forced in.

Not covered: drawing more where people disagree.
"""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.seeds import seed_of, seeds_of

THIRDS = ("low", "middle", "high")
MISSING = "none"

STRATA = ("category", "variant", "score_bin", "margin_bin")
"""Columns that define a stratum of explanations."""


def thirds(values: pd.Series) -> pd.Series:
    """Each value's third among all of them by rank, equal values together; `none` where there is no value.

    >>> list(thirds(pd.Series([1.0, 5.0, 9.0, None])))
    ['low', 'middle', 'high', 'none']
    """
    numbers = pd.to_numeric(values, errors="coerce")
    share = (numbers.rank(method="average") - 0.5) / max(1, numbers.notna().sum())
    place = np.clip((share.fillna(0) * 3).astype(int), 0, 2)
    return pd.Series(np.where(numbers.notna(), np.array(THIRDS)[place], MISSING), index=values.index)


def stratified(strata: pd.DataFrame, ids: Sequence[str], seed: int) -> np.ndarray:
    """Rows of `strata` in the order drawn, shape (rows,).

    ids: what identifies each row; the order hangs on ids, strata and seed and not on the order of the rows.
    The j-th of the n rows of a stratum, in an order seeded by id, has the place (j + u) / n, where u in [0, 1)
    is the stratum's own seeded number: systematic sampling within strata, all strata interleaved.
    """
    if strata.empty:
        return np.zeros(0, dtype=int)
    strata = strata.reset_index(drop=True)
    stratum = strata.groupby(list(strata.columns), sort=False, dropna=False).ngroup()
    names = ["\n".join(map(str, row)) for row in strata.loc[~stratum.duplicated()].itertuples(index=False)]
    rows = pd.DataFrame({"stratum": stratum, "draw": seeds_of(("draw", seed), ids)})
    rank = rows.groupby("stratum")["draw"].rank(method="first") - 1
    count = rows.groupby("stratum")["draw"].transform("size")
    start = np.array([_share(seed, name) for name in names])[stratum]
    return np.lexsort((rows["draw"], (rank + start) / count))


def _share(seed: int, name: str) -> float:
    return seed_of("stratum", seed, name) / 2**63


def order_for(keys: Sequence[str], overlap: int, seed: int, rater: str) -> list[str]:
    """A queue as one annotator meets it: the shared part as drawn, then the rest in an order of their own."""
    return [*keys[:overlap], *sorted(keys[overlap:], key=lambda key: seed_of("order", seed, rater, key))]
