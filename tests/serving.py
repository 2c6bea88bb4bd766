"""Runs on models of servers, done in this process."""

from pathlib import Path

from core.engines import Chat, Message, Sampling
from core.home import Home
from core.models.finding import ModelRef, server_reference
from core.models.variants import use_of
from core.runs.folders import RunConfig, RunFolder, ServerRef, create_run
from core.runs.plan import run_config
from core.runs.work import Work
from core.runs.worker import run_stage
from core.settings import JudgeSettings, SampleSettings, Selection
from tests.lab import toy_dataset
from tests.tiny import tiny_model
from tests.wire_server import KEYS, LABELS

GREEDY = Sampling(temperature=0.0, top_p=1.0, max_new_tokens=10)
CHATS = [
    Chat((Message("system", "You judge."), Message("user", f"Is it {what}? " * 9)), f"- {key}:")
    for what in ("wood", "glass")
    for key in KEYS
]
QUESTIONS = [Chat(chat.messages) for chat in CHATS[::5]]
VERDICTS = [[f" {label}" for label in LABELS]] * len(CHATS)


def model_on(url: str, name: str = "strong", **changes) -> ModelRef:
    return server_reference(name, ServerRef(**{"url": url, "model": "tiny"} | changes))


def done(home: Home, config: RunConfig) -> RunFolder:
    """The run, done in this process."""
    folder = create_run(home, config)
    with Work(folder) as work:
        work.started()
        run_stage(work)
    return folder


def judging(samples: RunFolder, model: ModelRef, **settings) -> RunConfig:
    parents = {"dataset": samples.config.parents["dataset"], "samples": samples.id}
    return run_config("judge", "base", JudgeSettings(**{"empty": "judge"} | settings), parents, use_of(model))


def six_samples(home: Home, folder: Path) -> RunFolder:
    """A run of six explanations of the tiny random model."""
    settings = SampleSettings(n=2, max_new_tokens=6, select=Selection(split="test", limit=3))
    dataset = toy_dataset(home, folder)
    return done(home, run_config("sample", "base", settings, {"dataset": dataset.id}, use_of(tiny_model(folder / "m"))))
