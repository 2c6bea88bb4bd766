"""An engine that answers from two functions: for tests, and for screens without a model."""

import re
from collections.abc import Callable, Sequence

import numpy as np

from core.engines import Chat, Generation, Sampling, Streamed
from core.engines.spent import Spent


class ScriptedEngine:
    """`reply(chat, seed)` is what it says; `weigh(chat, option)` how much an option weighs (positive)."""

    def __init__(self, reply: Callable[[Chat, int], str], weigh: Callable[[Chat, str], float]) -> None:
        self.reply = reply
        self.weigh = weigh
        self.spent = Spent()

    def generate(
        self,
        chats: Sequence[Chat],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        stop: Callable[[str], bool] | None = None,
    ) -> list[list[Generation]]:
        said = [[self._say(chat, seed, stop) for seed in group] for chat, group in zip(chats, seeds, strict=True)]
        for group in said:
            read = sum(one.prompt_tokens for one in group)
            self.spent.add(read, read, sum(one.tokens for one in group))
        return said

    def stream(self, chat: Chat, seed: int, sampling: Sampling, stop: Callable[[str], bool] | None = None) -> Streamed:
        """Word by word."""
        said = self._say(chat, seed, stop)
        for end in [match.end() for match in re.finditer(r"\S+\s*", said.text)]:
            yield said.text[:end]
        return said

    def _say(self, chat: Chat, seed: int, stop: Callable[[str], bool] | None) -> Generation:
        text = self.reply(chat, seed)
        read = self._read(chat)
        stopped = stop is not None and stop(text)
        return Generation(text, self.count_tokens(text) + 1, read, "stop" if stopped else "end")

    def _read(self, chat: Chat) -> int:
        return sum(self.count_tokens(message.content) for message in chat.messages)

    def choose(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        read = sum(map(self._read, chats))
        self.spent.add(read, read)
        weights = [
            np.array([self.weigh(chat, option) for option in group]) for chat, group in zip(chats, options, strict=True)
        ]
        return [np.log(weight / weight.sum()) for weight in weights]

    def cannot_choose(self, options: Sequence[str]) -> str | None:
        return None

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def provenance(self) -> dict[str, object]:
        return {"engine": "scripted", "model": "none", "model_hash": "", "adapters": [], "template_hash": ""}
