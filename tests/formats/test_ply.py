"""3DGS PLY: every encoding that tools write is read to the same scene, and nothing goes missing unsaid."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import pytest
from plyfile import PlyData, PlyElement

from splatzip.errors import FormatError, SceneError, TruncatedError, UnsupportedFeatureError
from splatzip.formats import ply
from splatzip.scene import Scene, SceneMeta

N = 50


def columns(degree: int = 1, seed: int = 0) -> dict[str, np.ndarray]:
    """Random float32 columns of N splats in the trainers' order."""
    rng = np.random.default_rng(seed)
    names = ["x", "y", "z", *(f"f_dc_{i}" for i in range(3))]
    names += [f"f_rest_{i}" for i in range(3 * ((degree + 1) ** 2 - 1))]
    names += ["opacity", *(f"scale_{i}" for i in range(3)), *(f"rot_{i}" for i in range(4))]
    return {name: rng.normal(size=N).astype(np.float32) for name in names}


def written(path: Path, cols: dict[str, np.ndarray], others: tuple[PlyElement, ...] = (), **options: object) -> Path:
    """A PLY file that plyfile writes, with the columns' own types and order."""
    rows = np.empty(len(next(iter(cols.values()))), [(name, col.dtype) for name, col in cols.items()])
    for name, col in cols.items():
        rows[name] = col
    PlyData([PlyElement.describe(rows, "vertex"), *others], **{"byte_order": "<", **options}).write(str(path))
    return path


def assert_holds(scene: Scene, cols: dict[str, np.ndarray], rtol: float = 0) -> None:
    """The scene has the columns' values, SH unpacked from channel after channel."""
    rest = (scene.sh.shape[1] - 1) * 3

    def stack(*names: str) -> np.ndarray:
        return np.stack([cols[name] for name in names], 1)

    np.testing.assert_allclose(scene.positions + scene.origin, stack("x", "y", "z"), rtol, 0)
    np.testing.assert_allclose(scene.log_scales, stack("scale_0", "scale_1", "scale_2"), rtol, 0)
    np.testing.assert_allclose(scene.rotations, stack("rot_0", "rot_1", "rot_2", "rot_3"), rtol, 0)
    np.testing.assert_allclose(scene.opacity_logits, cols["opacity"], rtol, 0)
    np.testing.assert_allclose(scene.sh[:, 0], stack("f_dc_0", "f_dc_1", "f_dc_2"), rtol, 0)
    if rest:
        channels = stack(*(f"f_rest_{i}" for i in range(rest))).reshape(len(scene), 3, -1)
        np.testing.assert_allclose(scene.sh[:, 1:], channels.transpose(0, 2, 1), rtol, 0)


@pytest.mark.parametrize("options", [{"byte_order": "<"}, {"byte_order": ">"}, {"text": True}], ids=str)
@pytest.mark.parametrize("degree", range(5))
def test_every_encoding_and_degree_holds_the_same_floats(
    tmp_path: Path, degree: int, options: dict[str, object]
) -> None:
    cols = columns(degree)
    scene = ply.read(written(tmp_path / "a.ply", cols, **options))
    assert scene.sh_degree == degree
    assert_holds(scene, cols)
    assert scene.meta == SceneMeta()


def test_order_of_properties_does_not_matter(tmp_path: Path) -> None:
    cols = columns(2)
    shuffled = {name: cols[name] for name in np.random.default_rng(1).permutation(sorted(cols))}
    assert_holds(ply.read(written(tmp_path / "a.ply", shuffled)), cols)


@pytest.mark.parametrize("kind", [np.float64, np.int16, np.uint8, np.int32])
def test_columns_of_other_types_are_read(tmp_path: Path, kind: type) -> None:
    cols = {name: np.arange(1, N + 1).astype(kind) for name in columns()}
    scene = ply.read(written(tmp_path / "a.ply", cols))
    assert_holds(scene, cols)
    assert scene.meta.ignored == ()


def test_digits_that_float32_cannot_hold_are_reported(tmp_path: Path) -> None:
    cols = {**columns(), "opacity": np.full(N, 0.1)}
    scene = ply.read(written(tmp_path / "a.ply", cols))
    assert scene.meta.ignored == ("digits beyond float32 of opacity",)


