"""One run, opened: how far it is, what it does, what it wrote last, its settings, log, files and family."""

from typing import Any

import streamlit as st
import tomli_w

from app.address import held
from app.charts.lineage import family_tree
from app.figures import picture
from app.navigation import link
from app.runs.pipeline import without_none
from app.runs.state import choose, go_to, state_of
from app.runs.training import training
from app.state import Lab
from app.tables import grid
from app.widgets import clock, duration, literal, live, plain, progress_line, sentence, state_badge, state_word
from core.method.reading.reasons import counted
from core.method.rereading import cannot_reread, readings_of, reread
from core.runs.folders import FROM_BEFORE, RunConfig, RunFolder, in_words
from core.runs.lineage import ancestors, descendants, edges, family, generations, reduced, sources_of, turned
from core.runs.lost import why_lost
from core.runs.pipeline import steps_of
from core.runs.plan import command_of
from core.runs.table import newest_explanations, newest_scores, pipelines_with
from core.runs.watch import describe_step
from core.statistics.words import plural
from core.store.queries import notes, provenance

WRITERS = ("sample", "judge", "responses")
"""Kinds whose newest rows can be looked at."""

LOG_LINES = 60
"""Lines of a run's log that are shown."""

NEWEST = 6
"""Rows that are shown of what a run wrote last."""

USERS = 20
"""Runs that use a run and are listed; the others are counted."""

DRAWN = 60
"""Runs that the lineage graph holds at most; those nearest by."""

TABS = ("Progress", "Newest rows", "Settings", "Log", "Files", "Lineage")


def detail(here: Lab, run: str) -> None:
    """Its name and state, then one tab; the tab stands in the URL."""
    folder = RunFolder(here.home.runs / run)
    with st.container(border=True, key="detail"):
        sentence(describe_step(folder), key="run")
        state = state_of(folder)
        with st.container(horizontal=True, vertical_alignment="center"):
            state_badge(state)
            plain(f"{run}  ·  asked for {clock(folder.config.created)}")
        if folder.config.from_before:
            st.caption(f"This run is {FROM_BEFORE}.")
        tabs = [tab for tab in TABS if tab != "Newest rows" or folder.config.kind in WRITERS]
        how = held("tab", tabs[0], tabs.__contains__, opens="default")
        tab = st.segmented_control("Show", tabs, required=True, label_visibility="collapsed", **how)
        live(lambda: _tab(here, folder, state, tab), alive=folder.alive)


def _tab(here: Lab, folder: RunFolder, state: str, tab: str) -> None:
    """Draw a tab; while the run is alive this is called again and again, and redraws the page in a new state."""
    if state_of(folder) != state:
        here.refresh()
        st.rerun()
    match tab:
        case "Newest rows":
            newest(here, folder)
        case "Settings":
            settings(here, folder)
        case "Log":
            log(folder)
        case "Files":
            files(folder)
        case "Lineage":
            lineage(here, folder)
        case _:
            progress(here, folder)


# --- progress


def progress(here: Lab, folder: RunFolder) -> None:
    """How far it is or how it ended, its notes, curves or steps."""
    progress_line(here.home, folder)
    result = folder.result
    for problem in folder.damage:
        plain(problem)
    if folder.state == "lost":
        plain(f"It did not end by itself: {why_lost(folder)}. Resume goes on from what is there.")
    if result and result["error"]:
        if result["state"] == "failed":
            st.error("It ended with an error")
        else:
            st.info("It was stopped; what it made is kept.", icon=":material/stop_circle:")
        plain(result["error"]["message"])
    for note in notes(here.store, folder.id):
        plain(note)
    if folder.config.kind in ("sft", "dpo"):
        training(here, folder.config)
    elif folder.config.kind == "pipeline":
        steps(here, folder)
    if result and result["state"] == "done":
        what_it_made(folder.config)
        how_it_was_read(here, folder)
    if result and result["summary"]:
        summary(result)


def what_it_made(config: RunConfig) -> None:
    """A way to the page that shows it."""
    match config.kind:
        case "pairs":
            where = {"tab": "Pairs", "pairs": config.id, "show": "The pairs"}
            link("anchors", "Read its pairs", icon=":material/anchor:", **where)
        case "sample" if config.settings["role"] == "explainer":
            link(
                "explanations",
                "Read its explanations",
                icon=":material/article:",
                dataset=config.parents["dataset"],
                variant=config.label,
            )
        case "import":
            link("datasets", "Look at its questions", icon=":material/dataset:", dataset=config.id)


