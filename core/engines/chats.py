"""Chats and responses as token ids: the one way there, for sampling, judging and training alike.

What people and models wrote stays text: a special token's name inside it (`<|im_end|>`) is read as its letters and
ends no turn.  Text that goes on in the middle of a sequence is read as there, without the blank that some tokenizers
put before every text.  No begin or end token is added: they are the template's and the response's own.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property

from transformers import PreTrainedTokenizerBase

from core.engines import Chat, Message
from core.engines.choosing import Tokens
from core.engines.templates import (
    Thought,
    apply_template,
    encode,
    renders_date,
    takes_system,
    template_record,
    thought_of,
)
from core.engines.turns import system_in_user_turn
from core.errors import ModelUnavailable
from core.models.finding import ModelRef

SPLIT = "\U000f0002"
"""Stands inside the name of a special token that is only text: what is on its two sides is read apart."""

BEFORE = ("\n", ":", "x", ".")
"""Texts after which a text is read, to learn what it is in the middle of a sequence; the first that does not merge."""


@dataclass(frozen=True)
class ChatTokenizer:
    """A tokenizer with its chat template, and what decides what they give."""

    tokenizer: PreTrainedTokenizerBase
    rows: int | None = None
    """Rows of the model's embedding: added tokens beyond them are read as text.  None: not known."""
    moment: datetime | None = None
    """The date that a template writes where it writes today's; None: now."""

    def text(self, chat: Chat) -> str:
        """The chat as rendered, up to where the model goes on, a thought that the template opens closed again."""
        messages = [{"role": message.role, "content": message.content} for message in chat.messages]
        if messages[0]["role"] == "system" and not self._takes_system:
            messages = system_in_user_turn(messages)
        named = self.thought.named if self.thought else {}
        closing = self.thought.closing if self.thought else ""
        return apply_template(self.tokenizer, messages, moment=self.moment, **named) + closing + chat.opening

    def prompt(self, chat: Chat) -> Tokens:
        """Token ids of a chat, up to where the model goes on."""
        messages = tuple(Message(message.role, self._as_text(message.content)) for message in chat.messages)
        safe = replace(chat, messages=messages, opening=self._as_text(chat.opening))
        if safe == chat:
            return self._known(encode(self.tokenizer, self.text(chat)))
        first, *others = self.text(safe).split(SPLIT)
        return self._known(encode(self.tokenizer, first) + self._joined(others))

    def following(self, text: str) -> Tokens:
        """Token ids of text that goes on after a prompt: an option, or a response."""
        safe = self._as_text(text)
        return self._known(self._joined([text] if safe == text else safe.split(SPLIT)))

    def response(self, text: str, ended: bool = True) -> Tokens:
        """Token ids of an assistant's words, with the end token where it has ended by itself."""
        return (*self.following(text), *([self.tokenizer.eos_token_id] if ended else []))

    def record(self, model: ModelRef) -> dict[str, str]:
        """For the provenance: the template, and the date and the closed thought where it writes them."""
        thought = {"thought": self.thought.in_words} if self.thought else {}
        date = {"date": (self.moment or datetime.now()).isoformat()} if renders_date(self.tokenizer) else {}
        return {**template_record(model, self.tokenizer), **thought, **date}

    @cached_property
    def thought(self) -> Thought | None:
        """The thought that the template opens before the model's first word."""
        return thought_of(self.tokenizer)

    # --- how

    @cached_property
    def _takes_system(self) -> bool:
        return takes_system(self.tokenizer)

    @cached_property
    def _special(self) -> re.Pattern[str]:
        """Names of tokens that text must not become: special ones, the template's marks, and those without weights."""
        added = self.tokenizer.added_tokens_decoder
        names = {
            token.content
            for i, token in added.items()
            if (self.rows is not None and i >= self.rows)
            or (token.special and not token.content.isspace())
            or (token.content in self.tokenizer.chat_template and re.search(r"[^\w\s]", token.content))
        }
        longest_first = sorted((name for name in names if len(name) > 1), key=len, reverse=True)
        return re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def _as_text(self, text: str) -> str:
        """The text, split inside every special token's name, until there is none."""
        if not self._special.search(text):
            return SPLIT.join(text) if self._special.search(self._normalised(text)) else text
        text = text.replace(SPLIT, "")
        while self._special.search(text):
            text = self._special.sub(lambda name: name[0][0] + SPLIT + name[0][1:], text)
        return text

    def _normalised(self, text: str) -> str:
        """The text as added tokens are looked for in it: `＜think＞` may become `<think>`."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        return backend.normalizer.normalize_str(text) if backend and backend.normalizer else text

    def _joined(self, pieces: list[str]) -> Tokens:
        return tuple(token for piece in pieces if piece for token in self._inside(piece))

    def _inside(self, text: str) -> Tokens:
        """Token ids of text in the middle of a sequence."""
        if not self._prepends:
            return encode(self.tokenizer, text)
        for before in BEFORE:
            alone, both = encode(self.tokenizer, before), encode(self.tokenizer, before + text)
            if both[: len(alone)] == alone:
                return both[len(alone) :]
        return encode(self.tokenizer, text)

    @cached_property
    def _prepends(self) -> bool:
        """Whether the tokenizer puts a blank before every text, as SentencePiece does."""
        alone, after_line = encode(self.tokenizer, "x"), encode(self.tokenizer, "\nx")
        return after_line != encode(self.tokenizer, "\n") + alone

    def _known(self, tokens: Tokens) -> Tokens:
        unknown = [token for token in tokens if self.rows is not None and token >= self.rows]
        if unknown:
            name = self.tokenizer.convert_ids_to_tokens(unknown[0])
            raise ModelUnavailable(
                f"The tokenizer writes {name!r} (token {unknown[0]:,}), and the model's weights have {self.rows:,} "
                "tokens: give it a chat template without that token."
            )
        return tokens
