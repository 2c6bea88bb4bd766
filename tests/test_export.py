"""What leaves the lab is what its tools read: TRL trains on the pairs, PEFT loads the adapters."""

import re
import tomllib

import pandas as pd
import pytest
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

from core.analysis.results import evaluations
from core.engines.chats import ChatTokenizer
from core.engines.weights import load_weights
from core.errors import BadInput
from core.method.training_rows import dpo_rows
from core.models.variants import base_of
from core.records import Pair
from core.runs.folders import RunConfig, create_run, find_run
from core.runs.pipeline import PRESETS, read_pipeline
from core.runs.work import Work
from core.settings import CompareSettings
from core.sharing import export_adapter, export_pairs, export_settings, preference_rows
from core.store.database import any_store
from tests.lab import filled_lab
from tests.test_store import opened, sealed, stopped, whole_loop

# --- tables


NASTY = ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "plain", "a=b", "'quoted", 'say "no"', "two\nlines", ""]


def test_a_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe_in_csv_alone(home, tmp_path):
    texts = ", ".join("'" + text.replace("'", "''") + "'" for text in NASTY)
    numbered = f"SELECT unnest([{texts}]) AS text, unnest(range({len(NASTY)})) AS i"
    source = f'SELECT -i AS n, text AS "a \'text""" FROM ({numbered}) ORDER BY n DESC'
    whole_loop(home)
    with opened(home) as store:
        for suffix in (".csv", ".parquet", ".jsonl"):
            assert store.export(source, tmp_path / f"out{suffix}") == len(NASTY)
    table = pd.read_csv(tmp_path / "out.csv", keep_default_na=False)
    assert table["a 'text\""].tolist() == [("'" if i < 6 else "") + text for i, text in enumerate(NASTY)]
    assert table["n"].tolist() == [-i for i in range(len(NASTY))]
    assert pd.read_parquet(tmp_path / "out.parquet").iloc[:, 1].tolist() == NASTY
    assert pd.read_json(tmp_path / "out.jsonl", lines=True, dtype=False).iloc[:, 1].tolist() == NASTY


def test_an_export_that_fails_leaves_the_old_file_and_nothing_else(home, tmp_path):
    whole_loop(home)
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "x.csv").write_text("old")
    with opened(home) as store:
        for query in ("SELECT error('half way') FROM runs", "SELECT 1) TO 'y.csv'; DROP TABLE runs; COPY (SELECT 1"):
            with pytest.raises(BadInput, match="cannot be exported"):
                store.export(query, folder / "x.csv")
        assert "runs" in store.tables()
    assert [(path.name, path.read_text()) for path in folder.iterdir()] == [("x.csv", "old")]


# --- pairs


@pytest.fixture
def lab(home, tmp_path):
    """The pairs run with most pairs of a whole little lab, every stage done by a tiny model."""
    filled_lab(home, tmp_path)
    return max(all_of(home, "pairs"), key=lambda run: len(run.read("pairs", Pair)))


