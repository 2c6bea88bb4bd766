"""Annotating without a page: what is drawn, what is kept, what is refused, and what comes of it."""

import csv
import json
from collections import Counter

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.analysis.agreement import agreement_between
from core.analysis.results import evaluations
from core.annotation.agreeing import (
    answer_agreement,
    disagreements,
    judge_agreement,
    pairs_of,
    people_agreement,
    spot_checks,
    votes,
)
from core.annotation.drawing import order_for, stratified, thirds
from core.annotation.exporting import counts, export_annotations
from core.annotation.guidelines import add_note, notes_of, take_back
from core.annotation.pool import explanations
from core.annotation.queues import Desk, find_queue, open_queue
from core.annotation.records import ANSWER, Draft, Explained, QueueSettings, allowed_labels, rater_name
from core.annotation.sources import sources
from core.annotation.writing import (
    draft_of,
    handed_in,
    in_place,
    keep_draft,
    note_in_place,
    rate,
    reveal,
    skip,
    spot_check,
    vote,
)
from core.errors import BadInput
from core.rubrics import load_rubric
from core.settings import CompareSettings
from core.store import journal
from core.store.database import Store, open_store, rebuild

SETTINGS = CompareSettings(resamples=200)
RUBRIC = load_rubric("five_criteria")


@pytest.fixture
def store(lab_home):
    with open_store(lab_home) as store:
        store.ingest()
        yield store


def settings_of(store: Store, kind: str, **changes) -> QueueSettings:
    source = sources(store, evaluations(store, SETTINGS))[0]
    samples = source.samples if kind != "pairwise" else {v: source.samples[v] for v in ("anchor", "base")}
    values = {"kind": kind, "dataset": source.dataset, "samples": samples, "judges": source.judges, "size": 12}
    return QueueSettings(**values | {"overlap": 4} | changes)


def whole(label: str = "satisfactory", **changes: str) -> Draft:
    labels = {criterion: label for criterion in allowed_labels(RUBRIC)} | {ANSWER: "right"}
    return Draft(labels=labels | changes, seconds=4.0)


# --- the draw


def pool(sizes: dict[str, int]) -> tuple[pd.DataFrame, list[str]]:
    names = [name for name, n in sizes.items() for _ in range(n)]
    return pd.DataFrame({"stratum": names}), [f"{name}{i}" for i, name in enumerate(names)]


@given(
    st.dictionaries(st.sampled_from("abcdefgh"), st.integers(1, 40), min_size=1),
    st.integers(0, 5),
    st.integers(1, 80),
)
def test_any_beginning_of_the_order_holds_each_stratum_in_proportion(sizes, seed, size):
    strata, ids = pool(sizes)
    drawn = stratified(strata, ids, seed)
    assert sorted(drawn) == list(range(len(ids)))
    size = min(size, len(ids))
    found = Counter(strata["stratum"].iloc[drawn[:size]])
    allowed = 1 + len(sizes) * 0.5  # the end of the beginning falls anywhere between the strata's places
    for name, n in sizes.items():
        assert abs(found[name] - size * n / len(ids)) <= allowed
        if size * n / len(ids) >= 1 + allowed:
            assert found[name] >= 1


def test_every_stratum_of_a_fair_share_is_covered_and_the_order_is_the_seeds():
    strata, ids = pool({"a": 60, "b": 30, "c": 10})
    first = stratified(strata, ids, 0)
    assert {"a", "b", "c"} == set(strata["stratum"].iloc[first[:12]])
    shuffled = np.random.default_rng(1).permutation(len(ids))
    again = stratified(strata.iloc[shuffled].reset_index(drop=True), [ids[i] for i in shuffled], 0)
    assert [ids[i] for i in first] == [ids[shuffled[i]] for i in again]
    assert list(first) != list(stratified(strata, ids, 1))


def test_thirds_keep_equal_values_together_and_mark_what_is_missing():
    values = pd.Series([1.0, 1.0, 2.0, 3.0, 3.0, None])
    assert list(thirds(values)) == ["low", "low", "middle", "high", "high", "none"]


