"""Rows at once: planned from free memory, halved where it runs out, kept with the run and taken up on resume."""

import pytest

from core.engines import Chat, Message, Sampling
from core.engines.hf import load_engine
from core.engines.room import OutOfMemory, Room
from core.errors import LabError
from core.home import Home
from core.models.variants import use_of
from core.records import Explanation
from core.runs.folders import RunFolder
from core.runs.plan import run_config
from core.settings import SampleSettings, Selection, SftSettings
from tests.crowded import crowded, holding
from tests.lab import toy_dataset
from tests.serving import done
from tests.tiny import tiny_model

TEN = SampleSettings(n=2, max_new_tokens=8, select=Selection(split="test", limit=5))


@pytest.fixture
def toy(home, tmp_path):
    """(home, data set, model use)."""
    return home, toy_dataset(home, tmp_path), use_of(tiny_model(tmp_path / "tiny"))


def sampled(toy, settings: SampleSettings = TEN) -> RunFolder:
    home, dataset, model = toy
    return done(home, run_config("sample", "base", settings, {"dataset": dataset.id}, model))


def plans(folder: RunFolder) -> list[tuple[int, str]]:
    return [(event["rows"], event["why"]) for event in folder.events() if event["type"] == "batch"]


def elsewhere(toy, tmp_path):
    """The same data set and model in another lab."""
    home = Home(tmp_path / "other")
    return home, toy_dataset(home, tmp_path), toy[2]


def test_each_is_done_in_parts_that_halve_for_good():
    tried: list[int] = []

    def do(part):
        tried.append(len(part))
        if len(part) > 3:
            raise OutOfMemory("too much")
        return [2 * one for one in part]

    room = Room(16)
    assert room.each(range(8), do) == list(range(0, 16, 2))
    assert (tried, room.most) == ([8, 4, 2, 2, 2, 2], 2)
    with pytest.raises(OutOfMemory):
        Room(4).each([1, 2], lambda part: do([0] * 4))


def test_sampling_goes_on_with_half_the_rows_and_draws_the_same(toy, tmp_path):
    with crowded(rows=4):
        folder = sampled(toy)
    assert plans(folder) == [(10, "free memory"), (2, "out of memory")]
    said = [event["text"] for event in folder.events() if event["type"] == "note"]
    assert any("Memory ran out with 10 rows at once: it goes on with 2." in text for text in said)
    whole = sampled(elsewhere(toy, tmp_path))
    drawn = [[(row.seed, row.response) for row in run.read("explanations", Explanation)] for run in (folder, whole)]
    assert drawn[0] == drawn[1]


def test_a_resumed_run_computes_as_many_rows_at_once_as_before(toy):
    with crowded(rows=4):
        folder = sampled(toy)
    rows = folder.path / "explanations.jsonl"
    before = rows.read_bytes()
    rows.write_bytes(b"".join(before.splitlines(keepends=True)[:3]))
    again = sampled(toy)
    assert plans(again) == [(10, "free memory"), (2, "out of memory")], "no new plan"
    assert rows.read_bytes() == before


def test_a_row_that_alone_is_too_much_is_one_sentence(toy):
    with crowded(rows=0), pytest.raises(LabError, match="Memory ran out, also with one row at a time"):
        sampled(toy)


def test_judging_goes_on_with_fewer_prompts_at_once(tmp_path):
    things = ("wood", "glass", "metal", "paper", "cloth", "stone", "clay", "wool")
    chats = [Chat((Message("user", f"{thing}: is it clear, and does light pass?"),)) for thing in things]
    found = []
    for tokens in (150, 10**9):
        with crowded():
            engine = load_engine(tiny_model(tmp_path / "tiny"))
            assert engine.path == "fast"
            with holding(tokens=tokens):
                found.append((engine.choose(chats, [[" yes", " no"]] * len(chats)), engine.room.most))
    assert found[0][1] < len(chats) < found[1][1], "halved, where there was too little room"
    for few, all_at_once in zip(found[0][0], found[1][0], strict=True):
        assert few == pytest.approx(all_at_once, abs=1e-4)


def test_a_prefix_whose_reading_failed_is_not_taken_for_the_one_at_hand(tmp_path):
    chats = [Chat((Message("user", f"Is it {what}, which is clear? {'Say why. ' * 9}"),)) for what in ("wood", "glass")]
    options = [[" yes", " no"]]
    with crowded():
        model = tiny_model(tmp_path / "tiny")
        engine, fresh = load_engine(model), load_engine(model)
        engine.choose(chats[:1], options)
        with holding(tokens=8), pytest.raises(OutOfMemory):
            engine.choose(chats[1:], options)
        (after,), (wanted,) = engine.choose(chats[1:], options), fresh.choose(chats[1:], options)
    assert after == pytest.approx(wanted, abs=1e-5)


def test_training_starts_over_with_half_the_rows_a_pass_and_as_many_a_step(toy, tmp_path):
    settings = SftSettings(steps=3, batch_size=4, select=Selection(split="train", limit=4))
    runs = []
    for lab, rows in ((toy, 3), (elsewhere(toy, tmp_path), 10**9)):
        home, dataset, model = lab
        with crowded(rows=rows):
            runs.append(done(home, run_config("sft", "sft", settings, {"dataset": dataset.id}, model)))
    assert [plans(run) for run in runs] == [[(4, "free memory"), (2, "out of memory")], [(4, "free memory")]]
    losses = [[e["values"]["loss"] for e in run.events() if e["type"] == "metric"][-3:] for run in runs]
    assert losses[0] == pytest.approx(losses[1], rel=1e-2)
    steps = [[e["questions"] for e in run.events() if e["type"] == "metric"][-3:] for run in runs]
    assert [sorted(step) for step in steps[0]] == [sorted(step) for step in steps[1]]


def test_a_training_that_was_halved_is_resumed_as_it_was(toy):
    home, dataset, model = toy
    settings = SftSettings(steps=2, batch_size=4, select=Selection(split="train", limit=4))
    config = run_config("sft", "sft", settings, {"dataset": dataset.id}, model)
    with crowded(rows=3):
        done(home, config)
    with crowded(rows=2):
        again = done(home, config)
    assert plans(again) == [(4, "free memory"), (2, "out of memory")]


def test_a_smaller_memory_plans_fewer_rows(tmp_path):
    engine = load_engine(tiny_model(tmp_path / "tiny"))
    assert engine.rows_that_fit(100, 256) == 256
    assert engine.rows_that_fit(10**9, 256) == 1
    engine.room.most = 3
    drawn = Sampling(temperature=1.0, top_p=1.0, max_new_tokens=6)
    chats = [Chat((Message("user", f"Is it {what}?"),)) for what in ("wood", "glass")]
    parts = engine.generate(chats, [[1, 2, 3, 4], [5, 6, 7]], drawn)
    engine.room.most = 100
    assert parts == engine.generate(chats, [[1, 2, 3, 4], [5, 6, 7]], drawn)
    assert engine.generate(chats, [[], [5]], drawn)[0] == []
