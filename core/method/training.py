"""Training on one harness: SFT on labels alone, and DPO on preference pairs.

TRL trains, PEFT keeps the change in a LoRA adapter.  DPO merges the SFT adapter into the base before it
adds its own, so that the reference policy (adapter off) is SFT itself; its first loss is then ln 2 by
Rafailov et al. 2023, equation 7, and is checked.  A stopped or killed training starts over when resumed.
Every step notes the questions that it was trained on, so that a jump of a curve can be read as texts.
"""

import math
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from peft import LoraConfig
from transformers import PreTrainedModel, PreTrainedTokenizerBase, TrainerCallback, set_seed
from trl import DPOConfig, DPOTrainer, SFTConfig, SFTTrainer

from core.data.datasets import load_items, select_items
from core.engines.templates import render, template_record
from core.engines.weights import load_weights
from core.errors import BadInput, LabError
from core.method.sampling import examples_of
from core.models.memory import TOKENS_A_PASS, refuse_long_pass
from core.models.variants import adapters_of, base_of
from core.prompts import fill, load_prompt, option_text, task_chat
from core.records import Item, Pair
from core.runs.folders import RunFolder, file_hash
from core.runs.work import Work
from core.settings import DpoSettings, LoraSettings, SftSettings

LN2_TOLERANCE = 1e-3
"""How far DPO's first loss may be from ln 2 before the reference policy is held to be wrong."""


def run_sft(work: Work) -> None:
    """Fine-tune on labels: question in, option text out, no explanation.  Parents: dataset."""
    settings = SftSettings.model_validate(work.config.settings)
    model, tokenizer = _load(work, settings.seed)
    selected = select_items(load_items(work.parent("dataset")), settings.select)
    rows = sft_rows([item for item in selected if item.gold is not None], settings, tokenizer)
    if len(rows) < len(selected):
        work.note(f"{len(selected) - len(rows)} questions without a gold label were left out.")
    rows, longest = fitting(work, rows, tokenizer, settings.max_length)
    arguments = SFTConfig(**_arguments(work, settings, model, longest), completion_only_loss=True, packing=False)
    _train(work, SFTTrainer, arguments, model, tokenizer, rows, settings.lora)
    work.summary |= {"questions": len(rows)}


def run_dpo(work: Work) -> None:
    """Align the SFT variant on pairs.  Parents: dataset, sft, pairs."""
    settings = DpoSettings.model_validate(work.config.settings)
    model, tokenizer = _load(work, settings.seed)
    rows, longest = fitting(work, dpo_rows(work, settings, tokenizer), tokenizer, settings.max_length)
    arguments = DPOConfig(
        **_arguments(work, settings, model, 2 * longest),
        beta=settings.beta,
        loss_type=["sigmoid"],
        precompute_ref_log_probs=settings.steps * settings.batch_size > len(rows),  # once a pair, if it is seen twice
    )
    _train(work, DPOTrainer, arguments, model, tokenizer, rows, settings.lora, first_loss=math.log(2))
    work.summary |= {"pairs": len(rows)}


# --- rows


def sft_rows(items: Sequence[Item], settings: SftSettings, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, str]]:
    """item_id, prompt and completion, rendered as sampling renders them; the loss is on the completion alone."""
    prompt = load_prompt(settings.prompt)
    return [
        {
            "item_id": item.id,
            "prompt": render(tokenizer, task_chat(prompt, item)),
            "completion": fill(prompt.assistant, {"answer": option_text(item, item.gold)}) + tokenizer.eos_token,
        }
        for item in items
    ]


def dpo_rows(work: Work, settings: DpoSettings, tokenizer: PreTrainedTokenizerBase) -> list[dict[str, str]]:
    """item_id, prompt, chosen, rejected; the prompt is the one that the responses were sampled with."""
    items = {item.id: item for item in load_items(work.parent("dataset"))}
    pairs_run = work.parent("pairs")
    samples = RunFolder(work.home.runs / pairs_run.config.parents["samples"])
    prompt, examples = load_prompt(settings.prompt), examples_of(samples.config, work.parent("dataset"))
    return [
        {
            "item_id": pair.item_id,
            "prompt": render(tokenizer, task_chat(prompt, items[pair.item_id], examples)),
            "chosen": pair.chosen.text + tokenizer.eos_token,
            "rejected": pair.rejected.text + tokenizer.eos_token,
        }
        for pair in pairs_run.read("pairs", Pair)
    ]


# --- the harness


