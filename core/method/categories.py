"""Anchor categories: how reliably a variant answers a question (paper section 3).

With N responses of which k predict the right option: consistently correct (k = N), consistently
incorrect (k = 0), variable (in between).
"""

from collections.abc import Iterable, Mapping

from core.records import Category, Explanation, RightBy


def categorise(k: int, n: int, wanted: int) -> Category | None:
    """Category of a question with `k` right of `n` responses; None while fewer than `wanted` are there.

    >>> [categorise(k, 4, 4) for k in (4, 1, 0)]
    ['consistently_correct', 'variable', 'consistently_incorrect']
    >>> categorise(3, 3, 4) is None
    True
    """
    if n < wanted:
        return None
    if k == n:
        return "consistently_correct"
    return "variable" if k else "consistently_incorrect"


def predicted(explanation: Explanation, right_by: RightBy) -> str | None:
    """The option label that counts as this response's prediction; None is unparsed, and so incorrect."""
    return explanation.forced if right_by == "forced" else explanation.parsed


def categorise_items(
    explanations: Iterable[Explanation], gold: Mapping[str, str], right_by: RightBy, wanted: int
) -> dict[str, Category | None]:
    """Item id → category, for the items with a gold label, in the order they appear."""
    right: dict[str, list[bool]] = {}
    for row in explanations:
        if row.item_id in gold:
            right.setdefault(row.item_id, []).append(predicted(row, right_by) == gold[row.item_id])
    return {item: categorise(sum(hits), len(hits), wanted) for item, hits in right.items()}
