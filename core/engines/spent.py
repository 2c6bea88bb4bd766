"""What an engine has read and written: the tokens that a run pays for.

engine.spent.take()         # everything since the last time, and the count begins again
"""

from dataclasses import astuple, dataclass


@dataclass
class Spent:
    """Tokens of an engine since they were last taken."""

    read: int = 0
    """Prompt tokens that went through the model: what prompts share counts once where the engine reads it once."""
    unshared: int = 0
    """Prompt tokens if every reply and every choice had read its whole prompt by itself."""
    generated: int = 0

    def add(self, read: int, unshared: int, generated: int = 0) -> None:
        self.read += read
        self.unshared += unshared
        self.generated += generated

    def take(self) -> "Spent":
        """The counts so far; they begin at 0 again."""
        taken = Spent(*astuple(self))
        self.read = self.unshared = self.generated = 0
        return taken
