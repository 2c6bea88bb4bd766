"""The page Annotate as Streamlit runs it: empty, begun, and with hostile names."""

from app.widgets import answer_words
from core.records import Explanation, Item, Option
from tests.app import opened, released, words  # noqa: F401


def test_an_empty_lab_says_what_to_do():
    app = opened("annotate")
    assert not app.exception and "Run the demo" in words(app)


def test_a_queue_is_drawn_and_the_variant_stays_hidden(lab_home):
    app = opened("annotate", rater="kim")
    app.button(key="draw_rate").click().run()
    assert not app.exception
    assert "made of?" in words(app)
    assert any(said in words(app) for said in ("Answer: ", "No readable answer", "names no option"))
    assert "judge's score" not in words(app)


def test_a_hostile_name_is_never_rendered(lab_home):
    for tab in ("Rate", "Spot-check", "Pairwise", "Agreement"):
        app = opened("annotate", rater="![x](http://example.org/x.png)<b>", tab=tab)
        assert not app.exception
        rendered = [e.value for kind in ("markdown", "caption", "title", "subheader") for e in app.get(kind)]
        assert not any("example.org" in str(text) for text in rendered)


def test_a_note_on_the_rubric_is_added_shown_as_it_is_and_taken_back(lab_home):
    app = opened("annotate", rater="kim")
    app.button(key="draw_rate").click().run()
    assert app.selectbox(key="note_about").value == "the whole rubric"
    app.selectbox(key="note_about").select("Clarity")
    app.text_area(key="note_text").input("**Terms** of the question\nneed no word.")
    app.button(key="note_add").click().run()
    assert not app.exception
    texts = [text.value for text in app.text]
    place = texts.index("**Terms** of the question\nneed no word.")
    assert texts[place - 1].startswith("Clarity: ") and texts[place + 1].startswith("kim, ")
    assert [one.label for one in app.expander if one.label.startswith("Guideline")] == ["Guideline, 1 note"]
    app.button(key="note_add").click().run()
    assert "The note is empty" in words(app)
    next(button for button in app.button if button.label == "Take back").click().run()
    assert not app.exception and "**Terms**" not in words(app)


def test_what_is_said_of_an_answer_is_not_said_where_there_are_no_options():
    asked = Item.model_construct(options=[Option(label="A", text="metal")], gold="A")
    row = Explanation.model_construct(response="It is hard.\nAnswer: bronze", parsed=None, forced="A")
    assert answer_words(asked, row) == "Wrote “bronze”, which names no option; likeliest option: metal"
    assert answer_words(asked, row.model_copy(update={"parsed": "A"})) == "Answer: metal"
    free = Explanation.model_construct(response="Answer: light is scattered.", parsed=None, forced=None)
    assert answer_words(Item.model_construct(options=[], gold=None), free) == "No readable answer"