def _load(work: Work, seed: int) -> tuple[PreTrainedModel, PreTrainedTokenizerBase]:
    """The variant that training starts from, its adapters merged; all random numbers seeded."""
    set_seed(seed)
    use = work.config.model
    model, tokenizer = load_weights(base_of(use), adapters_of(work.home, use), trained_tokens=TOKENS_A_PASS)
    template = template_record(base_of(use), tokenizer)
    work.event("loaded", **template, model=use.name, dtype=str(model.dtype), device=str(model.device))
    return model, tokenizer


def fitting(
    work: Work, rows: Sequence[dict[str, str]], tokenizer: PreTrainedTokenizerBase, most: int
) -> tuple[list[dict[str, str]], int]:
    """The rows of which at least one token is learnt, and the tokens of their longest sequence, `most` at most.

    TRL would leave the others out, and cut long ones, without a word: here the run notes how many.
    """
    ends = [name for name in ("completion", "chosen", "rejected") if rows and name in rows[0]]
    fit, lengths = [], []
    for row in rows:
        prompt, *whole = (_length(tokenizer, row["prompt"] + text) for text in ("", *(row[end] for end in ends)))
        if prompt < most:
            fit.append(row)
            lengths.append(max(whole))
    why = f"max_length = {most} tokens. Raise it to train on them whole."
    if len(fit) < len(rows):
        work.note(f"{len(rows) - len(fit)} of {len(rows)} rows were left out: their prompt alone fills {why}")
    if cut := sum(length > most for length in lengths):
        work.note(f"{cut} of {len(rows)} rows were cut at their end: they are longer than {why}")
    return fit, min(most, max(lengths, default=1))


def _length(tokenizer: PreTrainedTokenizerBase, text: str) -> int:
    return len(tokenizer(text, add_special_tokens=False)["input_ids"])


def rows_a_pass(batch_size: int, tokens: int) -> int:
    """The largest part of a batch that divides it evenly and whose rows of `tokens` tokens fit one pass.

    >>> rows_a_pass(8, 60), rows_a_pass(4, 700), rows_a_pass(6, 400)
    (8, 1, 2)
    """
    parts = [n for n in range(1, batch_size + 1) if batch_size % n == 0 and n * tokens <= TOKENS_A_PASS]
    return max(parts, default=1)


def _arguments(
    work: Work, settings: SftSettings | DpoSettings, model: PreTrainedModel, tokens_a_row: int
) -> dict[str, Any]:
    """TRL arguments that both trainings share.  Its own defaults (bf16, checkpointing) are slow on a CPU."""
    on_gpu = model.device.type == "cuda"
    part = rows_a_pass(settings.batch_size, tokens_a_row)
    free = torch.cuda.mem_get_info()[0] if on_gpu else None
    refuse_long_pass(Path(base_of(work.config.model).path), part * tokens_a_row, model.dtype.itemsize, free)
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
    tokenizer: PreTrainedTokenizerBase,
    rows: Sequence[dict[str, str]],
    lora: LoraSettings,
    first_loss: float | None = None,
) -> None:
    """Train a new LoRA on top of `model` and save it as the run's adapter."""
    if not rows:
        raise BadInput(
            "There is nothing to train on: the selection has no labelled question, the pair set is empty, or every "
            "prompt fills max_length."
        )
    name = work.config.model.name
    trainer = trainer_class(
        model=model,
        args=arguments,
        train_dataset=Dataset.from_list(list(rows)),
        processing_class=tokenizer,
        peft_config=LoraConfig(
            r=lora.r,
            lora_alpha=lora.alpha,
            lora_dropout=lora.dropout,
            target_modules="all-linear",
            task_type="CAUSAL_LM",
            base_model_name_or_path=name,
        ),
    )
    reporter = _Reporter(work, _Batches(trainer), first_loss)
    trainer.add_callback(reporter)
    trainer.train()
    trainer.model.peft_config["default"].base_model_name_or_path = name  # not a path of this machine
    trainer.model.save_pretrained(work.folder.adapter(), save_embedding_layers=False)  # LoRA leaves them alone
    work.summary |= {
        "adapter_hash": file_hash(work.folder.adapter() / "adapter_model.safetensors"),
        "first_loss": reporter.losses[0],
        "last_loss": reporter.losses[-1],
        "steps": arguments.max_steps,
    }


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

    def __init__(self, work: Work, batches: _Batches, first_loss: float | None = None) -> None:
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
        if self.losses or self.first_loss is None or abs(loss - self.first_loss) < LN2_TOLERANCE:
            return
        raise LabError(
            f"The first DPO loss is {loss:.4f}, not ln 2 = {self.first_loss:.4f}: the reference policy is not the "
            "variant that training starts from. Check the chain of adapters."
        )

    def _report_cost(self, tokens: int) -> None:
        now = time.monotonic()
        read = tokens - self._tokens
        self.work.cost(read, 0, now - self._at, read)
        self._tokens, self._at = tokens, now
