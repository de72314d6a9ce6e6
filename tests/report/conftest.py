"""A comparison of a small scene with two others, painted by formula; and a real Chromium to open pages in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip import Scene
from splatzip.report.comparison import Comparison, PhotoQuality, ViewComparison
from splatzip.report.html import page
from splatzip.report.pictures import ViewPictures


def scene(splats: int = 400, degree: int = 2, seed: int = 3) -> Scene:
    rng = np.random.default_rng(seed)
    return Scene(
        positions=rng.normal(0, 1, (splats, 3)),
        log_scales=rng.normal(-4, 1, (splats, 3)),
        rotations=rng.normal(0, 1, (splats, 4)),
        opacity_logits=rng.normal(0, 2, splats),
        sh=rng.normal(0, 0.3, (splats, (degree + 1) ** 2, 3)),
    )


def painted(view: int, error: float = 0.0, *, height: int = 48, width: int = 64) -> np.ndarray:
    """A picture of stripes; `error` is added to its left half."""
    y, x = np.mgrid[:height, :width] / 64
    picture = 0.5 + 0.4 * np.stack([np.sin(9 * x + view), np.cos(7 * y - view), np.sin(8 * x * y + view)], axis=2)
    picture[:, : width // 2] += error
    return picture.astype(np.float32)


def comparison(name: str, psnr: list[float], *, size: int = 9000, photos: bool = True) -> Comparison:
    views = tuple(
        ViewComparison(f"view {i}", value, 0.99, PhotoQuality(30 + i, 29.5 + i) if photos else None)
        for i, value in enumerate(psnr)
    )
    return Comparison(views, 400, 60_000, bytes=size, name=name, seen_from="3 painted views")


@dataclass
class Sample:
    """What `page` is given; a test may change it before it makes the page."""

    comparisons: list[Comparison]
    arguments: dict[str, Any]
    painted = staticmethod(painted)

    def page(self) -> str:
        return page(self.comparisons, **self.arguments)


@pytest.fixture
def sample() -> Sample:
    facts = {"attributes": {name: {"bytes": 1400} for name in ("position", "scale", "rotation", "opacity", "color")}}
    return Sample(
        [comparison("good.splatz", [44.0, 41.0, 47.0]), comparison("small.spz", [36.0, 33.0, 38.0], size=5000)],
        {
            "ref": scene(),
            "tests": [scene(), scene(300, seed=4)],
            "take_pictures": lambda i: ViewPictures(painted(i), [painted(i, 1 / 255), painted(i, 4 / 255)], painted(i)),
            "ref_name": "source.ply",
            "ref_bytes": 70_000,
            "facts": [facts, None],
        },
    )


@pytest.fixture(scope="session")
def chromium(playwright: Any, chromium_path: str) -> Iterator[Any]:
    """Debian's Chromium, headless."""
    # As root, as in CI, Chromium runs without its sandbox or not at all; it opens nothing but our own page.
    browser = playwright.chromium.launch(executable_path=chromium_path, args=["--no-sandbox"])
    yield browser
    browser.close()


@dataclass
class Opened:
    """A page in the browser, and what it did that it should not have."""

    tab: Any
    complaints: list[str]
    requests: list[str]


@pytest.fixture
def opened(chromium: Any, tmp_path: Path) -> Iterator[Callable[..., Opened]]:
    """Open a page from disk, without network; takes its text and the width of the window."""
    contexts = []

    def open_page(text: str, *, width: int = 1280, scheme: str = "light") -> Opened:
        (tmp_path / "report.html").write_text(text, encoding="utf-8")
        context = chromium.new_context(viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True)
        contexts.append(context)
        tab = context.new_page()
        found = Opened(tab, [], [])
        tab.on("console", lambda message: found.complaints.append(message.text))
        tab.on("pageerror", lambda error: found.complaints.append(str(error)))
        tab.on("request", lambda request: found.requests.append(request.url))
        tab.goto((tmp_path / "report.html").as_uri())
        tab.wait_for_function("[...document.images].every((image) => image.complete)")
        return found

    yield open_page
    for context in contexts:
        context.close()
