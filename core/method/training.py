"""Training on one harness: SFT on labels alone, and DPO on preference pairs.

TRL trains, PEFT keeps the change in a LoRA adapter.  DPO adds its own to the model that has the SFT adapter in effect,
so that the reference policy (its own adapter off) is SFT itself; its first loss is then ln 2 by
Rafailov et al. 2023, equation 7, and is checked.  A stopped or killed training starts over when resumed.
Every step notes the questions that it was trained on, so that a jump of a curve can be read as texts.
"""

import gc
import math
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback, set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from core.data.datasets import load_items, select_items
from core.engines.chats import ChatTokenizer
from core.engines.exhaustion import memory_errors
from core.engines.room import OutOfMemory
from core.engines.weights import load_weights, place_of
from core.errors import BadInput, LabError
from core.method.training_rows import Row, dpo_rows, fitting, samples_of, sft_rows
from core.models.memory import TOKENS_A_PASS, lora_bytes, refuse_long_pass, training_bytes
from core.models.variants import adapters_of, base_of
from core.runs.batches import EVENT, planned_rows
from core.runs.folders import RunFolder, file_hash
from core.runs.plan import refuse_other_prompt
from core.runs.work import Work
from core.settings import DpoSettings, LoraSettings, SftSettings

SUMS_TOLERANCE = 1e-4
"""How far DPO's first loss may be from ln 2 by the sums of its own arithmetic, which is in fp32."""

PAIRS_READ_AGAIN = 8
"""Pairs on which it is measured how far rounding takes a reference that is computed ahead."""


def run_sft(work: Work) -> None:
    """Fine-tune on labels: question in, option text out, no explanation.  Parents: dataset."""
    settings = SftSettings.model_validate(work.config.settings)
    tune(work, settings, *_load(work, settings, work.folder.moment))


def tune(work: Work, settings: SftSettings, model: PreTrainedModel, chats: ChatTokenizer) -> None:
    """SFT of a new adapter on `model`."""
    selected = select_items(load_items(work.parent("dataset")), settings.select)
    rows = sft_rows([item for item in selected if item.gold is not None], settings, chats)
    if len(rows) < len(selected):
        work.note(f"{len(selected) - len(rows)} questions without a gold label were left out.")
    rows, longest = fitting(work, rows, settings.max_length)
    arguments = SFTConfig(**_arguments(work, settings, model, longest), completion_only_loss=True, packing=False)
    _train(work, SFTTrainer, arguments, model, chats.tokenizer, [_as_sequence(row) for row in rows], settings.lora)
    work.summary |= {"questions": len(rows)}


def _as_sequence(row: Row) -> dict[str, Any]:
    """A row as TRL takes one that is tokenised: the whole sequence, and which of it is learned."""
    prompt, completion = row["prompt_ids"], row["completion_ids"]
    mask = [0] * len(prompt) + [1] * len(completion)
    return {"item_id": row["item_id"], "input_ids": prompt + completion, "completion_mask": mask}


def run_dpo(work: Work) -> None:
    """Align the SFT variant on pairs.  Parents: dataset, sft, pairs."""
    settings = DpoSettings.model_validate(work.config.settings)
    samples = samples_of(work)
    refuse_other_prompt(settings, samples.config.settings["prompt"])
    model, chats = _load(work, settings, samples.moment)
    refuse_other_template(chats.record(base_of(work.config.model)), samples)
    align(work, settings, model, chats)


def refuse_other_template(now: Mapping[str, str], samples: RunFolder) -> None:
    """BadInput if the samples were rendered in another way than the model's chats are now (see `ChatTokenizer.record`).

    Samples of before that was noted, and those of a server, are taken as they are.
    """
    noted = next((event for event in samples.events() if event["type"] == "loaded"), {})
    for name in ("template_hash", "system_text", "thought"):
        if "template_hash" in noted and noted.get(name) != now.get(name):
            raise BadInput(
                f"{samples.id} was sampled with another chat template ({name}: {noted.get(name)}) than this model has "
                f"now ({now.get(name)}), and DPO trains on what was sampled: put the template back, or sample again."
            )


