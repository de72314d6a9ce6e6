"""The decoder for browsers gives the bits of every other one, however bytes come, and refuses what they refuse.

It runs in node, as scripts/build-web wrote it into splatzip/web.
"""

from __future__ import annotations

import importlib
import json
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip.container import Kind, open_file

ROOT = Path(__file__).resolve().parents[2]
WEB = ROOT / "splatzip" / "web"
VECTORS = sorted(path.parent for path in (ROOT / "tests" / "vectors").glob("*/input.splatz"))
NAMES = [folder.name for folder in VECTORS]
BAD = sorted((ROOT / "tests" / "golden_bad").glob("*.splatz"))
TIERS = ROOT / "tests" / "vectors" / "stepped_tiers_tiles" / "input.splatz"
EVERYTHING = ROOT / "tests" / "vectors" / "everything" / "input.splatz"
ALL_AT_ONCE = 1 << 30
FILES = {
    "positions": "positions",
    "log_scales": "logScales",
    "rotations": "rotations",
    "opacity_logits": "opacityLogits",
}

Event = dict[str, Any]
pytestmark = pytest.mark.skipif(shutil.which("node") is None, reason="needs node")


def decode(jobs: Sequence[dict[str, Any]]) -> list[list[Event]]:
    """The events of each job (decode.mjs)."""
    done = subprocess.run(
        ["node", Path(__file__).with_name("decode.mjs"), WEB],
        input=json.dumps(jobs),
        capture_output=True,
        text=True,
        check=True,
    )
    answers: list[list[Event]] = json.loads(done.stdout)
    return answers


def job(path: Path, pieces: int | list[tuple[int, int]] = ALL_AT_ONCE, **others: Any) -> dict[str, Any]:
    return {"path": str(path), "pieces": pieces, **others}


def of_type(events: Sequence[Event], type: str) -> list[Event]:
    return [event for event in events if event["type"] == type]


def end_of(events: Sequence[Event]) -> Event:
    assert events[-1]["type"] == "end", events[-1]
    return events[-1]


def arrays(out: Path) -> dict[str, np.ndarray]:
    """What decode.mjs wrote, as a scene's five arrays."""
    read = {name: np.fromfile(out / f"{file}.f32", np.float32) for name, file in FILES.items()}
    n = len(read["opacity_logits"])
    parts = [np.fromfile(out / f"{name}.f32", np.float32).reshape(n, -1, 3) for name in ("color", "sh")]
    return {name: array.reshape(n, -1) for name, array in read.items()} | {"sh": np.concatenate(parts, axis=1)}


def assert_expected(folder: Path, out: Path) -> None:
    decoded = arrays(out)
    with np.load(folder / "expected.npz") as expected:
        for name, array in decoded.items():
            assert array.tobytes() == expected[name].tobytes(), (folder.name, name)


@pytest.fixture(scope="module")
def decoded_vectors(tmp_path_factory: pytest.TempPathFactory) -> dict[tuple[str, int], tuple[Path, list[Event]]]:
    """By vector and how many bytes come at a time: where its arrays are, and its events."""
    ways = [(folder, pieces) for folder in VECTORS for pieces in (ALL_AT_ONCE, 7)]
    outs = [tmp_path_factory.mktemp(folder.name) for folder, _ in ways]
    jobs = [
        job(folder / "input.splatz", pieces, out=str(out)) for (folder, pieces), out in zip(ways, outs, strict=True)
    ]
    answers = zip(outs, decode(jobs), strict=True)
    return {(folder.name, pieces): answer for (folder, pieces), answer in zip(ways, answers, strict=True)}


@pytest.mark.parametrize("pieces", [ALL_AT_ONCE, 7], ids=["at_once", "7_bytes_at_a_time"])
@pytest.mark.parametrize("folder", VECTORS, ids=NAMES)
def test_a_vector_has_the_expected_bits(
    folder: Path, pieces: int, decoded_vectors: dict[tuple[str, int], tuple[Path, list[Event]]]
) -> None:
    out, events = decoded_vectors[folder.name, pieces]
    assert end_of(events)["complete"], end_of(events)
    assert not of_type(events, "damage")
    assert_expected(folder, out)