def how_it_was_read(here: Lab, folder: RunFolder) -> None:
    """By which rule answers were read, why some were not, and a way to read them by the rule of today."""
    if folder.config.kind not in ("sample", "responses"):
        return
    said = (folder.result or {})["summary"]
    readings = ", ".join(f"rule {version}: {count:,}" for version, count in readings_of(folder).items())
    plain(f"Answers read by {readings}. Unparsed: {said['unparsed']:,}. {counted(said.get('unread', {}))}".strip())
    if cannot_reread(folder):
        return
    if st.button(
        "Read answers again",
        icon=":material/find_replace:",
        key=f"reread_{folder.id}",
        help="Makes a run of its own from these responses, read by the rule of today, without sampling. This run, and "
        "what was made from it, stays as it is.",
    ):
        with st.spinner("Reading the responses again …"):
            new = reread(here.home, folder.id)
        go_to(here, new.id)


def summary(result: dict[str, Any]) -> None:
    """Figures of the seal, as they are."""
    st.caption(f"What it says of itself, after {duration(result['seconds'])}")
    literal(tomli_w.dumps(without_none(result["summary"])))


def steps(here: Lab, pipeline: RunFolder) -> None:
    """The pipeline's runs in order; choosing one opens it."""
    planned = steps_of(pipeline.config)
    rows = []
    for step in planned:
        folder = RunFolder(here.home.runs / step.id)
        there = folder.path.exists()
        result = folder.result if there else None
        rows.append(
            {
                "step": describe_step(folder) if there else f"{step.what} {step.label}",
                "state": state_word(state_of(folder)) if there else "not yet",
                "took": duration(result["seconds"]) if result else "",
                "run": step.id,
            }
        )
    st.caption("Choose a step to open its run.")
    picked = grid(
        rows,
        height="content" if len(rows) <= 9 else 350,
        on_select="rerun",
        selection_mode="single-row",
        key=f"steps_{pipeline.id}",
    )
    chosen = picked["selection"]["rows"]
    if chosen and (here.home.runs / planned[chosen[0]].id).exists():
        go_to(here, planned[chosen[0]].id)


# --- what it wrote last


def newest(here: Lab, folder: RunFolder) -> None:
    """The rows that it wrote last, the very newest first."""
    judged = folder.config.kind == "judge"
    rows = (newest_scores if judged else newest_explanations)(here.store, folder.id, NEWEST).to_dict("records")
    if not rows:
        st.caption("Nothing has been written yet: rows appear here as they come.")
        return
    st.caption(f"The last {len(rows)} rows, the newest first; all of them are in Explanations once they are judged.")
    for row in rows:
        with st.container(border=True):
            (_verdict if judged else _explanation)(row)


def _explanation(row: dict[str, Any]) -> None:
    plain(f"{row['question']}")
    literal(row["response"])
    right = {True: "✓ right", False: "✗ wrong"}.get(row["right"], "no gold")
    said = f"{right}: {row['prediction'] or 'unparsed'}, gold {row['gold']}"
    plain(f"{said}  ·  sample {row['sample'] + 1}, {row['tokens']} tokens")


def _verdict(row: dict[str, Any]) -> None:
    literal(row["response"] or "(empty)")
    by = {"rule": ", by rule"}.get(row["origin"], "")
    score = "no score" if row["expected"] != row["expected"] else f"score {row['expected']:.2f}{by}"
    plain(f"{score}  ·  {row['item_id']}, sample {row['sample'] + 1}")
    plain(row["unjudged"] or row["verdicts"] or "")


# --- settings, log, files


def settings(here: Lab, folder: RunFolder) -> None:
    """The command, what the id is a hash of, and what was loaded."""
    config = folder.config
    st.caption("The command that asks for the same run")
    literal(command_of(config))
    st.caption("What it computes: this is what its id is a hash of")
    shown = config.settings["file"] if config.kind == "pipeline" else config.settings
    literal(tomli_w.dumps(without_none(shown)))
    loaded = provenance(here.store, folder.id)
    if loaded:
        st.caption("What it loaded")
        literal(tomli_w.dumps(without_none(loaded)))
    st.caption("Versions")
    literal("\n".join(f"{name} {version}" for name, version in config.versions.items()))


def log(folder: RunFolder) -> None:
    """The end of its log, and the traceback of an error that is no sentence."""
    path = folder.log
    lines = _tail(path) if path.exists() else []
    st.caption(f"Last {len(lines)} lines of log.txt")
    literal("\n".join(lines) or "(nothing printed)", height=320 if len(lines) > 12 else "content")
    result = folder.result
    if result and result["error"] and result["error"]["traceback"]:
        st.caption("Traceback")
        literal(result["error"]["traceback"])


