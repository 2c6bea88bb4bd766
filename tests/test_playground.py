"""The playground without its page: queue and protocol, a real worker killed and started again, votes and exports."""

import csv
import fcntl
import io
import json
import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from pydantic import ValidationError

from core.data.datasets import load_items
from core.errors import BadInput
from core.home import PROJECT
from core.playground import rounds, serving
from core.playground.answering import Engines, answer, share_weights
from core.playground.exporting import export, fenced, listed
from core.playground.records import typed_item
from core.playground.sessions import begin, choose, contenders, judges, reveal, round_at, vote, vote_of
from core.playground.tally import tally, voted_criteria
from core.records import Explanation
from core.runs.folders import RunFolder
from core.runs.worker import free_slot
from core.settings import SampleSettings
from core.store import journal
from core.store.database import open_store
from tests.lab import wait_until
from tests.playing import played, scripted_engines, wish


@pytest.fixture
def store(lab_home):
    with open_store(lab_home) as store:
        store.ingest()
        yield store


@pytest.fixture
def worker(lab_home, monkeypatch):
    """Whatever worker a test starts is ended with it."""
    monkeypatch.setenv("ANCHORLAB_PLAYGROUND_IDLE", "60")
    yield
    if rounds.alive(lab_home):
        os.kill(int(rounds.lock_path(lab_home).read_text()), signal.SIGKILL)


def status(store, asked):
    return rounds.look(store.home, asked.round).status


def ended(store, asked):
    wait_until(lambda: not rounds.look(store.home, asked.round).waiting)
    store.take_in_journal()
    return rounds.look(store.home, asked.round)


# --- the protocol, with a script for a model


def test_a_round_streams_answers_forces_and_judges(store):
    asked = wish(store, begin(store))
    rounds.ask(store.home, asked)
    serving.play(store.home, scripted_engines(store.home, "It is hard and"), asked.round)
    lines = rounds.events(store.home, asked.round)
    texts = [line["place"] for line in lines if line["type"] == "text"]
    assert texts == [0, 1] * 4, "a word of each in turn"
    found = rounds.look(store.home, asked.round)
    assert found.status == "done"
    assert found.texts == {0: "It is hard and", 1: "It is hard and"}
    for one in found.answers.values():
        assert (one.row.parsed, one.row.forced) == (None, "metal"), "no answer: the likeliest option"
        assert sum(one.probabilities) == pytest.approx(1, abs=1e-5)
        assert len(one.judgement.verdicts) == 5


def test_rounds_are_answered_in_the_order_they_were_asked_and_each_sees_its_place(store, monkeypatch):
    session = begin(store)
    asked = [wish(store, session, f"Question {i}?") for i in range(3)]
    for one in asked:
        rounds.ask(store.home, one)
    with rounds.lock_path(store.home).open("wb") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert [rounds.look(store.home, one.round).before for one in asked] == [0, 1, 2]
        assert {status(store, one) for one in asked} == {"queued"}
        rounds.cancel(store.home, asked[1].round)
        assert rounds.look(store.home, asked[2].round).before == 1, "who was called off is not waited for"
        serving.serve(store.home, scripted_engines(store.home), idle_seconds=0.1)
    order = [
        line["wish"]["item"]["question"] for line in journal.entries(store.home) if line["action"] == "play_answer"
    ]
    assert order == ["Question 0?", "Question 2?"]
    assert [status(store, one) for one in asked] == ["done", "cancelled", "done"]


def test_cancelling_ends_a_round_at_its_next_token_and_keeps_nothing(store):
    asked = wish(store, begin(store))
    rounds.ask(store.home, asked)
    engines = scripted_engines(store.home, "word " * 1000)
    playing = answer(store.home, engines, asked)
    said = []
    for event in serving.drain(playing, lambda: not rounds.cancelled(store.home, asked.round)):
        said.append(event)
        if len(said) == 10:
            rounds.cancel(store.home, asked.round)
    assert len(said) == 10
    serving.play(store.home, engines, asked.round)
    assert status(store, asked) == "cancelled"
    assert round_at(store, asked.round).answers == {}
    with pytest.raises(BadInput, match="not finished"):
        vote(store, asked.round, {"overall": "A"})


