"""What a training reads, as token ids: a row a question or pair, tokenised as sampling and judging tokenise.

TRL is given ids and never a text, which it would tokenise with begin and end tokens of its own.
"""

from collections.abc import Sequence

from core.data.datasets import load_items
from core.engines.chats import ChatTokenizer
from core.method.sampling import chats_of
from core.prompts import fill, load_prompt, option_text, task_chat
from core.records import Explanation, Item, Pair, Side
from core.runs.folders import RunFolder
from core.runs.work import Work
from core.settings import SftSettings

Row = dict[str, str | list[int]]
"""item_id, prompt_ids, and the ids that are learned: completion_ids, or chosen_ids and rejected_ids."""

LEARNED = ("completion_ids", "chosen_ids", "rejected_ids")


def sft_rows(items: Sequence[Item], settings: SftSettings, chats: ChatTokenizer) -> list[Row]:
    """A row an item: the loss is on its answer alone."""
    prompt = load_prompt(settings.prompt)
    return [
        {
            "item_id": item.id,
            "prompt_ids": list(chats.prompt(task_chat(prompt, item))),
            "completion_ids": list(chats.response(fill(prompt.assistant, {"answer": option_text(item, item.gold)}))),
        }
        for item in items
    ]


def dpo_rows(work: Work, chats: ChatTokenizer) -> list[Row]:
    """A row a pair; its prompt is the chat that the samples of the pairs were asked with."""
    dataset, pairs_run = work.parent("dataset"), work.parent("pairs")
    items = {item.id: item for item in load_items(dataset)}
    chat = chats_of(samples_of(work), dataset)
    pairs = pairs_run.read("pairs", Pair)
    cut = _cut_responses(work, pairs)

    def response(pair: Pair, side: Side) -> list[int]:
        return list(chats.response(side.text, ended=(side.run, pair.item_id, side.sample, side.text) not in cut))

    return [
        {
            "item_id": pair.item_id,
            "prompt_ids": list(chats.prompt(chat(items[pair.item_id]))),
            "chosen_ids": response(pair, pair.chosen),
            "rejected_ids": response(pair, pair.rejected),
        }
        for pair in pairs
    ]


def samples_of(work: Work) -> RunFolder:
    """The sample run whose questions and responses the pairs of a DPO run are of."""
    return RunFolder(work.home.runs / work.parent("pairs").config.parents["samples"])


def _cut_responses(work: Work, pairs: Sequence[Pair]) -> set[tuple[str, str, int, str]]:
    """Run, question, sample and text of the responses that ended at the limit of tokens, not by themselves.

    A text that an answer line was appended to is none of them: it has an end.
    """
    runs = {side.run for pair in pairs for side in (pair.chosen, pair.rejected)}
    return {
        (run, row.item_id, row.sample, row.response)
        for run in runs
        for row in RunFolder(work.home.runs / run).read("explanations", Explanation)
        if row.finish == "length"
    }


def fitting(work: Work, rows: Sequence[Row], most: int) -> tuple[list[Row], int]:
    """The rows of which at least one token is learned, and the tokens of their longest sequence, `most` at most.

    TRL would leave the others out, and cut long ones, without a word: here the run notes how many.
    """
    fit, lengths = [], []
    for row in rows:
        prompt = len(row["prompt_ids"])
        if prompt < most:
            fit.append(row)
            lengths.append(prompt + max(len(row[name]) for name in LEARNED if name in row))
    why = f"max_length = {most} tokens. Raise it to train on them whole."
    if len(fit) < len(rows):
        work.note(f"{len(rows) - len(fit)} of {len(rows)} rows were left out: their prompt alone fills {why}")
    if cut := sum(length > most for length in lengths):
        work.note(f"{cut} of {len(rows)} rows were cut at their end: they are longer than {why}")
    return fit, min(most, max(lengths, default=1))