def _tail(path: Any) -> list[str]:
    """The last lines, without reading a long log."""
    with path.open("rb") as file:
        file.seek(max(0, path.stat().st_size - 64_000))
        return file.read().decode(errors="replace").splitlines()[-LOG_LINES:]


def files(folder: RunFolder) -> None:
    """Every file with its size, and the seal's rows and hash."""
    result = folder.result
    sealed = result["files"] if result else {}
    rows = []
    for path in sorted(path for path in folder.path.rglob("*") if path.is_file()):
        name = str(path.relative_to(folder.path))
        seal = sealed.get(name.removesuffix(".jsonl"), {})
        rows.append(
            {"file": name, "bytes": path.stat().st_size, "rows": seal.get("rows"), "sha256": seal.get("sha256")}
        )
    columns = {name: st.column_config.NumberColumn(format="localized") for name in ("bytes", "rows")}
    grid(
        rows,
        key=f"files_{folder.id}",
        height="content" if len(rows) <= 12 else 430,
        column_config=columns,
        placeholder="",
    )
    st.caption("The folder")
    literal(str(folder.path))


# --- lineage


def lineage(here: Lab, folder: RunFolder) -> None:
    """The family as a graph; a click on a run opens it, and the nearest stand below as links."""
    made_from = edges(here.store)
    known = {run: (in_words(kind, mode), label, state or "not ended") for run, kind, mode, label, state in _named(here)}
    everyone = family(made_from, folder.id) & known.keys()
    drawn = _nearest(made_from, folder.id, everyone)
    up, down = ancestors(made_from, [folder.id]) & drawn, descendants(made_from, [folder.id]) & drawn
    more = f"; the {len(drawn)} nearest are drawn" if len(drawn) < len(everyone) else ""
    st.caption(f"Made from {plural(len(up), 'run')}, used by {len(down)}{more}. Click a run to open it.")
    lines = reduced({run: made_from[run] & drawn for run in drawn}, drawn)
    figure = family_tree(lines, generations(made_from, drawn), {run: known[run] for run in sorted(drawn)}, folder.id)
    clicked = picture(figure, f"family_{folder.id}", "Lineage", on_select="rerun", selection_mode="points")
    points = [point["customdata"] for point in clicked["selection"]["points"] if point.get("customdata")]
    if points and (run := points[0] if isinstance(points[0], str) else points[0][0]) != folder.id:
        choose([run])
        st.rerun()
    _links(here, folder, turned(made_from))


def _named(here: Lab) -> list[tuple[str, ...]]:
    return here.store.rows("SELECT id, kind, settings->>'mode', label, state FROM runs")


def _nearest(made_from: dict[str, frozenset[str]], run: str, everyone: set[str]) -> set[str]:
    """The run and, step by step, those around it, as long as there is room."""
    used_by, found, edge = turned(made_from), {run}, [run]
    while edge and len(found) < DRAWN:
        around = {near for one in edge for near in made_from.get(one, frozenset()) | used_by.get(one, frozenset())}
        edge = sorted(around & everyone - found)[: DRAWN - len(found)]
        found |= set(edge)
    return found


def _links(here: Lab, folder: RunFolder, used_by: dict[str, frozenset[str]]) -> None:
    sources, users = sources_of(folder.config), sorted(used_by.get(folder.id, ()))
    roles = {run: role.replace("_", " ") for role, run in folder.config.parents.items()}
    left, right = st.columns(2)
    with left:
        st.caption("Made directly from" if sources else "Made from nothing but a file")
        for run in dict.fromkeys(sources):
            _link(here, run, roles.get(run, "adapter"))
        for run in pipelines_with(here.store, folder.id):
            _link(here, run, "launched by")
    with right:
        st.caption(f"Used directly by {len(users)}" if users else "Used by no run yet")
        for run in users[:USERS]:
            _link(here, run, "")
        if len(users) > USERS:
            st.caption(f"and {len(users) - USERS} more")


def _link(here: Lab, run: str, role: str) -> None:
    """A run's id as a link to its lineage, and what it is; labels are untrusted and stand beside it."""
    config = RunFolder(here.home.runs / run).config
    said = f"{config.what} {config.label}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        link("runs", run, run=run, tab="Lineage")
        plain(f"{role}: {said}" if role and role != config.what else said)
