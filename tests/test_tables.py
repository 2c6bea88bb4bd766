"""Tables in a window of any width: which columns are shown, how wide, and the switch to the rest."""

import json

from streamlit.testing.v1 import AppTest


def page(width: int, key: str, chosen: bool) -> None:
    import streamlit as st

    from app.tables import grid

    st.session_state["_width"] = width
    texts = {"question": "What is it made of, and why? " * 4, "said": "<b>x</b>", "rule": "best explanation " * 6}
    rows = [texts | {f"figure {n}": 10.0 * n for n in range(12)}] * 3
    options = {"on_select": "rerun"} if chosen else {}
    grid(rows, key=key, first=["question", "figure 2", "not there"], **options)


def shown(width: int, key: str = "some", chosen: bool = False) -> AppTest:
    return AppTest.from_function(page, args=(width, key, chosen), default_timeout=60).run()


def order(app: AppTest) -> list[str]:
    return list(app.dataframe[0].proto.column_order)


def widths(app: AppTest) -> dict[str, int]:
    config = json.loads(app.dataframe[0].proto.columns)
    return {name: config[name]["width"] for name in order(app)}


def test_a_narrow_window_shows_what_tells_most_within_its_width():
    app = shown(800)
    assert not app.exception
    assert order(app)[:2] == ["question", "said"] and "figure 2" in order(app) and "rule" not in order(app)
    assert sum(widths(app).values()) <= 520 and widths(app)["question"] == 260
    assert app.dataframe[0].proto.row_height == 86  # the question takes four lines
    assert app.dataframe[0].value.shape == (3, 15)  # what is left out is still sortable, searchable, downloadable


def test_boxes_to_choose_rows_take_their_room():
    assert sum(widths(shown(800, chosen=True)).values()) <= 486


def test_the_switch_shows_the_rest_and_stays_while_the_rows_change():
    app = shown(800, key="rows_-123_4")
    hidden = 15 - len(order(app))
    assert app.toggle[0].label == f"{hidden} more columns" and app.toggle[0].key == "all_rows"
    app.toggle[0].set_value(True).run()
    assert order(app) == ["question", "said", "rule", *(f"figure {n}" for n in range(12))]


def test_a_wide_window_leaves_a_table_that_fits_as_it_is_and_keeps_to_one_line():
    wide = shown(1400)
    assert wide.toggle[0].label.endswith("more columns") and not wide.dataframe[0].proto.row_height
    assert len(order(wide)) > len(order(shown(1000))) > len(order(shown(800)))
    fits = shown(4000)
    assert not fits.toggle and order(fits) == []