@pytest.mark.parametrize("path", [TIERS, EVERYTHING], ids=["tiers", "everything"])
def test_bytes_may_come_in_any_order(path: Path, tmp_path: Path) -> None:
    pieces = [(at, 37) for at in range(0, path.stat().st_size, 37)]
    shuffled = [pieces[i] for i in np.random.default_rng(1).permutation(len(pieces))]
    overlapping = [(max(0, at - 20), 60) for at, _ in shuffled]
    orders = {"backwards": pieces[::-1], "shuffled": shuffled, "overlapping": overlapping}
    outs = {name: tmp_path / name for name in orders}
    for out in outs.values():
        out.mkdir()
    answers = decode([job(path, pieces, out=str(outs[name])) for name, pieces in orders.items()])
    for name, events in zip(orders, answers, strict=True):
        assert end_of(events)["complete"], name
        assert_expected(path.parent, outs[name])


def test_events_come_as_soon_as_their_bytes_have() -> None:
    file = open_file(TIERS.read_bytes())
    first = next(run for run in file.runs if (run.entry.tier, run.entry.layer) == (0, 0))
    (events,) = decode([job(TIERS, cut=first.chunks[-1].offset + first.chunks[-1].size)])
    chunks = of_type(events, "chunk")
    assert [(c["tile"], c["tier"], c["layer"]) for c in chunks] == [(c.tile, 0, 0) for c in first.chunks]
    assert [c["first"] for c in chunks] == list(np.cumsum([0, *(c.splats for c in first.chunks)])[:-1])
    end = end_of(events)
    assert not end["complete"]
    assert end["count"] == end["withoutSh"] == sum(c.splats for c in first.chunks)
    assert any(f"{file.root.splats - end['count']} of {file.root.splats} splats" in line for line in end["missing"])


def test_the_beginnings_of_a_file_are_drawn_as_by_every_other_decoder(tmp_path: Path) -> None:
    folder = ROOT / "tests" / "vectors" / "stepped_stand_in"
    with np.load(folder / "parts.npz") as stored:
        parts = {key: array for key, array in stored.items()}
    lengths = sorted({int(key.split(".")[0]) for key in parts})
    outs = [tmp_path / str(length) for length in lengths]
    for out in outs:
        out.mkdir()
    jobs = [job(folder / "input.splatz", cut=n, drawn=str(out)) for n, out in zip(lengths, outs, strict=True)]
    assert all(end_of(events)["count"] > 0 for events in decode(jobs))
    for length, out in zip(lengths, outs, strict=True):
        scales = np.fromfile(out / "logScales.f32", np.float32).reshape(-1, 3)
        np.testing.assert_allclose(scales, parts[f"{length}.log_scales"], atol=2e-6, rtol=1e-6)
        opacities = np.fromfile(out / "opacities.f32", np.float32)
        np.testing.assert_allclose(opacities, parts[f"{length}.opacities"], atol=2e-7, rtol=1e-5)


def test_the_header_says_what_the_root_says() -> None:
    file = open_file(EVERYTHING.read_bytes())
    (events,) = decode([job(EVERYTHING)])
    header = events[0]
    assert header["type"] == "header"
    assert (header["count"], header["shDegree"]) == (file.root.splats, file.root.sh_degree)
    assert (header["tiers"], header["layers"]) == (file.root.tiers, file.root.layers)
    assert header["origin"] == list(file.root.origin)
    assert header["box"] == {"low": list(file.root.box[0]), "high": list(file.root.box[1])}
    directories = {(e["tier"], e["layer"]): e["chunks"] for e in of_type(events, "directory")}
    assert directories.keys() == {(run.entry.tier, run.entry.layer) for run in file.runs}
    for run in file.runs:
        listed = directories[run.entry.tier, run.entry.layer]
        assert [(c["tile"], c["count"], c["offset"], c["size"]) for c in listed] == [
            (c.tile, c.splats, c.offset, c.size) for c in run.chunks
        ]
        assert [(tuple(c["box"]["low"]), tuple(c["box"]["high"])) for c in listed] == [c.box for c in run.chunks]


def test_a_file_cut_anywhere_gives_what_is_whole_and_says_what_is_lacking() -> None:
    size = TIERS.stat().st_size
    lengths = range(1, size, 41)
    counts = []
    for length, events in zip(lengths, decode([job(TIERS, cut=length) for length in lengths]), strict=True):
        last = events[-1]
        assert last["type"] in ("failure", "end"), length
        if last["type"] == "failure":
            assert last["error"] == "TruncatedError"
            counts.append(0)
        else:
            assert not last["complete"]
            assert last["missing"]
            counts.append(last["count"])
        assert not of_type(events, "damage"), length
    assert counts == sorted(counts)
    assert counts[-1] > 0


