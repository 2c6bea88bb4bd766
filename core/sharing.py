"""What a run made, in the form that other tools read: pairs for TRL and LLaMA-Factory, settings, adapters for PEFT.

    export_pairs(home, find_run(home, "pairs-1f"), Path("pairs.jsonl"))
    ranking_rows(preference_rows(home, run))        # LLaMA-Factory's ranking form

Each function writes its target whole or not at all.  Tables as files are `Store.export`; the model card of an
adapter is `core.models.card`.
"""

import json
import shutil
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import tomli_w

from core.analysis.results import Evaluation
from core.data.datasets import load_items
from core.engines import Chat
from core.errors import BadInput
from core.home import Home
from core.method.sampling import chats_of
from core.models.card import model_card
from core.records import Item, Pair, Side
from core.runs.folders import RunConfig, RunFolder
from core.runs.plan import command_of
from core.runs.sealed import require_whole
from core.store.files import draft_of

PAIR_FILES = (".jsonl", ".parquet")


def export_pairs(home: Home, run: RunFolder, file: Path) -> int:
    """Write a pairs run as a conversational preference data set of TRL, JSON Lines or Parquet; the number of pairs."""
    if file.suffix.lower() not in PAIR_FILES:
        raise BadInput(f"{file.name} has a suffix that cannot be written: use {', '.join(PAIR_FILES)}.")
    rows = preference_rows(home, run)
    with draft_of(file) as draft:
        draft.write_bytes(as_parquet(rows) if file.suffix.lower() == ".parquet" else as_json_lines(rows))
    return len(rows)


def as_json_lines(rows: Iterable[dict[str, Any]]) -> bytes:
    """Rows as JSON Lines, UTF-8."""
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    """Rows as a Parquet file."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    sink = pa.BufferOutputStream()
    pq.write_table(pa.Table.from_pylist(rows), sink)
    return sink.getvalue().to_pybytes()


def preference_rows(home: Home, run: RunFolder) -> list[dict[str, Any]]:
    """prompt (messages), chosen and rejected (one assistant message each), then where the pair comes from.

    The prompt is the chat that the responses were sampled with, which is what DPO trains on here.  An opening of the
    assistant's turn stands at the head of both answers: TRL's form has no place for it in the prompt.
    """
    need_done(run, "pairs")
    return rows_of_pairs(home, run.config.parents, run.read("pairs", Pair))


def rows_of_pairs(home: Home, parents: Mapping[str, str], pairs: Iterable[Pair]) -> list[dict[str, Any]]:
    """The rows of `preference_rows` for pairs that no run has written yet; parents: dataset and samples runs."""
    dataset, samples = (RunFolder(home.runs / parents[role]) for role in ("dataset", "samples"))
    items = {item.id: item for item in load_items(dataset)}
    chat = chats_of(samples, dataset)
    return [_preference(chat(items[pair.item_id]), items[pair.item_id], pair) for pair in pairs]


def _preference(chat: Chat, item: Item, pair: Pair) -> dict[str, Any]:
    def answer(side: Side) -> list[dict[str, str]]:
        return [{"role": "assistant", "content": chat.opening + side.text}]

    return {
        "prompt": [{"role": message.role, "content": message.content} for message in chat.messages],
        "chosen": answer(pair.chosen),
        "rejected": answer(pair.rejected),
        "item_id": item.id,
        "category": pair.category,
        "reason": pair.reason,
        "chosen_score": pair.chosen.score,
        "rejected_score": pair.rejected.score,
    }


def ranking_rows(rows: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows of `preference_rows` in LLaMA-Factory's ranking form (sharegpt): conversations, chosen, rejected.

    Messages are {"from": "system" | "human" | "gpt", "value": text}; in its `dataset_info.json` the file is
    {"ranking": true, "formatting": "sharegpt"} with the columns messages = conversations, chosen and rejected.

    >>> answers = {half: [{"role": "assistant", "content": half}] for half in ("chosen", "rejected")}
    >>> ranking_rows([{"prompt": [{"role": "user", "content": "Why?"}]} | answers])[0]["chosen"]
    {'from': 'gpt', 'value': 'chosen'}
    """
    return [
        {
            "conversations": [_turn(message) for message in row["prompt"]],
            "chosen": _turn(row["chosen"][0]),
            "rejected": _turn(row["rejected"][0]),
        }
        for row in rows
    ]


def _turn(message: dict[str, str]) -> dict[str, str]:
    names = {"system": "system", "user": "human", "assistant": "gpt"}
    return {"from": names[message["role"]], "value": message["content"]}


def need_done(run: RunFolder, *kinds: str) -> None:
    """`BadInput` unless the run is of one of these kinds, done, and holds what it was sealed with."""
    if run.config.kind not in kinds:
        raise BadInput(f"{run.id} is a {run.config.kind} run: name one that is {' or '.join(kinds)}.")
    if run.state != "done":
        raise BadInput(f"{run.id} is {run.state}, not done: `anchorlab resume {run.id}` goes on with it.")
    require_whole(run)


# --- settings


def export_settings(run: RunFolder, file: Path) -> None:
    """Write a run's settings as TOML: a pipeline as the file that starts it, another run with the command that does."""
    if file.suffix.lower() != ".toml":
        raise BadInput(f"{file.name} has a suffix that cannot be written: use .toml.")
    with draft_of(file) as draft:
        draft.write_text(settings_toml(run.config), encoding="utf-8")


def settings_toml(config: RunConfig) -> str:
    """A pipeline file that `anchorlab pipeline` reads; for other runs kind, label, settings, model and parents."""
    if config.kind == "pipeline":
        return tomli_w.dumps(without_none(config.settings["file"]))
    table: dict[str, Any] = {"kind": config.kind, "label": config.label, "settings": config.settings}
    if config.model:
        table["model"] = config.model.model_dump(include={"name", "hash", "source", "chain"})
    command = " ".join(command_of(config).splitlines())
    return f"# {command}\n" + tomli_w.dumps(without_none(table | {"parents": config.parents}))


def without_none(value: Any) -> Any:
    """A JSON value as TOML can hold it: TOML says nothing by leaving the name out.

    >>> without_none({"limit": None, "select": [{"split": "test", "limit": None}]})
    {'select': [{'split': 'test'}]}
    """
    if isinstance(value, Mapping):
        return {name: without_none(inner) for name, inner in value.items() if inner is not None}
    if isinstance(value, list):
        return [without_none(inner) for inner in value]
    return value


# --- adapters


def export_adapter(home: Home, run: RunFolder, folder: Path, evaluations: list[Evaluation]) -> None:
    """Write a training's adapter as a PEFT folder with a model card; adapters it stands on lie in `chain/`."""
    need_done(run, "sft", "dpo")
    if folder.is_dir() and any(folder.iterdir()) and not (folder / "adapter_config.json").exists():
        raise BadInput(f"{folder} holds something that is no adapter: name a new folder.")
    chain = [RunFolder(home.runs / run_id) for run_id in run.config.model.chain]
    for below in chain:
        need_done(below, "sft", "dpo")
    with draft_of(folder) as draft:
        _copy_adapter(run, draft)
        for below in chain:
            _copy_adapter(below, draft / "chain" / below.id)
        (draft / "README.md").write_text(model_card(home, run, chain, evaluations), encoding="utf-8")


def _copy_adapter(run: RunFolder, folder: Path) -> None:
    folder.mkdir(parents=True)
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        shutil.copyfile(run.adapter() / name, folder / name)