def test_a_queue_covers_variants_and_score_bins_and_leaves_out_empty_explanations(store):
    settings = settings_of(store, "rate", size=24)
    rows = explanations(store, settings)
    queue = open_queue(store, settings)
    assert len(queue.tasks) == 24 == len({task.key for task in queue.tasks})
    assert {task.shown[0].variant for task in queue.tasks} == set(settings.samples)
    place = rows.set_index(["samples", "item_id", "sample"])["score_bin"]
    drawn = {place[(one.samples, one.item_id, one.sample)] for task in queue.tasks for one in task.shown}
    assert drawn == set(rows["score_bin"])


def test_a_queue_is_drawn_once_and_kept(store, lab_home):
    settings = settings_of(store, "rate")
    queue = open_queue(store, settings)
    assert open_queue(store, settings) == queue == find_queue(store, queue.id)
    assert [e["action"] for e in journal.entries(lab_home)] == ["queue"]
    assert open_queue(store, settings_of(store, "rate", seed=1)).tasks != queue.tasks


def test_pairs_are_of_one_question_with_either_side_left(store):
    queue = open_queue(store, settings_of(store, "pairwise", size=50))
    assert all(left.item_id == right.item_id for left, right in (task.shown for task in queue.tasks))
    assert {task.shown[0].variant for task in queue.tasks} == {"anchor", "base"}


# --- order, overlap, resuming


def test_the_shared_part_comes_first_for_all_and_the_rest_is_done_once(store):
    queue = open_queue(store, settings_of(store, "rate"))
    shared = [task.key for task in queue.tasks[:4]]
    done: dict[str, list[str]] = {"kim": [], "lee": []}
    while any((desk := Desk.of(store, queue, rater)).next_open for rater in done):
        for rater, mine in done.items():
            if task := Desk.of(store, queue, rater).next_open:
                rate(store, rater, queue, task, whole())
                mine.append(task.key)
    assert done["kim"][:4] == done["lee"][:4] == shared
    rest = done["kim"][4:] + done["lee"][4:]
    assert len(rest) == len(set(rest)) == 8
    assert desk.progress.done == desk.progress.total == len(done["lee"])


def test_two_annotators_meet_the_rest_in_orders_of_their_own():
    keys = [f"k{i}" for i in range(30)]
    kim, lee = (order_for(keys, 10, 0, rater) for rater in ("kim", "lee"))
    assert kim[:10] == lee[:10] == keys[:10]
    assert set(kim) == set(lee) == set(keys) and kim[10:] != lee[10:]
    assert kim == order_for(keys, 10, 0, "kim")


def test_skipped_tasks_come_again_at_the_end_and_work_resumes_at_the_first_open_one(store):
    queue = open_queue(store, settings_of(store, "rate", size=4))
    first, second, *_ = queue.tasks
    skip(store, "kim", queue, first)
    assert Desk.of(store, queue, "kim").next_open == second
    rate(store, "kim", queue, second, whole())
    desk = Desk.of(store, queue, "kim")
    assert desk.open == [queue.tasks[2].key, queue.tasks[3].key, first.key]
    assert (desk.progress.done, desk.progress.skipped, desk.progress.seconds_left) == (1, 1, 12.0)
    assert desk.before(second.key) == first.key and desk.before(first.key) is None


def test_a_task_rated_in_one_queue_is_done_in_another(store):
    one = open_queue(store, settings_of(store, "rate", size=50, overlap=50))
    other = open_queue(store, settings_of(store, "rate", size=50, overlap=50, seed=3))
    task = one.tasks[0]
    rate(store, "kim", one, task, whole())
    reveal(store, "kim", one, task)
    assert task.key in Desk.of(store, other, "kim").done


# --- what is kept and what is refused


def test_drafts_are_kept_until_handed_in(store):
    queue = open_queue(store, settings_of(store, "rate"))
    task = queue.tasks[0]
    keep_draft(store, "kim", queue, task, Draft(labels={"clarity": "excellent"}, note="hm"))
    keep_draft(store, "kim", queue, task, Draft(labels={"clarity": "excellent"}, note="hm", seconds=9))
    assert draft_of(store, "kim", task).labels == {"clarity": "excellent"}
    assert sum(e["action"] == "draft" for e in journal.entries(store.home)) == 1
    assert draft_of(store, "lee", task) is None
    rate(store, "kim", queue, task, whole())
    assert draft_of(store, "kim", task) is None
    assert handed_in(store, "kim", task).labels == whole().labels


