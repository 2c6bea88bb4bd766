"""A lab in a notebook: everything its runs hold, as pandas data frames.

    from core import Lab

    lab = Lab()                                 # the lab of ANCHORLAB_HOME, or Lab("folder")
    lab.comparisons()                           # every two variants: accuracy, win rate, Δ(W−L) with interval
    lab.sql("SELECT kind, count(*) AS runs FROM runs GROUP BY kind")

Each call is up to date and holds the database only as long as it lasts, so the app can be opened beside a
notebook.  While the app has the database, the run folders are read into memory instead, which gives the
same rows.  Nothing is ever written but that database.  A missing value is None or NaN; times are
in seconds since 1970, shares between 0 and 1.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import pandas as pd
from pydantic import ValidationError

from core.analysis.consensus import agreement_rows, agreements
from core.analysis.costs import run_costs, strategy_costs
from core.analysis.draws import draws
from core.analysis.figures import cards_frame, comparisons_frame, details_frame, duels_frame
from core.analysis.transitions import question_table, transition_rows
from core.annotation.exporting import What, agreement_frame, annotation_rows
from core.errors import BadInput, StoreBusy
from core.home import Home, default_home
from core.playground.exporting import vote_rows
from core.records import RightBy
from core.settings import CompareSettings, problems_of
from core.store.database import Store, open_store


class Lab:
    """Reads of one state folder.  Where a method takes `run`, it is a run id or its beginning; "" is every run."""

    def __init__(self, home: str | Path | None = None) -> None:
        """`home`: the state folder; the one of the command line where it is not named."""
        self.home = Home(Path(home).expanduser().resolve()) if home else default_home()
        if not self.home.path.is_dir():
            raise BadInput(f"There is no lab in {self.home.path}: name its state folder, or set ANCHORLAB_HOME.")
        self._snapshot: Store | None = None

    def close(self) -> None:
        """Give back the memory of a snapshot; the lab can be read again afterwards."""
        if self._snapshot:
            self._snapshot.close()
            self._snapshot = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    # --- what a lab holds

    def datasets(self) -> pd.DataFrame:
        """A row a data set: id, name, title, licence, created; items, rejects, unlabelled (counts), splits (JSON)."""
        return self._frame("SELECT * FROM datasets ORDER BY created, id")

    def runs(self) -> pd.DataFrame:
        """A row a run, oldest first.

        id, kind, label, created, dataset (import run), model, chain (runs whose adapters are merged in), settings and
        parents and summary (JSON), state ("done", "failed", "stopped"; None while unsealed), error, seconds
        (work), prompt_tokens (read; what prompts share counts once), unshared_tokens (if each reply had read its whole
        prompt; NaN in runs of before it was counted), new_tokens (generated), peak_bytes (most memory, of the device
        that `memory` names: "cuda" or "host"), complete (done, and all its rows are here).
        """
        with self._store() as store:
            runs = store.frame(
                "SELECT id, kind, label, created, dataset, model, chain, settings, parents, summary, state, error, "
                "seconds, complete FROM runs ORDER BY created, id"
            )
            costs = run_costs(store).rename(columns={"run": "id"}).drop(columns="seconds")
        return runs.merge(costs, on="id", how="left")

    def costs(self) -> pd.DataFrame:
        """A row a pair set and stage of what its strategy cost.

        pairs (run), strategy, label, stage ("sampling", "judging", "debating", "judging the debate", "the teacher's
        sampling", "judging the teacher", "training"; "all": their sum), run, prompt_tokens, unshared_tokens,
        new_tokens, seconds (in the model), peak_bytes (most memory; of "all" the most of any stage), as in `runs`.
        """
        with self._store() as store:
            return strategy_costs(store)

    def items(self, run: str = "") -> pd.DataFrame:
        """A row a question: run (import), id, split, question, context, options (label and text each), gold (label)."""
        return self._of_runs(
            "SELECT run, id, split, question, context, options, gold FROM items WHERE starts_with(run, ?) "
            "ORDER BY run, seq",
            run,
        )

    def explanations(self, run: str = "") -> pd.DataFrame:
        """A row a sampled response.

        run (sample), variant (its label), item_id, sample (0-based), response, explanation, parsed and forced
        (predicted labels), right_parsed and right_forced (None without gold), tokens (generated), finish ("end",
        "stop", "length"), seed.
        """
        return self._of_runs(
            "SELECT e.run, r.label AS variant, e.item_id, e.sample, e.response, e.explanation, e.parsed, e.forced, "
            "e.right_parsed, e.right_forced, e.tokens, e.finish, e.seed "
            "FROM explanations e JOIN runs r ON r.id = e.run WHERE starts_with(e.run, ?) ORDER BY e.run, e.seq",
            run,
        )

    def verdicts(self, run: str = "") -> pd.DataFrame:
        """A row an explanation and criterion.

        run (judge), samples (sample run), variant, item_id, sample, criterion, verdict (label), value (score points of
        the criterion; the criterion `reader`: log-probability of gold), probabilities (of the verdicts, in order).
        """
        return self._of_runs(
            "SELECT v.run, s.id AS samples, s.label AS variant, v.item_id, v.sample, v.criterion, v.verdict, v.value, "
            "v.probabilities FROM verdicts v JOIN runs r ON r.id = v.run JOIN runs s ON s.id = r.parents->>'samples' "
            "WHERE starts_with(v.run, ?) ORDER BY v.run, v.seq",
            run,
        )

    def scores(self, run: str = "") -> pd.DataFrame:
        """A row an explanation and judge, the verdicts of `verdicts()` side by side.

        run (judge), samples, variant, item_id, sample, origin ("model", "rule"), total (sum of integer verdicts),
        expected (sum of expected verdicts, score points; reader: log-probability of gold), unjudged (why there is no
        score), tokens, right_parsed, right_forced, and criterion_NAME (score points) for each criterion.
        """
        keys = ["run", "item_id", "sample"]
        with self._store() as store:
            scores = store.frame(_SCORES, [run])
            values = store.frame(
                "SELECT run, item_id, sample, 'criterion_' || criterion AS criterion, value FROM verdicts "
                "WHERE starts_with(run, ?) ORDER BY seq",
                [run],
            )
        wide = values.pivot(index=keys, columns="criterion", values="value")[values["criterion"].unique()]
        return scores.join(wide, on=keys).rename_axis(columns=None)

    def categories(self, run: str = "") -> pd.DataFrame:
        """A row a sample run and question.

        run, variant, item_id, n (responses), right_parsed and right_forced (responses that are right, by either
        prediction), category_parsed and category_forced ("consistently_correct", "variable", "consistently_incorrect";
        None without gold or with responses missing).
        """
        return self._of_runs(
            "SELECT c.run, r.label AS variant, c.item_id, c.n, c.k_parsed AS right_parsed, c.k_forced AS right_forced, "
            "c.parsed AS category_parsed, c.forced AS category_forced FROM categories c JOIN runs r ON r.id = c.run "
            "WHERE starts_with(c.run, ?) ORDER BY c.run, c.seq",
            run,
        )

    def transitions(self, run: str = "", right_by: RightBy = "parsed", **settings: Any) -> pd.DataFrame:
        """A row a step from one variant to the next, and from the first to the last.

        run: a sample run, which names data set and way of sampling; "": those with most variants.  before, after
        (variants), better, worse, same (questions by what became of their category), net ((better − worse) / n), low,
        high (95%), n (questions), p (exact sign test), and "X to Y" (questions from category X to Y).  `settings`:
        resamples, seed.
        """
        chosen = _compare_settings("Variants", settings)
        with self._store() as store:
            known = draws(store)
            named = [draw for draw in known if any(samples.startswith(run) for samples in draw.samples.values())]
            rows = [transition_rows(question_table(store, d.samples, right_by), chosen) for d in named[:1]]
        return pd.DataFrame(rows[0] if rows else [])

    def pairs(self, run: str = "") -> pd.DataFrame:
        """A row a preference pair.

        run (pairs), strategy, item_id, category, reason (rule), and for `chosen` and for `rejected`: the text, _run
        (sample run), _sample, _score (score points), _prediction (label), _correct; answer_line_added.
        """
        return self._of_runs(
            "SELECT p.run, r.settings->>'strategy' AS strategy, p.* EXCLUDE (run, seq) "
            "FROM pairs p JOIN runs r ON r.id = p.run WHERE starts_with(p.run, ?) ORDER BY p.run, p.seq",
            run,
        )

    def comparisons(self, **settings: Any) -> pd.DataFrame:
        """A row every two variants that answered the same questions in the same way under one judge.

        dataset, split, responses (a question), judge, mode; a and b (variants), a_samples and b_samples (sample runs);
        win, tie, loss (shares, of a over b); wins, ties, losses (sample pairs); delta, delta_low, delta_high (Δ(W−L),
        percentage points, 95%); p and p_holm (sign-flip test, corrected for all pairs of variants); n (questions);
        accuracy_difference, accuracy_difference_low,
        accuracy_difference_high (points, paired); verdict ("better", "worse", "not shown", "judge unreliable
        here"); tie_margin (score points; nats for a reader, whose score is its log_probability of gold), score;
        unjudged (explanations left out); right_by (prediction),
        a_accuracy and b_accuracy, _low, _high (shares, 95%) and _n (questions); judge_auc, judge_auc_low,
        judge_auc_high, judge_at_chance; judge_reliable (passes its card), judge_doubts (why not);
        judge_smaller (a sentence where the judge has fewer parameters than what it judges); cautions (what has to be
        said beside, as questions that a variant was trained on).  `settings` are those
        of comparing: score, tie_margin, reader_margin, right_by, resamples,
        seed.
        """
        chosen = _compare_settings("Variants", settings)
        with self._store() as store:
            return comparisons_frame(store, chosen)

    def details(self, **settings: Any) -> pd.DataFrame:
        """A row a figure that takes comparisons apart, or that models all variants under one judge.

        dataset, split, responses, judge, mode, score, tie_margin, right_by as in `comparisons`; figure ("criterion":
        Δ(W−L) by that criterion's score; "category": on the questions of that category of b; "win rate", "equal
        length": win rate of a with ties as halves, plain and at equal length; "length slope"; "strength": of a, by
        Bradley and Terry), part (the criterion or category), a and b (variants; b is None for a strength); win, tie,
        loss (shares, of criteria and categories); value, low, high (95%), unit ("points", "share", "log-odds"), n
        (questions), note (why the figure is undefined, or not to be trusted).  `settings` as in `comparisons`.
        """
        chosen = _compare_settings("Variants", settings)
        with self._store() as store:
            return details_frame(store, chosen)

    def judges(self, **settings: Any) -> pd.DataFrame:
        """A row every judge, evaluation and figure of its card (docs/judge-card.md).

        evaluation (key), dataset, split, judge, mode, rubric, reliable, doubts (why not); figure, title, value, low,
        high (95%), n (questions), unit ("share", "coefficient"), sentence, check ("pass", "fail", "unknown"; None
        without one), hard (whether failing makes scores unreliable), allowed, remedy.  `settings` as in
        `comparisons`, and `card`, the thresholds.
        """
        chosen = _compare_settings("Judges", settings)
        with self._store() as store:
            return cards_frame(store, chosen)

    def duels(self, **settings: Any) -> pd.DataFrame:
        """A row a complete head-to-head run: two variants whose explanations a judge saw side by side in both orders.

        dataset, judge, mode, criterion, run, a and b (variants), samples_a and samples_b (runs); n (questions),
        pairs_a_question, wins, ties, losses (pairs of explanations); win, tie, loss (shares, over questions) and delta
        (Δ(W−L), percentage points), each with _low and _high (95%); flips (pairs whose orders disagree), flip_rate and
        first_preferred (shares, with _low and _high); by_rule (pairs that were not asked), unjudged; tie_rule;
        judge_reliable, judge_doubts, judge_smaller.  `settings` as in `comparisons`.
        """
        chosen = _compare_settings("Variants", settings)
        with self._store() as store:
            return duels_frame(store, chosen)

    def head_to_head(self, run: str = "") -> pd.DataFrame:
        """A row a pair of explanations that a judge compared in both orders.

        run (head-to-head), a and b (variants), item_id, sample_a, sample_b, origin ("model", "rule"), a_first and
        b_first (the answer with A or B in the first place: "first", "second", "tie"; None where it cannot be read),
        and of each _probabilities (of first, second, tie) and _reply; outcome ("a", "b", "tie", "unjudged"), flipped
        (the orders disagree), unjudged (why there is no outcome).
        """
        return self._of_runs(
            "SELECT h.run, a.label AS a, b.label AS b, h.* EXCLUDE (run, seq, samples_a, samples_b) "
            "FROM head_to_head h JOIN runs a ON a.id = h.samples_a JOIN runs b ON b.id = h.samples_b "
            "WHERE starts_with(h.run, ?) ORDER BY h.run, h.seq",
            run,
        )

    def preferences(self, run: str = "") -> pd.DataFrame:
        """A row a pairwise judgement made elsewhere.

        run (judgements), item_id, question, context, a and b (variants), output_a and output_b (texts), annotator,
        annotator_kind ("person", "judge"), preference (1 a wins, 2 b wins, 1.5 a tie; NaN: nothing was given),
        chars_a, chars_b, words_a, words_b (lengths of the outputs), part (of the source), note.
        """
        return self._of_runs(
            "SELECT * EXCLUDE (seq) FROM preferences WHERE starts_with(run, ?) ORDER BY run, seq",
            run,
        )

    def ratings(self, run: str = "") -> pd.DataFrame:
        """A row a rating of an explanation.

        run (judgements; None for a rating given in this lab), samples and sample (sample run and sample of the
        explanation, where it is this lab's), item_id, variant (its author), explanation (text), rater, rater_kind
        ("person", "judge"), criterion, label, blind, mode, rated_at, note, part (of the source).
        """
        return self._of_runs(
            "SELECT * EXCLUDE (seq) FROM ratings WHERE starts_with(coalesce(run, ''), ?) ORDER BY run, seq",
            run,
        )

    def annotations(self, what: What = "annotations") -> pd.DataFrame:
        """A row a label that a person gave in this lab.

        annotator, time (UTC), blind, manual (always), mode ("rate", "spot-check", "in place"), gold_shown, criterion,
        label, judge_verdict (spot-checks: what was shown), variant, samples, item_id, sample, seconds, note, question,
        explanation.  `what`: "annotations" the last label of each, "history" all ever given, "votes" choices
        between two (a, b, left, vote: "a", "b", "both good", "both bad").
        """
        with self._store() as store:
            return annotation_rows(store, what)

    def annotated_agreement(self, **settings: Any) -> pd.DataFrame:
        """A row every judge and criterion that people rated blind in this lab.

        evaluation (key), judge, criterion; ratings, questions, unread (verdicts of the judge); percent (share with the
        same verdict) and kappa_quadratic, each with _low and _high (95%); still_needed (ratings until κ ± 0.1); alpha
        (Krippendorff's, of the annotators among themselves), alpha_low, alpha_high, shared (explanations that two
        people or more rated).  `settings`: resamples, seed.
        """
        chosen = _compare_settings("Raters", settings)
        with self._store() as store:
            return agreement_frame(store, chosen)

    def votes(self) -> pd.DataFrame:
        """A row a vote of a room in the Playground and criterion, over blind rounds that were revealed.

        session, round, time (UTC), question, criterion ("overall" for the whole explanation), choice ("A" to "D",
        "tie": all good, "bad": all bad), variant (voted for; None for ties and "bad"), a, b, c, d (variants of the
        columns), judge (run; None where nobody judged).
        """
        with self._store() as store:
            return vote_rows(store)

    def agreement(self, run: str = "", criterion: str | None = None, **settings: Any) -> pd.DataFrame:
        """A row every two raters of a set of judgements and criterion.

        set (judgements run), name, criterion, a and b (raters), n (items that both rated), left_out (items), questions
        (resampled for the intervals), percent (share with the same label), percent_low, percent_high, kappa (Cohen's),
        kappa_low, kappa_high, sentence.  `settings`: resamples, seed.
        """
        chosen = _compare_settings("Raters", settings)
        with self._store() as store:
            found = agreements(store, chosen, run, criterion)
        return pd.DataFrame([row for f in found for row in agreement_rows(f)], columns=AGREEMENT)

    def sql(self, query: str) -> pd.DataFrame:
        """Result of a SELECT over the database (tables: core/store/schema.py); `BadInput` where there is none."""
        with self._store() as store:
            return store.ask(query)

    # --- the store behind

    @contextmanager
    def _store(self) -> Iterator[Store]:
        """An up-to-date store: the database for the length of a call, or a snapshot while another process has it."""
        try:
            store = open_store(self.home)
        except StoreBusy:
            self._snapshot = self._snapshot or Store(self.home, None)
            self._snapshot.ingest()
            yield self._snapshot
            return
        self.close()
        with store:
            store.ingest()
            yield store

    def _frame(self, query: str) -> pd.DataFrame:
        with self._store() as store:
            return store.frame(query)

    def _of_runs(self, query: str, run: str) -> pd.DataFrame:
        with self._store() as store:
            return store.frame(query, [run])


_SCORES = """
    SELECT s.run, s.samples, r.label AS variant, s.item_id, s.sample, s.origin, s.total, s.expected, s.unjudged,
        s.tokens, s.right_parsed, s.right_forced
    FROM scores s JOIN runs r ON r.id = s.samples WHERE starts_with(s.run, ?) ORDER BY s.run, s.seq
"""


def _compare_settings(what: str, settings: dict[str, Any]) -> CompareSettings:
    try:
        return CompareSettings(**settings)
    except ValidationError as error:
        raise BadInput(f"{what} cannot be compared with these settings: {problems_of(error)}.") from None


AGREEMENT = [
    "set",
    "name",
    "criterion",
    "a",
    "b",
    "n",
    "left_out",
    "questions",
    "percent",
    "percent_low",
    "percent_high",
    "kappa",
    "kappa_low",
    "kappa_high",
    "sentence",
]
"""Columns of `Lab.agreement`, in order."""