def test_a_failing_round_is_a_sentence_and_the_worker_goes_on(store):
    def broken(home, use):
        raise RuntimeError("no such weights")

    session = begin(store)
    first, second = wish(store, session), wish(store, session)
    rounds.ask(store.home, first)
    serving.play(store.home, Engines(store.home, broken), first.round)
    found = rounds.look(store.home, first.round)
    assert (found.status, found.message) == ("failed", "RuntimeError: no such weights")
    rounds.ask(store.home, second)
    serving.serve(store.home, scripted_engines(store.home), idle_seconds=0.1)
    assert status(store, second) == "done"


def test_a_question_without_options_has_no_prediction_and_is_judged(store):
    item = typed_item("Why is the sky blue?", [], None, "typed")
    asked = played(store, "Light scatters.", item=item)
    first = round_at(store, asked.round).answers[0]
    assert (first.row.parsed, first.row.forced, first.probabilities) == (None, None, None)
    assert first.judgement.expected is not None


def test_a_wish_has_two_to_four_variants_and_a_name_cannot_leave_the_folder(store):
    one = contenders(store)[:1]
    for number in (1, 5):
        with pytest.raises(ValidationError):
            wish(store, "s", contenders=one * number)
    with pytest.raises(BadInput):
        rounds.look(store.home, "../../etc/passwd")
    assert round_at(store, "../../etc/passwd") is None


def test_models_stay_loaded_and_make_room(store, monkeypatch):
    loaded = []
    monkeypatch.setattr("core.playground.answering.KEPT", 2)
    engines = Engines(store.home, lambda home, use: loaded.append(use.chain) or object())
    uses = [RunFolder(store.home.runs / one.run).config.model for one in contenders(store)[:3]]
    for use in (uses[0], uses[1], uses[0], uses[2], uses[0], uses[1]):
        engines.of(use)
    assert loaded == [uses[0].chain, uses[1].chain, uses[2].chain, uses[1].chain]


# --- real models, real processes


def test_a_question_of_a_run_gets_the_words_that_the_run_has(store):
    """Prompt, template, seed and weights are the sample run's own, for a base and for adapters on it."""
    engines = Engines(store.home)
    for contender in contenders(store):
        folder = RunFolder(store.home.runs / contender.run)
        settings = SampleSettings.model_validate(folder.config.settings)
        dataset = RunFolder(store.home.runs / folder.config.parents["dataset"])
        items = {item.id: item for item in load_items(dataset)}
        for row in [row for row in folder.read("explanations", Explanation) if row.sample == 0][:3]:
            changes = {name: getattr(settings, name) for name in ("temperature", "max_new_tokens", "seed")}
            asked = wish(
                store,
                "s",
                item=items[row.item_id],
                contenders=[contender, contender],
                examples=dataset.config.settings["examples"],
                **changes,
            )
            *_, answers = serving.drain(answer(store.home, engines, asked), lambda: True)
            close = {"forced_probabilities": pytest.approx(row.forced_probabilities, abs=1e-4)}
            for one in answers:
                assert one.row.model_dump() == row.model_dump() | (close if row.forced_probabilities else {})
    base, tuned = list(engines._kept.values())[:2]
    assert 0 < share_weights(base, tuned) < len(list(base.weights.named_parameters()))
    assert tuned.vocabulary is base.vocabulary, "what hangs on the base alone is found out once"


def test_a_question_that_no_variant_can_read_is_a_sentence(store):
    asked = wish(store, begin(store), "word " * 10_000)
    rounds.ask(store.home, asked)
    serving.play(store.home, Engines(store.home), asked.round)
    found = rounds.look(store.home, asked.round)
    assert found.status == "failed"
    assert re.search(r"have [\d,]+ tokens, and a variant reads 2,048 at most: shorten the question", found.message)


def test_a_verdict_is_that_of_the_judge_run(store):
    judge = RunFolder(store.home.runs / judges(store)[0].run)
    samples = RunFolder(store.home.runs / judge.config.parents["samples"])
    stored = next(iter(judge.lines("judgements")))
    row = next(row for row in samples.read("explanations", Explanation) if row.sample == 0)
    assert json.loads(stored)["item_id"] == row.item_id
    contender = next(one for one in contenders(store) if one.run == samples.id)
    dataset = RunFolder(store.home.runs / samples.config.parents["dataset"])
    item = next(item for item in load_items(dataset) if item.id == row.item_id)
    asked = wish(store, "s", item=item, contenders=[contender] * 2, examples=dataset.config.settings["examples"])
    *_, answers = serving.drain(answer(store.home, Engines(store.home), asked), lambda: True)
    assert answers[0].row.response == row.response
    assert answers[0].judgement.expected == pytest.approx(json.loads(stored)["expected"], abs=1e-3)


