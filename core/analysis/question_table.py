"""What each question says of two variants: mean scores, pairs of samples won, tied and lost, share of right answers.

    table = score_table(store, evaluation)                      # `core.analysis.results`
    counts = question_outcomes(table, "anchor", "base")         # a row a question
    named = with_questions(store, evaluation.dataset, counts)   # and its words

The rates of a comparison follow from these counts: win is the mean over questions of wins / (wins + ties + losses).
Not covered: intervals, which need all questions (`core.analysis.comparison`).
"""

import numpy as np
import pandas as pd

from core.analysis.comparison import ScoreTable, outcomes
from core.store.database import Store


def question_outcomes(table: ScoreTable, a: str, b: str) -> pd.DataFrame:
    """A row a question that both variants answered, those where most is won or lost first.

    item_id; wins, ties, losses (pairs of samples, of a against b; 0 each where one has no score); delta (W−L, points,
    NaN without a pair); score_a, score_b (means over samples); right_a, right_b (shares of the samples that are right,
    by the setting `right_by`; NaN without gold).
    """
    i, j = table.labels.index(a), table.labels.index(b)
    counts = outcomes(table.scores[i], table.scores[j], table.settings.margin)
    total = counts.sum(axis=1)
    scores, right = table.by_question("score"), table.by_question(f"correct_{table.settings.right_by}")
    delta = np.divide(100.0 * (counts[:, 0] - counts[:, 2]), total, out=np.full(len(total), np.nan), where=total > 0)
    frame = pd.DataFrame(
        {
            "item_id": table.items,
            "wins": counts[:, 0],
            "ties": counts[:, 1],
            "losses": counts[:, 2],
            "delta": delta,
            "score_a": scores[:, i],
            "score_b": scores[:, j],
            "right_a": right[:, i],
            "right_b": right[:, j],
        }
    )
    both = frame[table.present[i].any(axis=1) & table.present[j].any(axis=1)]
    gap = (both["score_a"] - both["score_b"]).abs()
    order = both.assign(far=both["delta"].abs(), gap=gap).sort_values(
        ["far", "gap"], ascending=False, na_position="last", kind="stable"
    )
    return order.drop(columns=["far", "gap"]).reset_index(drop=True)


def with_questions(store: Store, dataset: str, counts: pd.DataFrame) -> pd.DataFrame:
    """The same rows with the question's words after its id."""
    asked = store.frame("SELECT id AS item_id, question FROM items WHERE run = ?", [dataset])
    named = counts.merge(asked, on="item_id", how="left")
    return named[["item_id", "question", *[name for name in counts.columns if name != "item_id"]]]
