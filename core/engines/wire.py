"""Requests to an OpenAI-compatible server: at most so many at once, retried within bounds, errors in sentences.

The `openai` client retries what can pass (no connection, timeouts, 408, 409, 429, 5xx) up to `RETRIES` times and
waits as long as `Retry-After` says, two minutes at most; `TOTAL_SECONDS` bounds a request with all its retries.
A key is read from the environment when a request is made; it is kept nowhere and struck out of what a server says.
"""

import asyncio
import json
import logging
import os
from collections.abc import Sequence
from typing import Any, NamedTuple

import openai
from openai.types.chat import ChatCompletion
from openai.types.chat.chat_completion import Choice

from core.errors import BadInput, LabError, ModelUnavailable
from core.method.thoughts import split_thought
from core.runs.folders import ServerRef

RETRIES = 4
"""Times that a request is sent again."""

TOTAL_SECONDS = 900.0
"""Longest time for a request with all its retries and waits."""

TOO_LONG = ("context length", "context window", "context size", "context_length", "maximum context", "too long")
"""How servers say that a prompt does not fit."""

logging.getLogger("httpx2").setLevel(logging.WARNING)  # it would write a line a request into the run's log


class Refused(LabError):
    """The server does not take the request as it is (400, 422)."""


class Unknown(ModelUnavailable):
    """The server knows no such model or address (404)."""


class Failed(LabError):
    """The server failed, and again when asked again (5xx, 405)."""


class Wire:
    """One model of one server."""

    def __init__(self, server: ServerRef, retries: int = RETRIES) -> None:
        self.server = server
        self.retries = retries

    def ask(self, body: dict[str, Any]) -> ChatCompletion:
        """The answer to one chat completion request; `body` has everything but the model."""
        return self.ask_all([body])[0]

    def ask_all(self, bodies: Sequence[dict[str, Any]]) -> list[ChatCompletion]:
        """Answers in order; the first request that fails for good cancels the others."""
        return asyncio.run(self._ask_all(bodies))

    async def _ask_all(self, bodies: Sequence[dict[str, Any]]) -> list[ChatCompletion]:
        free = asyncio.Semaphore(self.server.concurrency)
        async with openai.AsyncOpenAI(
            base_url=self.server.url,
            api_key=self._key or "none",  # the client wants one, a local server does not look at it
            timeout=self.server.timeout,
            max_retries=self.retries,
        ) as client:
            return await asyncio.gather(*(self._ask(client, free, body) for body in bodies))

    async def _ask(self, client: openai.AsyncOpenAI, free: asyncio.Semaphore, body: dict[str, Any]) -> ChatCompletion:
        async with free:
            try:
                async with asyncio.timeout(TOTAL_SECONDS):
                    answer = await client.chat.completions.create(model=self.server.model, **body)
            except (openai.OpenAIError, TimeoutError, json.JSONDecodeError) as error:
                raise self._error(error) from None
        if not isinstance(answer, ChatCompletion) or not answer.choices:
            raise LabError(
                f"{self._name} answered with something other than a chat completion: is {self.server.url} "
                "the address of its OpenAI-compatible interface (it mostly ends in /v1)?"
            )
        return answer

    # --- errors

    @property
    def _key(self) -> str:
        return os.environ.get(self.server.key_env, "")

    @property
    def _name(self) -> str:
        return f"The server at {self.server.url}"

    def _error(self, error: Exception) -> LabError:
        """What went wrong, as a sentence that says what to do; never with a key in it."""
        match error:
            case openai.AuthenticationError() | openai.PermissionDeniedError():
                held = "is not accepted" if self._key else "is not set"
                return ModelUnavailable(
                    f"{self._name} refuses access ({error.status_code}): the environment variable "
                    f"{self.server.key_env}, which holds its key, {held}."
                )
            case openai.NotFoundError():
                return Unknown(
                    f"{self._name} knows no model {self.server.model!r}, or not this address (404): check both."
                )
            case openai.RateLimitError():
                return LabError(
                    f"{self._name} limits the rate (429) and did so after {self.retries} retries: wait, "
                    f"or register it with a smaller --concurrency; then resume. It says: {self._said(error)}"
                )
            case openai.BadRequestError() | openai.UnprocessableEntityError():
                return self._refused(error)
            case openai.APIStatusError():
                return Failed(
                    f"{self._name} failed ({error.status_code}) and again when asked {self.retries} times more."
                )
            case openai.APITimeoutError() | TimeoutError():
                return LabError(
                    f"{self._name} gave no answer within {self.server.timeout:g} s, nor when asked again: "
                    "register it with a longer --timeout or a smaller --concurrency."
                )
            case openai.APIConnectionError():
                return ModelUnavailable(f"{self._name} cannot be reached: start it, or check the address.")
        return LabError(f"{self._name} answered with malformed JSON: is it an OpenAI-compatible server?")

    def _refused(self, error: openai.APIStatusError) -> LabError:
        said = self._said(error)
        if any(words in said.lower() for words in TOO_LONG):
            return BadInput(
                f"A prompt and its reply are longer than the context of {self.server.model!r} on {self.server.url}: "
                f"start the server with a longer one, or lower max_new_tokens. It says: {said}"
            )
        return Refused(f"{self._name} refuses the request ({error.status_code}): {said}")

    def _said(self, error: openai.APIStatusError) -> str:
        """The server's own words, cut short and without the key."""
        text = str(error.body if error.body is not None else error.message)
        return (text.replace(self._key, "…") if self._key else text)[:300]


