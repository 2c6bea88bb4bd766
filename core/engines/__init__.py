"""What a language model has to be able to do here: continue chats, and choose among options.

`hf` runs transformers models (fast loops in `decoding` and `choosing`); `server` asks an OpenAI-compatible
server; `scripted` answers from a function and needs no model.  Nothing outside `hf`, `decoding`, `choosing`
and `core.method.training` imports torch.
"""

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np

from core.engines.spent import Spent
from core.errors import LabError

OnlyThought = Literal["refuse", "read"]
"""What is done with a server's reply that has a thought and no text."""


@dataclass(frozen=True)
class Message:
    role: Literal["system", "user", "assistant"]
    content: str


@dataclass(frozen=True)
class Chat:
    """A conversation whose next assistant turn is wanted."""

    messages: tuple[Message, ...]
    opening: str = ""
    """Text that the assistant's turn already begins with; the model goes on from here."""


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn; temperature 0 is greedy.  No top-k, no repetition penalty, ever."""

    temperature: float
    top_p: float
    max_new_tokens: int


@dataclass(frozen=True)
class Generation:
    text: str
    """Generated text without the opening and without special tokens."""
    tokens: int
    """Tokens generated, the end token included."""
    prompt_tokens: int
    finish: Literal["end", "stop", "length"]
    thought: str | None = None
    """What it thought before, cut off the text; None where there is none."""
    withheld: bool = False
    """Whether a server gave a thought in a field of its own, and no text."""

    def settled(self, only_thought: OnlyThought) -> "Generation":
        """The generation as it is read; a withheld one is refused, or its thought is taken for its text."""
        if not self.withheld:
            return self
        if only_thought == "read":
            return Generation(self.thought or "", self.tokens, self.prompt_tokens, self.finish)
        raise LabError(
            "The server's reply is a thought without any text, which would be scored as an empty one: raise "
            'max_new_tokens, or set only_thought = "read" to read the thought as the reply.'
        )


Streamed = Generator[str, None, Generation]
"""The text so far, time and again while it grows; the finished generation is what the generator returns."""


class Engine(Protocol):
    """A loaded model.  `generate` and `choose` keep the order of what they are given."""

    spent: Spent
    """Tokens that `generate` and `choose` read and wrote."""

    def generate(
        self,
        chats: Sequence[Chat],
        seeds: Sequence[Sequence[int]],
        sampling: Sampling,
        stop: Callable[[str], bool] | None = None,
    ) -> list[list[Generation]]:
        """One generation per chat and seed.

        A row depends on its own chat and seed alone (up to floating-point rounding), not on what
        it is batched with.  `stop` is asked with the text so far whenever a generated token
        contains a line break; True ends that row with finish "stop".
        """
        ...

    def stream(self, chat: Chat, seed: int, sampling: Sampling, stop: Callable[[str], bool] | None = None) -> Streamed:
        """The one generation that `generate` gives for this chat and seed, for somebody who watches."""
        ...

    def choose(self, chats: Sequence[Chat], options: Sequence[Sequence[str]]) -> list[np.ndarray]:
        """Log-probabilities of each chat's options as the continuation, normalised over the options.

        An option's probability is that of decoding restricted to the options: at each token where
        they part, the probabilities of the tokens that any of them allows are normalised.  So for
        options that differ in their first token only that token counts, and length does not.  All NaN where
        the engine cannot tell (a server that lists none of them): such a choice is never guessed.
        """
        ...

    def cannot_choose(self, options: Sequence[str]) -> str | None:
        """Why `choose` weighs no such options (of none: no options at all), as a clause; None if it does."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of `text` alone, without special tokens."""
        ...

    def provenance(self) -> dict[str, object]:
        """Engine, model name and hash, adapter hashes, chat-template hash, dtype, device."""
        ...
