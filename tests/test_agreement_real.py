"""Agreement of the people and judges of public data sets: published figures come out."""

import json
import os
from pathlib import Path

import pandas as pd
import pytest

from core.analysis.agreement import alpha, rater_agreements

REAL = os.environ.get("ANCHORLAB_REAL_DATA")
pytestmark = pytest.mark.skipif(not REAL, reason="ANCHORLAB_REAL_DATA names no folder of public data sets")


def read(name: str):
    return json.loads((Path(str(REAL)) / name).read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def pandalm() -> pd.DataFrame:
    """Three people's choice for each pair of responses: 0 tie, 1 first, 2 second."""
    return pd.DataFrame(read("pandalm/testset-v1.json"))[["annotator1", "annotator2", "annotator3"]].astype(str)


@pytest.fixture(scope="module")
def cube() -> pd.DataFrame:
    """Quality of each explanation by two people and GPT-4o; the index names the question and who explained."""
    rows = [
        (f"{task} {item['id']}", explainer, rater, (found or {}).get("quality_label"))
        for task, items in read("cube/evaluation_set.json").items()
        for item in items
        for rater, ratings in item.items()
        if rater != "id"
        for explainer, found in ratings.items()
    ]
    table = pd.DataFrame(rows, columns=["question", "explainer", "rater", "quality"])
    return table.set_index(["question", "explainer", "rater"])["quality"].unstack("rater")


def test_pandalm_annotators_agree_as_published(pandalm):
    pairs = {(p.a[-1], p.b[-1]): p for p in rater_agreements(pandalm)}
    found = {names: round(pair.kappa.value, 2) for names, pair in pairs.items()}
    assert found == {("1", "2"): 0.85, ("1", "3"): 0.88, ("2", "3"): 0.86}
    assert all(pair.n == 999 for pair in pairs.values())
    assert alpha(pandalm, "nominal").value == pytest.approx(0.864, abs=0.001)


def test_pandalm_majority_labels_are_as_published(pandalm):
    assert (pandalm.nunique(axis=1) < 3).all(), "a three-way split has no majority; there is none"
    assert pandalm.mode(axis=1)[0].value_counts().to_dict() == {"0": 105, "1": 422, "2": 472}


def test_cube_people_agree_and_gpt_4o_does_not(cube):
    questions = cube.index.get_level_values("question").tolist()
    pairs = {(p.a, p.b): p for p in rater_agreements(cube, clusters=questions)}
    people = pairs["human_evaluator_1", "human_evaluator_2"]
    assert (people.n, people.left_out) == (915, 5)
    assert (people.percent.value, people.kappa.value) == pytest.approx((0.862, 0.408), abs=0.0005)
    judged = [pair for names, pair in pairs.items() if "gpt4o_evaluator_3" in names]
    assert [round(pair.kappa.value, 2) for pair in judged] == [0.05, 0.11]
    assert all(0.80 <= pair.percent.value < 0.825 for pair in judged)
    assert all(pair.sentence.endswith("“good”, so agreement says little.") for pair in judged)
    assert people.kappa.n == len(set(questions)) == 80
