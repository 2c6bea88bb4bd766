"""Chat templates: a model's own, a registered one, or a plain fallback.

What is known of a template is found by rendering with it: whether it takes a system turn, which token it writes at
the end of a turn, whether it opens a thought, and whether it writes today's date.  Whole chats as token ids are
`core.engines.chats`.
"""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase
from transformers.utils.chat_template_utils import _compile_jinja_template

from core.engines.bounded import bounded_rendering, checked_length
from core.engines.choosing import Tokens
from core.engines.turns import Messages
from core.errors import ModelUnavailable
from core.models.finding import ModelRef

FALLBACK_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant: {% endif %}"
)
"""Chat format for tokenizers that bring none: `User: …`, blank line, `Assistant: …`."""

PROBE: Messages = [{"role": "user", "content": "probe"}]

TAG = re.compile(r"[<\[◁](?P<name>[\w:|/]*(?:think|thought|reason)[\w:|]*)[>\]▷]", re.IGNORECASE)
"""What opens or closes a thought: `<think>`, `</think>`, `[THINK]`, `<|START_THINKING|>`, `◁/think▷`."""

QUIET = ({"enable_thinking": False}, {"thinking": False})
"""Variables by which templates are told not to think."""


def set_template(model: ModelRef, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the tokenizer the template that its chats are rendered with; one that renders nothing is refused."""
    if model.template is not None:
        tokenizer.chat_template = model.template
    elif tokenizer.chat_template is None:
        tokenizer.chat_template = _begins(tokenizer) + FALLBACK_TEMPLATE
    elif isinstance(tokenizer.chat_template, dict):  # several by name
        tokenizer.chat_template = tokenizer.get_chat_template()
    try:
        text = apply_template(tokenizer, PROBE)
    except (TemplateError, TypeError, ValueError) as error:
        raise ModelUnavailable(f"The chat template of {model.name} cannot be used ({error}): give one.") from None
    if "probe" not in text:
        raise ModelUnavailable(f"The chat template of {model.name} leaves out what the user says: give another.")


def _begins(tokenizer: PreTrainedTokenizerBase) -> str:
    """A reference to the begin token where the tokenizer puts one before every text."""
    first = tokenizer("x")["input_ids"][:1]
    return "{{ bos_token }}" if tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id] else ""


def apply_template(
    tokenizer: PreTrainedTokenizerBase,
    messages: Messages,
    going_on: bool = True,
    moment: datetime | None = None,
    **named: Any,
) -> str:
    """The messages as rendered, `going_on` up to where the assistant speaks; `named`: variables of the template.

    The template is compiled by the library, in its sandbox; rendered here, for its own call takes no date.
    """
    values = {**tokenizer.special_tokens_map, "tools": None, "documents": None, **named}
    if moment:
        values["strftime_now"] = lambda form: moment.strftime(form)
    template = _compile_jinja_template(tokenizer.chat_template)
    with bounded_rendering():
        text = template.render(messages=messages, add_generation_prompt=going_on, **values)
    return checked_length(text)


def renders_date(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template writes today's date."""
    old, new = datetime(2001, 2, 3, 4, 5, 6), datetime(2012, 11, 20, 19, 18, 17)
    return apply_template(tokenizer, PROBE, moment=old) != apply_template(tokenizer, PROBE, moment=new)


def takes_system(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template has a place for a system turn; some raise an error, some drop it without a word."""
    try:
        return "probe" in apply_template(
            tokenizer, [{"role": "system", "content": "probe"}, {"role": "user", "content": "?"}]
        )
    except TemplateError:
        return False


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The special token that the template writes after an assistant's words; None if it writes none."""
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "probe"}]
    try:
        after = apply_template(tokenizer, turns, going_on=False).rpartition("probe")[2].lstrip()
    except TemplateError:
        return None
    first = encode(tokenizer, after)[:1]
    special = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    return first[0] if first and first[0] in special else None


def encode(tokenizer: PreTrainedTokenizerBase, text: str) -> Tokens:
    """Token ids of rendered text; special tokens are in the text already."""
    return tuple(tokenizer(text, add_special_tokens=False)["input_ids"])


def template_record(model: ModelRef, tokenizer: PreTrainedTokenizerBase) -> dict[str, str]:
    """For the provenance: which template, by hash, whose it is, and where system text goes."""
    text = tokenizer.chat_template
    origin = "fallback" if text.endswith(FALLBACK_TEMPLATE) else "model"
    return {
        "template": "registered" if model.template is not None else origin,
        "template_hash": hashlib.sha256(text.encode()).hexdigest(),
        "system_text": "system turn" if takes_system(tokenizer) else "first user turn",
    }


# --- thoughts


@dataclass(frozen=True)
class Thought:
    """A thought that a template opens for the model, and how it is closed before the model's first word."""

    tag: str
    named: dict[str, bool]
    """Variables that tell the template not to think; none where it knows none of `QUIET`."""
    closing: str
    """What closes the thought behind the rendered text, as the template writes it after a thought that is given."""

    @property
    def in_words(self) -> str:
        how = ", ".join(f"{name}={str(value).lower()}" for name, value in self.named.items())
        return f"{self.tag} is closed by {how or repr(self.closing)}"


def thought_of(tokenizer: PreTrainedTokenizerBase) -> Thought | None:
    """The thought that the template opens before the assistant's first word; None if it opens none.

    An answer that is trained, or a verdict that is read, inside a thought would be none.
    """
    tag = opened(_before_answer(tokenizer))
    if tag is None:
        return None
    for named in QUIET:
        if opened(_before_answer(tokenizer, **named)) is None:
            return Thought(tag, named, "")
    return Thought(tag, {}, _after_thought(tokenizer, tag))


def opened(text: str) -> str | None:
    """The tag of a thought that the text opens and does not close.

    >>> [opened(text) for text in ("<think>", "<think> </think>", "</think><think>", "[THINK]", "I think")]
    ['<think>', None, '<think>', '[THINK]', None]
    """
    tags = list(TAG.finditer(text))
    return tags[-1][0] if tags and not _closes(tags[-1]["name"]) else None


def _closes(name: str) -> bool:
    return name.startswith("/") or name.strip("|").lower().startswith("end")


def closing_of(tag: str) -> str:
    """The tag that closes a thought.

    >>> [closing_of(tag) for tag in ("<think>", "[THINK]", "<|START_THINKING|>", "<|begin_of_thought|>")]
    ['</think>', '[/THINK]', '<|END_THINKING|>', '<|end_of_thought|>']
    """
    for begin, end in (("START", "END"), ("start", "end"), ("BEGIN", "END"), ("begin", "end")):
        if begin in tag:
            return tag.replace(begin, end, 1)
    return f"{tag[0]}/{tag[1:]}"


def _before_answer(tokenizer: PreTrainedTokenizerBase, **named: bool) -> str:
    """What the template writes between a user's words and the assistant's."""
    return apply_template(tokenizer, PROBE, **named).rpartition("probe")[2]


def _after_thought(tokenizer: PreTrainedTokenizerBase, tag: str) -> str:
    """What the template writes between a thought and an answer that it is given; else the tag between line breaks."""
    answer = {"role": "assistant", "content": "probe", "reasoning_content": "musing", "thinking": "musing"}
    try:
        between = apply_template(tokenizer, [*PROBE, answer], going_on=False).rpartition("musing")[2]
    except TemplateError:
        between = ""
    written = between.partition("probe")[0]
    return written if closing_of(tag) in written else f"\n{closing_of(tag)}\n\n"