def test_trl_trains_on_exported_pairs_with_the_prompt_that_the_lab_trains_on(home, lab, tmp_path):
    """Both forms load with `datasets`; TRL's own tokens of prompt and answers are those of the lab's rows."""
    for suffix, form in ((".jsonl", "json"), (".parquet", "parquet")):
        file = tmp_path / f"pairs{suffix}"
        count = export_pairs(home, lab, file)
        loaded = load_dataset(form, data_files=str(file), split="train", cache_dir=str(tmp_path / "cache"))
        assert loaded.to_list() == preference_rows(home, lab)
    assert count == lab.result["summary"]["pairs"] > 0
    folder = str(tmp_path / "tiny")
    tokenizer = AutoTokenizer.from_pretrained(folder)
    trainer = DPOTrainer(
        model=AutoModelForCausalLM.from_pretrained(folder),
        args=DPOConfig(
            output_dir=str(tmp_path / "out"),
            max_steps=1,
            per_device_train_batch_size=2,
            use_cpu=True,
            bf16=False,
            report_to="none",
            save_strategy="no",
            disable_tqdm=True,
            gradient_checkpointing=False,
        ),
        train_dataset=loaded,
        processing_class=tokenizer,
        peft_config=LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()
    dpo = next(run for run in all_of(home, "dpo") if run.config.parents["pairs"] == lab.id)
    ours = dpo_rows(Work(dpo), ChatTokenizer(tokenizer))
    line_break = tokenizer("\n")["input_ids"]  # the template's own after an end of turn, which nobody has generated
    for theirs, row in zip(trainer.train_dataset, ours, strict=True):
        assert theirs["prompt_ids"] == row["prompt_ids"]
        for half in ("chosen_ids", "rejected_ids"):
            cut = [] if row[half][-1] == tokenizer.eos_token_id else [tokenizer.eos_token_id]
            assert theirs[half] == row[half] + cut + line_break
    for pair, row in zip(lab.read("pairs", Pair), loaded.to_list(), strict=True):
        assert (row["item_id"], row["category"], row["reason"]) == (pair.item_id, pair.category, pair.reason)


def test_pairs_of_a_run_that_is_not_done_or_of_another_kind_are_refused(home, tmp_path):
    loop = whole_loop(home)
    with pytest.raises(BadInput, match="is a judge run: name one that is pairs"):
        export_pairs(home, loop.judge, tmp_path / "x.jsonl")
    with pytest.raises(BadInput, match=r"use \.jsonl, \.parquet"):
        export_pairs(home, loop.pairs, tmp_path / "x.csv")
    half = loop.pairs.config.model_copy(update={"settings": loop.pairs.config.settings | {"seed": 1}})
    with pytest.raises(BadInput, match="is stopped, not done: `anchorlab resume"):
        export_pairs(home, stopped(home, half, {"pairs": []}), tmp_path / "x.jsonl")
    assert list(tmp_path.glob("*x.*")) == []


# --- settings


@pytest.mark.parametrize("preset", sorted(path.stem for path in PRESETS.glob("*.toml")))
def test_the_settings_of_a_pipeline_are_a_file_that_starts_the_same_one(home, tmp_path, preset):
    file = read_pipeline(PRESETS / f"{preset}.toml")
    settings = {"file": file.model_dump(mode="json"), "steps": []}
    run = create_run(home, RunConfig(kind="pipeline", label=preset, settings=settings))
    export_settings(run, tmp_path / "mine.toml")
    assert read_pipeline(tmp_path / "mine.toml") == file


def test_the_settings_of_another_run_stand_below_the_command_that_asks_for_it(home, tmp_path):
    loop = whole_loop(home)
    export_settings(loop.samples, tmp_path / "sample.toml")
    text = (tmp_path / "sample.toml").read_text()
    assert text.startswith(f"# anchorlab run sample --label base --dataset {loop.dataset.id} --model tiny --set n=2\n")
    read = tomllib.loads(text)
    assert (read["settings"]["n"], read["parents"]["dataset"], read["model"]["hash"]) == (2, loop.dataset.id, "weights")
    assert "/here" not in text


# --- adapters


def test_exported_adapters_load_with_peft_as_their_cards_say(home, lab, tmp_path):
    """The card's own code gives what the lab serves: SFT on the base, DPO together with SFT."""
    with any_store(home) as store:
        found = evaluations(store, CompareSettings(resamples=100))
    base = AutoModelForCausalLM.from_pretrained(tmp_path / "tiny")
    ids = torch.arange(20).reshape(1, -1)
    for run in [run for kind in ("sft", "dpo") for run in all_of(home, kind)]:
        folder = tmp_path / "exported" / run.id
        folder.parent.mkdir(exist_ok=True)
        export_adapter(home, run, folder, found)
        card = (folder / "README.md").read_text()
        (code,) = re.findall(r"```python\n(.*?)```", card, re.DOTALL)
        code = code.replace('"tiny"', repr(str(tmp_path / "tiny"))).replace('"adapter', f'"{folder}')
        scope: dict = {}
        exec(code, scope)
        chain = [find_run(home, below).adapter() for below in run.config.model.chain]
        ours, _ = load_weights(base_of(run.config.model), [*chain, run.adapter()])
        with torch.no_grad():
            theirs = scope["model"](ids).logits
            assert torch.allclose(theirs, ours(ids).logits, atol=1e-4)
            assert not torch.allclose(theirs, base(ids).logits, atol=1e-4)
        assert run.config.model.hash in card
        assert ("valid only on the base model with the adapters" in card) == (run.config.kind == "dpo")
        assert re.search(r"Accuracy as parsed .*% \(.* … .*\), n = 8 questions", card), card
        assert str(tmp_path) not in card


def all_of(home, kind: str):
    return [find_run(home, path.name) for path in sorted(home.runs.glob(f"{kind}-*"))]


def test_a_folder_with_other_things_is_never_replaced_by_an_adapter(home, tmp_path):
    loop = whole_loop(home)
    with pytest.raises(BadInput, match="is a pairs run: name one that is sft or dpo"):
        export_adapter(home, loop.pairs, tmp_path / "x", [])
    config = RunConfig(kind="sft", label="sft", settings={}, model=loop.samples.config.model)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.txt").write_text("all of it")
    with pytest.raises(BadInput, match="holds something that is no adapter"):
        export_adapter(home, sealed(home, config, {}), tmp_path / "mine", [])
    with pytest.raises(BadInput, match="cannot be written"):
        export_adapter(home, find_run(home, "sft-"), tmp_path / "new", [])  # a run without its weights
    assert sorted(path.name for path in tmp_path.iterdir()) == ["home", "mine"]