def test_a_rating_can_be_changed_until_it_is_revealed_and_never_after(store):
    queue = open_queue(store, settings_of(store, "rate"))
    task = queue.tasks[0]
    with pytest.raises(BadInput, match="not handed in"):
        reveal(store, "kim", queue, task)
    rate(store, "kim", queue, task, whole())
    rate(store, "kim", queue, task, whole(clarity="excellent"))
    reveal(store, "kim", queue, task)
    before = store.home.journal.read_bytes()
    with pytest.raises(BadInput, match="revealed to you and stands"):
        rate(store, "kim", queue, task, whole("unsatisfactory"))
    keep_draft(store, "kim", queue, task, Draft(labels={"clarity": "unsatisfactory"}))
    assert store.home.journal.read_bytes() == before
    labels = dict(store.rows("SELECT criterion, label FROM annotations"))
    assert labels == whole(clarity="excellent").labels
    assert store.rows("SELECT count(*) FROM annotation_history")[0][0] == 12
    rate(store, "lee", queue, task, whole("unsatisfactory"))  # the lock is one person's


def test_a_reveal_in_another_window_locks_at_once(store):
    """The lock is looked up in the journal, not in rows that may be old."""
    queue = open_queue(store, settings_of(store, "rate"))
    task = queue.tasks[0]
    rate(store, "kim", queue, task, whole())
    journal.write(store.home, "reveal", {"rater": "kim", "queue": queue.id, "task": task.key})
    with pytest.raises(BadInput, match="stands"):
        rate(store, "kim", queue, task, whole("excellent"))


@pytest.mark.parametrize(
    ("draft", "why"),
    [
        (Draft(labels={"clarity": "excellent"}), "still open: coherence, relevance, depth, accuracy, the answer"),
        (whole(clarity="superb"), "'superb' is no label of 'clarity'"),
        (whole(beauty="excellent"), "no label of 'beauty'"),
        (Draft(labels=whole().labels, note="x" * 5000), "5,000 characters"),
    ],
)
def test_a_rating_that_is_not_whole_or_not_possible_is_refused(store, draft, why):
    queue = open_queue(store, settings_of(store, "rate"))
    with pytest.raises(BadInput, match=why):
        rate(store, "kim", queue, queue.tasks[0], draft)
    assert store.rows("SELECT count(*) FROM annotations")[0][0] == 0


def test_names_are_cleaned_and_bounded():
    assert rater_name(" kim\u202e \n lee ") == "kim lee"
    for bad in ("", "  \u200b ", "x" * 61):
        with pytest.raises(BadInput):
            rater_name(bad)


def test_everything_people_did_is_there_after_a_rebuild(lab_home):
    with open_store(lab_home) as store:
        store.ingest()
        queue = open_queue(store, settings_of(store, "rate"))
        rate(store, "kim", queue, queue.tasks[0], whole())
        keep_draft(store, "kim", queue, queue.tasks[1], Draft(labels={"clarity": "excellent"}))
        before = store.frame("SELECT * FROM annotations ORDER BY seq, criterion")
    with rebuild(lab_home) as fresh:
        pd.testing.assert_frame_equal(fresh.frame("SELECT * FROM annotations ORDER BY seq, criterion"), before)
        assert find_queue(fresh, queue.id) == queue
        assert draft_of(fresh, "kim", queue.tasks[1]).labels == {"clarity": "excellent"}


def test_the_view_has_the_columns_of_ratings(store):
    queue = open_queue(store, settings_of(store, "rate"))
    rate(store, "kim", queue, queue.tasks[0], whole())
    both = store.frame("SELECT * FROM ratings UNION ALL SELECT * FROM annotations")
    assert list(both["mode"].unique()) == ["rate"] and both["blind"].all() and both["run"].isna().all()
    assert list(both["rater_kind"].unique()) == ["person"]


