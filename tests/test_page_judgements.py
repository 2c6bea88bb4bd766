"""The Judgements page on small hand-made sets whose figures are known."""

import json
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest

from app.judgements.mapping import LABELS
from core.analysis.consensus import NO_CARD
from core.data.foreign import import_responses
from core.data.judgements import import_judgements, judgement_settings, judgements_config
from core.home import Home
from core.loading.judgement_mapping import roles
from core.loading.written import load_responses
from core.runs.folders import find_run
from core.settings import PreferenceColumns, RatingColumns
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


# --- a file is loaded


ODD = (
    "frage,links,rechts,modell l,modell r,sieger,wer,![x](http://evil.example/x.png)\n"
    "Warum ist der Himmel blau?,Luft.,Streuung.,alt,neu,neu,eva,leicht\n"
    "Warum schnurren Katzen?,So.,Muskeln.,alt,neu,alt,gpt-4,leicht\n"
    "Was ist Eis?,Nass.,Wasser.,alt,neu,unklar,eva,schwer\n"
)
OF = "odd.csv_True_None"


def from_path(path: Path) -> AppTest:
    app = opened("judgements")
    return app.text_input(key="file_path").input(str(path)).run()


def written(home: Home, name: str, text: str) -> Path:
    path = home.path.parent / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def asks(app: AppTest) -> list[str]:
    return [warning.value for warning in app.warning]


def rendered(app: AppTest) -> str:
    """Everything that Streamlit would read as markdown."""
    kinds = ("markdown", "caption", "warning", "info", "success", "error", "title", "subheader")
    labels = [str(e.label) for kind in ("selectbox", "multiselect", "text_input", "checkbox") for e in app.get(kind)]
    return "\n".join([str(e.value) for kind in kinds for e in app.get(kind)] + labels)


def test_columns_with_other_names_lead_to_a_form_and_not_to_the_command_line(home):
    app = from_path(written(home, "odd.csv", ODD))
    assert not app.exception
    assert asks(app) == [
        "The columns of this file have other names than expected. Choose the column of each: Question and Preference."
    ]
    assert app.selectbox(key=f"question_{OF}").value is None and app.selectbox(key=f"annotator_{OF}").value == "(none)"
    assert app.button(key="load").disabled
    raw = table(app, "sieger")
    assert raw["frage"].tolist()[1] == "Warum schnurren Katzen?" and len(raw) == 3
    assert "--set" not in words(app) + rendered(app)
    assert "evil.example" not in rendered(app)


def test_chosen_columns_show_what_would_be_read_and_load(home):
    app = from_path(written(home, "odd.csv", ODD))
    app.selectbox(key=f"question_{OF}").select("frage").run()
    assert asks(app)[0].endswith("Choose the column of this: Preference.")
    app.selectbox(key=f"preference_{OF}").select("sieger").run()
    assert not asks(app) and "Every column that is needed is chosen" in app.info[0].value
    assert "Of the 3 judgements 0 load and 3 do not." in words(app) and app.button(key="load").disabled
    assert "choose above which columns name both variants" in words(app)
    for role, column in {"a": "links", "b": "rechts", "a_name": "modell l", "b_name": "modell r"}.items():
        app.selectbox(key=f"{role}_{OF}").select(column).run()
    app.selectbox(key=f"annotator_{OF}").select("wer").run()
    assert "Of the 3 judgements 2 load and 1 do not. This is how they would be read:" in words(app)
    shown = table(app, "preferred")
    assert shown[["preferred", "annotator", "kind", "first output"]].values.tolist() == [
        ["neu", "eva", "person", "Luft."],
        ["alt", "gpt-4", "judge", "So."],
    ]
    assert any(text.value.startswith("Row 3: Its preference 'unklar' is none: write 1") for text in app.text)
    rejected = table(app, "as read").iloc[0]
    assert rejected["row"] == 3 and "preference 'unklar' is none" in rejected["reason"]
    assert f"Columns that are not used: {MARKUP}" in [text.value for text in app.text]
    assert "evil.example" not in rendered(app)
    app.button(key="load").click().run()
    assert not app.exception
    assert "2 judgements loaded, 1 rejected." in [message.value for message in app.success]
    assert {metric.label: metric.value for metric in app.metric} == {
        "Judgements": "2", "Questions": "2", "Rejected": "1", "Nothing given": "0"}  # fmt: skip
    (folder,) = home.runs.glob("judgements-*")
    made = judgement_settings(
        home.path.parent / "odd.csv",
        (),
        {"question": "frage", "preference": "sieger", "a": "links", "b": "rechts", "a_name": "modell l"}
        | {"b_name": "modell r", "annotator": "wer"},
    )
    assert find_run(home, folder.name).config.settings == made.model_dump(mode="json")