def test_two_clients_at_once_and_a_worker_killed_in_the_middle(store, worker):
    session = begin(store)
    long = {"max_new_tokens": 2000, "temperature": 5.0}
    first, second = wish(store, session, **long), wish(store, session)
    for asked in (first, second):
        rounds.ask(store.home, asked)
        serving.start(store.home)
    assert not serving.start(store.home), "two clicks start one worker"
    wait_until(lambda: rounds.look(store.home, first.round).texts)
    assert (status(store, first), status(store, second)) == ("running", "queued")
    assert rounds.look(store.home, second.round).before == 1

    os.kill(int(rounds.lock_path(store.home).read_text()), signal.SIGKILL)
    wait_until(lambda: not rounds.alive(store.home))
    assert {status(store, asked) for asked in (first, second)} == {"cut off"}

    assert serving.start(store.home)
    wait_until(lambda: rounds.look(store.home, first.round).begun == 2)
    rounds.cancel(store.home, first.round)
    assert ended(store, first).status == "cancelled"
    assert ended(store, second).status == "done"
    assert len(ended(store, second).answers) == 2
    pid = int(rounds.lock_path(store.home).read_text())
    third = wish(store, session)
    rounds.ask(store.home, third)
    assert not serving.start(store.home)
    assert ended(store, third).status == "done"
    assert int(rounds.lock_path(store.home).read_text()) == pid, "the worker stays warm"


def test_a_worker_ends_itself_when_idle_and_a_round_that_kills_workers_is_given_up(store, monkeypatch):
    asked = wish(store, begin(store))
    rounds.ask(store.home, asked)
    for _ in range(rounds.TRIES):
        rounds.say(store.home, asked.round, "begun", shared=False)
    monkeypatch.setenv("ANCHORLAB_PLAYGROUND_IDLE", "0.2")
    serving.start(store.home)
    wait_until(lambda: status(store, asked) == "failed")
    assert "ended 3 times" in rounds.look(store.home, asked.round).message
    wait_until(lambda: not rounds.alive(store.home))


def test_the_slot_is_taken_for_a_round_alone_and_a_busy_machine_is_said(store):
    with serving.turn(store.home) as alone:
        assert alone
        assert free_slot(store.home) is None, "a run that comes now waits for the round"
    held = free_slot(store.home)
    assert held is not None, "and not for the idle worker"
    asked = played(store)
    assert rounds.look(store.home, asked.round).shared
    os.close(held)
    assert not rounds.look(store.home, played(store).round).shared


def test_nothing_but_a_loaded_model_brings_torch():
    names = sorted(path.stem for path in (PROJECT / "core" / "playground").glob("*.py"))
    code = f"import sys, {', '.join(f'core.playground.{name}' for name in names)}; print(' '.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=PROJECT, check=True)
    assert not set(done.stdout.split()) & {"torch", "streamlit", "transformers"}


# --- sessions, votes, exports


def test_viewers_who_vote_on_different_criteria_lose_nothing_of_each_other(store):
    asked = played(store)
    with ThreadPoolExecutor(2) as viewers:
        list(viewers.map(lambda said: choose(store, asked.round, *said), [("overall", "A"), ("clarity", "B")] * 4))
    assert vote_of(store, asked.round) == {"overall": "A", "clarity": "B"}
    choose(store, asked.round, "clarity", None)
    assert vote_of(store, asked.round) == {"overall": "A"}
    reveal(store, asked.round)
    with pytest.raises(BadInput, match="votes are locked"):
        choose(store, asked.round, "clarity", "B")


def test_votes_count_until_the_reveal_and_are_refused_after_it(store):
    asked = played(store)
    vote(store, asked.round, {"overall": "A"})
    vote(store, asked.round, {"overall": "B", "clarity": "tie"})
    assert vote_of(store, asked.round) == {"overall": "B", "clarity": "tie"}
    assert tally(store) == [], "hidden rounds do not count"
    reveal(store, asked.round)
    with pytest.raises(BadInput, match="votes are locked"):
        vote(store, asked.round, {"overall": "A"})
    # Even a line that went past the check has no effect.
    journal.write(store.home, "play_vote", {"round": asked.round, "choices": {"overall": "A"}})
    store.take_in_journal()
    assert vote_of(store, asked.round) == {"overall": "B", "clarity": "tie"}