def test_in_place_and_spot_checks_stand_apart_from_blind_ratings(store):
    queue = open_queue(store, settings_of(store, "rate"))
    one = queue.tasks[0].shown[0]
    rate(store, "kim", queue, queue.tasks[0], whole())
    note_in_place(store, "kim", one, RUBRIC, {"clarity": "unsatisfactory"}, "too short")
    assert in_place(store, "kim", one) == ({"clarity": "unsatisfactory"}, "too short")
    with pytest.raises(BadInput, match="Nothing is entered"):
        note_in_place(store, "kim", one, RUBRIC, {}, " ")
    rows = pairs_of(store, queue.settings.judges)
    assert list(rows["person"]) == ["satisfactory"] * 5
    found = store.rows("SELECT mode, blind, label FROM annotations WHERE criterion = 'clarity' ORDER BY seq")
    assert found == [("rate", True, "satisfactory"), ("in place", False, "unsatisfactory")]


# --- what comes of it


def test_what_was_shown_before_is_not_rated_blind(store):
    """Given in the order of the journal: a check of the judge's verdict, then a rating of the same explanation."""
    checks = open_queue(store, settings_of(store, "spot-check"))
    task = checks.tasks[0]
    spot_check(store, "kim", checks, task, Draft(labels={task.criterion: "satisfactory"}), "judge-run", "excellent")
    queue = open_queue(store, settings_of(store, "rate", size=5000))
    same = next(one for one in queue.tasks if one.shown == task.shown)
    other = next(one for one in queue.tasks if one.shown != task.shown)
    for rater, rated in (("kim", same), ("kim", other), ("lee", same)):
        rate(store, rater, queue, rated, whole())
    blind = "SELECT DISTINCT rater, task, blind FROM annotation_history WHERE mode = 'rate'"
    assert set(store.rows(blind)) == {("kim", same.key, False), ("kim", other.key, True), ("lee", same.key, True)}
    reveal(store, "lee", queue, same)  # the rating before it stays blind
    assert ("lee", same.key, True) in store.rows(blind)


def test_a_choice_between_what_was_revealed_is_not_blind(store):
    pairs = open_queue(store, settings_of(store, "pairwise", size=5000))
    queue = open_queue(store, settings_of(store, "rate", size=5000))
    pair = next(one for one in pairs.tasks if any(one.shown[0] == rated.shown[0] for rated in queue.tasks))
    rated = next(one for one in queue.tasks if one.shown[0] == pair.shown[0])
    rate(store, "kim", queue, rated, whole())
    reveal(store, "kim", queue, rated)
    for rater in ("kim", "lee"):
        vote(store, rater, pairs, pair, Draft(labels={"vote": "left"}))
    assert set(store.rows("SELECT rater, blind FROM pair_votes")) == {("kim", False), ("lee", True)}


def test_agreement_is_that_of_the_labels_and_counts_each_question_once(store):
    queue = open_queue(store, settings_of(store, "rate", size=16, overlap=16))
    labels = RUBRIC.labels
    for rater, shift in (("kim", 0), ("lee", 1)):
        for place, task in enumerate(queue.tasks):
            rate(store, rater, queue, task, whole(clarity=labels[(place + shift) % 4]))
    rows = pairs_of(store, queue.settings.judges)
    found = {one.criterion: one for one in judge_agreement(rows, RUBRIC, SETTINGS)}
    mine = rows[rows["criterion"] == "clarity"]
    expected = agreement_between(
        list(mine["judge"]), list(mine["person"]), order=labels, clusters=list(mine["item_id"]), settings=SETTINGS
    )
    assert found["clarity"].pair.n == 32
    assert found["clarity"].kappa == expected.kappa_quadratic
    assert found["clarity"].pair.percent.n == mine["item_id"].nunique()
    among = {
        one.criterion: one for one in people_agreement(store, list(queue.settings.samples.values()), RUBRIC, SETTINGS)
    }
    assert among["clarity"].shared == 16 and among["clarity"].alpha.value < 0.5
    assert among["clarity"].pairs[0].percent.value == 0


def test_disagreements_have_the_worst_first(store):
    queue = open_queue(store, settings_of(store, "rate"))
    for task in queue.tasks:
        rate(store, "kim", queue, task, whole("unsatisfactory"))
    rows = pairs_of(store, queue.settings.judges)
    found = disagreements(rows, RUBRIC)
    places = {label: place for place, label in enumerate(RUBRIC.labels)}
    worst = rows.assign(steps=rows["judge"].map(places)).groupby(["item_id", "sample", "variant"])["steps"].max()
    assert list(found["worst"]) == sorted(worst[worst > 0], reverse=True)
    assert found["where"].iloc[0].startswith(tuple(c.key for c in RUBRIC.criteria))


