"""Where each question stands between always wrong and always right, as cells of equal k of N.

    names = bins(table)                         # ["0 of 4", "1 of 4", …] or shares where N differs by question
    counts = counts_of(table, "sft", "anchor")  # questions in each cell, shape (bins, bins)
    rows_at(table, "sft", "anchor", (0, 4))     # those never right under sft and always under anchor

The table is `core.analysis.transitions.question_table`'s.
"""

import numpy as np

from core.analysis.transitions import QuestionTable

SHARES = ("never", "below ¼", "¼ to ½", "½ to ¾", "¾ and more", "always")
"""Bins where questions have different numbers of responses; a bin holds its lower end."""

MOST = 16
"""Responses a question up to which each k has a bin of its own."""


def bins(table: QuestionTable) -> list[str]:
    """Names of the bins, from never right to always right."""
    n = _common(table)
    return [f"{k} of {n}" for k in range(n + 1)] if n else list(SHARES)


def counts_of(table: QuestionTable, one: str, other: str) -> np.ndarray:
    """Questions with a category under both variants by bin, rows `one`, columns `other`."""
    size = len(bins(table))
    counts = np.zeros((size, size), dtype=int)
    a, b = (_bin_of(table, table.place(label)) for label in (one, other))
    known = (a >= 0) & (b >= 0)
    np.add.at(counts, (a[known], b[known]), 1)
    return counts


def rows_at(table: QuestionTable, one: str, other: str, cell: tuple[int, int]) -> list[int]:
    """Rows of the questions in a cell."""
    a, b = (_bin_of(table, table.place(label)) for label in (one, other))
    return np.flatnonzero((a == cell[0]) & (b == cell[1])).tolist()


def map_order(table: QuestionTable) -> np.ndarray:
    """Rows with a category under some variant, the least often right first.

    By mean share of right responses over the variants that know the question, then by its share under each in turn.
    """
    share = np.where(table.category < 0, np.nan, table.right / np.maximum(table.drawn, 1))
    known = np.flatnonzero((table.category >= 0).any(axis=1))
    filled = np.nan_to_num(share[known], nan=-1.0)
    means = np.nanmean(share[known], axis=1) if len(known) else np.empty(0)
    return known[np.lexsort([*filled.T[::-1], means.round(9)])]


def _common(table: QuestionTable) -> int | None:
    """N where it is the same for every question; None where it is not, or is too large for a bin each."""
    sizes = set(table.drawn[table.category >= 0].tolist())
    n = sizes.pop() if len(sizes) == 1 else 0
    return n if 0 < n <= MOST else None


def _bin_of(table: QuestionTable, column: int) -> np.ndarray:
    """Bin of each question under a variant; −1 where it has no category."""
    right, drawn, known = table.right[:, column], np.maximum(table.drawn[:, column], 1), table.category[:, column] >= 0
    if _common(table):
        return np.where(known, right, -1)
    share = right / drawn
    inner = 1 + np.minimum(np.floor(4 * share), 3).astype(int)
    places = np.where(right <= 0, 0, np.where(right >= drawn, len(SHARES) - 1, inner))
    return np.where(known, places, -1)