def align(work: Work, settings: DpoSettings, model: PreTrainedModel, chats: ChatTokenizer) -> None:
    """DPO of a new adapter on `model`, which is the reference policy as it is."""
    rows, longest = fitting(work, dpo_rows(work, chats), settings.max_length)
    arguments = DPOConfig(
        **_arguments(work, settings, model, 2 * longest),
        beta=settings.beta,
        loss_type=["sigmoid"],
        precompute_ref_log_probs=settings.steps * settings.batch_size > len(rows),  # once a pair, if it is seen twice
    )
    _train(work, _PairTrainer, arguments, model, chats.tokenizer, rows, settings.lora)
    work.summary |= {"pairs": len(rows)}


class _PairTrainer(DPOTrainer):
    """TRL's DPO on rows that are token ids already: it has no setting by which it leaves them alone."""

    def _prepare_dataset(self, dataset: Dataset, *_: Any) -> Dataset:
        return dataset


# --- the harness


def _load(work: Work, settings: SftSettings | DpoSettings, moment: datetime) -> tuple[PreTrainedModel, ChatTokenizer]:
    """The variant that training starts from, and how its chats are read; all random numbers seeded."""
    set_seed(settings.seed)
    use = work.config.model
    model, tokenizer = load_weights(base_of(use), adapters_of(work.home, use), trained_rank=settings.lora.r)
    chats = ChatTokenizer(tokenizer, model.get_input_embeddings().weight.shape[0], moment)
    seen = chats.record(base_of(use))
    work.event("loaded", **seen, model=use.name, dtype=str(model.dtype), device=str(model.device))
    return model, chats


def rows_a_pass(batch_size: int, tokens: int, room: int) -> int:
    """The largest part of a batch that divides it evenly and whose rows of `tokens` tokens fit a pass of `room` tokens.

    >>> rows_a_pass(8, 60, 1024), rows_a_pass(4, 700, 1024), rows_a_pass(6, 400, 1024)
    (8, 1, 2)
    """
    parts = [n for n in range(1, batch_size + 1) if batch_size % n == 0 and n * tokens <= room]
    return max(parts, default=1)


def planned_pass(work: Work, settings: SftSettings | DpoSettings, model: PreTrainedModel, tokens_a_row: int) -> int:
    """Rows a pass: what this run's last plan says, else what is free beside the adapter holds; with an event."""
    folder, place = Path(base_of(work.config.model).path), place_of(str(model.device), model.dtype)
    place = place._replace(free=place.free - lora_bytes(folder, settings.lora.r))
    refuse_long_pass(folder, tokens_a_row, place)
    if before := planned_rows(work):
        return before
    fitting = place.free // training_bytes(folder, 1, place.itemsize, place.device)
    rows = rows_a_pass(settings.batch_size, tokens_a_row, min(TOKENS_A_PASS, fitting))
    work.event(EVENT, rows=rows, of=settings.batch_size, tokens_a_row=tokens_a_row, why="free memory")
    return rows


def _arguments(
    work: Work, settings: SftSettings | DpoSettings, model: PreTrainedModel, tokens_a_row: int
) -> dict[str, Any]:
    """TRL arguments that both trainings share.  Its own defaults (bf16, checkpointing) are slow on a CPU."""
    on_gpu = model.device.type == "cuda"
    part = planned_pass(work, settings, model, tokens_a_row)
    return {
        "output_dir": str(work.path / "trainer"),
        "max_steps": settings.steps,
        "per_device_train_batch_size": part,
        "gradient_accumulation_steps": settings.batch_size // part,
        "learning_rate": settings.learning_rate,
        "lr_scheduler_type": "linear",
        "max_length": settings.max_length,
        "seed": settings.seed,
        "use_cpu": not on_gpu,
        "bf16": model.dtype == torch.bfloat16,
        "gradient_checkpointing": on_gpu,
        "dataloader_pin_memory": on_gpu,
        "save_strategy": "no",
        "logging_steps": 1,
        "report_to": "none",
        "disable_tqdm": True,
    }