def test_the_answer_is_held_against_gold_only_where_gold_was_hidden(store):
    hidden, shown = (open_queue(store, settings_of(store, "rate", gold=gold)) for gold in (False, True))
    runs = list(hidden.settings.samples.values())
    rate(store, "kim", shown, shown.tasks[0], whole())
    assert answer_agreement(store, runs, SETTINGS) is None
    rate(store, "kim", hidden, hidden.tasks[1], whole())
    assert answer_agreement(store, runs, SETTINGS).n == 1


def test_both_bad_is_not_both_good_and_neither_is_a_win(store):
    queue = open_queue(store, settings_of(store, "pairwise", size=4))
    said = ["both bad", "both good", "left", "right"]
    for task, choice in zip(queue.tasks, said, strict=True):
        vote(store, "kim", queue, task, Draft(labels={"vote": choice}))
    left, right = (queue.tasks[place].shown[side].variant for place, side in ((2, 0), (3, 1)))
    (found,) = votes(store, queue.settings.judges, list(queue.settings.samples.values()), SETTINGS)
    assert (found.a, found.b, found.both_bad, found.both_good, found.n) == ("anchor", "base", 1, 1, 4)
    assert (found.wins_a, found.wins_b) == ([left, right].count("anchor"), [left, right].count("base"))
    assert found.net.value == pytest.approx(25 * (found.wins_a - found.wins_b))
    with pytest.raises(BadInput, match="No side"):
        vote(store, "kim", queue, queue.tasks[0], Draft())
    reveal(store, "kim", queue, queue.tasks[0])
    with pytest.raises(BadInput, match="stands"):
        vote(store, "kim", queue, queue.tasks[0], Draft(labels={"vote": "left"}))


def test_spot_checks_count_what_was_let_stand_and_which_way_it_was_overruled(store):
    queue = open_queue(store, settings_of(store, "spot-check", size=2))
    for task, label in zip(queue.tasks, ("needs improvement", "excellent"), strict=True):
        judge = queue.settings.judges[task.shown[0].variant]
        draft = Draft(labels={task.criterion: label})
        spot_check(store, "kim", queue, task, draft, judge, "needs improvement")
    found = spot_checks(store, queue.settings.judges, RUBRIC, SETTINGS)
    assert sum(one.n for one in found) == 2
    assert (sum(one.too_low for one in found), sum(one.too_high for one in found)) == (1, 0)
    assert store.rows("SELECT bool_or(blind) FROM annotations") == [(False,)]
    with pytest.raises(BadInput, match="is missing"):
        spot_check(store, "kim", queue, queue.tasks[0], Draft(), "", "")


def test_exports_say_who_when_and_whether_blind_and_hold_no_formula(store, tmp_path):
    queue = open_queue(store, settings_of(store, "rate"))
    draft = whole()
    rate(store, "=kim", queue, queue.tasks[0], Draft(labels=draft.labels, note="=HYPERLINK(1)"))
    rate(store, "=kim", queue, queue.tasks[0], Draft(labels=draft.labels, note="@x"))
    assert export_annotations(store, tmp_path / "a.csv") == 6
    assert export_annotations(store, tmp_path / "h.csv", "history") == 12
    rows = list(csv.DictReader((tmp_path / "a.csv").open()))
    assert {(r["annotator"], r["note"], r["blind"], r["manual"]) for r in rows} == {("'=kim", "'@x", "true", "true")}
    assert all(r["time"].endswith("Z") and r["question"] for r in rows)
    assert counts(store)[["annotator", "mode", "explanations", "labels"]].to_numpy().tolist() == [
        ["=kim", "rate", 1, 6]
    ]


