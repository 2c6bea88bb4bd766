"""Signs of failure against cases computed by hand."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from typer.testing import CliRunner

from core.analysis.agreement import Auc
from core.analysis.comparison import VariantResult, WinRate
from core.analysis.diagnostics import agreement, anchor, form, gain, halves, judge, wins
from core.cli import cli
from core.judge_card import Check, JudgeCard
from core.settings import CompareSettings
from core.statistics.estimates import Estimate

SETTINGS = CompareSettings()
GOOD = Auc(0.7, 0.6, 0.8, 40, 40, 20)
CHANCE = Auc(0.5, 0.4, 0.6, 40, 40, 20)
NO_AUC = Auc(None, None, None, 0, 0, 0, left_out=10)
HARD = ("auc", "unjudged", "people", "people_order")


def card_of(verdicts: dict[str, str]) -> JudgeCard:
    """A card whose checks came out so; those that are not named are unknown."""
    names = dict.fromkeys((*HARD, "flips"), "unknown") | verdicts
    checks = [Check(name, f"{name} bad", verdict, name in HARD, "", "") for name, verdict in names.items()]
    nothing = dict.fromkeys(("asked", "unparsed", "unjudged", "by_rule", "left_out"), 0)
    lists = {name: [] for name in ("runs", "duels", "labels", "criteria", "correlations", "figures", "peers")}
    return JudgeCard("key", "name", "written", "rubric", self_observed=False, checks=checks, **nothing, **lists)


def counts(*k: int, n: int = 4) -> pd.DataFrame:
    return pd.DataFrame({"item_id": [f"q{i}" for i in range(len(k))], "n": n, "k": k})


def rate(value: float, low: float, high: float) -> WinRate:
    delta, nothing = Estimate(value, low, high, 20), Estimate.undefined(0, "it plays no part here")
    return WinRate("anchor", "base", *[nothing] * 3, delta, 10, 4, 6, 0.5, 0.5, nothing, nothing, 0)


def test_gain_is_paired_by_question_and_carries_n_and_interval():
    found = gain("sft", "base", counts(4, 1), counts(2, 1), SETTINGS)
    assert found.figure.value == 25.0  # (100 - 50) and (25 - 25), halved
    assert found.figure.low < 0 < found.figure.high
    assert found.verdict == "look here"
    assert found.sentence == (
        "sft against base: accuracy (forced) +25.0 points (95% −93.1 … +97.4, n = 2 questions): "
        "a gain is not shown: look at SFT, or at the anchor."
    )


def test_gain_leaves_out_questions_that_only_one_of_them_answered():
    many = [2, 1] * 20
    found = gain("sft", "base", counts(*[4] * 41), counts(*many), SETTINGS)
    assert (found.figure.value, found.figure.n, found.verdict) == (62.5, 40, "clear")
    assert "less accurate" in gain("sft", "base", counts(*[0] * 40), counts(*many), SETTINGS).sentence
    assert gain("sft", "base", counts(), counts(), SETTINGS).verdict == "not known"


@pytest.mark.parametrize(
    ("delta", "verdict", "says"),
    [
        (rate(10, 2, 18), "clear", "score above those of base"),
        (rate(10, -2, 22), "look here", "improvement of explanations by alignment is not shown"),
        (rate(-10, -18, -2), "look here", "alignment made explanations score lower"),
    ],
)
def test_win_rates_say_what_their_interval_says(delta, verdict, says):
    found = wins(delta, [])
    assert found.verdict == verdict
    assert says in found.sentence
    assert "n = 20 questions" in found.sentence


def test_a_judge_at_chance_takes_every_win_rate_back():
    found = wins(rate(10, 2, 18), ["AUC at chance"])
    assert found.verdict == "not known"
    assert "cannot be believed" in found.sentence


@pytest.mark.parametrize(
    ("auc", "checks", "verdict", "says"),
    [
        (GOOD, {"auc": "pass"}, "clear", "can be believed: no hard check of its card fails; AUC 0.70 (95%"),
        (CHANCE, {"auc": "unknown", "people_order": "pass"}, "clear", "can be believed"),
        (GOOD, {"auc": "pass", "unjudged": "fail", "flips": "fail"}, "look here", "cannot be believed: unjudged bad;"),
        (CHANCE, {"auc": "fail", "unjudged": "fail"}, "look here", "cannot be believed: auc bad, unjudged bad; AUC"),
        (CHANCE, {"auc": "unknown"}, "look here", "not shown that the judge can be believed: no hard check"),
        (NO_AUC, {"auc": "unknown"}, "not known", "none proves it; AUC is undefined: none of 10 questions"),
    ],
)
def test_the_sign_of_a_judge_is_what_its_card_comes_to(auc, checks, verdict, says):
    found = judge(card_of(checks), auc)
    assert (found.verdict, found.figure.value) == (verdict, auc.value)
    assert says in found.sentence
    assert found.sentence.count(".") - found.sentence.count("0.") == 1, "one sentence"


def test_halves_are_hypergeometric():
    # 2 right of 4: C(4,2) = 6 halves, 1 with none, 4 with one, 1 with both
    assert halves(2, 4) == pytest.approx(np.array([[0, 0, 1 / 6], [0, 4 / 6, 0], [1 / 6, 0, 0]]))
    # 1 of 4: it falls into either half
    assert halves(1, 4) == pytest.approx(np.array([[0, 0, 0], [0, 0, 0.5], [0, 0.5, 0]]))
    assert halves(4, 4)[0, 0] == halves(0, 5)[2, 2] == 1
    # 1 of 3: in the single draw (1/3), else one of the other two
    assert halves(1, 3) == pytest.approx(np.array([[0, 0, 1 / 3], [0, 0, 0], [0, 2 / 3, 0]]))


def test_halves_agree_with_every_split_counted_out():
    rng = np.random.default_rng(0)
    draws = np.array([1] * 3 + [0] * 5)
    split = [rng.permutation(draws)[:4].sum() for _ in range(4000)]
    wanted = np.mean([(k == 0, k > 0, False) for k in split], axis=0)[0]
    assert halves(3, 8)[2].sum() == pytest.approx(wanted, abs=0.03)


def test_swing_is_the_expected_share_that_changes_category():
    found = anchor("sft", counts(4, 0, 2, 1), SETTINGS)
    assert found.figure.value == pytest.approx((0 + 0 + 2 / 6 + 1) / 4)
    assert "of 4 questions change category" in found.sentence


def test_kappa_of_questions_that_never_swing_is_one_and_of_one_category_undefined():
    assert agreement(np.array([halves(4, 4), halves(0, 4)]), SETTINGS).value == 1.0
    # all at 2 of 4: agreement 4/6, chance (1 + 16 + 1) / 36
    assert agreement(np.array([halves(2, 4)] * 3), SETTINGS).value == pytest.approx((4 / 6 - 0.5) / 0.5)
    assert anchor("sft", counts(4, 4, 4), SETTINGS).verdict == "not known"
    assert anchor("sft", counts(1, 0, n=1), SETTINGS).verdict == "not known"


@pytest.mark.parametrize(("chances", "verdict"), [([0.5], "look here"), ([0.05, 0.95], "clear")])
def test_draws_that_ignore_the_question_are_no_anchor(chances, verdict):
    rng = np.random.default_rng(3)
    k = rng.binomial(4, np.resize(chances, 300))
    assert anchor("sft", counts(*k), SETTINGS).verdict == verdict


def test_form_names_both_shares():
    none, some = Estimate(0.0, 0.0, 0.0, 56), Estimate(0.3, 0.2, 0.4, 56)
    one = VariantResult("sft", 56, 224, some, some, unparsed=some, empty=none, tokens=some, score=some, unjudged=0)
    found = form(one, 0.05)
    assert found.verdict == "look here" and form(one, 0.5).verdict == "clear"
    assert form(replace(one, unparsed=Estimate(0.02, 0.0, 0.06, 56)), 0.05).verdict == "look here", (
        "not shown to be few"
    )
    assert "30.0% (95% 20.0 … 40.0) of responses have no readable answer and 0.0% (95% 0.0 … 0.0)" in found.sentence


def test_compare_gives_every_sign_with_its_sentence(lab_home):
    found = json.loads(CliRunner().invoke(cli, ["compare", "--json"]).stdout)[0]["diagnostics"]
    assert {sign["sign"] for sign in found} == {"gain", "wins", "anchor", "form", "judge"}
    assert {sign["about"] for sign in found if sign["sign"] == "wins"} == {
        f"{a} against {b}" for a in ("rank", "anchor") for b in ("base", "sft")
    }
    shown = CliRunner().invoke(cli, ["compare"]).stdout
    assert "Signs of failure" in shown
