"""SOG: released files decode as their tool does, codes come back as they were, floats are quantized within bounds."""

from __future__ import annotations

import json
import shutil
import zipfile
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip.errors import FormatError
from splatzip.formats import ply, sog, sog_write
from splatzip.formats.output import atomic_write
from splatzip.formats.stored import stored_bytes
from splatzip.io import load, save
from splatzip.kernels import exact_exp, exact_log
from splatzip.kernels.dequantize_sog import numbers_of
from splatzip.scene import QuantizedSource, Scene

FIXTURES = Path(__file__).parents[1] / "fixtures" / "sog"


def made_up(splats: int, degree: int = 3, **changes: object) -> Scene:
    """A scene with every value that SOG must survive: both infinities, huge and tiny positions, a flat axis."""
    random = np.random.default_rng(splats)
    logits = random.normal(0, 4, splats)
    logits[:2] = -np.inf, np.inf
    arrays = {
        "positions": random.normal(0, 1, (splats, 3)) * [1e3, 1e-3, 0.0],
        "log_scales": random.normal(-5, 2, (splats, 3)),
        "rotations": random.normal(0, 1, (splats, 4)) * 10 ** random.uniform(-8, 8, (splats, 1)),
        "opacity_logits": logits,
        "sh": random.normal(0, 0.5, (splats, (degree + 1) ** 2, 3)),
    }
    return Scene(**{name: np.asarray(value, np.float32) for name, value in (arrays | changes).items()})


def assert_same_source(a: QuantizedSource | None, b: QuantizedSource | None) -> None:
    assert a is not None
    assert b is not None
    assert (a.format, a.version, a.header) == (b.format, b.version, b.header)
    for mine, theirs in ((a.codes, b.codes), (a.tables, b.tables)):
        assert mine.keys() == theirs.keys()
        for name in mine:
            assert mine[name].dtype == theirs[name].dtype
            np.testing.assert_array_equal(mine[name], theirs[name], name)


def test_a_folder_that_somebody_zipped_is_the_same_scene(tmp_path: Path) -> None:
    with zipfile.ZipFile(FIXTURES / "v2.sog") as packed, zipfile.ZipFile(tmp_path / "scene.zip", "w") as again:
        again.writestr("my scene/", b"")
        again.writestr("__MACOSX/my scene/._meta.json", b"of a Mac")
        for name in packed.namelist():
            again.writestr(f"my scene/{name}", packed.read(name))
    scene, expected = load(tmp_path / "scene.zip"), load(FIXTURES / "v2.sog")
    assert scene.meta.ignored == expected.meta.ignored
    for name, values in expected.arrays().items():
        assert np.array_equal(scene.arrays()[name], values), name


LEVELS: dict[str, Any] = {
    "version": 1,
    "lodLevels": 2,
    "environment": "sky/meta.json",
    "filenames": ["1_0/meta.json", "0_0/meta.json", "0_1.sog"],
    "tree": {
        "children": [
            {"lods": {"0": {"file": 2, "offset": 0, "count": 260}, "1": {"file": 0, "offset": 0, "count": 4}}},
            {"lods": {"0": {"file": 1, "offset": 0, "count": 250}, "1": {"file": 0, "offset": 4, "count": 4}}},
            {"lods": {"0": {"file": 1, "offset": 250, "count": 10}}},
        ]
    },
}


def streamed(folder: Path, meta: object) -> Path:
    """A streamed SOG of two regions, each the splats of v2.sog."""
    (folder / "0_0").mkdir(parents=True)
    with zipfile.ZipFile(FIXTURES / "v2.sog") as packed:
        packed.extractall(folder / "0_0")
    shutil.copy(FIXTURES / "v2.sog", folder / "0_1.sog")
    (folder / "lod-meta.json").write_text(json.dumps(meta))
    return folder


