"""The Anchors page: empty, filled and hostile labs, with the figures it shows; clicks in a real browser."""

import json
from urllib.parse import parse_qs

import pytest
from streamlit.testing.v1 import AppTest

from core.analysis.pair_difference import difference
from core.analysis.pair_sources import pair_sources, read_material
from core.records import CATEGORIES, Item, Option, Pair
from core.runs.folders import RunFolder
from core.settings import PairSettings
from tests.app import held_in, opened, released, store_of, words  # noqa: F401
from tests.lab import wait_until
from tests.test_store import import_config, judge_config, judgement, response, sample_config, sealed
from tests.test_transitions import chain_lab

CATEGORY_PARTS = ("Shares", "What moved", "Map", "Fewer responses", "Scores")
PAIR_PARTS = ("Rules and counts", "The pairs", "Left out", "Lint", "A against B", "Train and export")


def shown(app: AppTest, column: str):
    """The first table with this column."""
    return next(frame.value for frame in app.dataframe if column in frame.value)


def sound(app: AppTest) -> AppTest:
    assert not app.exception
    assert "went wrong" not in words(app) and "cannot be done" not in words(app)
    return app


# --- empty


@pytest.mark.parametrize(("tab", "title"), [("Categories", "No sampled questions yet"), ("Pairs", "No pairs yet")])
def test_an_empty_lab_says_what_to_do(tab, title):
    app = sound(opened("anchors", tab=tab))
    assert title in [heading.value for heading in app.subheader]
    assert "Overview" in words(app) and not app.dataframe


def test_samples_that_nobody_judged_have_categories_but_no_scores_and_no_pairs(home):
    dataset = sealed(home, import_config(), {"items": [question("What?")]})
    rows = [response("q0", k, "AB"[k]) for k in range(2)]
    sealed(home, sample_config(dataset.id), {"explanations": rows}, responses_hash="r")
    assert shown(sound(opened("anchors", by="parsed")), "variable")["variable"][0].startswith("1 ")
    assert "Nobody has judged these samples" in words(sound(opened("anchors", part="Scores")))
    assert "alone" not in words(sound(opened("anchors", part="Map")))
    assert "Choose two variants" in " ".join(i.value for i in opened("anchors", part="What moved").info)
    assert "No pairs yet" in words(sound(opened("anchors", tab="Pairs")))


# --- categories


def test_every_view_of_the_categories_draws_and_stays_in_the_url(lab_home):
    app = sound(opened("anchors"))
    for part in CATEGORY_PARTS:
        app.segmented_control(key="part").set_value(part).run()
        assert sound(app).get("plotly_chart") and app.subheader
    again = sound(opened("anchors", part="Map"))
    assert again.segmented_control(key="part").value == "Map"


def test_shares_count_what_the_method_counts(home):
    chain_lab(home)
    table = shown(sound(opened("anchors", by="parsed")), "uncategorised").set_index("variant")
    assert list(table.index) == ["base", "sft", "anchor"]
    assert [cell.split()[0] for cell in table.loc["base"][:3]] == ["2", "1", "2"]
    assert table["questions"].tolist() == [5, 5, 5]
    assert "2 (40.0%, 95% " in table["consistently correct"]["base"]


def test_what_moved_names_better_and_worse_and_lists_the_questions_of_a_cell(home):
    chain_lab(home)
    app = sound(opened("anchors", part="What moved", by="parsed"))
    assert "anchor against base: 2 questions better, 1 worse, net +20.0" in words(app)
    assert "no net move is shown" in words(app)
    steps = shown(app, "better")
    assert steps[["from", "to", "better", "worse", "same"]].values.tolist() == [
        ["base", "sft", 2, 1, 2],
        ["sft", "anchor", 1, 1, 3],
        ["base", "anchor", 2, 1, 2],
    ]
    app.selectbox(key="move").select(f"{CATEGORIES[0]}.{CATEGORIES[2]}").run()
    listed = shown(sound(app), "gold")
    assert listed["id"].tolist() == ["q4"]
    assert listed[["base", "sft", "anchor"]].values.tolist() == [["2 of 2", "2 of 2", "0 of 2"]]
    assert "item=q4" in listed["read"][0] and "evaluation=" in listed["read"][0]


def test_a_chain_is_followed_in_the_order_that_is_chosen(home):
    chain_lab(home)
    app = opened("anchors", part="What moved", by="parsed")
    app.multiselect(key="chain").set_value(["anchor", "base"]).run()
    assert "base against anchor: 1 questions better, 2 worse" in words(sound(app))


def test_the_map_lists_the_questions_of_a_cell(home):
    chain_lab(home)
    app = opened("anchors", part="Map", by="parsed")
    app.selectbox(key="cell").select("0.1").run()
    assert shown(sound(app), "gold")["id"].tolist() == ["q2"]
    assert app.query_params["cell"] == "0.1"


