"""What leaves the lab is what its tools read: TRL trains on the pairs, PEFT loads the adapters."""

import json
import re
import tomllib

import duckdb
import pandas as pd
import pytest
import torch
from datasets import load_dataset
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer
from trl import DPOConfig, DPOTrainer

from core.card import model_card
from core.engines.hf import load_weights, render
from core.errors import BadInput
from core.pipeline import PRESETS, PipelineFile, parse_pipeline, read_pipeline
from core.records import Pair
from core.results import evaluations
from core.runs import RunConfig, create_run, find_run
from core.settings import CompareSettings, DpoSettings
from core.sharing import export_adapter, export_pairs, export_settings, preference_rows
from core.store import any_store
from core.training import dpo_rows, run_dpo
from core.work import Work
from tests.lab import filled_lab
from tests.test_store import import_config, opened, sealed, stopped, whole_loop
from tests.test_training import dpo_run, trained  # noqa: F401
from tests.tiny import tiny_model

# --- tables


NASTY = ["=1+1", "+1", "-2", "@SUM(A1)", "\t=1", "\r=1", "plain", "a=b", "'quoted", 'say "no"', "two\nlines", ""]


def test_a_text_that_a_spreadsheet_takes_for_a_formula_gets_an_apostrophe_in_csv_alone(home, tmp_path):
    (tmp_path / "nasty.json").write_text(json.dumps([{"text": text, "n": -i} for i, text in enumerate(NASTY)]))
    source = f"SELECT n, text AS \"a 'text\"\"\" FROM read_json('{tmp_path}/nasty.json') ORDER BY n DESC"
    whole_loop(home)
    with opened(home) as store:
        store.rows("LOAD json")
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
    return max((find_run(home, path.name) for path in home.runs.glob("pairs-*")), key=lambda run: len(list(run.lines("pairs"))))


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
            output_dir=str(tmp_path / "out"), max_steps=1, per_device_train_batch_size=2, use_cpu=True, bf16=False,
            report_to="none", save_strategy="no", disable_tqdm=True, gradient_checkpointing=False,
        ),
        train_dataset=loaded,
        processing_class=tokenizer,
        peft_config=LoraConfig(r=2, target_modules="all-linear", task_type="CAUSAL_LM"),
    )
    trainer.train()
    dpo = next(run for run in map(lambda p: find_run(home, p.name), home.runs.glob("dpo-*")) if run.config.parents["pairs"] == lab.id)
    ours = dpo_rows(Work(dpo), DpoSettings(), tokenizer)
    for theirs, row in zip(trainer.train_dataset, ours, strict=True):
        assert tokenizer.decode(theirs["prompt_ids"]) == row["prompt"]
        for half in ("chosen", "rejected"):
            assert tokenizer.decode(theirs[f"{half}_ids"]).rstrip("\n") == row[half]


def test_a_pair_says_where_it_comes_from(home, lab):
    pairs, rows = lab.read("pairs", Pair), preference_rows(home, lab)
    for pair, row in zip(pairs, rows, strict=True):
        assert (row["item_id"], row["category"], row["reason"]) == (pair.item_id, pair.category, pair.reason)
        assert row["chosen"] == [{"role": "assistant", "content": pair.chosen.text}]
        assert row["prompt"][-1]["role"] == "user"