def test_judges_are_guessed_anew_for_another_column_of_annotators(home):
    app = from_path(written(home, "odd.csv", ODD))
    app.selectbox(key=f"annotator_{OF}").select("wer").run()
    (judges,) = [box for box in app.multiselect if "Judges" in box.label]
    assert (judges.options, judges.value) == (["eva", "gpt-4"], ["gpt-4"])
    judges.set_value(["eva"]).run()
    app.selectbox(key=f"annotator_{OF}").select("modell l").run()
    (judges,) = [box for box in app.multiselect if "Judges" in box.label]
    assert (judges.options, judges.value) == (["alt"], [])


def test_ratings_with_other_names_are_mapped_once_a_row_is_said_to_be_one(home):
    text = "frage,autor,leserin,aspekt,note\n1,alt,eva,klar,gut\n1,neu,eva,klar,schlecht\n,neu,eva,klar,gut\n"
    app = from_path(written(home, "odd.csv", text))
    app.segmented_control(key=f"row_is_{OF}").set_value("a rating of one explanation").run()
    assert "Item, Variant, Rater, Criterion and Label." in asks(app)[0]
    assert app.selectbox(key=f"note_{OF}").value == "note"  # a name that it usually has, and here it means the label
    app.selectbox(key=f"note_{OF}").select("(none)").run()
    columns = {"item": "frage", "variant": "autor", "rater": "leserin", "criterion": "aspekt", "label": "note"}
    for role, column in columns.items():
        app.selectbox(key=f"{role}_{OF}").select(column).run()
    assert "Of the 3 judgements 2 load and 1 do not." in words(app) and "no item in column 'frage'" in words(app)
    assert table(app, "criterion")[["variant", "label"]].values.tolist() == [["alt", "gut"], ["neu", "schlecht"]]
    app.button(key="load").click().run()
    assert not app.exception and "2 judgements loaded, 1 rejected." in [message.value for message in app.success]


def test_a_file_that_fits_loads_as_the_command_line_has_it(home):
    rows = [choice_of(q, "gpt_judge", value) for q, value in enumerate([2, 1, None])]
    path = written(home, "fits.json", json.dumps(rows))
    app = from_path(path)
    assert not asks(app) and not app.info
    assert "Of the 3 judgements 3 load and 0 do not." in words(app)
    assert table(app, "preferred")["preferred"].tolist() == ["new", "old", "nothing given"]
    assert "1 of them have no preference" in words(app)
    app.button(key="load").click().run()
    (folder,) = home.runs.glob("judgements-*")
    assert folder.name == judgements_config(path, judgement_settings(path)).id


def test_annotators_as_columns_and_verdicts_of_a_judge_beside_them(home):
    """What is joined needs a key, which is asked for where it has none of the usual names."""
    row = {"cmp_key": "old_new", "instruction": "Why?", "response1": "x", "response2": "y", "annotator1": 1}
    path = written(home, "people.json", json.dumps([row | {"nr": 1}, row | {"nr": 2, "instruction": "How?"}]))
    more = written(home, "verdicts.json", json.dumps([{"nr": n, "gpt_result": n, "gpt_reason": ""} for n in (1, 2)]))
    app = from_path(path)
    of = "people.json_True_None"
    assert app.multiselect(key=f"annotators_{of}").value == ["annotator1"]
    assert app.selectbox(key=f"preference_{of}").disabled and not asks(app)
    app.text_input(key="more_path").input(str(more)).run()
    assert not app.exception and asks(app)[0].endswith("Choose the column of this: Key of the further verdicts.")
    app.selectbox(key=f"key_{of}").select("nr").run()
    assert "Of the 4 judgements 4 load and 0 do not." in words(app)
    assert table(app, "preferred")[["annotator", "kind", "preferred"]].values.tolist() == [
        ["annotator1", "person", "old"], ["gpt", "judge", "old"], ["annotator1", "person", "old"],
        ["gpt", "judge", "new"]]  # fmt: skip
    app.multiselect(key=f"annotators_{of}").set_value([]).run()
    assert asks(app)[0].endswith("Choose the column of this: Preference.")