def test_the_command_line_lists_and_exports(store, lab_home, tmp_path, capsys):
    from core.cli import cli
    from core.lab import Lab

    queue = open_queue(store, settings_of(store, "pairwise", size=1))
    vote(store, "kim", queue, queue.tasks[0], Draft(labels={"vote": "both bad"}))
    cli(["annotations", "list", "--json"], standalone_mode=False)
    (row,) = json.loads(capsys.readouterr().out)
    assert (row["annotator"], row["mode"], row["labels"]) == ("kim", "pairwise", 1)
    cli(["annotations", "export", str(tmp_path / "v.jsonl"), "--what", "votes"], standalone_mode=False)
    assert json.loads((tmp_path / "v.jsonl").read_text())["vote"] == "both bad"
    with pytest.raises(BadInput, match="Name the file"):
        cli(["annotations", "export"], standalone_mode=False)
    assert list(Lab(lab_home.path).annotations("votes")["vote"]) == ["both bad"]


def test_agreement_reaches_the_command_line_and_the_export(store, lab_home, tmp_path, capsys):
    from core.cli import cli
    from core.lab import Lab

    queue = open_queue(store, settings_of(store, "rate", size=16, overlap=16))
    for rater, label in (("kim", "excellent"), ("lee", "satisfactory")):
        for place, task in enumerate(queue.tasks):
            rate(store, rater, queue, task, whole(label if place % 2 else "unsatisfactory"))
    cli(["annotations", "agreement", "--json"], standalone_mode=False)
    rows = {row["criterion"]: row for row in json.loads(capsys.readouterr().out)}
    assert list(rows) == [criterion.key for criterion in RUBRIC.criteria]
    pairs = pairs_of(store, queue.settings.judges)
    for criterion, row in rows.items():
        mine = pairs[(pairs["criterion"] == criterion) & pairs["judge"].notna()]
        assert row["ratings"] == len(mine) and row["shared"] == 16
        assert row["percent"] == pytest.approx((mine["person"] == mine["judge"]).mean())
        assert row["alpha"] < 1 and row["alpha_low"] is None, "of fewer questions than an interval takes"
    cli(["annotations", "agreement"], standalone_mode=False)
    assert "κ quadratic" in capsys.readouterr().out
    cli(["export", "table", "annotated_agreement", str(tmp_path / "a.csv")], standalone_mode=False)
    written = pd.read_csv(tmp_path / "a.csv")
    assert written["ratings"].tolist() == Lab(lab_home.path).annotated_agreement()["ratings"].tolist()


def test_an_unjudged_set_can_be_rated_and_named_as_such(store):
    source = sources(store, evaluations(store, SETTINGS))[0]
    queue = open_queue(store, QueueSettings(kind="rate", dataset=source.dataset, samples=source.samples, size=3))
    rate(store, "kim", queue, queue.tasks[0], whole())
    with pytest.raises(BadInput, match="nothing to spot-check"):
        open_queue(store, QueueSettings(kind="spot-check", dataset=source.dataset, samples=source.samples))
    one = queue.tasks[0].shown[0]
    assert isinstance(one, Explained) and one.variant in source.samples


def test_notes_on_a_rubric_are_kept_shown_and_taken_back_by_their_writer_alone(store, lab_home, tmp_path):
    add_note(store, "kim", RUBRIC, "clarity", "  <b>Terms</b> of the question\nneed no word. ")
    add_note(store, "lee", RUBRIC, None, "Read the options first.")
    first, second = notes_of(store, RUBRIC.name)
    assert (first.rater, first.criterion, first.note) == (
        "kim",
        "clarity",
        "<b>Terms</b> of the question\nneed no word.",
    )
    assert (second.criterion, second.rubric_hash) == (None, RUBRIC.hash) and notes_of(store, "another") == []
    for criterion, text, says in ((None, " ", "empty"), ("depth", "x" * 4001, "4,001"), ("style", "x", "no criterion")):
        with pytest.raises(BadInput, match=says):
            add_note(store, "kim", RUBRIC, criterion, text)
    with pytest.raises(BadInput, match="by kim"):
        take_back(store, "lee", first)
    take_back(store, "kim", first)
    assert [note.rater for note in notes_of(store, RUBRIC.name)] == ["lee"]
    assert export_annotations(store, tmp_path / "n.csv", "notes") == 1
    (row,) = csv.DictReader((tmp_path / "n.csv").open())
    assert (row["annotator"], row["rubric"], row["note"]) == ("lee", "five_criteria", "Read the options first.")
    store.close()
    with rebuild(lab_home) as again:
        assert [note.note for note in notes_of(again, RUBRIC.name)] == ["Read the options first."]
