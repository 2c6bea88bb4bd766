"""The default model in the checkout's own state folder: `make test` takes it at set-up, and no test waits for it."""

from core.errors import ModelUnavailable
from core.home import PROJECT, Home
from core.models.finding import ModelRef, default_model


def fetched() -> ModelRef:
    """The model, fetched or converted once; `ModelUnavailable` where it cannot be had."""
    return default_model(Home(PROJECT / "data"))


if __name__ == "__main__":
    try:
        fetched()
    except ModelUnavailable as error:
        print(f"Tests that need the default model will be SKIPPED: {error}")