def test_zero_normals_are_dropped_and_others_reported(tmp_path: Path) -> None:
    zero = {name: np.zeros(N, np.float32) for name in ("nx", "ny", "nz")}
    assert ply.read(written(tmp_path / "a.ply", {**columns(), **zero})).meta.ignored == ()
    zero["ny"][7] = 1
    scene = ply.read(written(tmp_path / "b.ply", {**columns(), **zero}))
    assert scene.meta.ignored == ("properties nx ny nz (normals)",)


def test_extra_properties_elements_and_bytes_are_reported(tmp_path: Path) -> None:
    camera = PlyElement.describe(np.zeros(3, [("focal", "f4")]), "camera")
    path = written(tmp_path / "a.ply", {**columns(), "red": np.zeros(N, np.uint8)}, (camera,), obj_info=["made up"])
    path.write_bytes(path.read_bytes() + b"tail")
    scene = ply.read(path)
    assert_holds(scene, columns())
    assert scene.meta.ignored == (
        "property red",
        "element camera (3 rows)",
        "obj_info made up",
        "4 bytes after the last element",
    )


@pytest.mark.parametrize("text", [False, True])
@pytest.mark.parametrize("count", [0, 2])
def test_faces_after_the_vertices_are_left(tmp_path: Path, count: int, text: bool) -> None:
    faces = np.array([([0, 1, 2],)] * count, [("vertex_indices", "i4", (3,))])
    path = written(tmp_path / "a.ply", columns(), (PlyElement.describe(faces, "face"),), text=text)
    scene = ply.read(path)
    assert_holds(scene, columns(), 1e-5 if text else 0)
    assert scene.meta.ignored == (() if count == 0 else ("element face (2 rows)",))


