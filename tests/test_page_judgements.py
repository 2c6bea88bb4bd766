"""The Judgements page on small hand-made sets whose figures are known."""

import json

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.consensus import NO_CARD
from core.data.foreign import import_responses
from core.data.judgements import import_judgements, judgement_settings
from core.home import Home
from core.loading.written import load_responses
from tests.app import opened, released, words  # noqa: F401  (`released` is a fixture)


def choice_of(question: int, annotator: str, preference: float | str | None, b: str = "new", length: int = 1) -> dict:
    return {
        "instruction": f"Question {question}?",
        "output_1": "word " * 4,
        "generator_1": "old",
        "output_2": "word " * 4 * length,
        "generator_2": b,
        "annotator": annotator,
        "preference": preference,
    }


def loaded(home: Home, rows: list[dict], name: str = "set.json", **changes) -> str:
    path = home.path.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(rows))
    return import_judgements(home, path, judgement_settings(path, [], changes)).id


def table(app: AppTest, column: str):
    """The one table that has this column."""
    (found,) = [frame.value for frame in app.dataframe if column in frame.value.columns]
    return found


def test_people_correct_a_judge_whose_choices_they_made_in_part(home):
    """The judge: 2 wins on 40 of 60; people on the first 20, where judge and people agree on 15 of 20."""
    judge = [choice_of(q, "gpt_judge", 2 if q % 3 else 1) for q in range(60)]
    people = [choice_of(q, "ann", (2 if q % 3 else 1) if q < 15 else 1) for q in range(20)]
    loaded(home, judge + people, judges=["gpt*"])
    app = opened("judgements")
    assert NO_CARD in words(app)
    row = table(app, "n labelled / n all").iloc[0]
    assert row["n labelled / n all"] == "20 / 60"
    assert row["judge alone"].startswith("66.7%")
    assert row["people alone (classical)"].startswith("50.0%")
    assert (row["judge"], row["variant"], row["against"]) == ("gpt_judge", "new", "old")
    assert row["corrected"] != row["people alone (classical)"]
    assert 0 < float(row["λ"]) < 1


