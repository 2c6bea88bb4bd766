"""What a server really does, found out by asking: many answer 200 and drop what they do not know.

    found = probe(Wire(server))

Eight to a dozen requests of at most sixteen tokens; each looks at what came back, not at what was promised.
"""

from dataclasses import dataclass
from typing import Any, Literal

from openai.types.chat import ChatCompletion

from core.engines.wire import Refused, Wire

QUESTION = {"role": "user", "content": "Write twenty random letters."}

BEGUN = {"role": "assistant", "content": "A"}
"""A begun reply of one token in any vocabulary."""

GO_ON = {"add_generation_prompt": False, "continue_final_message": True}
"""What vLLM and SGLang need to go on with a begun reply; llama.cpp and Ollama do it anyway."""

MOST_LISTED = (20, 5)
"""Alternatives asked for, the next number where a server refuses."""

Seeds = Literal["repeat", "have no effect", "are refused"]


@dataclass(frozen=True)
class Probe:
    """What was found at the start of a run."""

    model: str
    """The model's id as the server reports it."""
    fingerprint: str | None
    """`system_fingerprint`: changes when the provider changes something; None where there is none."""
    limit: Literal["max_tokens", "max_completion_tokens"]
    listed: int
    """Alternatives that come with log-probabilities; 0: none come."""
    many: bool
    """Whether `n` gives n replies."""
    goes_on: bool
    """Whether a begun reply is gone on with."""
    seeds: Seeds
    """Whether the same seed gave the same sixteen tokens twice."""
    draws: bool
    """Whether another seed gave others: some servers keep a model's greedy default whatever temperature is asked."""


def probe(wire: Wire) -> Probe:
    """Ask a few short questions; errors as `Wire.ask`."""
    limit, first = _first(wire)
    seeds, draws = _drawn(wire, limit)
    return Probe(
        model=first.model or wire.server.model,
        fingerprint=first.system_fingerprint or None,
        limit=limit,
        listed=_listed(wire, limit),
        many=_many(wire, limit),
        goes_on=_goes_on(wire, limit),
        seeds=seeds,
        draws=draws,
    )


def answers(wire: Wire) -> str:
    """The model's id as the server reports it, from one request of one token: address, key and model are right."""
    return _first(wire)[1].model or wire.server.model


def _first(wire: Wire) -> tuple[Literal["max_tokens", "max_completion_tokens"], ChatCompletion]:
    try:
        return "max_tokens", wire.ask({"messages": [QUESTION], "max_tokens": 1})
    except Refused as refusal:
        if "max_completion_tokens" not in str(refusal):
            raise
    return "max_completion_tokens", wire.ask({"messages": [QUESTION], "max_completion_tokens": 1})


def _tried(wire: Wire, limit: str, tokens: int = 1, messages: Any = (QUESTION,), **body: Any) -> ChatCompletion | None:
    """The answer, or None if the server refuses the request."""
    try:
        return wire.ask({"messages": list(messages), limit: tokens, **body})
    except Refused:
        return None


def _listed(wire: Wire, limit: str) -> int:
    for most in MOST_LISTED:
        answer = _tried(wire, limit, logprobs=True, top_logprobs=most)
        if answer:
            return len(alternatives(answer))
    return 0


def alternatives(answer: ChatCompletion) -> list[tuple[str, float]]:
    """(token, log-probability) of the first position's likeliest tokens; empty where the server gave fewer than two."""
    logs = answer.choices[0].logprobs
    if not logs or not logs.content or not logs.content[0].top_logprobs:
        return []
    listed = [(top.token, top.logprob) for top in logs.content[0].top_logprobs if -1000.0 < top.logprob <= 1e-3]
    return listed if len(listed) > 1 else []


def _many(wire: Wire, limit: str) -> bool:
    answer = _tried(wire, limit, n=2)
    return answer is not None and len(answer.choices) == 2


def _goes_on(wire: Wire, limit: str) -> bool:
    """Read off the prompt's tokens: a begun reply of one token adds one, a finished turn of one adds its frame too.

    The bare question ends in the beginning of a reply, so that is all there is between the two.
    """
    bare = _tried(wire, limit)
    begun = _tried(wire, limit, messages=(QUESTION, BEGUN), extra_body=GO_ON)
    if not (bare and begun and bare.usage and begun.usage):
        return False
    return begun.usage.prompt_tokens - bare.usage.prompt_tokens == 1


def _drawn(wire: Wire, limit: str) -> tuple[Seeds, bool]:
    """(what seeds do, whether replies differ) from three replies at temperature 1, two of them with one seed."""
    drawn = [_tried(wire, limit, tokens=16, temperature=1.0, seed=seed) for seed in (7, 7, 8)]
    refused = None in drawn
    if refused:
        drawn = [_tried(wire, limit, tokens=16, temperature=1.0) for _ in range(3)]
    texts = [answer.choices[0].message.content if answer else "" for answer in drawn]
    seeds: Seeds = "are refused" if refused else "repeat" if texts[0] == texts[1] else "have no effect"
    return seeds, len(set(texts)) > 1