def test_the_parts_of_the_finest_level_are_one_scene(tmp_path: Path) -> None:
    one = load(FIXTURES / "v2.sog")
    assert len(one) == 260
    folder = streamed(tmp_path / "a", LEVELS)
    for scene in (load(folder), load(folder / "lod-meta.json")):
        assert scene.source is None
        assert scene.meta.ignored == ("coarser detail levels: 1", "the environment")
        for name, values in one.arrays().items():
            assert np.array_equal(scene.arrays()[name], np.concatenate([values, values])), name
    parts = [folder / "lod-meta.json", folder / "0_1.sog", *(folder / "0_0").iterdir()]
    assert stored_bytes(folder) == sum(part.stat().st_size for part in parts)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"version": 2}, "version 2 is not 1"),
        ({"tree": []}, "no object with a field 'tree'"),
        ({"tree": {}}, "names no detail level"),
        ({"tree": {"children": [7]}}, "a node of the tree"),
        ({"tree": {"lods": {"fine": {"file": 0, "count": 4}}}}, "names no detail level"),
        ({"tree": {"lods": {"1" * 5000: {"file": 0, "count": 4}}}}, "names no detail level"),
        ({"tree": {"lods": {"0": {"file": 3, "count": 4}}}}, "has 4 splats of file 3, of 3"),
        ({"tree": {"lods": {"0": {"file": 2, "count": 9}}}}, "counts 9 splats of 0_1.sog, which holds 260"),
        ({"filenames": ["a", "../a/0_0/meta.json", "0_1.sog"]}, "only files below its folder"),
        ({"filenames": ["a", "/etc/meta.json", "0_1.sog"]}, "only files below its folder"),
        ({"filenames": ["a", "0_1.sog", "0_1.sog"]}, "named twice"),
        ({"filenames": ["a", "gone/meta.json", "0_1.sog"]}, "missing"),
        ({"filenames": ["a", "lod-meta.json", "0_1.sog"]}, "several detail levels"),
    ],
)
def test_levels_that_make_no_sense_are_refused(tmp_path: Path, change: dict[str, object], words: str) -> None:
    with pytest.raises(FormatError, match=words):
        load(streamed(tmp_path / "a", LEVELS | change))


def test_archive_decodes_to_the_floats_of_splat_transform() -> None:
    scene = sog.read(FIXTURES / "v2.sog")
    tool = ply.read(FIXTURES / "v2.ply")
    assert scene.sh_degree == 1
    for name, expected in tool.arrays().items():
        assert np.array_equal(scene.arrays()[name], expected), name


def test_a_folder_is_named_by_itself_or_by_its_meta_json() -> None:
    folder, named = load(FIXTURES / "v2_folder"), load(FIXTURES / "v2_folder" / "meta.json")
    assert (len(folder), folder.sh_degree) == (260, 0)
    assert_same_source(folder.source, named.source)


