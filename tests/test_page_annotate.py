"""The page Annotate as Streamlit runs it: empty, begun, and with hostile names."""

from tests.app import opened, released, words  # noqa: F401


def test_an_empty_lab_says_what_to_do():
    app = opened("annotate")
    assert not app.exception and "Run the demo" in words(app)


def test_a_queue_is_drawn_and_the_variant_stays_hidden(lab_home):
    app = opened("annotate", rater="kim")
    app.button(key="draw_rate").click().run()
    assert not app.exception
    assert "made of?" in words(app) and "Answer given" in words(app)
    assert "judge's score" not in words(app)


def test_a_hostile_name_is_never_rendered(lab_home):
    for tab in ("Rate", "Spot-check", "Pairwise", "Agreement"):
        app = opened("annotate", rater="![x](http://example.org/x.png)<b>", tab=tab)
        assert not app.exception
        rendered = [e.value for kind in ("markdown", "caption", "title", "subheader") for e in app.get(kind)]
        assert not any("example.org" in str(text) for text in rendered)
