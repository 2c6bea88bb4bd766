"""From everything that a judge said to its card."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.analysis.agreement import Auc
from core.analysis.duels import DuelFigures
from core.judge_card import figures as f
from core.judge_card.checks import checks_of
from core.judge_card.company import SharedScores, WithPeople, duels_of, others_of, shared_scores, with_people
from core.judge_card.evidence import Evidence, JudgeRuns, gather, judge_runs
from core.judge_card.records import JudgeCard, OnCriterion, Peer
from core.judge_card.wording import Said, figures_of
from core.method.judging import READER
from core.method.repeats import why_no_repeat
from core.models.sizes import smaller_judge
from core.runs.folders import run_at
from core.settings import CompareSettings
from core.statistics.estimates import Estimate
from core.statistics.resampling import Resamples
from core.statistics.sums import Totals
from core.store.database import Store

NEVER_ASKED = "the judge was asked about no explanation"
NO_VERDICT = "no verdict could be read"
READS = "a reader gives no verdicts: it says how likely the right option is after the explanation"


def judge_card(store: Store, runs: Sequence[str], auc: Auc, settings: CompareSettings) -> JudgeCard:
    """The card of one judge over its complete runs; auc: its AUC between right and wrong explanations there."""
    judge = judge_runs(store, runs)[0]
    evidence = gather(store, judge, settings.column)
    peers = [shared_scores(store, evidence, other, settings.column) for other in others_of(store, judge)]
    people = with_people(store, judge, evidence.criteria, evidence.labels, settings)
    blocks = f.blocks(evidence) | {f"peer {i}": peer.block for i, peer in enumerate(peers)}
    measured = _Measured(evidence, peers, blocks, _totals(evidence, blocks, settings), people)
    criteria = measured.criteria()
    pairs, component, matrix = measured.criteria_together()
    compared = measured.peers()
    duels, both_orders = duels_of(store, judge, settings)
    said = _said(measured, auc, both_orders, (pairs, component), criteria, compared)
    found = figures_of(said)
    return JudgeCard(
        key=judge.key,
        name=judge.name,
        mode=judge.mode,
        rubric="none" if measured.reads else judge.rubric,
        runs=judge.runs,
        duels=duels,
        asked=said.asked,
        unparsed=int(evidence.rows["unparsed"].sum()),
        unjudged=said.unjudged,
        by_rule=evidence.by_rule,
        self_observed=evidence.repeats.observed,
        labels=evidence.labels,
        criteria=criteria,
        correlations=[[None if np.isnan(r) else float(r) for r in row] for row in matrix],
        figures=list(found.values()),
        checks=checks_of(found, settings.card, evidence.repeats.observed),
        peers=compared,
        left_out=people.left_out,
        smaller=_smaller(store, judge),
    )


def _smaller(store: Store, judge: JudgeRuns) -> str | None:
    """Whether the judge is smaller than a variant whose explanations it scored."""
    own, *judged = (run_at(store.home, run) for run in [judge.runs[0], *judge.samples])
    return smaller_judge(own and own.config.model, [samples and samples.config.model for samples in judged])


def _totals(evidence: Evidence, blocks: f.Blocks, settings: CompareSettings) -> Totals | None:
    """Every sum that a figure needs, on one set of resamples; None where nothing was asked."""
    if not len(evidence.questions):
        return None
    return Totals.of(blocks, Resamples(len(evidence.questions), settings.resamples, settings.seed))


@dataclass(frozen=True)
class _Measured:
    """The evidence and its sums; each method gives the figures of one part of the card."""

    evidence: Evidence
    shared: list[SharedScores]
    blocks: f.Blocks
    totals: Totals | None
    people: WithPeople

    @property
    def reads(self) -> bool:
        """Whether the judge is a reader, which gives no verdicts."""
        return self.evidence.judge.mode == READER

    @property
    def no_verdict(self) -> str:
        """Why there is no verdict to go by."""
        return READS if self.reads else NO_VERDICT

    def unjudged(self) -> Estimate:
        return self.totals.estimate(f.unjudged, bounds=f.SHARE) if self.totals else Estimate.undefined(0, NEVER_ASKED)

    def length(self) -> tuple[Estimate, Estimate]:
        if not self.totals:
            return (Estimate.undefined(0, NEVER_ASKED),) * 2
        return f.length_figures(self.totals, self._questions("length"))

    def criteria_together(self) -> tuple[Estimate, Estimate, np.ndarray]:
        if not self.totals:
            nothing = Estimate.undefined(0, NEVER_ASKED)
            return nothing, nothing, np.full((len(self.evidence.criteria),) * 2, np.nan)
        if self.reads:
            return (Estimate.undefined(0, READS),) * 2 + (np.zeros((0, 0)),)
        return f.criteria_figures(self.totals, len(self.evidence.criteria), self._questions("criteria"))

    def criteria(self) -> list[OnCriterion]:
        return [self._criterion(at, name) for at, name in enumerate(self.evidence.criteria)]

    def _criterion(self, at: int, name: str) -> OnCriterion:
        counts = self.evidence.counts[:, at].sum(axis=0)
        read = self.evidence.counts[:, at, :-1]
        given = int(read.sum())
        most = int(read.sum(axis=0).argmax()) if given else None
        same = entropy = Estimate.undefined(0, NO_VERDICT)
        if given:
            k, questions = len(self.evidence.criteria), int((read.sum(axis=1) > 0).sum())
            same = self.totals.estimate(f.same_verdict_of(k, at, most), questions, f.SHARE)
            entropy = self.totals.centred(f.entropy_of(k, at), questions, f.SHARE)
        return OnCriterion(
            criterion=name,
            counts=[int(count) for count in counts[:-1]],
            unread=int(counts[-1]),
            most=None if most is None else self.evidence.labels[most],
            same_verdict=same,
            entropy=entropy,
            self_agreement=self._repeated(f.self_agreement_of(at), name),
            people=self.people.by_criterion[name],
            ratings=self.people.ratings[name],
        )

    def spread(self, criteria: Sequence[OnCriterion]) -> tuple[Estimate, Estimate]:
        """Share of the most frequent verdict, and entropy, averaged over the criteria with verdicts."""
        k = len(criteria)
        known = [(at, self.evidence.labels.index(c.most)) for at, c in enumerate(criteria) if c.most is not None]
        if not known:
            return (Estimate.undefined(0, self.no_verdict),) * 2
        questions = int((self.evidence.counts[:, :, :-1].sum(axis=(1, 2)) > 0).sum())
        same = f.mean_of([f.same_verdict_of(k, at, most) for at, most in known])
        entropy = f.mean_of([f.entropy_of(k, at) for at, _ in known])
        return self.totals.estimate(same, questions, f.SHARE), self.totals.centred(entropy, questions, f.SHARE)

    def repeated(self) -> Estimate:
        """Self-agreement over all criteria."""
        return self._repeated(f.self_agreement, None)

    def _repeated(self, formula: f.Formula, criterion: str | None) -> Estimate:
        if self.reads:
            return Estimate.undefined(0, READS)
        sums = self.evidence.repeats.sums
        chosen = sums[(sums["pairs"] > 0) & ((sums["criterion"] == criterion) | (criterion is None))]
        if chosen.empty or not self.totals:
            askings = len(self.evidence.repeats.runs) // max(len(self.evidence.judge.runs), 1)
            return Estimate.undefined(0, why_no_repeat(askings))
        return self.totals.estimate(formula, chosen["item_id"].nunique(), f.SHARE)

    def peers(self) -> list[Peer]:
        return [self._peer(i, shared) for i, shared in enumerate(self.shared)]

    def _peer(self, i: int, shared: SharedScores) -> Peer:
        correlation = Estimate.undefined(
            shared.questions, "one of the two judges never gives two explanations of a question and variant two scores"
        )
        if not shared.explanations:
            correlation = Estimate.undefined(0, "both scored no explanation in common")
        elif not shared.questions:
            correlation = Estimate.undefined(0, f.ALONE)
        elif shared.varies:
            correlation = self.totals.estimate(f.correlation_in(f"peer {i}"), shared.questions)
        return Peer(shared.judge.key, shared.judge.name, shared.judge.mode, shared.explanations, correlation)

    def _questions(self, block: str) -> int:
        """Questions with anything in a block of `figures.products_block`."""
        return int((self.blocks[block][:, 0] > 0).sum())


def _said(
    measured: _Measured,
    auc: Auc,
    duels: DuelFigures | None,
    together: tuple[Estimate, Estimate],
    criteria: Sequence[OnCriterion],
    peers: Sequence[Peer],
) -> Said:
    slope, correlation = measured.length()
    same, entropy = measured.spread(criteria)
    rows = measured.evidence.rows
    return Said(
        asked=len(rows),
        unjudged=int(rows["unjudged"].sum()),
        unjudged_share=measured.unjudged(),
        auc=auc,
        slope=slope,
        length=correlation,
        same=same,
        entropy=entropy,
        correlation=together[0],
        component=together[1],
        self_agreement=measured.repeated(),
        observed=measured.evidence.repeats.observed,
        duels=duels,
        peers=[peer for peer in peers if (peer.mode == READER) == measured.reads],
        people=Estimate.undefined(0, READS) if measured.reads else measured.people.overall,
        order=Estimate.undefined(0, READS) if measured.reads else measured.people.order,
        ratings=sum(measured.people.ratings.values()),
    )