def test_an_element_without_rows_or_properties_may_stand_anywhere(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ply", columns())
    empty = b"element face 0\nproperty list uchar int vertex_indices\nelement nothing 99999999999\n"
    path.write_bytes(path.read_bytes().replace(b"element vertex", empty + b"element vertex"))
    scene = ply.read(path)
    assert_holds(scene, columns())
    assert scene.meta.ignored == ()


@pytest.mark.parametrize("text", [False, True])
def test_elements_before_the_vertices_are_skipped(tmp_path: Path, text: bool) -> None:
    cols = columns()
    rows = np.rec.fromarrays(list(cols.values()), names=list(cols))
    first = PlyElement.describe(np.arange(3, dtype="i4").view([("id", "i4")]), "frame")
    PlyData([first, PlyElement.describe(rows, "vertex")], text=text, byte_order="<").write(str(tmp_path / "a.ply"))
    scene = ply.read(tmp_path / "a.ply")
    assert_holds(scene, cols)
    assert scene.meta.ignored == ("element frame (3 rows)",)


def test_comments_and_the_mip_flag_come_through(tmp_path: Path) -> None:
    comments = ["Exported by somebody", "SplatRenderMode: mip"]
    scene = ply.read(written(tmp_path / "a.ply", columns(), comments=comments))
    assert scene.meta == SceneMeta(antialiased=True, comments=("Exported by somebody",))
    assert ply.write(scene, tmp_path / "b.ply") == []
    assert b"comment SplatRenderMode: mip\n" in (tmp_path / "b.ply").read_bytes()
    assert ply.read(tmp_path / "b.ply").meta == scene.meta


def test_a_comment_in_utf8_is_read_and_escaped_when_written(tmp_path: Path) -> None:
    raw = written(tmp_path / "a.ply", columns(), comments=["PLACE"]).read_bytes()
    (tmp_path / "a.ply").write_bytes(raw.replace(b"PLACE", "Café".encode()))
    scene = ply.read(tmp_path / "a.ply")
    assert scene.meta.comments == ("Café",)
    assert_holds(scene, columns())
    (lost,) = ply.write(scene, tmp_path / "b.ply")
    assert "escaped" in lost
    assert PlyData.read(str(tmp_path / "b.ply")).comments == [r"Caf\xe9"]


@pytest.mark.parametrize("newline", [b"\r\n", b"\r"])
def test_other_line_ends_of_the_header_are_read(tmp_path: Path, newline: bytes) -> None:
    header, body = written(tmp_path / "a.ply", columns()).read_bytes().split(b"end_header\n", 1)
    (tmp_path / "a.ply").write_bytes((header + b"end_header\n").replace(b"\n", newline) + body)
    assert_holds(ply.read(tmp_path / "a.ply"), columns())


@pytest.mark.parametrize("degree", [0, 3, 4])
def test_a_written_scene_is_the_same_to_the_bit_and_plyfile_reads_it(tmp_path: Path, degree: int) -> None:
    cols = columns(degree)
    cols["opacity"][:2] = np.inf, -np.inf
    scene = ply.read(written(tmp_path / "a.ply", cols))
    assert ply.write(scene, tmp_path / "b.ply") == []
    again = PlyData.read(str(tmp_path / "b.ply"))
    assert [p.name for p in again["vertex"].properties] == list(cols)
    for name, col in cols.items():
        assert again["vertex"][name].tobytes() == col.tobytes()
    assert [p.name for p in tmp_path.iterdir() if p.suffix == ".part"] == []


def test_double_positions_far_from_zero_keep_their_digits(tmp_path: Path) -> None:
    cols = columns()
    for name in "xyz":
        cols[name] = cols[name].astype(np.float64) + 4_000_000.123
    scene = ply.read(written(tmp_path / "a.ply", cols))
    assert np.abs(scene.origin - 4_000_000).max() < 10
    assert np.abs(scene.positions).max() < 20
    exact = np.stack([cols[name] for name in "xyz"], 1)
    assert np.abs(scene.positions + scene.origin - exact).max() < 1e-6
    assert ply.write(scene, tmp_path / "b.ply") == []
    again = ply.read(tmp_path / "b.ply")
    assert np.array_equal(again.positions + again.origin, scene.positions + scene.origin)


def test_double_positions_near_zero_need_no_origin_even_with_a_far_outlier(tmp_path: Path) -> None:
    cols = {**columns(), "x": columns()["x"].astype(np.float64)}
    cols["x"][0] = 1e6
    assert not ply.read(written(tmp_path / "a.ply", cols)).origin.any()


def test_what_ply_cannot_hold_is_said(tmp_path: Path) -> None:
    scene = ply.read(written(tmp_path / "a.ply", columns())).edited(meta=SceneMeta(title="Chair", axes="RUB"))
    assert ply.write(scene, tmp_path / "b.ply") == ["title: PLY has no place for it"]


def test_an_interrupted_write_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene = ply.read(written(tmp_path / "a.ply", columns()))
    (tmp_path / "b.ply").write_bytes(b"old")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(np, "empty", interrupt)
    with pytest.raises(KeyboardInterrupt):
        ply.write(scene, tmp_path / "b.ply")
    assert (tmp_path / "b.ply").read_bytes() == b"old"
    assert {p.name for p in tmp_path.iterdir()} == {"a.ply", "b.ply"}


def test_bad_rows_are_named_or_dropped_and_counted(tmp_path: Path) -> None:
    cols = columns()
    cols["x"][3] = np.nan
    cols["scale_1"][[5, 6]] = np.inf
    for i in range(4):
        cols[f"rot_{i}"][9] = 0
    path = written(tmp_path / "a.ply", cols)
    with pytest.raises(SceneError, match="row 3: NaN in positions"):
        ply.read(path)
    scene = ply.read(path, repair=True)
    assert len(scene) == N - 4
    assert scene.meta.dropped == {
        "NaN in positions": 1,
        "Inf in log_scales": 2,
        "zero quaternion in rotations": 1,
    }


def test_repair_of_a_file_without_one_good_row_is_an_error(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ply", {**columns(), "x": np.full(N, np.nan, np.float32)})
    with pytest.raises(SceneError, match="none of the 50 splats is valid"):
        ply.read(path, repair=True)


def test_double_positions_beyond_all_scenes_are_refused_without_a_warning(tmp_path: Path) -> None:
    cols = {**columns(), "x": np.full(N, 1e308)}
    cols["x"][::2] *= -1
    with pytest.raises(SceneError, match="row 0: Inf in positions"):
        ply.read(written(tmp_path / "a.ply", cols))


def test_a_double_beyond_float32_is_refused_by_row(tmp_path: Path) -> None:
    cols = {**columns(), "scale_0": columns()["scale_0"].astype(np.float64)}
    cols["scale_0"][4] = 1e300
    with pytest.raises(SceneError, match="row 4: Inf in log_scales"):
        ply.read(written(tmp_path / "a.ply", cols))


@pytest.mark.parametrize(
    ("dropped", "error", "words"),
    [
        (["scale_2"], UnsupportedFeatureError, "2DGS"),
        (["rot_2", "opacity"], FormatError, "missing properties opacity rot_2"),
        (["f_rest_8"], FormatError, "8 f_rest properties"),
        (["f_rest_4", *(f"f_rest_{i}" for i in range(9, 24))], FormatError, "8 f_rest properties"),
    ],
)
def test_what_is_no_3dgs_is_refused_by_name(
    tmp_path: Path, dropped: list[str], error: type[FormatError], words: str
) -> None:
    cols = {name: col for name, col in columns().items() if name not in dropped}
    with pytest.raises(error, match=words):
        ply.read(written(tmp_path / "a.ply", cols))


def test_a_gap_in_f_rest_is_refused(tmp_path: Path) -> None:
    cols = columns()
    cols["f_rest_9"] = cols.pop("f_rest_8")
    with pytest.raises(FormatError, match="9 f_rest properties; expected f_rest_0"):
        ply.read(written(tmp_path / "a.ply", cols))


def test_point_clouds_and_meshes_are_refused_as_such(tmp_path: Path) -> None:
    cloud = {name: np.zeros(3, np.float32) for name in "xyz"}
    with pytest.raises(FormatError, match="a point cloud or mesh"):
        ply.read(written(tmp_path / "a.ply", cloud))
    coloured = {**cloud, **{name: np.zeros(3, np.uint8) for name in ("red", "green", "blue")}}
    with pytest.raises(FormatError, match="a coloured point cloud"):
        ply.read(written(tmp_path / "b.ply", coloured))
    faces = np.array([([0, 1, 2],)], [("vertex_indices", "i4", (3,))])
    with pytest.raises(FormatError, match="a point cloud or mesh"):
        ply.read(written(tmp_path / "c.ply", cloud, (PlyElement.describe(faces, "face"),)))


def test_content_decides_and_compressed_ply_is_another_format(tmp_path: Path) -> None:
    head = written(tmp_path / "a.ply", columns()).read_bytes()
    assert ply.sniff(head, Path("no.extension"))
    assert not ply.sniff(b"plywood", Path("a.ply"))
    compressed = b"ply\nformat binary_little_endian 1.0\nelement chunk 1\nproperty float min_x\n"
    compressed += b"element vertex 1\nproperty uint packed_position\nend_header\n"
    assert not ply.sniff(compressed, Path("a.compressed.ply"))


@pytest.mark.parametrize("text", [False, True], ids=["binary", "ascii"])
def test_every_truncation_is_refused(tmp_path: Path, text: bool) -> None:
    raw = written(tmp_path / "a.ply", {name: col[:3] for name, col in columns(0).items()}, text=text).read_bytes()
    header_end = raw.index(b"end_header\n") + 11
    cut = tmp_path / "cut.ply"
    # One missing digit or newline at the end of a text file still leaves a whole number.
    whole = len(raw) if not text else len(raw.rstrip().rsplit(b" ", 1)[0])
    for length in range(whole):
        cut.write_bytes(raw[:length])
        with pytest.raises(FormatError):
            ply.read(cut)
    cut.write_bytes(raw[: header_end + 5])
    with pytest.raises(TruncatedError, match="bytes are missing"):
        ply.read(cut)


def test_missing_bytes_are_counted(tmp_path: Path) -> None:
    path = written(tmp_path / "a.ply", columns())
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(TruncatedError, match="100 bytes are missing"):
        ply.read(path)


@pytest.mark.parametrize("text", [False, True], ids=["binary", "ascii"])
@pytest.mark.parametrize("count", ["51", "4294967295", "9" * 19, "9" * 5000, "0", "-1", "1e3", "٣"])
def test_lying_counts_are_refused_before_memory_is_asked_for(tmp_path: Path, count: str, text: bool) -> None:
    path = written(tmp_path / "a.ply", columns(), text=text)
    path.write_bytes(path.read_bytes().replace(b"vertex 50", f"vertex {count}".encode()))
    with pytest.raises(FormatError):
        ply.read(path)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        (b"format binary_little_endian 1.0", b"format binary_middle_endian 1.0", "line 2 is not PLY"),
        (b"format binary_little_endian 1.0\n", b"", "line 2 is not PLY"),
        (b"property float x", b"property quad x", "line 4 is not PLY"),
        (b"property float y", b"property float x", "line 5: a second property 'x'"),
        (b"property float y", b"property list uchar int y", "line 5: element 'vertex' holds lists"),
        (b"element vertex 50", b"element vertex 0\nelement vertex 50", "line 4: a second element 'vertex'"),
        (b"element vertex 50", b"element face 2\nproperty list uchar int i\nelement vertex 50", "follows 'face'"),
        (b"element vertex 50", b"element face 2\nproperty list uchar int\nelement vertex 50", "line 4 is not PLY"),
        (b"element vertex 50", b"element face 9999999999999999999\nelement vertex 50", "line 3 is not PLY"),
        (
            b"end_header",
            b"element a 0\n" + b"".join(b"element b%d 0\n" % i for i in range(64)) + b"end_header",
            "than 64 elements",
        ),
        (b"end_header", b"element face 99999999999\nproperty list uchar int i\nend_header", "99999999999 rows"),
        (b"element vertex", b"element points", "no vertices"),
        (b"end_header", b"", "no end_header|inside the PLY header"),
        (b"end_header\n", b"end_header \n", "the line 'end_header' ends otherwise than the line 'ply'"),
        (b"end_header\n", b"end_header\r\n", "the line 'end_header' ends otherwise than the line 'ply'"),
    ],
)
def test_broken_headers_are_refused_by_line(tmp_path: Path, old: bytes, new: bytes, words: str) -> None:
    path = written(tmp_path / "a.ply", columns())
    path.write_bytes(path.read_bytes().replace(old, new, 1))
    with pytest.raises(FormatError, match=words):
        ply.read(path)