def test_a_folder_that_cannot_be_written_whole_does_not_appear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = load(FIXTURES / "v2_folder")
    written: list[str] = []

    def full_disk(path: Path, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device", str(path))
        written.append(path.name)
        return len(data)

    monkeypatch.setattr(Path, "write_bytes", full_disk)
    with pytest.raises(OSError, match="No space left"):
        save(scene, tmp_path / "new" / "meta.json")
    assert list(tmp_path.iterdir()) == []


def test_version_1_folder() -> None:
    scene = sog.read(FIXTURES / "v1")
    assert scene.source is not None
    assert scene.source.version == 1
    with np.load(FIXTURES / "v1.npz") as expected:
        for name, values in scene.arrays().items():
            np.testing.assert_allclose(values, expected[name], rtol=1e-7, atol=0, err_msg=name)


@pytest.mark.parametrize("target", ["out.sog", "folder/meta.json"])
@pytest.mark.parametrize("name", ["v2.sog", "v2_folder"])
def test_codes_of_a_source_are_written_again(tmp_path: Path, name: str, target: str) -> None:
    scene = sog.read(FIXTURES / name)
    assert save(scene, tmp_path / target) == []
    again = load(tmp_path / target)
    assert_same_source(scene.source, again.source)
    for attribute, values in scene.arrays().items():
        assert np.array_equal(values, again.arrays()[attribute]), attribute


def test_meta_json_is_written_again_value_for_value(tmp_path: Path) -> None:
    meta = json.loads((FIXTURES / "v2_folder" / "meta.json").read_text())
    meta["means"]["mins"][0] -= 1e-13  # no float32
    meta["extras"] = {"bounds": [1, 2.5, None, "x"]}
    edited = tmp_path / "edited"
    copy_folder(FIXTURES / "v2_folder", edited, json.dumps(meta).encode())
    scene = sog.read(edited)
    assert scene.meta.ignored == ("meta.json field 'extras' (kept as long as the codes are)",)
    sog.write(scene, tmp_path / "again" / "meta.json")
    assert json.loads((tmp_path / "again" / "meta.json").read_text()) == meta


def test_null_at_the_start_of_a_codebook_is_extrapolated_and_stays_null(tmp_path: Path) -> None:
    meta = json.loads((FIXTURES / "v2_folder" / "meta.json").read_text())
    book = meta["scales"]["codebook"]
    meta["scales"]["codebook"] = [None, *book[1:]]
    copy_folder(FIXTURES / "v2_folder", tmp_path / "null", json.dumps(meta).encode())
    scene, whole = sog.read(tmp_path / "null"), sog.read(FIXTURES / "v2_folder")
    changed = scene.source.codes["scales"] == 0  # type: ignore[union-attr]
    assert changed.any()
    assert np.array_equal(scene.log_scales[~changed], whole.log_scales[~changed])
    assert set(scene.log_scales[changed]) == {np.float32(book[1] + (book[1] - book[255]) / 255)}
    sog.write(scene, tmp_path / "again.sog")
    assert_same_source(scene.source, sog.read(tmp_path / "again.sog").source)


def test_floats_are_quantized_to_the_nearest_code(tmp_path: Path) -> None:
    scene = made_up(2000)
    sog.write(scene, tmp_path / "a.sog")
    again = sog.read(tmp_path / "a.sog")
    assert len(again) == 2000
    # The writer reorders splats; quantizing keeps the order of each column, so sorted columns match.
    a, b = (np.sort(s.positions.astype(np.float64), axis=0) for s in (scene, again))
    folded_a, folded_b = (np.sign(p) * np.log1p(np.abs(p)) for p in (a, b))
    step = np.ptp(folded_a, axis=0) / 65535
    assert (np.abs(folded_a - folded_b) <= 0.51 * step + 1e-7).all()
    scales = np.sort(scene.log_scales, None) - np.sort(again.log_scales, None)
    assert np.sqrt(np.mean(scales**2)) < 0.03
    assert np.abs(scales).max() < 0.6
    with np.errstate(over="ignore"):
        alpha_a, alpha_b = (np.sort(1 / (1 + np.exp(-s.opacity_logits.astype(np.float64)))) for s in (scene, again))
    assert np.abs(alpha_a - alpha_b).max() <= 0.5 / 255 + 1e-9
    assert again.opacity_logits.min() == -np.inf
    assert again.opacity_logits.max() == np.inf


def test_rotations_are_within_a_step_whatever_their_length(tmp_path: Path) -> None:
    scene = made_up(500, 0, positions=np.repeat(np.arange(500.0)[:, None], 3, 1))
    sog.write(scene, tmp_path / "a.sog")
    again = sog.read(tmp_path / "a.sog")
    again = again.take(np.argsort(again.positions[:, 0]))
    unit = scene.rotations.astype(np.float64)
    unit /= np.linalg.norm(unit, axis=1, keepdims=True)
    assert np.abs(np.einsum("ij,ij->i", unit, again.rotations)).min() > 1 - 1e-4


def test_colours_and_sh_that_are_few_come_back_exactly(tmp_path: Path) -> None:
    random = np.random.default_rng(3)
    few = random.choice(random.normal(0, 1, 200).astype(np.float32), (90, 16, 3))
    scene = made_up(1500, sh=few[random.integers(0, 90, 1500)])
    assert sog.write(scene, tmp_path / "a.sog") == []
    again = sog.read(tmp_path / "a.sog")
    assert again.source is not None
    assert len(again.source.tables["palette"]) <= 90
    distinct = [np.unique(s.sh.reshape(1500, -1), axis=0) for s in (scene, again)]
    assert np.array_equal(*distinct)


def test_sh_palette_error_is_a_fraction_of_the_sh(tmp_path: Path) -> None:
    random = np.random.default_rng(4)
    clusters = random.normal(0, 1, (300, 16, 3))[random.integers(0, 300, 3000)]
    scene = made_up(
        3000,
        positions=np.repeat(np.arange(3000.0)[:, None], 3, 1),
        sh=clusters + random.normal(0, 0.01, (3000, 16, 3)),
    )
    lost = sog.write(scene, tmp_path / "a.sog")
    assert lost == ["SH above degree 0: 3000 splats share 2048 palette entries"]
    again = sog.read(tmp_path / "a.sog")
    again = again.take(np.argsort(again.positions[:, 0]))
    assert np.sqrt(np.mean((again.sh[:, 1:] - scene.sh[:, 1:]) ** 2)) < 0.02


def test_what_sog_cannot_hold_is_said(tmp_path: Path) -> None:
    scene = made_up(50, 4, origin=np.array([1e6, 0, 0]))
    scene = replace(scene, meta=replace(scene.meta, antialiased=True, title="chair"))
    lost = sog.write(scene, tmp_path / "a.sog")
    assert [line.split(":")[0] for line in lost] == ["title", "origin", "SH degree 4", "SH above degree 0"]
    again = sog.read(tmp_path / "a.sog")
    assert again.sh_degree == 3
    assert again.meta.antialiased
    assert not scene.edited(origin=np.zeros(3)).origin.any()
    np.testing.assert_allclose(again.positions[:, 0].mean(), 1e6, rtol=1e-2)


@pytest.mark.parametrize("splats", [1, 2, 17])
def test_few_splats(tmp_path: Path, splats: int) -> None:
    scene = made_up(max(splats, 2)).take(np.arange(splats))
    sog.write(scene, tmp_path / "a.sog")
    assert len(sog.read(tmp_path / "a.sog")) == splats


def test_writing_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    for name in ("a.sog", "b.sog"):
        sog.write(made_up(3000), tmp_path / name)
    assert (tmp_path / "a.sog").read_bytes() == (tmp_path / "b.sog").read_bytes()


@pytest.mark.parametrize("name", ["v2.sog", "v1"])
def test_dequantizer_is_its_formulas_in_numpy_bit_for_bit(name: str) -> None:
    scene = sog.read(FIXTURES / name)
    source = scene.source
    assert source is not None
    codes, tables = source.codes, {n: numbers_of(t) for n, t in source.tables.items() if n != "palette"}

    def look(table: np.ndarray, code: np.ndarray) -> np.ndarray:
        if source.version == 2:
            return table[code].astype(np.float32)
        return (table[0] + (table[1] - table[0]) * (code / 255.0)).astype(np.float32)

    low, high = tables["means"]
    folded = low + (high - low) * (codes["positions"] / 65535.0)
    size = exact_exp(np.abs(folded)) - 1.0
    a, b, c = ((codes["rotations"][:, i] / 255.0 * 2.0 - 1.0) / 1.4142135623730951 for i in range(3))
    rotations = np.stack([a, b, c], 1)
    rest = np.sqrt(np.maximum(1.0 - (a * a + b * b + c * c), 0.0))
    rotations = np.array([np.insert(q, m - 252, r) for q, m, r in zip(rotations, codes["rotations"][:, 3], rest)])  # noqa: B905
    colors = codes["colors"]
    if source.version == 2:
        u = np.clip(colors[:, 3], 1, 254) / 255.0
        logits = np.where(colors[:, 3] == 0, -np.inf, np.where(colors[:, 3] == 255, np.inf, exact_log(u / (1.0 - u))))
        dc = look(tables["sh0"], colors[:, :3])
    else:
        logits = look(tables["sh0"][:, 3], colors[:, 3])
        dc = look(tables["sh0"][:, :3], colors[:, :3])
    palette = look(tables["shN"], source.tables["palette"][codes["labels"][:, 0]])
    expected = {
        "positions": np.where(folded < 0.0, -size, size),
        "log_scales": look(tables["scales"], codes["scales"]),
        "rotations": rotations,
        "opacity_logits": logits,
        "sh": np.concatenate([dc[:, None], palette.reshape(len(scene), -1, 3)], 1),
    }
    for attribute, values in expected.items():
        assert np.array_equal(scene.arrays()[attribute], values.astype(np.float32)), attribute


@pytest.mark.scenes
@pytest.mark.parametrize(
    ("name", "version", "splats", "degree"),
    [("baleine", 1, 385_641, 3), ("playbot/0_0", 2, 500_000, 2), ("karangkidul", 2, 524_470, 3)],
)
def test_real_folders(scenes: Path, name: str, version: int, splats: int, degree: int) -> None:
    scene = load(scenes / "scenes" / name)
    assert scene.source is not None
    assert (scene.source.version, len(scene), scene.sh_degree) == (version, splats, degree)
    assert scene.meta.ignored == ()
    if name == "karangkidul":  # alpha bytes 0
        assert (scene.opacity_logits == -np.inf).sum() == 508


@pytest.mark.scenes
def test_real_archive_lies_where_its_ply_lies(scenes: Path, tmp_path: Path) -> None:
    scene = load(scenes / "scenes" / "leica" / "leica.sog")
    save(scene, tmp_path / "leica.sog")
    assert_same_source(scene.source, load(tmp_path / "leica.sog").source)
    other = load(scenes / "scenes" / "leica" / "leica.ply")  # another selection of the same capture, same axes
    assert np.abs(np.median(scene.positions, 0) - np.median(other.positions, 0)).max() < 0.3


@pytest.mark.scenes
def test_of_detail_levels_the_finest_is_read(scenes: Path) -> None:
    folder = scenes / "scenes" / "playbot"
    scene = load(folder)
    assert_same_source(scene.source, load(folder / "0_0").source)
    assert scene.meta.ignored == ("coarser detail levels: 6",)
    assert stored_bytes(folder) == stored_bytes(folder / "0_0") + (folder / "lod-meta.json").stat().st_size


def copy_folder(source: Path, target: Path, meta: bytes) -> None:
    """A folder with another meta.json."""
    target.mkdir()
    for file in source.iterdir():
        (target / file.name).write_bytes(meta if file.name == "meta.json" else file.read_bytes())


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_disk_that_fills_up_leaves_nothing_of_a_sog_in_a_folder(tmp_path, monkeypatch):
    scene = load(FIXTURES / "v2.sog")
    (tmp_path / "other.txt").touch()

    @contextmanager
    def filling_up(path):
        with atomic_write(path) as file, open("/dev/full", "wb") as full:
            yield full if path.name == "quats.webp" else file

    monkeypatch.setattr(sog_write, "atomic_write", filling_up)
    with pytest.raises(OSError, match="No space left"):
        save(scene, tmp_path / "meta.json")
    assert [path.name for path in tmp_path.iterdir()] == ["other.txt"]