def _train(
    work: Work,
    trainer_class: type[SFTTrainer] | type[DPOTrainer],
    arguments: SFTConfig | DPOConfig,
    model: PreTrainedModel,
    *others: Any,
    **named: Any,
) -> None:
    """As `_train_once`; where memory runs out, from its first step again with half the rows a pass."""
    while True:
        try:
            return _train_once(work, trainer_class, arguments, model, *others, **named)
        except OutOfMemory as error:
            arguments = smaller_passes(work, arguments, error)
        gc.collect()
        set_seed(arguments.seed)


def smaller_passes(work: Work, arguments: SFTConfig | DPOConfig, error: OutOfMemory) -> SFTConfig | DPOConfig:
    """The arguments with half the rows a pass (or the next part below), and as many a step; with an event."""
    rows, passes = arguments.per_device_train_batch_size, arguments.gradient_accumulation_steps
    if rows == 1:
        raise error
    part = max(n for n in range(1, rows // 2 + 1) if rows % n == 0)
    work.event(EVENT, rows=part, of=rows, why="out of memory")
    work.note(f"Memory ran out with {rows} rows a pass: the training starts over with {part}, and as many rows a step.")
    return replace(arguments, per_device_train_batch_size=part, gradient_accumulation_steps=rows * passes // part)


def _train_once(
    work: Work,
    trainer_class: type[SFTTrainer] | type[DPOTrainer],
    arguments: SFTConfig | DPOConfig,
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[dict[str, Any]],
    lora: LoraSettings,
) -> None:
    """Train a new LoRA on top of `model` and save it as the run's adapter."""
    if not rows:
        raise BadInput(
            "There is nothing to train on: the selection has no labelled question, the pair set is empty, or every "
            "prompt fills max_length."
        )
    name = work.config.model.name
    lora_config = LoraConfig(
        r=lora.r,
        lora_alpha=lora.alpha,
        lora_dropout=lora.dropout,
        target_modules="all-linear",
        task_type="CAUSAL_LM",
        base_model_name_or_path=name,
    )
    trainer = trainer_class(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(list(rows)),
        processing_class=tokenizer,
        peft_config=lora_config,
    )
    try:
        with memory_errors():
            expected = _first_loss(trainer) if isinstance(trainer, DPOTrainer) else None
            reporter = _Reporter(work, _Batches(trainer), expected)
            trainer.add_callback(reporter)
            trainer.train()
    except OutOfMemory:
        trainer.model.unload()  # `model` is left as it was, for another try
        raise
    trainer.model.peft_config["default"].base_model_name_or_path = name  # not a path of this machine
    trainer.model.save_pretrained(work.folder.adapter(), save_embedding_layers=False)  # LoRA leaves them alone
    work.summary |= {
        "adapter_hash": file_hash(work.folder.adapter() / "adapter_model.safetensors"),
        "first_loss": reporter.losses[0],
        "last_loss": reporter.losses[-1],
        **({"first_loss_tolerance": expected.tolerance} if expected else {}),
        "steps": arguments.max_steps,
    }


@dataclass(frozen=True)
class FirstLoss:
    """What a training's first loss must be, and how far rounding may take it from that."""

    value: float
    tolerance: float


def _first_loss(trainer: DPOTrainer) -> FirstLoss:
    """ln 2: the new adapter changes nothing yet, so policy and reference give each response the same probability.

    Where the reference is computed ahead, its rows stand in other batches than those of the first step, and shapes
    decide how sums are rounded.  How much is measured: the first pairs are read once more, each alone.  The loss
    moves by beta / 2 of what a pair's log-ratio does, and both sides of it are rounded.
    """
    if not trainer.args.precompute_ref_log_probs:
        return FirstLoss(math.log(2), SUMS_TOLERANCE)
    apart = 0.0
    for row in trainer.train_dataset.select(range(min(PAIRS_READ_AGAIN, len(trainer.train_dataset)))):
        batch = trainer.data_collator([row])
        alone = trainer.compute_ref_log_probs(trainer.model, {k: v.to(trainer.model.device) for k, v in batch.items()})
        ahead = row["ref_chosen_logps"] - row["ref_rejected_logps"]
        apart = max(apart, abs(float(alone[0] - alone[1]) - ahead))
    return FirstLoss(math.log(2), SUMS_TOLERANCE + trainer.beta * apart)


class _Batches:
    """Which questions each step is trained on: it takes the place of a trainer's collator and notes what passes."""

    def __init__(self, trainer: SFTTrainer | DPOTrainer) -> None:
        self._collate, trainer.data_collator = trainer.data_collator, self
        self._questions = {_tokens(row): row["item_id"] for row in trainer.train_dataset}
        self._passes_a_step = trainer.args.gradient_accumulation_steps
        self._passes_an_epoch = math.ceil(len(trainer.train_dataset) / trainer.args.train_batch_size)
        self._passed: list[list[str]] = []

    def __call__(self, rows: Sequence[dict[str, Any]]) -> dict[str, torch.Tensor]:
        self._passed.append([self._questions[_tokens(row)] for row in rows])
        return self._collate(rows)

    def of_step(self, step: int) -> list[str]:
        """Ids of a step's questions (step: from 1).  The last step of an epoch has what is left of it."""
        epoch, place = divmod(step - 1, math.ceil(self._passes_an_epoch / self._passes_a_step))
        begin = epoch * self._passes_an_epoch + place * self._passes_a_step
        end = min(begin + self._passes_a_step, (epoch + 1) * self._passes_an_epoch)
        return [question for passed in self._passed[begin:end] for question in passed]


def _tokens(row: dict[str, Any]) -> tuple[tuple[int, ...], ...]:
    """What tells a tokenised row of either trainer from another, before and after columns are left out."""
    return tuple(tuple(row[name]) for name in ("input_ids", "prompt_ids", "chosen_ids", "rejected_ids") if name in row)


class _Reporter(TrainerCallback):
    """Writes the run's events at every step, and stops the training when asked."""

    def __init__(self, work: Work, batches: _Batches, first_loss: FirstLoss | None = None) -> None:
        self.work = work
        self.batches = batches
        self.first_loss = first_loss
        self.losses: list[float] = []
        self._tokens = 0
        self._at = time.monotonic()

    def on_log(self, args: Any, state: Any, control: Any, logs: dict[str, Any] | None = None, **_: Any) -> None:
        if not logs or "loss" not in logs:
            return
        values = {name: float(value) for name, value in logs.items()}
        self._check_first(values["loss"])
        self.losses.append(values["loss"])
        questions = self.batches.of_step(state.global_step)
        self.work.event("metric", step=state.global_step, values=values, questions=questions)
        self.work.progress(state.global_step, state.max_steps, "steps")
        self._report_cost(int(values.get("num_tokens", 0)))
        self.work.raise_if_stopped()

    def _check_first(self, loss: float) -> None:
        expected = self.first_loss
        if self.losses or expected is None or abs(loss - expected.value) <= expected.tolerance:
            return
        raise LabError(
            f"The first DPO loss is {loss:.5f}, not ln 2 = {expected.value:.5f} (rounding may take it "
            f"{expected.tolerance:.1g} from that): the reference policy is not the variant that training starts from. "
            "Check the chain of adapters."
        )

    def _report_cost(self, tokens: int) -> None:
        now = time.monotonic()
        read = tokens - self._tokens
        self.work.cost(read, 0, now - self._at, read)
        self._tokens, self._at = tokens, now
