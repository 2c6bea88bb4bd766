"""Label probabilities from a server's `top_logprobs`: the likeliest first tokens, and the rest only bounded.

A label is read at the longest listed token that begins it, as a tokenizer would write it.  A label that is not
listed is no likelier than the last listed token, nor than all that is not listed; where a blank is listed that the
label may begin with, it may hold that too.  Half of the bound is put in its place.  What the unlisted labels of an
answer can hold together is its `unseen` share: above `UNSEEN`, or where two labels begin with the same token,
nothing is read.  Two errors remain: half the bound may be off by as much, so that a label's share is off by at most
`unseen`; and a listed token that begins a label may begin another word too, which nothing bounds.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

UNSEEN = 0.1
"""Largest share of the labels' probability that unlisted labels may hold together."""


@dataclass(frozen=True)
class Reading:
    """What one position says of the labels."""

    logs: np.ndarray
    """Log-probability of each label, normalised over the labels; all NaN where they cannot be read."""
    unseen: float
    """Upper bound of the share that unlisted labels hold together; 1 where no label is listed."""


def read_labels(labels: Sequence[str], listed: Sequence[tuple[str, float]]) -> Reading:
    """Probabilities of `labels` from (token, log-probability) pairs of the first position.

    >>> reading = read_labels([" good", " bad"], [(" good", np.log(0.6)), (" ba", np.log(0.2)), ("!", np.log(0.1))])
    >>> np.exp(reading.logs).round(2).tolist(), reading.unseen
    ([0.75, 0.25], 0.0)
    >>> reading = read_labels([" good", " bad"], [(" good", np.log(0.9)), ("!", np.log(0.02))])
    >>> np.exp(reading.logs).round(3).tolist(), round(reading.unseen, 3)
    ([0.989, 0.011], 0.022)
    >>> read_labels([" good", " bad"], [(" good", np.log(0.5)), (" ", np.log(0.3))]).logs.tolist()
    [nan, nan]
    >>> read_labels([" not good", " not bad"], [(" not", np.log(0.9))]).logs.tolist()
    [nan, nan]
    """
    known = {token: float(np.exp(log)) for token, log in listed}
    tokens = [max((t for t in known if t.strip() and label.startswith(t)), key=len, default=None) for label in labels]
    seen = [token for token in tokens if token is not None]
    if not seen or len(set(seen)) < len(seen):
        return Reading(np.full(len(labels), np.nan), 1.0)
    bound = max(0.0, min(min(known.values()), 1.0 - sum(known.values())))
    hidden = [
        bound + _blank(label, known) if token is None else 0.0 for label, token in zip(labels, tokens, strict=True)
    ]
    weights = np.array([known[t] if t is not None else most / 2 for t, most in zip(tokens, hidden, strict=True)])
    unseen = sum(hidden) / (sum(hidden) + sum(known[token] for token in seen))
    if unseen > UNSEEN or not weights.all():
        return Reading(np.full(len(labels), np.nan), unseen)
    return Reading(np.log(weights / weights.sum()), unseen)


def _blank(label: str, known: dict[str, float]) -> float:
    """Probability of listed blanks that the label may begin with: some vocabularies have a blank of its own."""
    return sum(p for token, p in known.items() if token and not token.strip() and label.startswith(token))


def folded(listed: Sequence[tuple[str, float]]) -> list[tuple[str, float]]:
    """Tokens of a reply that begins afresh: without leading blanks and in lower case, probabilities summed.

    >>> [(token, round(float(np.exp(log)), 2)) for token, log in folded([("Go", np.log(0.5)), (" go", np.log(0.2))])]
    [('go', 0.7)]
    """
    summed: dict[str, float] = {}
    for token, log in listed:
        name = token.lstrip().lower()
        summed[name] = np.logaddexp(summed[name], log) if name in summed else log
    return list(summed.items())


def begin_alike(labels: Sequence[str]) -> bool:
    """Whether two labels have their first word in common, so that no first token can tell them apart.

    >>> begin_alike([" not good", " not bad"]), begin_alike([" unsatisfactory", " needs improvement"])
    (True, False)
    """
    return len({label.split()[0] for label in labels if label.split()}) < len(labels)
