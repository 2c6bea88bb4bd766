"""What runs and strategies cost: tokens counted by hand, sums of strategies, and where they are shown."""

import json

import pandas as pd
import pytest
from typer.testing import CliRunner

from core import Lab
from core.analysis.costs import run_costs, strategy_costs
from core.cli import cli
from core.engines import Chat, Message, Sampling
from core.engines.hf import load_engine
from core.records import Explanation
from core.runs.folders import RunFolder
from core.runs.work import Work, peak_memory
from core.store.database import Store, any_store
from tests.test_store import create_run, import_config
from tests.tiny import tiny_model

DRAWN = Sampling(temperature=0.8, top_p=1.0, max_new_tokens=5)


def chat(question: str, opening: str = "") -> Chat:
    return Chat((Message("user", question),), opening)


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    return load_engine(tiny_model(tmp_path_factory.mktemp("tiny")))


def nodes(sequences) -> int:
    """Tokens of all sequences when every shared beginning is read once."""
    return len({sequence[:end] for sequence in sequences for end in range(1, len(sequence) + 1)})


def test_choosing_reads_what_prompts_share_once_and_says_what_it_would_have_been(engine):
    chats = [chat("What is a window made of?", opening) for opening in ("Clarity:", "Depth:", "Relevance:")]
    prompts = engine._prompts(chats)
    engine.spent.take()
    engine.choose(chats, [[" glass", " wood"]] * 3)
    spent = engine.spent.take()
    assert (spent.read, spent.unshared) == (nodes(prompts), sum(map(len, prompts)))
    assert spent.read < spent.unshared
    assert spent.generated == 0
    engine.choose(chats, [[" glass", " wood"]] * 3)
    assert engine.spent.take().read < spent.read  # the beginning is still at hand


def test_sampling_reads_a_prompt_once_for_all_its_responses(engine):
    chats = [chat("What is a window made of?"), chat("What is a log?")]
    prompts = engine._prompts(chats)
    engine.spent.take()
    drawn = engine.generate(chats, [[1, 2, 3], [4]], DRAWN)
    spent = engine.spent.take()
    shared = next(i for i, (a, b) in enumerate(zip(*prompts, strict=False)) if a != b)
    assert spent.read == sum(map(len, prompts)) - shared
    assert spent.unshared == 3 * len(prompts[0]) + len(prompts[1])
    assert spent.generated == sum(one.tokens for group in drawn for one in group)


def test_a_judge_pays_for_the_prompts_it_reads_and_not_for_the_explanations_alone(lab_home):
    with any_store(lab_home) as store:
        costs = run_costs(store).set_index("run")
        judges = store.rows("SELECT id, parents->>'samples' FROM runs WHERE kind = 'judge'")
    assert judges
    for judge, samples in judges:
        rows = RunFolder(lab_home.runs / samples).read("explanations", Explanation)
        written = sum(len(row.explanation.split()) for row in rows)
        assert costs.loc[judge, "unshared_tokens"] > costs.loc[judge, "prompt_tokens"] > written
        assert costs.loc[judge, "peak_bytes"] > 2**20


def test_a_strategy_pays_for_all_that_its_pairs_needed(lab_home):
    with any_store(lab_home) as store:
        found, costs = strategy_costs(store), run_costs(store).set_index("run")
    stages = {strategy: rows.set_index("stage") for strategy, rows in found.groupby("strategy")}
    assert list(stages["rank"].index) == ["sampling", "judging", "training", "all"]
    debated = ["sampling", "judging", "debating", "judging the debate", "training", "all"]
    assert list(stages["anchor"].index) == debated
    for rows in stages.values():
        each = costs.loc[rows["run"][:-1]]
        for column in ("prompt_tokens", "unshared_tokens", "new_tokens", "seconds"):
            assert rows.loc["all", column] == pytest.approx(each[column].sum())
        assert rows.loc["all", "peak_bytes"] == each["peak_bytes"].max()
    assert stages["anchor"].loc["all", "prompt_tokens"] > stages["rank"].loc["all", "prompt_tokens"]


def test_costs_are_told_in_python_and_in_the_terminal(lab_home):
    told = json.loads(CliRunner().invoke(cli, ["runs", "costs", "--json"]).stdout)
    frame = Lab().costs()
    assert [row["stage"] for row in told] == frame["stage"].tolist()
    assert {row["strategy"] for row in told} == {"rank", "anchor"}
    assert "judging the debate" in CliRunner().invoke(cli, ["runs", "costs"]).stdout
    runs = Lab().runs().set_index("id")
    assert (runs.loc[frame["run"][0], ["unshared_tokens", "peak_bytes"]] > 0).all()


def test_runs_of_before_the_counting_have_no_unshared_tokens_and_no_sum_of_them(home):
    folder = create_run(home, import_config())
    with Work(folder) as work:
        work.event("cost", prompt_tokens=10, new_tokens=20, seconds=0.5)
        work.cost(30, 5, 0.5, 70)
    with Store(home, None) as store:
        store.ingest()
        (row,) = run_costs(store).to_dict("records")
    assert (row["prompt_tokens"], row["new_tokens"]) == (40, 25)
    assert pd.isna(row["unshared_tokens"])
    assert row["memory"] == peak_memory()["memory"]
