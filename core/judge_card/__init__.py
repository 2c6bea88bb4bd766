"""The judge card: what is known of a judge as it worked in an evaluation, and whether to believe it.

    card = judge_card(store, runs, auc, settings)       # judge runs of one judge; its AUC is `core.analysis.results`'
    card.reliable, card.line                            # may anything be said by its scores, and why not
    card.figure("length_correlation").estimate          # value, 95% interval over questions, n

records.py what a card holds · evidence.py what is read · figures.py the formulas · company.py other judges, people,
head to head · checks.py thresholds and verdicts · pictures.py what the Judges page draws.  All intervals resample
questions, on the same resamples.  A reader has a card without verdicts.  docs/judge-card.md explains each
figure.
"""

from core.judge_card.building import judge_card
from core.judge_card.company import people_of
from core.judge_card.records import Check, Figure, JudgeCard, OnCriterion, Peer

__all__ = ["Check", "Figure", "JudgeCard", "OnCriterion", "Peer", "judge_card", "people_of"]