def test_a_vote_is_for_a_column_that_is_there_in_a_blind_round(store):
    asked, shown = played(store), played(store, blind=False)
    for choice in ("C", "both", ""):
        with pytest.raises(BadInput, match="is one of A, B, tie, bad"):
            vote(store, asked.round, {"overall": choice})
    with pytest.raises(BadInput, match="only blind rounds"):
        vote(store, shown.round, {"overall": "A"})


def test_the_tally_keeps_both_bad_apart_from_ties(store):
    session = begin(store)
    for choice in ("A", "A", "tie", "bad", "bad", "B"):
        asked = played(store, session=session)
        vote(store, asked.round, {"overall": choice, "depth": "A"})
        reveal(store, asked.round)
    first, second = tally(store, session)
    assert (first.label, first.best, first.tie, first.bad, first.other, first.n) == ("base", 2, 1, 2, 1, 6)
    assert (second.best, second.other) == (1, 2)
    assert first.share.value == pytest.approx(2 / 6)
    assert first.share.low < 2 / 6 < first.share.high
    assert voted_criteria(store, session) == ["overall", "depth"]
    assert [row.best for row in tally(store, session, "depth")] == [6, 0]
    assert store.rows("SELECT count(*) FROM ratings")[0][0] == 0
    assert tally(store, "other") == []


def test_one_vote_has_no_interval(store):
    asked = played(store)
    vote(store, asked.round, {"overall": "A"})
    reveal(store, asked.round)
    assert {row.share.note for row in tally(store)} == {"undefined, because a share needs 2 votes"}


def test_a_session_is_exported_whole_but_for_hidden_rounds(store):
    session = begin(store)
    shown = played(store, "=HYPERLINK(1)\n```\n# head\nAnswer: metal", session=session, question="=1+1 ```` ?")
    hidden = played(store, session=session, question="hidden one")
    vote(store, shown.round, {"overall": "B", "clarity": "bad"})
    reveal(store, shown.round)
    document = json.loads(export(store, session, "json"))
    assert (document["hidden"], len(document["rounds"])) == (1, 1)
    found = document["rounds"][0]
    assert found["votes"] == {"overall": "B", "clarity": "bad"}
    assert [a["variant"] for a in found["answers"]] == [c.label for c in shown.contenders]
    assert len(found["answers"][0]["verdicts"]) == 5

    rows = list(csv.DictReader(io.StringIO(export(store, session, "csv"))))
    assert [row["column"] for row in rows] == ["A", "B"]
    assert rows[0]["question"] == "'=1+1 ```` ?"
    assert rows[0]["response"].startswith("'=HYPERLINK")
    assert rows[1]["vote_overall"] == "B"

    text = export(store, session, "md")
    assert "`````text\n=1+1 ```` ?" in text
    assert "B is best" in text
    assert "\n1 round.\n" in text and "not revealed yet: 1." in text
    for form in ("json", "csv", "md"):
        assert "hidden one" not in export(store, session, form)
    with pytest.raises(BadInput):
        export(store, "nothing", "json")
    assert listed(store)[0]["rounds"] == 2
    assert hidden.round


def test_a_database_made_anew_has_the_same_votes_and_a_round_outlives_its_files(store):
    asked = played(store)
    vote(store, asked.round, {"overall": "tie"})
    reveal(store, asked.round)
    before = round_at(store, asked.round)
    for path in store.home.playground.glob("*.json*"):
        path.unlink()
    assert round_at(store, asked.round).answers == before.answers
    assert len(tally(store)) == 2


def test_old_files_go_and_called_off_rounds_are_closed(store):
    old, off = played(store), wish(store, begin(store))
    rounds.ask(store.home, off)
    rounds.cancel(store.home, off.round)
    past = time.time() - 2 * rounds.KEPT_SECONDS
    os.utime(store.home.playground / f"{old.round}.json", (past, past))
    rounds.tidy(store.home)
    assert rounds.look(store.home, old.round) is None
    assert round_at(store, old.round).status == "done"
    assert not list(store.home.playground.glob("*.waiting"))


def test_a_fence_cannot_be_ended_from_inside():
    assert fenced("```\n`````").startswith("``````text\n")
