"""Screenshots of every page of this checkout's lab, into shots/: `make shots`, to look at what is shown.

Light and dark, 1440 and 800 pixels wide; shots/overview-light-1440.png is what the README shows a copy of.
"""

import itertools

from app.navigation import PAGES
from core.home import PROJECT, default_home
from tests.browser import browser_page, served, settle

VIEWS = (*(name for name in PAGES if name != "overview"), "overview", "anchors?tab=Pairs", "annotate?tab=Agreement")


def main() -> None:
    folder = PROJECT / "shots"
    folder.mkdir(exist_ok=True)
    with served(default_home()) as (address, _):
        for scheme, width in itertools.product(("light", "dark"), (1440, 800)):
            with browser_page(width, scheme) as page:
                for name in VIEWS:
                    page.goto(f"{address}/{'' if name == 'overview' else name}")
                    settle(page)
                    height = page.evaluate(
                        "document.querySelector('[data-testid=\"stMainBlockContainer\"]').scrollHeight"
                    )
                    page.set_viewport_size({"width": width, "height": min(3600, max(1000, height + 80))})
                    page.wait_for_timeout(1200)
                    page.screenshot(path=folder / f"{name.replace('?tab=', '-').lower()}-{scheme}-{width}.png")
                    page.set_viewport_size({"width": width, "height": 1000})


if __name__ == "__main__":
    main()
