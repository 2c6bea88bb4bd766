"""Chats as the text a model reads: its own chat template, a registered one, or a plain fallback.

What is known of a template is found by rendering with it: whether it takes a system turn, and which
token it writes at the end of a turn.
"""

import hashlib

from jinja2.exceptions import TemplateError
from transformers import PreTrainedTokenizerBase

from core.engines import Chat
from core.engines.bounded import bounded_rendering, checked_length
from core.engines.choosing import Tokens
from core.errors import ModelUnavailable
from core.models.finding import ModelRef

FALLBACK_TEMPLATE = (
    "{% for message in messages %}{{ message['role'] | capitalize }}: {{ message['content'] }}\n\n{% endfor %}"
    "{% if add_generation_prompt %}Assistant: {% endif %}"
)
"""Chat format for tokenizers that bring none: `User: …`, blank line, `Assistant: …`."""

Messages = list[dict[str, str]]


def set_template(model: ModelRef, tokenizer: PreTrainedTokenizerBase) -> None:
    """Give the tokenizer the template that its chats are rendered with; one that renders nothing is refused."""
    if model.template is not None:
        tokenizer.chat_template = model.template
    elif tokenizer.chat_template is None:
        tokenizer.chat_template = _begins(tokenizer) + FALLBACK_TEMPLATE
    elif isinstance(tokenizer.chat_template, dict):  # several by name
        tokenizer.chat_template = tokenizer.get_chat_template()
    try:
        text = _apply(tokenizer, [{"role": "user", "content": "probe"}])
    except (TemplateError, TypeError, ValueError) as error:
        raise ModelUnavailable(f"The chat template of {model.name} cannot be used ({error}): give one.") from None
    if "probe" not in text:
        raise ModelUnavailable(f"The chat template of {model.name} leaves out what the user says: give another.")


def _begins(tokenizer: PreTrainedTokenizerBase) -> str:
    """A reference to the begin token where the tokenizer puts one before every text."""
    first = tokenizer("x")["input_ids"][:1]
    return "{{ bos_token }}" if tokenizer.bos_token_id is not None and first == [tokenizer.bos_token_id] else ""


def _apply(tokenizer: PreTrainedTokenizerBase, messages: Messages, going_on: bool = True) -> str:
    with bounded_rendering():
        text = tokenizer.apply_chat_template(messages, tokenize=False, add_generation_prompt=going_on)
    return checked_length(text)


def takes_system(tokenizer: PreTrainedTokenizerBase) -> bool:
    """Whether the template has a place for a system turn; some raise an error, some drop it without a word."""
    try:
        return "probe" in _apply(tokenizer, [{"role": "system", "content": "probe"}, {"role": "user", "content": "?"}])
    except TemplateError:
        return False


def end_of_turn(tokenizer: PreTrainedTokenizerBase) -> int | None:
    """The special token that the template writes after an assistant's words; None if it writes none."""
    turns = [{"role": "user", "content": "?"}, {"role": "assistant", "content": "probe"}]
    try:
        after = _apply(tokenizer, turns, going_on=False).rpartition("probe")[2].lstrip()
    except TemplateError:
        return None
    first = encode(tokenizer, after)[:1]
    special = {*tokenizer.all_special_ids, *tokenizer.get_added_vocab().values()}
    return first[0] if first and first[0] in special else None


def render(tokenizer: PreTrainedTokenizerBase, chat: Chat) -> str:
    """The chat as text up to where the model goes on."""
    messages = [{"role": message.role, "content": message.content} for message in chat.messages]
    if messages[0]["role"] == "system" and not takes_system(tokenizer):
        messages = system_in_user_turn(messages)
    return _apply(tokenizer, messages) + chat.opening


def system_in_user_turn(messages: Messages) -> Messages:
    """The messages with the system's text, then a blank line, at the beginning of the first user turn.

    >>> system_in_user_turn([{"role": "system", "content": "Be brief."}, {"role": "user", "content": "Why?"}])
    [{'role': 'user', 'content': 'Be brief.\\n\\nWhy?'}]
    """
    system, *others = messages
    if not others or others[0]["role"] != "user":
        return [{"role": "user", "content": system["content"]}, *others]
    first = {"role": "user", "content": f"{system['content']}\n\n{others[0]['content']}"}
    return [first, *others[1:]]


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
