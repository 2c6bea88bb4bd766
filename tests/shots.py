"""Screenshots of every page of this checkout's lab, into shots/: `make shots`, to look at what is shown.

Light and dark, 1440 and 800 pixels wide.  Where ANCHORLAB_DOCS_SHOTS is set, the upper parts of some go into docs/.
"""

import itertools
import json
import os

from PIL import Image

from app.compare.choices import DUELS, PAIR, QUESTIONS
from app.navigation import PAGES
from core.home import PROJECT, default_home
from tests.browser import browser_page, served, settle

IN_DOCS = {"overview": 1250, "explanations-item": 1900, "anchors": 1500, "compare": 1420}
"""Name of a view → pixels of its height that docs/ shows."""


def views() -> dict[str, str]:
    """Name of a view → its address."""
    named = {name: name for name in PAGES} | {"overview": "", "anchors-pairs": "anchors?tab=Pairs"}
    named["annotate-agreement"] = "annotate?tab=Agreement"
    named |= {f"compare-{tab}": f"compare?tab={tab}" for tab in (PAIR, QUESTIONS, DUELS)}
    samples = sorted(default_home().runs.glob("sample-*/explanations.jsonl"), key=os.path.getmtime)
    if samples:
        item = json.loads(samples[-1].read_text().splitlines()[0])["item_id"]
        named["explanations-item"] = f"explanations?run={samples[-1].parent.name}&item={item}"
    return named


def main() -> None:
    folder = PROJECT / "shots"
    folder.mkdir(exist_ok=True)
    with served(default_home()) as (address, _):
        for scheme, width in itertools.product(("light", "dark"), (1440, 800)):
            with browser_page(width, scheme) as page:
                for name, link in views().items():
                    page.goto(f"{address}/{link}")
                    settle(page)
                    height = page.evaluate(
                        "document.querySelector('[data-testid=\"stMainBlockContainer\"]').scrollHeight"
                    )
                    page.set_viewport_size({"width": width, "height": min(3600, max(1000, height + 80))})
                    page.wait_for_timeout(1200)
                    page.screenshot(path=folder / f"{name}-{scheme}-{width}.png")
                    page.set_viewport_size({"width": width, "height": 1000})
    if os.environ.get("ANCHORLAB_DOCS_SHOTS"):
        for name, height in IN_DOCS.items():
            with Image.open(folder / f"{name}-light-1440.png") as shot:
                upper = shot.crop((0, 0, shot.width, min(height, shot.height)))
                upper.convert("RGB").save(PROJECT / "docs" / f"{name}.png", optimize=True)


if __name__ == "__main__":
    main()
