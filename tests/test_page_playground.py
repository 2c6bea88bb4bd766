"""The page Playground as Streamlit runs it: empty, asked, blind, revealed, reopened, and with hostile texts."""

import re
import shutil
from types import SimpleNamespace

import pytest
from google.protobuf.message import Message
from playwright.sync_api import expect

from app.playground.round import judge_runs
from core.home import Home
from core.playground import rounds, serving
from core.playground.records import Wish
from core.playground.serving import play
from core.playground.sessions import begin, contenders, reveal, vote
from core.rubrics import load_rubric
from core.store.database import open_store
from tests.adversarial import HOSTILE, adversarial_lab, nodes, rendered
from tests.app import opened, released, store_of, turned, words  # noqa: F401
from tests.browser import browser_page, served
from tests.playing import played, scripted_engines, wish

NAMES = ("zebra", "gnu")
CRITERIA = load_rubric("five_criteria").criteria


def everything(app) -> str:
    """Every element of a page as it goes to the browser."""
    protos = (getattr(node, "proto", None) for node in nodes(app._tree))
    return "\n".join(str(proto) for proto in protos if isinstance(proto, Message))


def blind_round(home: Home, **changes) -> Wish:
    """A finished blind round of two variants whose names stand nowhere else."""
    with open_store(home) as store:
        store.ingest()
        named = [one.model_copy(update={"label": name}) for one, name in zip(contenders(store), NAMES, strict=False)]
        return played(store, **{"contenders": named} | changes)


def shown(asked: Wish, **query: str):
    return opened("playground", session=asked.session, round=asked.round, **query)


def secrets_of(asked: Wish) -> re.Pattern:
    """What would give away who is who."""
    secret = [value for one in asked.contenders for value in (one.label, one.run, one.variant)]
    return re.compile("|".join(map(re.escape, secret)))


def test_an_empty_lab_says_what_to_do(home):
    app = opened("playground")
    assert not app.exception
    assert "No variants yet" in words(app) and "Run the demo" in words(app)
    assert not app.text_area and [button.key for button in app.button] == ["open_settings"]


def test_a_question_is_asked_and_what_is_missing_is_a_sentence(lab_home, monkeypatch):
    monkeypatch.setattr(serving, "start", lambda home: False)
    app = opened("playground")
    assert app.multiselect(key="play_variants").options[:2] == ["base", "sft"]
    assert app.multiselect(key="play_variants").value == [_contenders(app)[place].variant for place in (0, -1)]
    app.button(key="play_generate").click().run()
    assert "There is no question yet" in words(app)
    app.text_area(key="play_question").input("What is a pin made of?")
    app.text_area(key="play_options").input("wood\nWood\nglass")
    app.button(key="play_generate").click().run()
    assert "Two options are the same" in words(app)
    app.text_area(key="play_options").input("wood\nmetal")
    app.multiselect(key="play_variants").set_value([_contenders(app)[0].variant])
    app.button(key="play_generate").click().run()
    assert "two to four variants, and 1 are chosen" in words(app)
    assert rounds.queue(lab_home) == []

    app.multiselect(key="play_variants").set_value([c.variant for c in _contenders(app)[:3]])
    app.button(key="play_generate").click().run()
    (name,) = rounds.queue(lab_home)
    asked = rounds.wish_of(lab_home, name)
    assert (app.query_params["round"], app.query_params["session"]) == (name, asked.session)
    assert (asked.item.question, [o.text for o in asked.item.options]) == ("What is a pin made of?", ["wood", "metal"])
    assert asked.blind and len(asked.contenders) == 3
    assert "worker ended before the turn" in app.warning[0].value, "nobody answers: a sentence"
    assert app.button(key="play_again").label == "Start again", "and a way out"

    play(lab_home, scripted_engines(lab_home, "It is hard.\nAnswer: metal"), name)
    app.run()
    assert [found.value for found in app.subheader[:3]] == ["A", "B", "C"]
    assert words(app).count("It is hard.") == 3
    assert [app.button(key=f"play_vote_{said}").label for said in ("A", "B", "C", "tie", "bad")] == [
        "A is best", "B is best", "C is best", "All good: a tie", "All bad"
    ]  # fmt: skip


