"""Real trainings of a tiny model: weights change, and DPO's reference policy is SFT."""

import math
from contextlib import nullcontext
from itertools import combinations
from pathlib import Path
from statistics import mean

import pytest
import torch
from safetensors.torch import load_file

from core.data.datasets import load_items, select_items
from core.engines.chats import ChatTokenizer
from core.engines.hf import load_engine
from core.engines.weights import load_weights
from core.errors import BadInput, LabError, ModelUnavailable
from core.method.training import FirstLoss, _Reporter, align, run_dpo, run_sft
from core.method.training_rows import dpo_rows, fitting
from core.models.finding import ModelRef
from core.models.variants import base_of, use_of
from core.prompts import load_prompt, task_chat
from core.records import Explanation, Pair, Side
from core.runs.folders import RunConfig, RunFolder, create_run
from core.runs.plan import run_config, settings_on
from core.runs.work import Work
from core.settings import DpoSettings, Example, PairSettings, SampleSettings, Selection, SftSettings
from tests.lab import done, rewrite, toy_dataset
from tests.tiny import TEMPLATE, tiny_model


@pytest.fixture
def trained(home, tmp_path):
    """(data set, model, SFT run) after a real SFT of 8 steps."""
    dataset, model = toy_dataset(home, tmp_path), tiny_model(tmp_path / "tiny")
    settings = SftSettings(steps=8, batch_size=4, learning_rate=5e-3)
    sft = create_run(home, run_config("sft", "sft", settings, {"dataset": dataset.id}, use_of(model)))
    with Work(sft) as work:
        run_sft(work)
    return dataset, model, sft


def pairs_run(home, dataset: RunFolder, count: int, samples: RunFolder | None = None) -> RunFolder:
    """A sealed pair set of `count` pairs; `samples`: the run that they are of, else one without responses."""
    settings = SampleSettings().model_dump(mode="json")
    samples = samples or create_run(
        home, RunConfig(kind="sample", label="sft", settings=settings, parents={"dataset": dataset.id})
    )
    parents = {"dataset": dataset.id, "samples": samples.id, "judgements": "none"}
    folder = create_run(home, run_config("pairs", "rank", PairSettings(strategy="rank"), parents))
    half = {"run": samples.id, "prediction": "wood", "correct": True}
    chosen = Side(sample=0, text="It is hard and strong.\nAnswer: wood", score=15, **half)
    rejected = Side(sample=1, text="No.", score=9, **half)
    with Work(folder) as work:
        work.append(
            "pairs",
            [
                Pair(
                    item_id=item.id,
                    category="variable",
                    reason="best_over_random",
                    chosen=chosen,
                    rejected=rejected,
                    answer_line_added=False,
                )
                for item in load_items(dataset)[:count]
            ],
        )
    return folder


def dpo_run(
    home, dataset, model, sft, count: int = 6, chain: list[str] | None = None, learning_rate: float = 5e-3
) -> RunFolder:
    pairs = pairs_run(home, dataset, count)
    parents = {"dataset": dataset.id, "sft": sft.id, "pairs": pairs.id}
    settings = DpoSettings(steps=6, batch_size=2, learning_rate=learning_rate)
    variant = use_of(model, *(chain if chain is not None else [sft.id]))
    return create_run(home, run_config("dpo", "rank", settings, parents, variant))


def metrics(folder: RunFolder, name: str) -> list[float]:
    return [event["values"][name] for event in folder.events() if event["type"] == "metric"]


def test_sft_changes_the_weights_and_lowers_the_loss(trained):
    _, _, sft = trained
    base, _ = load_weights(base_of(sft.config.model), [])
    tuned, _ = load_weights(base_of(sft.config.model), [sft.adapter()])
    changed = [name for (name, a), b in zip(base.named_parameters(), tuned.parameters(), strict=True) if (a != b).any()]
    assert len(changed) == 14  # seven linear maps in each of two layers
    losses = metrics(sft, "loss")
    assert len(losses) == 8
    assert losses[-1] < losses[0]


