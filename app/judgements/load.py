"""The Judgements page's form: a file, its guessed mapping with a live preview, and the import."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import streamlit as st

from app.address import put
from app.judgements.mapping import mapping
from app.state import Lab
from app.tables import grid
from app.uploads import kept, stamp
from app.widgets import plain
from app.working import Pace
from core.data.judgements import import_judgements, preview_judgements
from core.loading.preferences import TIE
from core.loading.reading import SUFFIXES, Row
from core.records import Preference, Rating, Reject
from core.settings import JudgementSettings
from core.store.housekeeping import size

LOOKED_AT = 200
"""Judgements that the preview reads."""

LISTED = 20
"""Rejected ones that the preview lists."""

SHOWN = 300
"""Characters of a cell that is shown as it stands in the file."""

LOADING = Pace("Loading every judgement …", seconds=0.15)


def load(here: Lab) -> None:
    """Choose a file, say which column means what, look at what would come of it, import."""
    path, further = chosen_file(here, "A file of judgements", "file"), []
    if path is None:
        return
    if (more := chosen_file(here, "Further verdicts on the same rows, where there are some", "more")) is not None:
        further = [more]
    rows, settings, missing = mapping(path, further)
    good: list[Preference | Rating] = []
    if missing:
        _as_it_stands(rows)
    else:
        files = [path, *further]
        good, bad = _previewed([stamp(file) for file in files], list(map(str, files)), settings.model_dump_json())
        _preview(good, bad, settings)
    if st.button("Load these judgements", type="primary", icon=":material/download:", disabled=not good, key="load"):
        folder = LOADING.watch(size(path), partial(import_judgements, here.home, path, settings, further))
        here.refresh()
        counts = folder.result["summary"]
        put(set=folder.id)
        st.session_state["_set_said"] = f"{counts['rows']:,} judgements loaded, {counts['rejects']:,} rejected."
        st.rerun()


def chosen_file(here: Lab, label: str, key: str) -> Path | None:
    """A file by its path or as an upload, which is kept in the state folder."""
    left, right = st.columns(2)
    with left:
        typed = st.text_input(f"{label}: its path", key=f"{key}_path").strip()
    with right:
        upload = st.file_uploader(f"{label}: upload", type=[suffix[1:] for suffix in SUFFIXES], key=f"{key}_upload")
    if upload is None:
        return Path(typed).expanduser() if typed else None
    return kept(here.home, upload)


# --- what would come of it


@st.cache_data(max_entries=32, show_spinner="Reading the file …")
def _previewed(
    stamps: list[tuple[int, int]], files: list[str], settings: str
) -> tuple[list[Preference | Rating], list[Reject]]:
    path, *further = map(Path, files)
    return preview_judgements(path, JudgementSettings.model_validate_json(settings), further, LOOKED_AT)


def _as_it_stands(rows: list[Row]) -> None:
    """The first rows under the names of their columns, for who has to say what these mean."""
    st.caption("The first rows of the file, as they stand there:")
    grid([{_cell(name): _cell(value) for name, value in row.values.items()} for row in rows[:5]], key="judgements_raw")


def _cell(value: Any) -> str:
    """
    >>> _cell("as it is"), _cell(None), _cell([1, "ä"])
    ('as it is', '', '[1, "ä"]')
    """
    if value is None:
        return ""
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, default=str)
    return text[:SHOWN].encode("utf-8", "replace").decode()


def _preview(good: list[Preference | Rating], bad: list[Reject], settings: JudgementSettings) -> None:
    looked = len(good) + len(bad)
    which = f"Of the first {looked:,} judgements" if looked == LOOKED_AT else f"Of the {looked:,} judgements"
    shown = " This is how they would be read:" if good else ""
    st.caption(f"{which} {len(good):,} load and {len(bad):,} do not.{shown}")
    if good:
        grid([_row(found) for found in good[:5]], key="judgements_preview", column_config=WIDE)
        _say_how_many_gave_nothing(good)
    if bad:
        which = "These are rejected:" if len(bad) <= LISTED else f"The first {LISTED} that are rejected:"
        st.caption(which if good else f"None of them loads. {_remedy(settings)}")
        plain(f"Row {bad[0].row:,}: {bad[0].reason}")
        rows = [{"row": r.row, "reason": r.reason, "as read": r.raw} for r in bad[:LISTED]]
        height = "content" if len(rows) < 6 else 240
        grid(rows, key="judgements_rejects", long=["reason", "as read"], column_config=WIDE, height=height)


def _remedy(settings: JudgementSettings) -> str:
    """What to change where every row is rejected."""
    columns = settings.columns
    if columns.what == "preferences" and not (columns.pair or columns.a_name or columns.b_name):
        return "Where a preference is the name of a variant, choose above which columns name both variants."
    return "Change the mapping above."


WIDE = {
    "row": st.column_config.NumberColumn(width=60),
    "question": st.column_config.TextColumn(width="large"),
    "reason": st.column_config.TextColumn(width="large"),
    "as read": st.column_config.TextColumn(width="medium"),
}


def _say_how_many_gave_nothing(good: list[Preference | Rating]) -> None:
    what = "preference" if isinstance(good[0], Preference) else "label"
    nothing = sum(getattr(found, what) is None for found in good)
    if nothing == len(good):
        st.warning(f"None of them has a {what}. Is `{what.capitalize()}` the right column?", icon=":material/help:")
    elif nothing:
        st.caption(f"{nothing:,} of them have no {what}: they are counted, and in no rate.")


def _row(found: Preference | Rating) -> dict[str, Any]:
    """A judgement as it is read, without what the file does not say."""
    if isinstance(found, Preference):
        row = {
            "question": found.question,
            "preferred": preferred(found),
            "annotator": found.annotator,
            "kind": found.annotator_kind,
            "first variant": found.a,
            "second variant": found.b,
        }
        more = {"first output": found.output_a, "second output": found.output_b, "context": found.context}
    else:
        row = {
            "item": found.item_id,
            "variant": found.variant,
            "criterion": found.criterion,
            "label": found.label,
            "rater": found.rater,
            "kind": found.rater_kind,
        }
        more = {"explanation": found.explanation, "blind": found.blind}
    more |= {"part": found.part, "note": found.note}
    return row | {name: value for name, value in more.items() if value is not None}


def preferred(found: Preference) -> str:
    """Which variant was chosen, in words.

    >>> row = Preference.model_construct(a="old", b="new")
    >>> [preferred(row.model_copy(update={"preference": value})) for value in (1, 1.5, 1.75, 2, None)]
    ['old', 'tie', 'new (1.75)', 'new', 'nothing given']
    """
    if found.preference is None:
        return "nothing given"
    if found.preference == TIE:
        return "tie"
    name = found.a if found.preference < TIE else found.b
    return name if found.preference in (1, 2) else f"{name} ({found.preference:g})"