def test_fewer_responses_and_scores_show_their_figures(home):
    chain_lab(home)
    table = shown(sound(opened("anchors", part="Fewer responses", by="parsed")), "variable at N=2")
    assert table.set_index("variant")["variable at N=2"]["base"].startswith("20.0%")
    table = shown(sound(opened("anchors", part="Scores", by="parsed")), "mean score")
    base = table[table["variant"] == "base"].set_index("category")
    assert base["explanations"].to_dict() == {
        "consistently correct": 4,
        "variable": 2,
        "consistently incorrect": 4,
    }
    assert base["mean score"]["consistently correct"].startswith("10.5")


# --- pairs


def source_and_sets(lab_home, *settings: PairSettings) -> list[list[Pair]]:
    """What the page should build from the samples that come with a debater."""
    with store_of(lab_home) as store:
        source = next(source for source in pair_sources(store) if source.debates)
        material = read_material(lab_home, store, source, "expected")
        return [material.build(chosen)[0] for chosen in settings]


def anchor_set(lab_home) -> str:
    """The written set of the strategy anchor, as the page names it."""
    folders = [RunFolder(path) for path in lab_home.runs.glob("pairs-*")]
    return next(folder.id for folder in folders if folder.config.settings["strategy"] == "anchor")


def test_every_view_of_the_pairs_draws(lab_home):
    app = opened("anchors", tab="Pairs", pairs=anchor_set(lab_home))
    for part in PAIR_PARTS:
        app.segmented_control(key="show").set_value(part).run()
        assert sound(app).dataframe


def test_a_written_set_comes_with_its_settings_and_the_counts_of_its_run(lab_home):
    run = anchor_set(lab_home)
    summary = RunFolder(lab_home.runs / run).result["summary"]
    app = sound(opened("anchors", tab="Pairs", pairs=run))
    assert (app.selectbox(key="a_strategy").value, app.selectbox(key="a_right_by").value) == ("anchor", "forced")
    counts = shown(app, "λ").set_index("set").loc["A: anchor"]
    assert counts["pairs"] == str(summary["pairs"])
    assert counts["no pair"] == str(sum(summary["dropped"].values()))
    assert counts["debater responses discarded"] == str(summary["debates_discarded"])
    rules = shown(app, "rule")
    assert rules[rules["set"] == "A"]["pairs"].sum() == summary["pairs"]
    assert shown(app, "why")["of A"].sum() == sum(summary["dropped"].values())


def test_counts_follow_the_settings_and_the_url_keeps_what_differs(lab_home):
    run = anchor_set(lab_home)
    few = PairSettings(right_by="forced", max_pairs=2)
    (expected,) = source_and_sets(lab_home, few)
    app = opened("anchors", tab="Pairs", pairs=run)
    app.number_input(key="a_max_pairs").set_value(2).run()
    assert shown(sound(app), "λ").set_index("set")["pairs"]["A: anchor"] == str(len(expected))
    app.selectbox(key="a_strategy").select("correctness").run()
    assert "A: correctness" in set(shown(sound(app), "λ")["set"])
    assert app.query_params["a_strategy"] == "correctness"
    left = sound(opened("anchors", tab="Pairs", pairs=run, a_strategy="correctness", show="Left out"))
    assert "questions of A gave no pair" in words(left)


def test_a_margin_that_cannot_be_is_said_in_its_box_and_the_other_box_stays(lab_home):
    app = opened("anchors", tab="Pairs", a_margin="-1", b_seed="4")
    assert [error.value for error in app.error] == [
        "These settings cannot be used: Margin, score points: Input should be greater than or equal to 0."
    ]
    assert app.number_input(key="b_seed").value == 4 and "chosen again" in words(app) and not app.dataframe


def test_another_set_to_start_from_brings_its_own_settings(lab_home):
    app = opened("anchors", tab="Pairs", pairs=anchor_set(lab_home), a_strategy="correctness")
    assert app.selectbox(key="a_strategy").value == "correctness"
    other = next(path.name for path in lab_home.runs.glob("pairs-*") if path.name != anchor_set(lab_home))
    app.selectbox(key="pairs").set_value(other).run()
    assert held_in(sound(app).selectbox, "a_strategy").value == "rank"
    assert "a_strategy" not in app.query_params


def test_the_difference_is_that_of_the_two_sets(lab_home):
    a, b = source_and_sets(
        lab_home, PairSettings(right_by="forced"), PairSettings(strategy="correctness", right_by="forced")
    )
    app = sound(
        opened("anchors", tab="Pairs", pairs=anchor_set(lab_home), b_strategy="correctness", show="A against B")
    )
    table = shown(app, "what it means").set_index("pairs")["questions"]
    assert table.to_dict() == {place: len(pairs) for place, pairs in difference(a, b).items()}


