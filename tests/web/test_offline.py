"""The page of `export-html`, opened from disk without any network."""

from __future__ import annotations

import pytest

import splatzip

pytestmark = pytest.mark.browser


def test_one_page_shows_its_scene_from_disk_and_asks_nobody(tmp_path, splatz, opened):
    (tmp_path / "chair.splatz").write_bytes(splatz)
    splatzip.export_html(tmp_path / "chair.splatz", tmp_path / "chair.html")
    viewer = opened((tmp_path / "chair.html").as_uri(), offline=True)
    assert viewer.wait("state.phase === 'complete'")["progress"]["splats"] == 20_000
    assert viewer.complaints == []
    assert [url for url in viewer.requests if not url.startswith(("file:", "blob:", "data:"))] == []
    assert sum(url.startswith("file:") for url in viewer.requests) == 1