def test_dpo_starts_at_ln2_against_sft_and_widens_the_margin(home, trained):
    dataset, model, sft = trained
    folder = dpo_run(home, dataset, model, sft)
    with Work(folder) as work:
        run_dpo(work)
    assert folder.result["summary"]["first_loss"] == pytest.approx(math.log(2), abs=1e-3)
    margins = metrics(folder, "rewards/margins")
    assert margins[0] == pytest.approx(0, abs=1e-4)
    assert margins[-1] > 0
    assert folder.result["summary"]["adapter_hash"] != sft.result["summary"]["adapter_hash"]


def test_the_reference_policy_is_sft_by_its_log_probabilities(home, trained):
    """The chosen log-probability that DPO logs at step 1 is the merged SFT model's, not the base's."""
    dataset, model, sft = trained
    folder = dpo_run(home, dataset, model, sft, count=2)
    with Work(folder) as work:
        run_dpo(work)
    logged = metrics(folder, "logps/chosen")[0]

    assert logged == pytest.approx(mean(chosen_by_question(folder, model, [sft.adapter()]).values()), rel=1e-3)
    assert logged != pytest.approx(mean(chosen_by_question(folder, model, []).values()), rel=1e-3)


def chosen_by_question(folder: RunFolder, model: ModelRef, adapters: list[Path]) -> dict[str, float]:
    """Question → log-probability of its chosen response."""
    weights, tokenizer = load_weights(model, adapters)
    sums = {}
    for row in dpo_rows(Work(folder), ChatTokenizer(tokenizer)):
        prompt, answer = row["prompt_ids"], row["chosen_ids"]
        with torch.no_grad():
            logs = weights(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].log_softmax(-1)
        sums[row["item_id"]] = sum(float(logs[i, token]) for i, token in enumerate(answer))
    return sums


@pytest.mark.parametrize(("count", "ahead"), [(12, False), (5, True)], ids=["one pass", "reference ahead"])
def test_dpo_in_bf16_starts_at_ln2_from_sft_as_it_is_served(home, trained, monkeypatch, count, ahead):
    """The reference is base in bf16 with the SFT adapter beside it, not merged into what cannot hold it."""
    dataset, model, sft = trained
    folder = dpo_run(home, dataset, model, sft, count=count)
    monkeypatch.setenv("ANCHORLAB_DTYPE", "bfloat16")
    weights, tokenizer = load_weights(model, [sft.adapter()])
    with Work(folder) as work:
        align(work, DpoSettings.model_validate(folder.config.settings), weights, ChatTokenizer(tokenizer))
    summary = folder.result["summary"]
    assert abs(summary["first_loss"] - math.log(2)) <= (summary["first_loss_tolerance"] if ahead else 1e-6)
    assert (1e-4 < summary["first_loss_tolerance"] < 0.05) if ahead else summary["first_loss_tolerance"] == 1e-4
    assert metrics(folder, "rewards/margins")[-1] > 0
    alone = chosen_by_question(folder, model, [sft.adapter()])
    (first, *_) = [event["questions"] for event in folder.events() if event["type"] == "metric"]
    expected = mean(alone[question] for question in first)
    assert metrics(folder, "logps/chosen")[0] == pytest.approx(expected, rel=0.01)
    assert set(load_file(folder.adapter() / "adapter_model.safetensors")) == set(
        load_file(sft.adapter() / "adapter_model.safetensors")
    ), "the adapter is DPO's own alone"


def test_a_reference_that_is_not_sft_is_found_by_the_first_loss(home, trained):
    """Within the rounding of bf16, and not a thousandth beyond it."""
    _, _, sft = trained
    for loss, right in ((math.log(2) + 0.009, True), (math.log(2) - 0.011, False)):
        reporter = _Reporter(Work(sft), None, FirstLoss(math.log(2), 0.01))
        with nullcontext() if right else pytest.raises(LabError, match="not the variant that training starts from"):
            reporter._check_first(loss)