@pytest.mark.browser
@pytest.mark.skipif(shutil.which("chromium") is None, reason="no Chromium on this machine")
def test_two_viewers_of_a_round_see_one_vote_and_one_reveal(lab_home):
    asked = blind_round(lab_home)
    with served(lab_home) as (address, _), browser_page() as page:
        other = page.context.browser.new_page()
        for one in (page, other):
            one.goto(f"{address}/playground?session={asked.session}&round={asked.round}")
            expect(one.get_by_role("button", name="A is best")).to_be_visible()
        page.get_by_role("button", name="A is best").click()
        other.get_by_text("Vote by criterion").click()
        other.get_by_role("radiogroup", name="clarity").get_by_role("radio", name="B is best").click()
        for one in (page, other):
            expect(one.get_by_test_id("stBaseButton-primary").filter(has_text="A is best")).to_be_visible()
            chosen = one.get_by_role("radiogroup", name="clarity").get_by_role("radio", checked=True)
            expect(chosen).to_have_text("B is best")
        page.get_by_role("button", name="Reveal the names").click()
        for one in (page, other):
            expect(one.get_by_text(f"The room: A, {NAMES[0]}, is best.")).to_be_visible()
            expect(one.get_by_text(f"clarity: B, {NAMES[1]}, is best")).to_be_visible()


def _contenders(app):
    from app.state import lab

    return contenders(lab().store)


def test_nothing_on_a_blind_page_says_who_is_who_or_what_the_judge_thinks(lab_home):
    asked = blind_round(lab_home)
    app = shown(asked)
    assert words(app).count("It is hard.") == 2
    sent = everything(app)
    assert not secrets_of(asked).search(sent)
    assert words(app).count("Judged; verdicts are shown at the reveal.") == 2
    assert not re.search("judge: |excellent|satisfactory|needs improvement|✓ right|✗ wrong|★", sent)

    app.button(key="play_vote_bad").click().run()
    clarity = f"play_vote_{asked.round}_clarity"
    app.segmented_control(key=clarity).set_value("B").run()
    sent = everything(app)
    assert not secrets_of(asked).search(sent)
    assert not re.search("judge: |excellent|satisfactory|needs improvement|✓ right|✗ wrong|★", sent)

    app.button(key="play_reveal").click().run()
    said = words(app)
    assert all(name in said for name in NAMES)
    assert "The room: both bad." in said and "clarity: B, gnu, is best" in said
    assert "★ metal" in said and "✓ right" in said
    chips = [text for text in re.findall(r"(\w+): \w+", everything(app)) if text in {c.key for c in CRITERIA}]
    assert set(chips) == {c.key for c in CRITERIA}
    assert not [button for button in app.button if str(button.key).startswith("play_vote_")], "votes are locked"
    tally = app.dataframe[-1].value
    assert list(tally["variant"]) == list(NAMES)[::-1] and list(tally["all bad"]) == [1, 1]
    assert list(tally["best"]) == [0, 0] and list(tally["n votes"]) == [1, 1]


def test_what_it_wrote_instead_of_an_option_stays_on_screen(lab_home):
    with open_store(lab_home) as store:
        store.ingest()
        asked = played(store, "It is hard.\nAnswer: bronze", blind=False)
    said = words(shown(asked))
    assert "Wrote “bronze”, which names no option; likeliest option: " in said and "No readable answer" not in said


