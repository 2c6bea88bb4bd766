"""The judge card: judges whose character is known fail the check they must, and a good one passes all."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from core import Lab
from core.analysis.agreement import agreement_between
from core.analysis.results import NO_CARD, duel_doubts
from core.cli import cli
from core.judge_card import figures, people_of
from core.judge_card.checks import checks_of, verdict_of
from core.judge_card.records import UNPROVEN
from core.method.repeats import repeat_sums
from core.records import CriterionVerdict, Judgement
from core.settings import CompareSettings, JudgeCardSettings
from core.statistics.estimates import Estimate
from core.store import journal
from core.store.database import Store, open_store
from tests import judges
from tests.app import opened, released  # noqa: F401  (`released` is a fixture)
from tests.judges import ANOTHER, COIN, CONSTANT, GOOD, HALO, INVERTED, LENGTH, MUMBLER, RUBRIC, Bench
from tests.test_store import imported, judge_config, responses, sample_config, sealed

FEW = {"resamples": 300}


@pytest.fixture
def bench(home) -> Bench:
    return Bench(home)


def verdicts(card) -> dict[str, str]:
    return {check.figure: check.verdict for check in card.checks}


def test_a_good_judge_passes_every_check(bench):
    for repeat in (0, 1):
        bench.judged(GOOD, temperature=0.7, repeat=repeat)
    bench.judged(ANOTHER)
    bench.compared(GOOD, judges.by_quality)
    with Store(bench.home, None) as store:
        ratings = bench.rated(store)
        card = bench.evaluation(store, GOOD).card
    assert verdicts(card) == dict.fromkeys(verdicts(card), "pass")
    assert (card.reliable, card.doubts) == (True, [])
    assert card.line == "Judge card: no check fails."
    assert (card.asked, card.unparsed, card.unjudged, card.by_rule) == (960, 0, 0, 0)
    assert sum(criterion.ratings for criterion in card.criteria) == ratings
    assert [peer.name for peer in card.peers] == ["another"]
    assert all(figure.estimate.low <= figure.estimate.value <= figure.estimate.high for figure in card.figures)
    questions = {figure.name: figure.estimate.n for figure in card.figures}
    assert 100 <= questions.pop("auc") < 120  # the others have no right and wrong explanation by one variant
    assert questions == dict.fromkeys(questions, 120)


@pytest.mark.parametrize(
    ("character", "fails", "reliable"),
    [
        (CONSTANT, {"auc": "AUC at chance", "same_verdict": "one verdict nearly always"}, False),
        (LENGTH, {"auc": "AUC at chance", "length_correlation": "score follows length"}, False),
        (HALO, {"criterion_correlation": "criteria not distinguished"}, True),
        (COIN, {"auc": "AUC at chance"}, False),
        (INVERTED, {"auc": "AUC below chance"}, False),
        (MUMBLER, {"unjudged": "replies unreadable"}, False),
    ],
)
def test_a_judge_of_known_character_fails_the_check_it_must(bench, character, fails, reliable):
    bench.judged(character)
    card = bench.card(character)
    failed = {check.figure: check.title for check in card.failed}
    assert fails.items() <= failed.items()
    assert card.reliable == reliable
    for title in fails.values():
        assert title in card.line
    assert all(check.remedy and check.rule for check in card.checks)


def test_a_judge_that_prefers_the_first_place_is_warned_of_and_its_scores_stand(bench):
    bench.judged(GOOD)
    bench.compared(GOOD, judges.first_place)
    card = bench.card(GOOD)
    assert {check.figure for check in card.failed} == {"flips", "first_place"}
    assert card.figure("flips").estimate.value == card.figure("first_place").estimate.value == 1.0
    assert card.reliable
    assert "flips with the order" in card.line


def test_comparisons_by_other_weights_are_not_this_judges(bench):
    bench.judged(GOOD)
    bench.compared(COIN, judges.first_place)
    flips = bench.card(GOOD).figure("flips")
    assert flips.estimate.value is None
    assert flips.sentence.startswith("Order flips: undefined, because")


@pytest.mark.parametrize(
    ("compares", "prefers", "doubts"),
    [
        (GOOD, judges.by_quality, []),
        (GOOD, judges.first_place, ["verdict flips with the order"]),
        (COIN, judges.by_quality, [NO_CARD]),
    ],
)
def test_head_to_head_results_are_doubted_by_the_card_of_their_own_judge(home, compares, prefers, doubts):
    bench = Bench(home, questions=60)
    bench.judged(GOOD)
    run = bench.compared(compares, prefers)
    with Store(home, None) as store:
        evaluation = bench.evaluation(store, GOOD)
    assert evaluation.reliable
    assert duel_doubts(run.id, [evaluation]) == doubts


def test_head_to_head_results_of_a_judge_that_fails_its_card_are_marked_wherever_they_stand(home):
    bench = Bench(home, questions=60)
    bench.judged(INVERTED)
    bench.compared(INVERTED, judges.by_quality)
    ((row,),) = [found["head_to_head"] for found in json.loads(CliRunner().invoke(cli, ["compare", "--json"]).stdout)]
    assert (row["judge_reliable"], row["judge_doubts"]) == (False, ["AUC below chance"])
    warning = "Do not believe these wins: AUC below chance."
    assert warning in CliRunner().invoke(cli, ["compare"]).stdout
    app = opened("compare", tab="Head to head")
    (table,) = [frame.value for frame in app.dataframe if "first place" in frame.value.columns]
    assert table["believe it"].tolist() == ["✗ no: AUC below chance"]
    assert warning in [shown.value for shown in app.warning]


def test_a_coin_does_not_agree_with_itself_nor_with_people_nor_with_a_good_judge(bench):
    for repeat in (0, 1):
        bench.judged(COIN, temperature=1.0, repeat=repeat)
    bench.judged(GOOD)
    with Store(bench.home, None) as store:
        bench.rated(store)
        card = bench.evaluation(store, COIN).card
    assert card.self_observed
    assert {"auc", "people", "self_agreement", "other_judges"} <= {check.figure for check in card.failed}
    assert card.figure("self_agreement").estimate.value == pytest.approx(0.25, abs=0.03)
    assert card.check("self_agreement").title == "disagrees with itself"


def test_people_prove_a_judge_where_there_is_no_right_and_wrong(bench):
    bench.judged(GOOD)
    with Store(bench.home, None) as store:
        store.ingest()
        with store.transaction() as cursor:
            cursor.execute("UPDATE scores SET right_forced = NULL, right_parsed = NULL")
        unproven = bench.evaluation(store, GOOD).card
        bench.rated(store)
        proven = bench.evaluation(store, GOOD).card
    assert unproven.figure("auc").estimate.note.startswith("undefined, because")
    assert (unproven.doubts, proven.doubts) == ([UNPROVEN], [])
    assert unproven.line.endswith(f"; {UNPROVEN}.")


def test_few_questions_prove_nothing_either_way(home):
    bench = Bench(home, questions=4)
    bench.judged(COIN)
    card = bench.card(COIN)
    assert card.check("auc").verdict == "unknown"
    assert card.doubts == [UNPROVEN]


def test_findings_and_every_reader_name_the_check_that_failed(bench):
    bench.judged(INVERTED)
    with Store(bench.home, None) as store:
        evaluation = bench.evaluation(store, INVERTED)
    found = evaluation.finding(evaluation.win_rates[0])
    assert (evaluation.reliable, found.verdict) == (False, "judge unreliable here")
    assert "judge unreliable here (AUC below chance): its win rate says nothing of quality." in found.sentence
    frame = Lab().comparisons(**FEW)
    assert (frame["verdict"].tolist(), frame["judge_doubts"].tolist()) == ([found.verdict], ["AUC below chance"])
    rows = Lab().judges(**FEW).set_index("figure")
    assert (rows.loc["auc", "check"], rows.loc["auc", "hard"]) == ("fail", True)
    printed = CliRunner().invoke(cli, ["compare"]).stdout
    assert "judge unreliable here" in printed
    assert "Judge card: 1 of 11 checks fail" in " ".join(printed.split())


def test_thresholds_are_settings_of_comparing(bench):
    bench.judged(GOOD)
    strict = JudgeCardSettings(max_same_verdict=0.1, max_length_correlation=0.0)
    with Store(bench.home, None) as store:
        card = bench.evaluation(store, GOOD, card=strict).card
    assert card.check("same_verdict").verdict == "fail"
    assert card.check("same_verdict").rule == "at most 10%"
    assert (
        Lab().judges(card={"max_same_verdict": 0.1}, **FEW).set_index("figure").loc["same_verdict", "check"] == "fail"
    )


def test_the_command_line_lists_judges_and_shows_a_card(bench):
    (first, _) = bench.judged(GOOD)
    (listed,) = json.loads(CliRunner().invoke(cli, ["judge", "list", "--json"]).stdout)
    assert (listed["judge"], listed["reliable"], listed["asked"]) == ("good", True, 960)
    (card,) = json.loads(CliRunner().invoke(cli, ["judge", "card", first.id, "--json"]).stdout)
    assert card["evaluation"] == listed["evaluation"]
    assert {figure["name"]: figure["estimate"]["n"] for figure in card["figures"]}["unjudged"] == 120
    shown = CliRunner().invoke(cli, ["judge", "card", listed["evaluation"][:8]]).stdout
    for word in ("Judge card: no check fails", "Most frequent verdict", "coherence"):
        assert word in " ".join(shown.split())
    refused = CliRunner().invoke(cli, ["judge", "card", "nobody"])
    assert refused.exit_code
    assert "judge list" in str(refused.exception)


# --- figures against computations by hand


def scored(bench: Bench) -> pd.DataFrame:
    """Scores of the good judge: run, item_id, tokens, total, c0 … c4."""
    bench.judged(GOOD)
    with Store(bench.home, None) as store:
        store.ingest()
        columns = ", ".join(f"by_criterion[{i + 1}] AS c{i}" for i in range(5))
        return store.frame(f"SELECT run, item_id, tokens, total, {columns} FROM scores ORDER BY run, seq")


def residuals(rows: pd.DataFrame, values: np.ndarray) -> np.ndarray:
    """What a regression with a term for each question and variant leaves of columns of values."""
    terms = pd.get_dummies(rows["run"] + rows["item_id"]).to_numpy(dtype=float)
    return values - terms @ np.linalg.lstsq(terms, values, rcond=None)[0]


def test_slope_on_length_is_that_of_a_regression_with_a_term_for_each_question_and_variant(bench):
    rows, card = scored(bench), bench.card(GOOD)
    columns = np.stack([np.log(rows["tokens"].to_numpy()), rows["total"].to_numpy(dtype=float)], axis=1)
    x, y = residuals(rows, columns).T
    assert card.figure("length_slope").estimate.value == pytest.approx(x @ y / (x @ x))
    assert card.figure("length_correlation").estimate.value == pytest.approx(np.corrcoef(x, y)[0, 1])


def test_criteria_correlate_as_numpy_says_and_the_interval_is_that_of_a_bootstrap_by_hand(bench):
    rows, card = scored(bench), bench.card(GOOD, resamples=2000)
    values = residuals(rows, rows[[f"c{i}" for i in range(5)]].to_numpy(dtype=float))
    matrix = np.corrcoef(values.T)
    upper = np.triu_indices(5, 1)
    found = card.figure("criterion_correlation").estimate
    assert np.array(card.correlations) == pytest.approx(matrix)
    assert found.value == pytest.approx(matrix[upper].mean())
    first = card.figure("first_component").estimate
    assert first.value == pytest.approx(np.linalg.eigvalsh(matrix)[-1] / 5)
    groups = [values[index] for index in rows.groupby("item_id").indices.values()]
    rng = np.random.default_rng(1)
    drawn = [
        np.corrcoef(np.concatenate([groups[i] for i in rng.integers(len(groups), size=len(groups))]).T)[upper].mean()
        for _ in range(1000)
    ]
    assert (found.low, found.high) == pytest.approx(np.quantile(drawn, [0.025, 0.975]), abs=0.01)


def test_what_a_question_or_a_variant_adds_correlates_with_nothing():
    """Hard questions have long explanations and low scores on every criterion, by this judge and by all others."""
    rng = np.random.default_rng(11)
    question, run = np.repeat(np.arange(60), 8), np.tile(np.repeat([0, 1], 4), 60)
    shared = 10 * rng.normal(size=(60, 2))[question, run]
    columns = {name: shared + rng.normal(size=480) for name in ("score", "c0", "c1", "a", "b")}
    rows = pd.DataFrame({"question": question, "run": run, "tokens": np.exp(3 + shared / 10), **columns})
    rows["tokens"] *= np.exp(rng.normal(size=480))
    blocks = {
        "length": figures.length_block(rows, 60),
        "criteria": figures.criteria_block(rows, 2, 60),
        "peer": figures.ranks_block(rows, 60),
    }
    whole = {name: block.sum(axis=0, keepdims=True) for name, block in blocks.items()}
    assert np.corrcoef(rows["score"], np.log(rows["tokens"]))[0, 1] > 0.6
    assert np.corrcoef(rows["c0"], rows["c1"])[0, 1] > 0.95
    assert abs(figures.correlation_in("length")(whole)[0]) < 0.15
    assert abs(figures.correlations(whole, 2)[0, 0, 1]) < 0.15
    assert abs(figures.correlation_in("peer")(whole)[0]) < 0.15


def test_entropy_and_the_most_frequent_verdict_by_hand(bench):
    rows, card = scored(bench), bench.card(GOOD)
    counts = rows["c0"].value_counts().reindex([1, 2, 3, 4], fill_value=0).to_numpy()
    p = counts / counts.sum()
    coherence = card.criteria[0]
    assert coherence.counts == counts.tolist()
    assert coherence.most == RUBRIC.labels[int(p.argmax())]
    assert coherence.same_verdict.value == pytest.approx(p.max())
    assert coherence.entropy.value == pytest.approx(-(p * np.log2(p)).sum() / 2)


def test_agreement_with_another_judge_is_spearmans_within_questions_and_variants(bench):
    bench.judged(GOOD)
    bench.judged(ANOTHER)
    card = bench.card(GOOD)
    with Store(bench.home, None) as store:
        store.ingest()
        both = store.frame(
            "SELECT a.samples AS run, item_id, a.total AS a, b.total AS b FROM scores a JOIN scores b "
            "USING (samples, item_id, sample) "
            "JOIN runs x ON x.id = a.run JOIN runs y ON y.id = b.run WHERE x.model = 'good' AND y.model = 'another'"
        )
    assert card.peers[0].explanations == len(both) == 960
    ranks = both.groupby(["run", "item_id"]).rank()
    expected = np.corrcoef(residuals(both, ranks.to_numpy()).T)[0, 1]
    assert card.peers[0].correlation.value == pytest.approx(expected)


@pytest.mark.parametrize("numbers", [False, True])
def test_agreement_with_people_is_quadratic_kappa_by_label_or_by_number(bench, numbers):
    runs = bench.judged(GOOD)
    with Store(bench.home, None) as store:
        bench.rated(store, wrong=0.5, numbers=numbers)
        bench.rated(store, kind="judge")
        card = bench.evaluation(store, GOOD).card
        rows = people_of(store, runs[0].id)
        assert people_of(store, runs[1].id).empty
    assert (len(rows), card.left_out) == (2400, 0)
    clarity = rows[rows["criterion"] == "clarity"]
    said = [RUBRIC.labels[int(x) - 1] if numbers else x.lower() for x in clarity["label"]]
    expected = agreement_between(clarity["verdict"].tolist(), said, order=RUBRIC.labels).kappa_quadratic.value
    assert card.criteria[1].people.value == pytest.approx(expected)
    assert card.criteria[1].ratings == 480


def test_a_judge_that_knows_hard_questions_alone_agrees_with_people_and_is_not_proven_by_them(bench):
    """Its verdicts on all explanations of a question are one: those that people gave on average."""
    bench.judged(GOOD)
    with Store(bench.home, None) as store:
        store.ingest()
        with store.transaction() as cursor:
            cursor.execute("UPDATE scores SET right_forced = NULL, right_parsed = NULL")
        bench.rated(store)
        seeing = bench.evaluation(store, GOOD).card
        with store.transaction() as cursor:
            cursor.execute(
                "UPDATE verdicts SET verdict = m.verdict FROM (SELECT item_id, arg_max(verdict, n) AS verdict FROM "
                "(SELECT item_id, verdict, count(*) AS n FROM verdicts GROUP BY ALL) GROUP BY item_id) m "
                "WHERE m.item_id = verdicts.item_id"
            )
        blind = bench.evaluation(store, GOOD).card
    assert (seeing.check("people_order").verdict, seeing.doubts) == ("pass", [])
    assert seeing.figure("people_order").estimate.value > 0.9
    assert blind.figure("people").estimate.low > 0
    assert blind.figure("people_order").estimate.value == 0.5
    assert UNPROVEN in blind.doubts or blind.check("people").verdict == "fail"
    assert not blind.reliable


@pytest.mark.parametrize(("questions", "verdict"), [(24, "unknown"), (25, "fail")])
def test_ratings_of_a_few_questions_take_nothing_back(bench, questions, verdict):
    bench.judged(GOOD)
    with Store(bench.home, None) as store:
        figures = {figure.name: figure for figure in bench.evaluation(store, GOOD).card.figures}
    apart = replace(figures["people"], estimate=Estimate(-0.4, -0.6, -0.2, questions))
    checks = checks_of(figures | {"people": apart}, JudgeCardSettings(), observed=False)
    assert [check.verdict for check in checks if check.figure == "people"] == [verdict]


def test_ratings_made_elsewhere_are_joined_by_question_and_text_and_other_scales_are_counted(bench):
    bench.judged(GOOD)
    row = bench.explanations["base"][0]
    with Store(bench.home, None) as store:
        with store.transaction() as cursor:
            for label, text in (("excellent", row.explanation), ("TRUE", row.explanation), ("excellent", "another")):
                cursor.execute(
                    "INSERT INTO ratings (run, seq, item_id, variant, explanation, rater, rater_kind, criterion, "
                    "label, mode) VALUES ('judgements-1', 0, ?, 'x', ?, 'ann', 'person', 'clarity', ?, 'imported')",
                    [row.item_id, text, label],
                )
        card = bench.evaluation(store, GOOD).card
    assert (card.criteria[1].ratings, card.left_out) == (1, 1)
    assert card.check("people").verdict == "unknown"


def test_three_repeats_agree_in_a_third_and_an_unread_verdict_is_no_disagreement(home):
    dataset = imported(home, questions=2)
    rows = responses(2, 1)
    samples = sealed(home, sample_config(dataset.id, n=1), {"explanations": rows}, responses_hash="r")
    given = {"q0": ("x", "x", "y"), "q1": ("x", None, "x")}
    for repeat in range(3):
        said = [_said(row, given[row.item_id][repeat]) for row in rows]
        config = judge_config(dataset.id, samples.id, mode="written", temperature=0.5, repeat=repeat)
        run = sealed(home, config, {"judgements": said})
    with Store(home, None) as store:
        store.ingest()
        found = repeat_sums(store, [run.id])
    assert (found.observed, len(found.runs)) == (True, 3)
    assert found.sums.set_index("item_id")["share"].to_dict() == pytest.approx({"q0": 1 / 3, "q1": 1.0})


def _said(row, verdict):
    given = CriterionVerdict(criterion="clarity", verdict=verdict, value=1.0 if verdict else None, probabilities=None)
    unjudged = None if verdict else "No verdict can be read on: Clarity."
    return Judgement(
        item_id=row.item_id,
        sample=row.sample,
        origin="model",
        verdicts=[given],
        total=1 if verdict else None,
        expected=None,
        reply="…",
        unjudged=unjudged,
    )


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.2, "pass"), (0.1, 0.4, "unknown"), (0.4, 0.5, "fail"), (-0.3, -0.1, "fail"), (0.0, 0.3, "pass")],
)
def test_a_check_goes_by_the_whole_interval(low, high, verdict):
    assert verdict_of(Estimate(0.2, low, high, 50), (0.0, 0.3)) == verdict
    assert verdict_of(Estimate.undefined(0, "of a reason"), (0.0, 0.3)) == "unknown"


def test_thresholds_change_no_run(home):
    assert "card" not in judge_config("import-1", "sample-1").settings
    assert CompareSettings().card == JudgeCardSettings()


def test_blind_ratings_given_in_the_app_count_and_seen_ones_do_not(lab_home):
    with open_store(lab_home) as store:
        store.ingest()
        ((run, samples, item_id, sample, criterion, verdict),) = store.rows(
            "SELECT v.run, s.samples, v.item_id, v.sample, v.criterion, v.verdict FROM verdicts v JOIN scores s "
            "USING (run, item_id, sample) WHERE s.origin = 'model' AND v.verdict IS NOT NULL ORDER BY ALL LIMIT 1"
        )
        assert people_of(store, run).empty
        said = {"samples": samples, "item_id": item_id, "sample": sample, "variant": "base", "mode": "rate"}
        labels = [{"criterion": criterion, "label": verdict}]
        journal.write(lab_home, "rating", said | {"rater": "kim", "blind": True, "labels": labels})
        journal.write(lab_home, "rating", said | {"rater": "lee", "blind": False, "labels": labels})
        store.take_in_journal()
        found = people_of(store, run)
    assert found[["rater", "criterion", "label", "verdict"]].values.tolist() == [["kim", criterion, verdict, verdict]]


def test_agreement_with_people_over_all_questions_alone_proves_nothing(bench):
    bench.judged(GOOD)
    with Store(bench.home, None) as store:
        card = bench.evaluation(store, GOOD).card
    verdicts_of = {"auc": "unknown", "people": "pass", "people_order": "unknown"}
    checks = [replace(check, verdict=verdicts_of.get(check.figure, "pass")) for check in card.checks]
    assert replace(card, checks=checks).doubts == [UNPROVEN]
    proven = [replace(check, verdict="pass") if check.figure == "people_order" else check for check in checks]
    assert replace(card, checks=proven).doubts == []