class Reply(NamedTuple):
    """What a model wrote."""

    text: str
    thought: str | None
    withheld: bool
    """Whether there is a thought in a field of its own, and no text."""


THOUGHT_FIELDS = ("reasoning_content", "reasoning")
"""Where servers put what a model thinks, beside `content`."""


def reply_of(choice: Choice) -> Reply:
    """What the model wrote, its thoughts apart.

    No text where tokens were spent is an error: it would be scored as an empty reply.  A thought in a field of its own
    and no text is `withheld`; a thought within the text that was cut off leaves an empty text.
    """
    content = getattr(choice.message, "content", None)
    written, in_parts = _of_parts(content) if isinstance(content, list) else (content, "")
    if written is not None and not isinstance(written, str):
        raise LabError(f"The server's reply is {type(written).__name__}, not text: is it an OpenAI-compatible server?")
    inside, text = split_thought(written or "")
    fields = (getattr(choice.message, name, None) for name in THOUGHT_FIELDS)
    beside = next((value for value in fields if isinstance(value, str) and value.strip()), "") + in_parts
    thought = beside + inside or None
    ended_empty = written is not None and not beside and choice.finish_reason == "stop"  # "" or blanks: it said nothing
    if text.strip() or inside or ended_empty:
        return Reply(text.lstrip() if thought else text, thought, False)
    if beside.strip():
        return Reply("", thought, True)
    raise LabError(
        f"The server's reply has no text (finish reason: {choice.finish_reason}): a model that thinks first needs a "
        "larger max_new_tokens; a content filter or a tool call leaves none."
    )


def _of_parts(parts: Sequence[Any]) -> tuple[str | None, str]:
    """(text, thought) of a content that is a list of parts; the text is None where no part is one."""
    text = [part if isinstance(part, str) else part["text"] for part in parts if _is_text(part)]
    thought = [_flat(part.get("thinking") or part.get("reasoning")) for part in parts if isinstance(part, dict)]
    return "".join(text) if text else None, "".join(thought)


def _is_text(part: Any) -> bool:
    typed = isinstance(part, dict) and part.get("type", "text") in ("text", "output_text")
    return isinstance(part, str) or (typed and isinstance(part.get("text"), str))


def _flat(thinking: Any) -> str:
    """The text of a thought, which some servers give in parts too."""
    if isinstance(thinking, list):
        return _of_parts(thinking)[0] or ""
    return thinking if isinstance(thinking, str) else ""


class Usage(NamedTuple):
    """Tokens of a request, None where the server does not say."""

    read: int | None
    written: int | None


def usage_of(answer: ChatCompletion) -> Usage:
    """What a server reports in `usage`, which may be missing, empty or partial."""
    counts = (getattr(answer.usage, name, None) for name in ("prompt_tokens", "completion_tokens"))
    return Usage(*(count if isinstance(count, int) and not isinstance(count, bool) else None for count in counts))