def test_a_reopened_session_is_as_it_was_left(lab_home):
    first = blind_round(lab_home, question="The first?")
    with open_store(lab_home) as store:
        store.ingest()
        vote(store, first.round, {"overall": "B"})
        reveal(store, first.round)
        second = played(store, session=first.session, question="The second?")
    app = opened("playground", session=first.session)
    table = next(frame.value for frame in app.dataframe if "names" in frame.value)
    assert list(table["question"]) == ["The first?", "The second?"]
    assert list(table["names"]) == ["revealed", "hidden"]
    assert list(table["vote"]) == ["B", "–"]
    assert [button.label for button in app.get("download_button")] == [
        f"Session as {form}" for form in ("JSON", "CSV", "Markdown")
    ]
    assert "The room: B, gnu, is best." in words(shown(first))
    assert app.selectbox(key=f"play_session_{first.session}_2").value == first.session
    assert "The room's vote" in words(shown(second))


def test_a_round_that_is_not_there_and_one_that_failed_have_a_way_out(lab_home):
    with open_store(lab_home) as store:
        store.ingest()
        failed = wish(store, begin(store), "What failed?")
    rounds.ask(lab_home, failed)
    rounds.ended(lab_home, failed.round, "failed", "This prompt has 9,000 tokens <b class='injected'>.")
    app = shown(failed)
    assert "This prompt has 9,000 tokens <b" in words(app) and rendered(app) == []
    app.button(key="play_next").click().run()
    assert app.text_area(key="play_question").value == ""
    app = shown(failed)
    app.button(key="play_refill").click().run()
    assert app.text_area(key="play_question").value == "What failed?"
    assert app.text_area(key="play_options").value == "wood\nmetal\nglass"
    assert app.selectbox(key="play_gold").value == "metal"
    turned(app, round="0" * 22)
    assert "There is no round 0000" in words(app)
    app.button(key="play_back").click().run()
    assert app.button(key="play_generate").label == "Generate"


@pytest.fixture(scope="module")
def hostile(tmp_path_factory) -> Home:
    """The hostile lab, made once."""
    home = Home(tmp_path_factory.mktemp("hostile") / "home")
    adversarial_lab(home)
    return home


def test_a_form_that_cannot_be_asked_says_why_and_leaves_the_rest_of_the_page(lab_home):
    app = opened("playground")
    app.button(key="play_generate").click().run()
    assert "There is no question yet" in words(app) and "Tally" in words(app)


def test_hostile_texts_are_shown_and_never_rendered(hostile, monkeypatch):
    monkeypatch.setenv("ANCHORLAB_HOME", str(hostile.path))
    question = "\n".join(HOSTILE.values())
    with open_store(hostile) as store:
        store.ingest()
        asked = played(store, question + "so it ends", question=question)
    app = shown(asked)
    assert rendered(app) == []
    assert [text.value for text in app.text].count(question.strip()) == 1
    app.button(key="play_vote_A").click().run()
    app.button(key="play_reveal").click().run()
    assert not app.exception and rendered(app) == []
    assert f"The room: A, {asked.contenders[0].label}, is best." in words(app)
    app.button(key="play_next").click().run()
    assert not app.exception and rendered(app) == []
    app.radio(key="play_source").set_value("Pick one from a data set").run()
    for item in ("long", "script"):
        place = list(HOSTILE).index(item)
        app.selectbox(key="play_item").select_index(place).run()
        assert any(HOSTILE[item] in text.value for text in app.text)
        assert not app.exception and rendered(app) == []
    assert max(len(option) for option in app.selectbox(key="play_item").options) < 200


def test_the_card_beside_a_round_is_of_the_judge_over_the_variants_that_played(lab_home):
    """Not of the data set that was judged last."""
    with open_store(lab_home) as store:
        store.ingest()
        asked = played(store, blind=False)
        judged = store.rows(
            "SELECT id FROM runs WHERE kind = 'judge' AND list_contains(?, parents->>'samples')",
            [[one.run for one in asked.contenders]],
        )
    runs = judge_runs(SimpleNamespace(home=lab_home, store=store_of(lab_home), sealed="now"), asked)
    assert set(runs) <= {run for (run,) in judged} and len(runs) == len(asked.contenders)