@pytest.mark.parametrize("room", [100_000, 1])
def test_a_step_names_the_questions_that_its_figures_are_of(home, trained, monkeypatch, room):
    """Two epochs and a half of three pairs, two a step: the second step of an epoch has the one that is left."""
    monkeypatch.setattr("core.method.training.TOKENS_A_PASS", room)  # a batch in one pass, or in two
    dataset, model, sft = trained
    folder = dpo_run(home, dataset, model, sft, count=3, learning_rate=1e-12)
    with Work(folder) as work:
        run_dpo(work)
    alone = chosen_by_question(folder, model, [sft.adapter()])
    steps = [event["questions"] for event in folder.events() if event["type"] == "metric"]
    assert [len(questions) for questions in steps] == [2, 1, 2, 1, 2, 1]
    assert all(sorted(a + b) == sorted(alone) for a, b in zip(steps[::2], steps[1::2], strict=True))
    logged = metrics(folder, "logps/chosen")
    for value, questions in zip(logged, steps, strict=True):
        assert value == pytest.approx(mean(alone[question] for question in questions), rel=1e-4)
    assert min(abs(a - b) for a, b in combinations(alone.values(), 2)) > 1e-3 * abs(logged[0]), "they can be told apart"


# --- what was sampled is what is trained on


def sampled(home, dataset: RunFolder, model: ModelRef, **settings) -> RunFolder:
    """A sample run of a tiny model, done: two responses a question, of 5 tokens at most."""
    chosen = SampleSettings(**{"n": 2, "max_new_tokens": 5, "select": Selection(split="train")} | settings)
    return done(home, run_config("sample", "sft", chosen, {"dataset": dataset.id}, use_of(model)))


def pairs_of(home, samples: RunFolder) -> RunFolder:
    """Every question's first response over its second, as generated."""
    rows = samples.read("explanations", Explanation)
    parents = samples.config.parents | {"samples": samples.id, "judgements": "none"}
    folder = create_run(home, run_config("pairs", "rank", PairSettings(strategy="rank"), parents))

    def side(row: Explanation) -> Side:
        return Side(run=samples.id, sample=row.sample, text=row.response, score=9, prediction=None, correct=False)

    with Work(folder) as work:
        for first, second in zip(rows[::2], rows[1::2], strict=True):
            halves = {"chosen": side(first), "rejected": side(second)}
            rest = {"category": "variable", "reason": "best_over_random", "answer_line_added": False}
            work.append("pairs", [Pair(item_id=first.item_id, **rest, **halves)])
    return folder


def dpo_on(home, pairs: RunFolder, sft: RunFolder, model: ModelRef, **settings) -> RunFolder:
    parents = {"dataset": pairs.config.parents["dataset"], "sft": sft.id, "pairs": pairs.id}
    chosen = DpoSettings(**{"steps": 1, "batch_size": 2} | settings)
    return create_run(home, run_config("dpo", "rank", chosen, parents, use_of(model, sft.id)))


def test_dpo_is_trained_on_the_chats_that_were_sampled(home, trained):
    """Another prompt and other worked examples than the defaults: the rows have them, whatever DPO's own settings."""
    dataset, model, sft = trained
    example = Example(question="What is a cup made of?", explanation="It is fired.", answer="clay")
    samples = sampled(home, dataset, model, prompt="label", examples=[example])
    folder = dpo_on(home, pairs_of(home, samples), sft, model)
    engine = load_engine(model)
    rows = {row["item_id"]: row for row in dpo_rows(Work(folder), engine.chats)}
    for item in select_items(load_items(dataset), Selection(split="train")):
        asked = engine._prompts([task_chat(load_prompt("label"), item, [example])])
        assert rows[item.id]["prompt_ids"] == list(asked[0])
        assert "What is a cup made of?" in engine.tokenizer.decode(rows[item.id]["prompt_ids"])
    with Work(folder) as work:
        run_dpo(work)
    assert folder.state == "done"


def test_another_prompt_than_the_samples_is_refused(home, trained):
    dataset, model, sft = trained
    pairs = pairs_of(home, sampled(home, dataset, model))
    folder = dpo_on(home, pairs, sft, model, prompt="label")
    with pytest.raises(BadInput, match="sampled with the prompt 'explain', not 'label'"), Work(folder) as work:
        run_dpo(work)
    parents = {"dataset": dataset.id, "sft": sft.id, "pairs": pairs.id}
    with pytest.raises(BadInput, match="leave out DPO's `prompt`"):
        settings_on(home, DpoSettings(prompt="label"), parents)
    other = pairs_of(home, sampled(home, dataset, model, prompt="label"))
    assert settings_on(home, DpoSettings(), parents | {"pairs": other.id}).prompt == "label"
    assert settings_on(home, DpoSettings(), parents).prompt == "explain"


