"""Models on servers: a real `transformers serve`, and a server of our own that gives log-probabilities and fails."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from core.analysis.results import evaluations
from core.cli import cli
from core.engines import Sampling
from core.engines.probing import probe
from core.engines.server import open_server
from core.engines.wire import RETRIES, Wire
from core.errors import BadInput, LabError, ModelUnavailable
from core.models.checking import check_model
from core.models.finding import model_at_hand, resolve_model
from core.models.registering import listed, register_server
from core.models.variants import use_of
from core.records import Explanation, HeadToHead, Judgement
from core.runs.folders import RunConfig, ServerRef
from core.runs.launcher import launch, stop
from core.runs.pipeline import plan, prepare, steps_of
from core.runs.plan import run_config
from core.runs.worker import computes_here
from core.settings import (
    CompareSettings,
    DpoSettings,
    HeadToHeadSettings,
    JudgeSettings,
    SampleSettings,
    Selection,
    SftSettings,
)
from core.store.database import open_store
from core.store.queries import notes, provenance
from tests.lab import toy_dataset, toy_pipeline, wait_until
from tests.serving import CHATS, GREEDY, QUESTIONS, VERDICTS, done, judging, model_on
from tests.tiny import tiny_model
from tests.wire_server import WireServer

TOLERANCE = 1e-4
"""Of probabilities over the wire: listed labels differ by rounding alone."""


@pytest.fixture(scope="module")
def serve(judge_model, tmp_path_factory):
    """`transformers serve` of the tiny judge on a free port: its address."""
    folder = tmp_path_factory.mktemp("serve")
    (folder / "hub").mkdir()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    program = Path(sys.executable).parent / "transformers"
    command = [program, "serve", judge_model.path, "--device", "cpu", "--dtype", "float32", "--port", str(port)]
    with (folder / "log.txt").open("wb") as log:
        where = os.environ | {"HF_HOME": str(folder), "HF_HUB_CACHE": str(folder / "hub"), "HF_HUB_OFFLINE": "1"}
        try:
            process = subprocess.Popen([*command, "--host", "127.0.0.1"], stdout=log, stderr=log, env=where)
        except OSError as error:
            pytest.skip(f"`transformers serve` cannot be started: {error}")
    try:
        _wait_for(f"http://127.0.0.1:{port}/health", process, folder / "log.txt")
        yield f"http://127.0.0.1:{port}/v1"
    finally:
        process.terminate()
        process.wait(20)


def _wait_for(address: str, process: subprocess.Popen, log: Path) -> None:
    deadline = time.monotonic() + 90
    while time.monotonic() < deadline and process.poll() is None:
        try:
            urllib.request.urlopen(address, timeout=1).close()
            return
        except OSError:
            time.sleep(0.2)
    pytest.skip(f"`transformers serve` does not come up here: {log.read_text()[-300:]}")


# --- transformers serve


def test_the_probe_finds_what_transformers_serve_drops(serve, judge_model):
    found = probe(Wire(ServerRef(url=serve, model=judge_model.path)))
    assert (found.listed, found.many, found.goes_on) == (0, False, False)
    assert found.model.startswith(judge_model.path)


def test_replies_of_a_real_server_are_those_of_its_model(serve, judge_model, here):
    engine = open_server(model_on(serve, model=judge_model.path))
    over_the_wire = engine.generate(QUESTIONS, [[1], [2]], GREEDY)
    assert over_the_wire == here.generate(QUESTIONS, [[1], [2]], GREEDY)
    drawn = engine.generate(QUESTIONS[:1], [[1, 2, 3]], Sampling(1.0, 1.0, 4))
    assert len(drawn[0]) == 3


def test_written_verdicts_are_read_where_probabilities_are_not_given_and_the_page_says_so(
    serve, judge_model, samples, home
):
    folder = done(home, judging(samples, model_on(serve, model=judge_model.path), max_new_tokens=24))
    rows = folder.read("judgements", Judgement)
    assert len(rows) == 6
    assert all(row.reply is not None and row.expected is None for row in rows)
    assert all(verdict.probabilities is None for row in rows for verdict in row.verdicts)
    with open_store(home) as store:
        store.ingest()
        (note,) = notes(store, folder.id)
        seen = provenance(store, folder.id)
    assert "no log-probabilities" in note and "written verdicts are read instead" in note
    assert (seen["log_probabilities"], seen["verifiable"], seen["base_url"]) == ("none given", False, serve)


def test_sampling_on_a_server_without_probabilities_leaves_forced_answers_open(serve, judge_model, home, tmp_path):
    settings = SampleSettings(n=2, max_new_tokens=6, select=Selection(split="test", limit=3))
    dataset = toy_dataset(home, tmp_path)
    model = use_of(model_on(serve, model=judge_model.path))
    folder = done(home, run_config("sample", "strong", settings, {"dataset": dataset.id}, model))
    rows = folder.read("explanations", Explanation)
    assert len(rows) == 6
    assert all(row.forced == row.parsed and row.forced_probabilities is None for row in rows)
    assert any("there is no prediction" in e["text"] for e in folder.events() if e["type"] == "note")


# --- probabilities


def test_probabilities_over_the_wire_are_those_of_the_model(wire_server, here):
    engine = open_server(model_on(wire_server.url))
    assert (engine.found.listed, engine.found.goes_on, engine.found.many) == (20, True, True)
    for ours, its in zip(engine.choose(CHATS, VERDICTS), here.choose(CHATS, VERDICTS), strict=True):
        assert np.exp(ours) == pytest.approx(np.exp(its), abs=TOLERANCE)


def test_unlisted_labels_are_bounded_or_nothing_is_read(wire_server, here):
    wire_server.refuses = {"top_logprobs"}
    assert open_server(model_on(wire_server.url)).cannot_choose(()) is not None
    wire_server.refuses = set()
    rare = [[" unsatisfactory", " excellent", " zebra"]] * len(CHATS)
    engine = open_server(model_on(wire_server.url))
    logs = engine.choose(CHATS, rare)
    for ours, its in zip(logs, here.choose(CHATS, rare), strict=True):
        assert np.isnan(ours).all() or np.abs(np.exp(ours) - np.exp(its)).max() <= 0.1
    unknown = engine.choose(CHATS[:1], [[" zebra", " quagga"]])[0]
    assert np.isnan(unknown).all()


def test_a_server_that_does_not_go_on_is_asked_in_the_question(wire_server):
    wire_server.drops = {"continue_final_message", "add_generation_prompt"}
    engine = open_server(model_on(wire_server.url))
    assert not engine.found.goes_on
    engine.choose(CHATS[:1], VERDICTS[:1])
    (turn,) = wire_server.requests[-1]["messages"][-1:]
    assert turn["role"] == "user" and "- coherence:" in turn["content"] and "needs improvement | " in turn["content"]


def test_verdicts_that_begin_alike_are_not_told_apart_by_first_tokens(wire_server):
    engine = open_server(model_on(wire_server.url))
    assert "begin alike" in engine.cannot_choose([" not good", " not bad", " fine"])
    assert engine.cannot_choose(VERDICTS[0]) is None


def test_a_judge_run_over_the_wire_scores_as_one_here_and_samples_once(wire_server, judge_model, samples, home):
    there = done(home, judging(samples, model_on(wire_server.url)))
    local = done(home, judging(samples, judge_model))
    a, b = (run.read("judgements", Judgement) for run in (there, local))
    assert [row.unjudged for row in a] == [None] * 6
    assert [row.expected for row in a] == pytest.approx([row.expected for row in b], abs=15 * TOLERANCE)
    assert len(list(home.runs.glob("sample-*"))) == 1, "another judge scores the same samples"
    with open_store(home) as store:
        store.ingest()
        judged = evaluations(store, CompareSettings(resamples=100))
    assert {evaluation.judge_name for evaluation in judged} == {"strong", "tiny-judge"}
    assert len({tuple(evaluation.samples.values()) for evaluation in judged}) == 1


def test_a_verdict_that_cannot_be_read_is_unjudged(wire_server, samples, home, tmp_path):
    rubric = tmp_path / "odd.toml"
    rubric.write_text(
        'name = "odd"\ntitle = "Odd"\nverdicts = [{label = "zebra", value = 1}, {label = "quagga", value = 2}]\n'
        'criteria = [{key = "clarity", name = "Clarity", question = "Is it clear?"}]\n'
    )
    rows = done(home, judging(samples, model_on(wire_server.url), rubric=str(rubric))).read("judgements", Judgement)
    assert all(row.total is None and row.expected is None and "Clarity" in row.unjudged for row in rows)


def test_a_run_is_refused_before_it_starts_unless_the_server_answers_or_it_is_done(wire_server, samples, home):
    register_server(home, "strong", model_on(wire_server.url).server)
    words = ["run", "judge", "--label", "base", "--model", "strong", "--samples", samples.id]
    words += ["--dataset", samples.config.parents["dataset"], "--set", "empty=judge"]
    wire_server.faults = [{"status": 404}]
    refused = CliRunner().invoke(cli, words)
    assert isinstance(refused.exception, ModelUnavailable)
    assert not list(home.runs.glob("judge-*"))
    folder = done(home, judging(samples, resolve_model("strong", home)))
    asked = len(wire_server.requests)
    again = CliRunner().invoke(cli, words)
    assert again.exit_code == 0, again.output
    assert [run.name for run in home.runs.glob("judge-*")] == [folder.id]
    assert len(wire_server.requests) == asked, "what is done asks nothing of the server"


# --- fallbacks


def test_the_setting_refuses_written_verdicts(wire_server, samples, home):
    wire_server.drops = {"logprobs"}
    with pytest.raises(BadInput, match=r"no log-probabilities.*choose another judge"):
        done(home, judging(samples, model_on(wire_server.url), no_probabilities="refuse"))
    with pytest.raises(BadInput, match="choose another reader"):
        done(home, judging(samples, model_on(wire_server.url), mode="reader"))


def test_head_to_head_falls_back_to_written_choices_and_says_so(wire_server, samples, home):
    wire_server.drops = {"logprobs"}
    again = samples.config.model_copy(update={"settings": samples.config.settings | {"seed": 1}})
    parents = {"dataset": samples.config.parents["dataset"], "samples_a": samples.id, "samples_b": done(home, again).id}

    def against(**settings) -> RunConfig:
        chosen = HeadToHeadSettings(empty="judge", max_new_tokens=4, **settings)
        return run_config("head_to_head", "base", chosen, parents, use_of(model_on(wire_server.url)))

    folder = done(home, against())
    rows = folder.read("head_to_head", HeadToHead)
    assert rows and all(row.a_first.reply is not None and row.a_first.probabilities is None for row in rows)
    assert folder.result["summary"]["read_as"] == "written"
    assert any("written verdicts are read instead" in event.get("text", "") for event in folder.events())
    with pytest.raises(BadInput, match=r"no log-probabilities.*choose another judge"):
        done(home, against(no_probabilities="refuse"))
    assert "no_probabilities" not in HeadToHeadSettings().model_dump(mode="json")


def test_a_resumed_run_never_mixes_probabilities_and_written_verdicts(wire_server, samples, home):
    config = judging(samples, model_on(wire_server.url))
    folder = done(home, config)
    kept = (folder.path / "judgements.jsonl").read_text().splitlines(keepends=True)[:2]
    (folder.path / "judgements.jsonl").write_text("".join(kept))
    wire_server.drops = {"logprobs"}
    with pytest.raises(BadInput, match="began with probabilities"):
        done(home, config)


def test_n_saves_requests_where_it_is_honoured(wire_server):
    for drops, asked in ((set(), [3]), ({"n"}, [None, None, None])):
        wire_server.clear()
        wire_server.drops = drops
        engine = open_server(model_on(wire_server.url))
        before = len(wire_server.requests)
        (group,) = engine.generate(QUESTIONS[:1], [[11, 12, 13]], Sampling(1.0, 1.0, 8))
        assert len(group) == 3
        sent = wire_server.requests[before:]
        assert [body.get("n") for body in sent] == asked
        assert {body["seed"] for body in sent} == ({11} if not drops else {11, 12, 13})


def test_a_reply_is_cut_where_sampling_here_would_stop(wire_server):
    engine = open_server(model_on(wire_server.url))
    wire_server.faults = [{"content": "Clear.\nAnswer: glass\nQ: more"}]
    ((reply,),) = engine.generate(QUESTIONS[:1], [[1]], GREEDY, lambda text: "Answer" in text)
    assert (reply.text, reply.finish) == ("Clear.\nAnswer: glass\n", "stop")


def test_no_more_requests_are_out_than_allowed(wire_server):
    engine = open_server(model_on(wire_server.url, concurrency=2))
    wire_server.faults = [{"hang": 0.05}] * 8
    engine.choose(CHATS[:8], VERDICTS[:8])
    assert wire_server.most_at_once == 2


# --- errors

QUICK = {"retry-after-ms": "5"}


def ask(server: WireServer, retries: int = RETRIES, **changes) -> object:
    return Wire(model_on(server.url, **changes).server, retries).ask({"messages": [], "max_tokens": 1})


@pytest.mark.parametrize(
    ("fault", "kind", "said"),
    [
        ({"status": 401}, ModelUnavailable, "LAB_TEST_KEY, which holds its key, is not accepted"),
        ({"status": 403}, ModelUnavailable, "refuses access"),
        ({"status": 404}, ModelUnavailable, "knows no model 'tiny'"),
        ({"status": 400, "body": '{"error": {"message": "maximum context length is 9"}}'}, BadInput, "longer than"),
        ({"status": 400, "body": '{"error": {"message": "your key sk-very-secret is odd"}}'}, LabError, "key … is odd"),
        ({"body": '{"choices": [{"mess'}, LabError, "malformed JSON"),
        ({"body": "<html>hello</html>", "headers": {"Content-Type": "text/html"}}, LabError, "other than a chat"),
        ({"body": '{"choices": []}'}, LabError, "other than a chat"),
    ],
)
def test_what_a_server_gets_wrong_is_one_sentence_without_the_key(wire_server, monkeypatch, fault, kind, said):
    monkeypatch.setenv("LAB_TEST_KEY", "sk-very-secret")
    wire_server.faults = [fault]
    with pytest.raises(kind) as raised:
        ask(wire_server, key_env="LAB_TEST_KEY")
    assert said in str(raised.value)
    assert "sk-very-secret" not in str(raised.value)
    assert wire_server.requests[0]["authorization"] == "Bearer sk-very-secret"
    assert len(wire_server.requests) == 1, "what cannot pass is not tried again"


def test_retry_after_is_honoured(wire_server):
    wire_server.faults = [{"status": 429, "headers": {"Retry-After": "1"}}]
    engine_probe = ask(_answering(wire_server))
    first, second = wire_server.requests
    assert engine_probe.choices
    assert 1.0 <= second["at"] - first["at"] < 3.0


def _answering(server: WireServer) -> WireServer:
    """The server, where an empty chat is answered by what stands in `faults` or by a fixed reply."""
    reply = '{"id": "x", "object": "chat.completion", "created": 0, "model": "tiny", "choices": [{"index": 0, '
    reply += '"finish_reason": "stop", "message": {"role": "assistant", "content": "ok"}}]}'
    server.faults = [*server.faults, {"body": reply}]
    return server


@pytest.mark.parametrize(("status", "said"), [(429, "limits the rate"), (500, "failed \\(500\\)")])
def test_retries_are_bounded(wire_server, status, said):
    wire_server.faults = [{"status": status, "headers": QUICK}] * 20
    with pytest.raises(LabError, match=said):
        ask(wire_server)
    assert len(wire_server.requests) == RETRIES + 1


def test_a_server_that_hangs_is_given_up(wire_server):
    wire_server.faults = [{"hang": 2.0}] * 2
    began = time.monotonic()
    with pytest.raises(LabError, match=r"no answer within 0.2 s"):
        ask(wire_server, retries=1, timeout=0.2)
    assert time.monotonic() - began < 3.0


def test_a_server_that_is_not_there_cannot_be_reached():
    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        Wire(model_on("http://127.0.0.1:9/v1").server, retries=0).ask({"messages": [], "max_tokens": 1})


@pytest.mark.parametrize("content", [None, ""])
def test_a_reply_without_text_is_an_error_and_never_an_empty_explanation(wire_server, content):
    engine = open_server(model_on(wire_server.url))
    reply = {"choices": [{"index": 0, "finish_reason": "length", "message": {"role": "assistant", "content": content}}]}
    wire_server.faults = [{"body": json.dumps({"id": "x", "object": "chat.completion", **reply})}]
    with pytest.raises(LabError, match=r"no text \(finish reason: length\)"):
        engine.generate(QUESTIONS[:1], [[1]], GREEDY)


def test_no_key_is_in_any_file_of_a_run(wire_server, samples, home, monkeypatch):
    monkeypatch.setenv("LAB_TEST_KEY", "sk-very-secret")
    folder = done(home, judging(samples, model_on(wire_server.url, key_env="LAB_TEST_KEY")))
    files = [file for file in folder.path.rglob("*") if file.is_file()]
    assert "LAB_TEST_KEY" in (folder.path / "config.json").read_text()
    assert not [file for file in files if b"sk-very-secret" in file.read_bytes()]


def test_a_run_that_waits_for_a_server_stops_at_once(wire_server, samples, home):
    wire_server.faults = [{"hang": 8.0}] * 20
    folder = launch(home, judging(samples, model_on(wire_server.url)))
    wait_until(lambda: wire_server.requests)
    began = time.monotonic()
    stop(folder)
    assert time.monotonic() - began < 5.0
    assert folder.state == "stopped"


# --- names, identity, what a server is refused for


def test_a_server_is_registered_listed_and_checked(wire_server, home):
    added = CliRunner().invoke(cli, ["model", "add", "strong", "--server", wire_server.url + "/", "--model", "tiny"])
    assert added.exit_code == 0, added.output
    model = resolve_model("strong", home)
    assert (model.server.url, model.path) == (wire_server.url, "")
    assert model_at_hand("strong", home) == model
    (row,) = listed(home)
    assert "not verifiable" in row["source"]
    checks = {check.name: check for check in check_model(home, "strong")}
    assert checks["probabilities"].text == "of the 20 likeliest tokens"
    assert checks["draws"].ok and checks["generation"].ok


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"url": "http://me:secret@127.0.0.1/v1"}, "no user, password or query"),
        ({"url": "https://host/v1?key=secret"}, "no user, password or query"),
        ({"url": "127.0.0.1:8000"}, "is written like"),
        ({"key_env": "sk-live-1234"}, "never the key itself"),
    ],
)
def test_a_registration_that_would_store_a_key_is_refused(home, changes, said):
    with pytest.raises(BadInput, match=said) as raised:
        register_server(home, "strong", ServerRef(**{"url": "http://127.0.0.1/v1", "model": "m"} | changes))
    assert not list(home.models.glob("*.json"))
    assert "secret" not in str(raised.value) and "1234" not in str(raised.value)


def test_a_server_is_known_by_address_and_id_and_takes_no_slot(samples):
    url = "http://127.0.0.1:9/v1"
    one = judging(samples, model_on(url))
    assert one.id == judging(samples, model_on(url, name="other", key_env="OTHER", concurrency=1)).id
    assert one.id != judging(samples, model_on(url, model="another")).id
    assert not computes_here(one)
    assert computes_here(samples.config)


def test_runs_of_before_keep_their_ids(tmp_path):
    assert "no_probabilities" not in JudgeSettings().model_dump(mode="json")
    assert JudgeSettings(no_probabilities="refuse").model_dump(mode="json")["no_probabilities"] == "refuse"
    assert "server" not in use_of(tiny_model(tmp_path)).model_dump()


def test_a_server_is_neither_trained_nor_given_adapters():
    model = model_on("http://127.0.0.1:9/v1")
    for kind, settings, parents in (("sft", SftSettings(), {}), ("dpo", DpoSettings(), {"sft": "s", "pairs": "p"})):
        with pytest.raises(BadInput, match="can neither be trained"):
            run_config(kind, "x", settings, {"dataset": "d", **parents}, use_of(model))
    with pytest.raises(BadInput, match="nor carry an adapter"):
        run_config("sample", "x", SampleSettings(), {"dataset": "d"}, use_of(model, "sft-1"))


def test_a_pipeline_takes_a_server_as_judge_and_looks_whether_it_answers(wire_server, home, tmp_path):
    base = tiny_model(tmp_path / "base")
    strong = model_on(wire_server.url)
    steps = plan(toy_pipeline(), "import-1", base, strong, None)
    judges = [step.model.name for step in steps if step.kind == "judge"]
    assert judges.count("strong") == 4 and judges.count("tiny") == 2, "the pairs are judged by base"

    dataset = toy_dataset(home, tmp_path)
    register_server(home, "strong", strong.server)
    models = {"base": base.path, "judge": "strong", "reader": "off"}
    source = {"source": str(tmp_path / "toy.jsonl"), "mapping": dict(dataset.config.settings)}
    file = type(toy_pipeline()).model_validate({**toy_pipeline().written(), "models": models, "dataset": source})
    assert "strong" in {step.model.name for step in steps_of(prepare(home, file)) if step.model}
    assert len(wire_server.requests) == 1
    register_server(home, "away", ServerRef(url=wire_server.url, model="gone"))
    wire_server.faults = [{"status": 404}]
    with pytest.raises(ModelUnavailable, match="knows no model 'gone'"):
        prepare(home, file.model_copy(update={"models": file.models.model_copy(update={"judge": "away"})}))