def test_a_damaged_chunk_is_reported_and_costs_its_tile_from_its_tier_on_and_nothing_else() -> None:
    file = open_file(TIERS.read_bytes())
    places = [(run.entry, chunk) for run in file.runs for chunk in run.chunks]
    jobs = [job(TIERS, damage=chunk.offset + chunk.size // 2) for _, chunk in places]
    for (run, chunk), events in zip(places, decode(jobs), strict=True):
        (damage,) = of_type(events, "damage")
        assert damage["error"] == "CorruptError"
        assert (damage["tile"], damage["tier"], damage["layer"]) == (chunk.tile, run.tier, run.layer)
        end = end_of(events)
        if run.layer:
            assert (end["count"], end["withoutSh"]) == (file.root.splats, chunk.splats)
            continue
        later = [
            c.splats
            for r in file.runs
            for c in r.chunks
            if r.entry.layer == 0 and r.entry.tier >= run.tier and c.tile == chunk.tile
        ]
        assert end["count"] == file.root.splats - sum(later)


def test_a_damaged_directory_costs_its_tier_and_the_later_ones() -> None:
    file = open_file(TIERS.read_bytes())
    for run, events in zip(
        file.runs, decode([job(TIERS, damage=r.chunks[0].offset - 1) for r in file.runs]), strict=True
    ):
        assert len(of_type(events, "damage")) == 1
        kept = [r for r in file.runs if r.entry.layer == 0 and (run.entry.layer or r.entry.tier < run.entry.tier)]
        assert end_of(events)["count"] == sum(chunk.splats for r in kept for chunk in r.chunks)


def test_every_bad_file_is_refused_by_the_name_that_the_others_give_it() -> None:
    wrong = {}
    for path, events in zip(BAD, decode([job(path) for path in BAD]), strict=True):
        expected = json.loads(path.with_suffix(".json").read_text())["error"]
        refusals = [*of_type(events, "damage"), *of_type(events, "failure")]
        last = events[-1]
        names = {event["error"] for event in refusals}
        if last["type"] == "end" and not last["complete"]:
            names.add("TruncatedError")
        # Where the header's size is not the file's, a stream sees contents that do not fill the file, before its end.
        if path.stem in ("file_cut", "file_too_long"):
            names |= {"TruncatedError", "CorruptError"} if names else set()
        if expected not in names:
            wrong[path.stem] = (expected, refusals, last)
    assert not wrong


def test_tables_that_no_stream_of_codec_columns_may_name_are_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "scripts"))
    taken_apart = importlib.import_module("vectors.taken_apart")
    parts = taken_apart.taken_apart((ROOT / "tests" / "vectors" / "columns_spz3" / "input.splatz").read_bytes())
    parts.shared += [(Kind.TABLES, id_, b"\xff") for id_ in (2, 77, 256)]
    (tmp_path / "more.splatz").write_bytes(taken_apart.put_together(parts))
    (events,) = decode([job(tmp_path / "more.splatz")])
    assert end_of(events)["complete"], end_of(events)


def test_a_bad_file_costs_no_more_memory_than_its_bytes_account_for() -> None:
    for path, events in zip(BAD, decode([job(path) for path in BAD]), strict=True):
        for header in of_type(events, "header"):
            assert header["count"] <= 1024 * path.stat().st_size
        for chunk in of_type(events, "chunk"):
            assert chunk["count"] <= 1024 * path.stat().st_size


def test_bytes_that_are_no_splatz_are_refused_with_the_first_of_them(tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<!doctype html><title>404</title>" * 40)
    (tmp_path / "empty").write_bytes(b"")
    html, empty = decode([job(tmp_path / "page.html", 3), job(tmp_path / "empty")])
    assert [(e["type"], e["error"]) for e in html] == [("failure", "NotSplatzipError")]
    assert [(e["type"], e["error"]) for e in empty] == [("failure", "NotSplatzipError")]


def test_a_worker_hands_out_the_same_events_and_takes_bytes_over_without_a_copy() -> None:
    command = ["node", Path(__file__).with_name("worker.mjs"), WEB, TIERS]
    answer = json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    (events,) = decode([job(TIERS, 4096)])
    assert answer["events"] == events
    assert answer["kept"] == 0
