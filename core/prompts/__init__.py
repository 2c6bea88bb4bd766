"""Prompts: TOML files with `$placeholders`, filled in one pass, so data can never act as a template.

A prompt is known by its content hash; changing a word makes a new one.
"""

import tomllib
from collections.abc import Sequence
from pathlib import Path
from string import Template

from pydantic import BaseModel, ConfigDict, ValidationError

from core.engines import Chat, Message
from core.errors import BadInput
from core.records import Item, Option
from core.runs.folders import content_hash
from core.settings import Example

FOLDER = Path(__file__).parent


class Prompt(BaseModel):
    """The parts of a chat, each a template."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    system: str
    user: str
    assistant: str = ""
    """A worked example's reply."""
    opening: str = ""
    """How the assistant's turn begins."""
    cue: str = ""
    """What an answer line begins with."""

    @property
    def hash(self) -> str:
        return content_hash(self.model_dump())

    def chat(self, examples: Sequence[dict[str, str]] = (), opening: str = "", **values: str) -> Chat:
        """System turn, a user and an assistant turn per example, and the question's user turn."""
        messages = [Message("system", fill(self.system, values))]
        for example in examples:
            messages.append(Message("user", fill(self.user, example)))
            messages.append(Message("assistant", fill(self.assistant, example)))
        messages.append(Message("user", fill(self.user, values)))
        return Chat(tuple(messages), opening or fill(self.opening, values))


def fill(template: str, values: dict[str, str]) -> str:
    """The template with its placeholders replaced; lines that end up empty at the edges are dropped.

    >>> fill("Q: $question", {"question": "What costs $5?"})
    'Q: What costs $5?'
    """
    return Template(template).safe_substitute(values).strip()


def load_prompt(name: str) -> Prompt:
    """A prompt that comes with the lab, by name, or any prompt file, by path."""
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    try:
        return Prompt.model_validate(tomllib.loads(path.read_text()))
    except FileNotFoundError:
        known = ", ".join(sorted(p.stem for p in FOLDER.glob("*.toml")))
        raise BadInput(f"There is no prompt {name!r}: use {known}, or the path of a .toml file.") from None
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadInput(f"{path} is not a prompt: {error}") from error


def question_values(item: Item) -> dict[str, str]:
    """Placeholders of a question: `$question` (after its passage) and `$options`."""
    question = f"{item.context}\n{item.question}" if item.context else item.question
    return {"question": question, "options": format_options(item.options)}


def format_options(options: Sequence[Option]) -> str:
    """Text labels in one line; lettered options a line each, as the source letters them."""
    if all(option.label == option.text for option in options):
        return ", ".join(option.text for option in options)
    return "\n" + "\n".join(f"{option.label}. {option.text}" for option in options)


def option_text(item: Item, label: str) -> str:
    """Text of the option with this label."""
    return next(option.text for option in item.options if option.label == label)


def example_values(example: Example, item: Item) -> dict[str, str]:
    """Placeholders of a worked example; its options are the item's where it brings none."""
    options = example.options
    listed = [Option(label="ABCDEFGHIJ"[i], text=text) for i, text in enumerate(options)] if options else item.options
    return {
        "question": example.question,
        "options": format_options(listed),
        "explanation": example.explanation,
        "answer": example.answer,
    }


def task_chat(prompt: Prompt, item: Item, examples: Sequence[Example] = (), answer: str = "") -> Chat:
    """The chat that asks a variant about an item (`answer`: the option text a debater argues for)."""
    turns = [example_values(example, item) for example in examples]
    return prompt.chat(turns, answer=answer, **question_values(item))
