"""Rounds of the playground for tests: wishes over a filled lab, answered in this process or by a real worker."""

from core.engines.scripted import ScriptedEngine
from core.home import Home
from core.playground import rounds
from core.playground.answering import Engines
from core.playground.records import Wish, typed_item
from core.playground.serving import play
from core.playground.sessions import begin, contenders, judges
from core.store.database import Store


def scripted(said: str = "It is hard.\nAnswer: metal") -> ScriptedEngine:
    return ScriptedEngine(lambda chat, seed: said, lambda chat, option: 1.0 + len(option))


def scripted_engines(home: Home, said: str = "It is hard.\nAnswer: metal") -> Engines:
    engine = scripted(said)
    return Engines(home, lambda home, use: engine)


def wish(store: Store, session: str, question: str = "What is a pin made of?", **changes) -> Wish:
    """A blind round of two variants of a filled lab, with its judge."""
    name = rounds.new_round()
    given = {
        "round": name,
        "session": session,
        "blind": True,
        "item": typed_item(question, ["wood", "metal", "glass"], "metal", f"typed-{name}"),
        "contenders": contenders(store)[:2],
        "judge": judges(store)[0].run,
        "temperature": 0.8,
        "max_new_tokens": 12,
        "seed": 0,
    }
    return Wish(**given | changes)


def played(store: Store, said: str = "It is hard.\nAnswer: metal", **changes) -> Wish:
    """A finished round of a new session, answered from a script."""
    session = changes.pop("session", None) or begin(store)
    asked = wish(store, session, **changes)
    rounds.ask(store.home, asked)
    play(store.home, scripted_engines(store.home, said), asked.round)
    store.take_in_journal()
    return asked