def test_a_header_without_end_is_given_up_early(tmp_path: Path) -> None:
    path = tmp_path / "a.ply"
    path.write_bytes(b"ply\ncomment " + b"x" * (1 << 20))
    with pytest.raises(FormatError, match="no end_header in the first"):
        ply.read(path)


@pytest.mark.parametrize("word", ["nonsense", "1 2", "", "1e9999999999x"])
def test_a_text_row_that_is_no_row_is_refused(tmp_path: Path, word: str) -> None:
    path = written(tmp_path / "a.ply", columns(0), text=True)
    header, body = path.read_text().split("end_header\n")
    lines = body.split("\n")
    lines[7] = " ".join([word, *lines[7].split()[1:]])
    path.write_text(header + "end_header\n" + "\n".join(lines))
    with pytest.raises(FormatError, match="vertex rows"):
        ply.read(path)


def test_flipped_bits_give_a_scene_or_a_named_error(tmp_path: Path) -> None:
    raw = bytearray(written(tmp_path / "a.ply", columns(0)).read_bytes())
    rng = np.random.default_rng(5)
    path = tmp_path / "b.ply"
    for _ in range(200):
        flipped = bytearray(raw)
        flipped[rng.integers(len(raw) // 2)] ^= 1 << rng.integers(8)
        path.write_bytes(flipped)
        with contextlib.suppress(FormatError, SceneError):
            assert len(ply.read(path)) > 0


@pytest.mark.scenes
@pytest.mark.parametrize("name", ["chair/point_cloud.ply", "leica/leica.ply", "snowmiku/point_cloud.ply"])
def test_real_scenes_are_what_plyfile_says(scenes: Path, tmp_path: Path, name: str) -> None:
    path = scenes / "scenes" / name
    scene = ply.read(path)
    rows = PlyData.read(str(path))["vertex"].data
    assert_holds(scene, {field: np.asarray(rows[field]) for field in rows.dtype.names})
    assert ply.write(scene, tmp_path / "again.ply") == []
    again = ply.read(tmp_path / "again.ply")
    for attribute, array in scene.arrays().items():
        assert array.tobytes() == getattr(again, attribute).tobytes()