def test_a_win_rate_that_length_alone_explains_is_half_at_equal_length(home):
    """Longer wins three times in four, whoever is longer: at equal length nobody does."""
    rows = []
    for q in range(80):
        longer_wins, new_is_longer = q % 4 != 0, (q // 4) % 4 != 0
        row = choice_of(q, "gpt_judge", 2 if longer_wins == new_is_longer else 1, length=2)
        if not new_is_longer:
            row["output_1"], row["output_2"] = row["output_2"], row["output_1"]
        rows.append(row)
    loaded(home, rows, judges=["gpt*"])
    app = opened("judgements")
    row = table(app, "at equal length").iloc[0]
    assert row["n"] == 80 and row["left out"] == 0
    assert "This lab's own measure, and not AlpacaEval's" in words(app)
    plain, controlled = (float(row[name].split("%")[0]) for name in ("win rate", "at equal length"))
    assert plain == pytest.approx(62.5)
    assert controlled == pytest.approx(50, abs=0.2)


def test_strengths_order_three_variants_and_two_apart_have_none(home):
    rows = [choice_of(q, "gpt_judge", 2 if q % 4 else 1) for q in range(60)]
    rows += [choice_of(q, "gpt_judge", 2 if q % 2 else 1, b="middle") for q in range(60)]
    loaded(home, rows, judges=["gpt*"])
    found = table(opened("judgements"), "strength (95%)")
    assert found["variant"].iloc[0] == "new" and set(found["n"]) == {60}
    strengths = [float(cell.split(" ")[0].replace("−", "-")) for cell in found["strength (95%)"]]
    values = dict(zip(found["variant"], strengths, strict=True))
    assert sum(values.values()) == pytest.approx(0, abs=0.02)
    assert values["new"] - values["old"] == pytest.approx(1.0986, abs=0.02)  # odds of 3 : 1
    assert values["middle"] == pytest.approx(values["old"], abs=0.02)


def test_what_is_undefined_says_why(home):
    rows = [choice_of(q, "gpt_judge", 2 if q % 4 else 1) for q in range(12)]
    apart = [choice_of(q, "gpt_judge", 1, b="other") | {"generator_1": "alone"} for q in range(12)]
    for row in rows + apart:
        del row["output_1"], row["output_2"]
    loaded(home, rows + apart, judges=["gpt*"])
    shown = words(opened("judgements"))
    assert "no person chose in this set" in shown
    assert "outputs whose lengths are known" in shown
    assert "no chain of comparisons joins all variants" in shown
    assert "there is one rater alone" in shown


def test_agreement_opens_where_kappa_is_defined(home):
    """On `same` everybody says the same, so κ is undefined; on `quality` it is not."""
    rows = [
        {"item": f"q{q}", "variant": "v", "rater": rater, "criterion": criterion, "label": label}
        for q in range(20)
        for rater in ("ann", "ben")
        for criterion, label in {
            "same": "yes",
            "quality": "good" if (q + (rater == "ben" and q < 4)) % 2 else "bad",
        }.items()
    ]
    loaded(home, rows)
    app = opened("judgements")
    assert app.selectbox(key="criterion").value == "quality"
    assert "criterion" not in app.query_params
    assert table(app, "κ (95%)")["κ (95%)"].iloc[0].startswith("0.600")
    app.selectbox(key="criterion").select("same").run()
    assert app.query_params["criterion"] == "same"


def test_rejected_rows_are_shown_as_they_were_read(home):
    rows = [choice_of(q, "gpt_judge", 2 if q % 4 else 1) for q in range(6)]
    loaded(home, [*rows, choice_of(9, "gpt_judge", "![x](http://x) both are bad")], judges=["gpt*"])
    app = opened("judgements")
    found = table(app, "reason").iloc[0]
    assert found["row"] == 7 and "both are bad" in found["raw"]
    assert any("![x](http://x) both are bad" in code.value for code in app.code)


MARKUP = "![x](http://evil.example/x.png)"


def test_rejected_ratings_are_shown_with_row_reason_and_what_was_read(home):
    whole = {"item": "q1", "variant": "v", "rater": "ann", "criterion": "clarity", "label": "good", "blind": "no"}
    unsure = whole | {"rater": "ben", "blind": "perhaps"}
    run = loaded(home, [whole, unsure, whole, whole | {"rater": "cat", "note": MARKUP, "item": ""}], "ratings.json")
    app = opened("judgements")
    assert app.selectbox(key="rejected").value == run
    found = table(app, "reason")
    assert found["row"].tolist() == [2, 3, 4]
    said = ["Whether it is blind is 'perhaps'", "in an earlier row too", "no item in column 'item'"]
    assert all(part in reason for part, reason in zip(said, found["reason"], strict=True))
    assert json.loads(found["raw"].iloc[0]) == unsure
    assert "As read, row 2 (mark another in the table):" in words(app)
    assert [json.loads(code.value) for code in app.code] == [unsure]
    assert not any("evil.example" in str(e.value) for kind in ("markdown", "caption") for e in app.get(kind))


def answer(item: str, gold: str = "wood") -> dict:
    text = {"explanation": f"So it is. {MARKUP}", "prediction": "wood", "author": "ann"}
    return {"item_id": item, "question": f"What is {item}?", "options": ["wood", "metal"], "gold": gold} | text


@pytest.mark.parametrize("with_a_set", [False, True])
def test_rejected_explanations_made_elsewhere_are_shown_also_without_a_set(home, with_a_set):
    path = home.path.parent / "answers.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    rows = [answer("q1"), answer("q2"), answer("q1", gold="metal"), answer("q3") | {"explanation": ["a list"]}]
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    (run,) = import_responses(home, path, load_responses(path))
    if with_a_set:
        chosen = loaded(home, [choice_of(q, "gpt_judge", 2) for q in range(4)])
        app = opened("judgements")
        assert app.selectbox(key="rejected").value == chosen and "Every row was used." in words(app)
        app.selectbox(key="rejected").select(run.id).run()
    else:
        app = opened("judgements")
        assert "No judgements yet" in words(app)
    assert not app.exception
    found = table(app, "reason")
    assert found[["file", "row"]].values.tolist() == [["answers.jsonl", 3], ["answers.jsonl", 4]]
    assert "The question 'q1' is another one in an earlier row" in found["reason"].iloc[0]
    assert "Its explanation is a list" in found["reason"].iloc[1]
    assert json.loads(found["raw"].iloc[0]) == rows[2]
    assert [json.loads(code.value) for code in app.code] == [rows[2]]
    assert not any("evil.example" in str(e.value) for kind in ("markdown", "caption") for e in app.get(kind))