def test_another_template_than_the_samples_is_refused(home, trained):
    dataset, model, sft = trained
    pairs = pairs_of(home, sampled(home, dataset, model))
    changed = model.model_copy(update={"template": TEMPLATE.replace("assistant", "answer")})
    folder = dpo_on(home, pairs, sft, changed)
    with pytest.raises(BadInput, match="sampled with another chat template"), Work(folder) as work:
        run_dpo(work)


def test_a_response_that_was_cut_at_the_limit_has_no_end(home, trained):
    """One that has ended by itself does, and so does one that an answer line was appended to."""
    dataset, model, sft = trained
    samples = sampled(home, dataset, model, max_new_tokens=3)
    rows = samples.read("explanations", Explanation)
    lines = [row.model_copy(update={"finish": "end" if row.sample else "length"}) for row in rows]
    rewrite(samples, "explanations", lines)
    pairs = pairs_of(home, samples)
    folder = dpo_on(home, pairs, sft, model)
    tokenizer = load_weights(model, [])[1]
    for row in dpo_rows(Work(folder), ChatTokenizer(tokenizer)):
        assert tokenizer.eos_token_id not in row["chosen_ids"], "cut"
        assert row["rejected_ids"][-1] == tokenizer.eos_token_id, "ended"
    appended = [pair.model_copy(update={"chosen": with_line(pair.chosen)}) for pair in pairs.read("pairs", Pair)]
    rewrite(pairs, "pairs", appended)
    for row in dpo_rows(Work(folder), ChatTokenizer(tokenizer)):
        assert row["chosen_ids"][-1] == tokenizer.eos_token_id, "an answer line is an end"


def with_line(side: Side) -> Side:
    return side.model_copy(update={"text": f"{side.text}\nAnswer: wood"})


def test_rows_that_do_not_fit_are_counted(home, trained):
    _, _, sft = trained
    rows = [{"prompt_ids": [7] * n, "completion_ids": [8, 9]} for n in (2, 5, 9, 30)]
    work = Work(sft)
    assert fitting(work, rows, 9) == (rows[:2], 7)
    assert fitting(work, rows, 10) == (rows[:3], 10)
    said = [event["text"] for event in sft.events() if event["type"] == "note"]
    assert [text.split(":")[0] for text in said] == [
        "2 of 4 rows were left out",
        "1 of 4 rows were left out",
        "1 of 4 rows were cut at their end",
    ]


def test_a_batch_read_in_parts_trains_as_one_read_whole(home, trained, monkeypatch):
    dataset, model, sft = trained
    losses = []
    for room in (100_000, 1):
        monkeypatch.setattr("core.method.training.TOKENS_A_PASS", room)
        folder = dpo_run(home, dataset, model, sft, count=2)  # both pairs in every step, whatever their order
        with Work(folder) as work:
            run_dpo(work)
        losses.append(metrics(folder, "loss")[-6:])
    assert losses[0][:2] == pytest.approx(losses[1][:2], rel=1e-2)  # from then on rounding grows
    assert losses[1][0] == pytest.approx(math.log(2), abs=1e-3)


def test_an_empty_pair_set_is_one_sentence(home, trained):
    dataset, model, sft = trained
    folder = dpo_run(home, dataset, model, sft, count=0)
    with pytest.raises(BadInput, match="nothing to train on"), Work(folder) as work:
        run_dpo(work)
    assert folder.state == "failed"


def test_an_adapter_that_changes_nothing_is_refused(trained, tmp_path):
    import shutil

    from safetensors.torch import load_file, save_file

    _, model, sft = trained
    blank = tmp_path / "blank"
    shutil.copytree(sft.adapter(), blank)
    weights = load_file(blank / "adapter_model.safetensors")
    save_file({name: torch.zeros_like(w) for name, w in weights.items()}, blank / "adapter_model.safetensors")
    with pytest.raises(ModelUnavailable, match="changes no weight"):
        load_weights(model, [blank])