def test_a_pair_is_read_with_its_texts_scores_and_criteria(lab_home):
    (pairs,) = source_and_sets(lab_home, PairSettings(right_by="forced"))
    pair = pairs[-1]
    app = sound(opened("anchors", tab="Pairs", pairs=anchor_set(lab_home), show="The pairs", pair=pair.item_id))
    assert pair.chosen.text in [code.value for code in app.code]
    assert f"score {pair.chosen.score:.2f}" in words(app)
    assert len(shown(app, "lead")) == 5


def test_train_on_this_builds_the_set_and_then_offers_dpo(lab_home):
    app = opened("anchors", tab="Pairs", pairs=anchor_set(lab_home), a_strategy="correctness", show="Train and export")
    app.button(key="train").click().run()
    sound(app)
    made = [RunFolder(p) for p in lab_home.runs.glob("pairs-*")]
    (built,) = [folder for folder in made if folder.config.settings["strategy"] == "correctness"]
    wait_until(lambda: built.result and not built.alive)
    assert built.state == "done" and "debates" not in built.config.parents
    app.run()
    links = {json.loads(f'"{link.label}"'): parse_qs(link.proto.query_string) for link in app.get("page_link")}
    filled = links["Train with DPO on it"]
    assert filled["show"] == ["Launch"] and filled["launch_kind"] == ["dpo"] and filled["launch_pairs"] == [built.id]


# --- hostile


HOSTILE = "![x](http://example.org/x.png) <b>bold</b> $x$ [link](javascript:1) :red[r] \u202eright to left\u200b"


def question(text: str, i: int = 0) -> Item:
    options = [Option(label="A", text=text), Option(label="B", text="metal")]
    return Item(id=f"q{i}", split="test", question=text, options=options, gold="A")


@pytest.fixture
def hostile(home):
    """Questions, options, labels and responses that would render, one of 50 thousand characters."""
    texts = [HOSTILE, f"{HOSTILE}\n# heading", HOSTILE * 700]
    items = [question(text, i) for i, text in enumerate(texts)]
    dataset = sealed(home, import_config(HOSTILE), {"items": items})
    for label, chain in ((HOSTILE, []), (f"{HOSTILE} 2", ["sft-1"])):
        rows = [
            response(item.id, k, "AB"[(k + i) % 2], response=f"{k} {item.question}")
            for i, item in enumerate(items)
            for k in range(2)
        ]
        samples = sealed(home, sample_config(dataset.id, label, chain), {"explanations": rows}, responses_hash=label)
        scored = [judgement(row, 10.0 - row.sample, reply=HOSTILE) for row in rows]
        sealed(home, judge_config(dataset.id, samples.id), {"judgements": scored})
    return home


@pytest.mark.parametrize(
    ("tab", "key", "parts"), [("Categories", "part", CATEGORY_PARTS), ("Pairs", "show", PAIR_PARTS)]
)
def test_nothing_of_a_hostile_lab_is_rendered(hostile, tab, key, parts):
    app = opened("anchors", tab=tab)
    for part in parts:
        app.segmented_control(key=key).set_value(part).run()
        rendered = [e.value for kind in ("markdown", "caption", "title", "subheader", "metric") for e in app.get(kind)]
        rendered += [
            e.label for kind in ("expander", "button", "selectbox", "multiselect") for e in sound(app).get(kind)
        ]
        assert not [text for text in rendered if "example.org" in str(text) or "<b>" in str(text)], part
        for chart in app.get("plotly_chart"):
            assert "<b>bold</b>" not in chart.proto.spec  # plotly reads markup in its labels


# --- in a browser


def test_a_clicked_cell_lists_its_questions_and_a_link_brings_it_back(home):
    from tests.browser import browser_page, served, settle

    chain_lab(home)
    with served(home) as (address, _), browser_page() as page:
        page.set_viewport_size({"width": 1440, "height": 1900})
        page.goto(f"{address}/anchors?part=What+moved&by=parsed")
        settle(page)
        cells = page.locator(".js-plotly-plot").nth(1).locator(".nsewdrag").first

        def click() -> bool:  # correct → incorrect; plotly may still be laying out when it is clicked first
            box = cells.bounding_box()
            page.mouse.click(box["x"] + 0.93 * box["width"], box["y"] + 0.1 * box["height"])
            page.wait_for_timeout(1000)
            return "move=consistently_correct.consistently_incorrect" in page.url

        wait_until(click, seconds=60)
        page.get_by_text("consistently correct → consistently incorrect").first.wait_for()
        link = page.url
        page.goto(f"{address}/anchors")
        page.goto(link)
        settle(page)
        assert "1 question." in page.inner_text("[data-testid=stMain]")