def test_nested_ratings_are_known_and_ask_for_the_item_alone(home):
    said = {"old": {"results": {"clear": "TRUE"}, "quality": "good"}}
    path = written(home, "rated.json", json.dumps({"easy": [{"nr": 1, "ann": said, "ben": said}]}))
    app = from_path(path)
    of = "rated.json_True_None"
    assert app.segmented_control(key=f"row_is_{of}").value == "a question with its ratings inside"
    assert asks(app)[0].endswith("Choose the column of this: Item.")
    assert not [box for box in app.selectbox if box.label in ("Variant", "Rater", "Criterion", "Label")]
    app.selectbox(key=f"item_{of}").select("nr").run()
    assert "Of the 4 judgements 4 load" in words(app)
    assert not any("not used" in text.value for text in app.text)


def test_a_table_without_a_header_is_mapped_by_numbers(home):
    app = from_path(written(home, "bare.csv", "Why?,old,new,new\nHow?,old,new,old\n"))
    app.checkbox(key="header_bare.csv").uncheck().run()
    of = "bare.csv_False_None"
    for role, n in {"question": 1, "a_name": 2, "b_name": 3, "preference": 4}.items():
        app.selectbox(key=f"{role}_{of}").select(f"column_{n}").run()
    assert "Of the 2 judgements 2 load" in words(app)
    app.button(key="load").click().run()
    assert not app.exception and "2 judgements loaded, 0 rejected." in [message.value for message in app.success]


def test_a_column_without_one_preference_is_doubted_and_a_file_under_the_same_name_starts_anew(home):
    path = written(home, "odd.csv", "question,model_a,model_b,preference,best\nWhy?,old,new,,new\n")
    app = from_path(path)
    assert any("None of them has a preference. Is `Preference` the right column?" in text for text in asks(app))
    app.selectbox(key=f"preference_{OF}").select("best").run()
    assert not asks(app)
    path.write_text("question,model_a,model_b,winner\nWhy?,old,new,old\n")
    app.run()
    assert not app.exception and app.selectbox(key=f"preference_{OF}").value == "winner"
    assert table(app, "preferred")["preferred"].tolist() == ["old"]


def test_what_is_not_used_is_said_of_columns_with_dots_and_with_objects_too(home):
    row = {"instruction": "Why?", "preference": 1, "model.l": "old", "model.r": "new", "about": {"set": "x"}, "no": {}}
    app = from_path(written(home, "odd.json", json.dumps([row, row | {"late": 1}])))
    of = "odd.json_True_None"
    app.selectbox(key=f"a_name_{of}").select("model.l").run()
    app.selectbox(key=f"part_{of}").select("about.set").run()
    assert "Columns that are not used: model.r, no, late" in [text.value for text in app.text]


def test_further_verdicts_beside_ratings_are_one_sentence_below_the_form(home):
    rows = [{"item": "1", "variant": "v", "rater": "ann", "criterion": "c", "label": "good"}]
    path = written(home, "rated.json", json.dumps(rows))
    app = from_path(path)
    app.text_input(key="more_path").input(str(path)).run()
    assert "files of further verdicts go with pairwise judgements" in words(app)
    assert app.selectbox(key="item_rated.json_True_None").value == "item"


def test_every_meaning_of_a_column_has_a_place_in_the_form():
    for columns in (PreferenceColumns(), RatingColumns()):
        assert set(LABELS[columns.what]) == set(roles(columns)) and "" not in LABELS[columns.what].values()


def test_names_that_are_no_unicode_and_cells_of_any_kind_are_shown(home):
    rows = [{"\ud800 ask": f"\udcffWhy {n}?", "won": n, "of": ["x", {"y": n}], "in": {"deep": n}} for n in (1, 2)]
    app = from_path(written(home, "odd.json", json.dumps(rows)))
    assert not app.exception and table(app, "won")["of"].iloc[0] == '["x", {"y": 1}]'
    of = "odd.json_True_None"
    assert app.selectbox(key=f"question_{of}").options == ["won", "of", "in", "in.deep"]
    app.selectbox(key=f"question_{of}").select("in.deep").run()
    app.selectbox(key=f"preference_{of}").select("won").run()
    assert not app.exception
