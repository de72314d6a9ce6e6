"""glTF: linear values, right-up-back axes, nodes that move splats, SPZ inside, and files that lie."""

from __future__ import annotations

import base64
import contextlib
import copy
import json
import os
import re
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from splatzip.errors import FormatError, SceneError
from splatzip.formats import gltf, ply, spz
from splatzip.formats.stored import stored_bytes
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.sh import sh_basis
from splatzip.scene.transform import rotation_matrix, transformed

FIXTURES = Path(__file__).parents[1] / "fixtures"
QUANTIZED = json.loads((FIXTURES / "gltf" / "quantized.gltf").read_text())


def covariance(scene: Scene) -> np.ndarray:
    half = np.stack([rotation_matrix(q) for q in scene.rotations]) * np.exp(scene.log_scales.astype(float))[:, None]
    return half @ half.transpose(0, 2, 1)


def some_scene(degree: int = 3, n: int = 30, **changes: Any) -> Scene:
    rng = np.random.default_rng(3)
    return Scene(
        **{
            "positions": rng.normal(size=(n, 3)),
            "log_scales": rng.normal(size=(n, 3)) - 3,
            "rotations": rng.normal(size=(n, 4)),
            "opacity_logits": rng.normal(size=n),
            "sh": rng.normal(size=(n, (degree + 1) ** 2, 3)),
            **changes,
        }
    )


@pytest.mark.parametrize(
    "name", [b"a%41.gltf", b"at 12:30.gltf", b"what? #2.gltf", b"\xe6\x99\xaf.gltf", b"b\xe4r.gltf"]
)
def test_any_name_of_a_gltf_leads_to_its_buffer(tmp_path: Path, name: bytes) -> None:
    path = tmp_path / os.fsdecode(name)
    gltf.write(some_scene(), path)
    assert len(gltf.read(path)) == 30
    assert stored_bytes(path) == sum(file.stat().st_size for file in tmp_path.iterdir())
    assert re.fullmatch(r"[\w.%-]+", json.loads(path.read_bytes())["buffers"][0]["uri"], re.ASCII)


def test_scales_that_a_draft_stored_as_logarithms_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gltf"
    scene = some_scene()
    gltf.write(scene, path)
    asset = json.loads(path.read_bytes())
    scales = asset["bufferViews"][primitive(asset)["attributes"]["KHR_gaussian_splatting:SCALE"]]
    beside = tmp_path / asset["buffers"][0]["uri"]
    data, at = beside.read_bytes(), scales["byteOffset"]
    beside.write_bytes(data[:at] + scene.log_scales.tobytes() + data[at + scales["byteLength"] :])
    assert np.array_equal(gltf.read(path).log_scales, scene.log_scales)


@pytest.mark.parametrize("name", ["a.glb", "a.gltf"])
@pytest.mark.parametrize("degree", [0, 1, 2, 3])
def test_a_scene_comes_back(tmp_path: Path, name: str, degree: int) -> None:
    meta = SceneMeta(antialiased=True, title="a", licence="CC0", author="me", up=(0.0, 1.0, 0.0), comments=("x",))
    scene = some_scene(degree, meta=meta)
    assert gltf.write(scene, tmp_path / name) == []
    again = gltf.read(tmp_path / name)
    assert np.array_equal(scene.positions, again.positions)
    assert np.array_equal(scene.sh, again.sh)
    np.testing.assert_allclose(again.log_scales, scene.log_scales, atol=1e-6)
    np.testing.assert_allclose(again.opacity_logits, scene.opacity_logits, atol=1e-5)
    np.testing.assert_allclose(
        again.rotations, scene.rotations / np.linalg.norm(scene.rotations, axis=1, keepdims=True), atol=1e-6
    )
    assert again.meta == meta


def test_positions_are_right_up_back_in_the_file(tmp_path: Path) -> None:
    gltf.write(some_scene(0, 1, positions=np.array([[1, 2, 3]])), tmp_path / "a.gltf")
    accessor = json.loads((tmp_path / "a.gltf").read_text())["accessors"][0]
    assert accessor["min"] == [1, -2, -3]


def test_a_file_of_splat_transform_is_the_same_light() -> None:
    """It turns by half a turn about z, from its own axes; SPZ it reads and writes without turning."""
    scene = gltf.read(FIXTURES / "gltf" / "splat_transform.glb")
    expected = transformed(spz.read(FIXTURES / "spz" / "v3_sh2.spz"), rotation=np.diag([-1.0, -1.0, 1.0]))
    assert np.array_equal(scene.positions, expected.positions)
    np.testing.assert_allclose(scene.sh, expected.sh, atol=1e-6)
    np.testing.assert_allclose(scene.log_scales, expected.log_scales, atol=1e-6)
    np.testing.assert_allclose(covariance(scene), covariance(expected), rtol=1e-4, atol=1e-7)
    finite = np.isfinite(expected.opacity_logits)
    np.testing.assert_allclose(scene.opacity_logits[finite], expected.opacity_logits[finite], atol=1e-4)


def test_normalized_integers_strides_and_nodes() -> None:
    scene = gltf.read(FIXTURES / "gltf" / "quantized.gltf")
    # In glTF axes: parent (quarter turn about y, scale 2) of (p + (10, 0, 0)); x -> -z, z -> x.
    np.testing.assert_allclose(scene.positions * [1, -1, -1], [[6, 4, -22], [0, 1, -18]], atol=1e-5)
    assert scene.opacity_logits[1] == np.inf
    np.testing.assert_allclose(scene.opacity_logits[0], np.log(0.25), rtol=1e-6)
    tiny = np.log(2 * float(np.finfo(np.float32).tiny))
    np.testing.assert_allclose(np.exp(scene.log_scales[0, :2]), [2, 0.4], rtol=1e-6)
    np.testing.assert_allclose(scene.log_scales[0, 2], tiny, rtol=1e-6)
    # Degree 1 turns like the vector (-x, -y, z) of its coefficients' directions.
    np.testing.assert_allclose(scene.sh[0, 0], [0, 0.125, 0.25])
    before = np.array([[k / 8 for k in range(24)]]).reshape(4, 2, 3)[1:, 0]  # y, z, x
    vector = np.stack([-before[2], -before[0], before[1]])
    turned = rotation_matrix((np.sqrt(0.5), 0, np.sqrt(0.5), 0)) @ vector * np.array([[1], [-1], [-1]])
    np.testing.assert_allclose(scene.sh[0, 1:], [-turned[1], turned[2], -turned[0]], atol=1e-6)
    assert scene.meta == SceneMeta(title="two splats", licence="CC0", comments=("glTF colorSpace lin_rec709_display",))


def test_the_colour_space_is_written_back(tmp_path: Path) -> None:
    gltf.write(gltf.read(FIXTURES / "gltf" / "quantized.gltf"), tmp_path / "a.gltf")
    written = json.loads((tmp_path / "a.gltf").read_text())
    extension = written["meshes"][0]["primitives"][0]["extensions"]["KHR_gaussian_splatting"]
    assert extension["colorSpace"] == "lin_rec709_display"


def test_spz_inside_keeps_its_codes() -> None:
    scene = gltf.read(FIXTURES / "gltf" / "spz_2.glb")
    alone = spz.read(FIXTURES / "spz" / "v2_sh3.spz")
    assert scene.source is not None
    assert alone.source is not None
    for name, array in alone.arrays().items():
        assert np.array_equal(getattr(scene, name), array)
    assert all(np.array_equal(scene.source.codes[k], v) for k, v in alone.source.codes.items())
    assert scene.meta.antialiased


def test_an_origin_becomes_the_node_and_comes_back(tmp_path: Path) -> None:
    scene = some_scene(0, origin=np.array([4e6, -5e5, 123456.75]))
    gltf.write(scene, tmp_path / "a.glb")
    again = gltf.read(tmp_path / "a.glb")
    assert np.array_equal(again.origin, scene.origin)
    assert np.array_equal(again.positions, scene.positions)


def test_what_is_lost_is_said(tmp_path: Path) -> None:
    scene = some_scene(4, 2, opacity_logits=np.array([40, np.inf]))
    lost = gltf.write(scene, tmp_path / "a.glb")
    assert [line.split(":")[0] for line in lost] == ["sh of degree 4", "opacity_logits"]
    assert "1 splats" in lost[1]
    assert gltf.read(tmp_path / "a.glb").opacity_logits.tolist() == [np.inf, np.inf]


def test_a_scale_beyond_float32_names_its_row(tmp_path: Path) -> None:
    with pytest.raises(FormatError, match="row 1: log_scales"):
        gltf.write(some_scene(0, 2, log_scales=np.array([[0, 0, 0], [0, 90, 0]])), tmp_path / "a.glb")


def test_two_instances_are_two_sets_of_splats(tmp_path: Path) -> None:
    changed = copy.deepcopy(QUANTIZED)
    changed["scenes"][0]["nodes"] = [1, 2]
    changed["nodes"].append({"mesh": 0})
    (tmp_path / "a.gltf").write_text(json.dumps(changed))
    scene = gltf.read(tmp_path / "a.gltf")
    np.testing.assert_allclose(scene.positions[2:], [[1, -2, -3], [-1, -0.5, 0]])


def test_a_node_that_mirrors_mirrors_its_splats(tmp_path: Path) -> None:
    scenes = []
    for node in ({"mesh": 0}, {"mesh": 0, "scale": [1, 1, -1]}):
        asset = {**QUANTIZED, "nodes": [node], "scenes": [{"nodes": [0]}]}
        (tmp_path / "a.gltf").write_text(json.dumps(asset))
        scenes.append(gltf.read(tmp_path / "a.gltf"))
    before, after = scenes
    mirror = np.diag([1.0, 1.0, -1.0])
    np.testing.assert_allclose(after.positions, before.positions @ mirror, atol=1e-6)
    np.testing.assert_allclose(covariance(after), mirror @ covariance(before) @ mirror, rtol=1e-4, atol=1e-7)
    seen = np.array([0.6, -0.48, 0.64])
    np.testing.assert_allclose(
        np.einsum("k,nkc->nc", sh_basis([mirror @ seen], after.sh_degree)[0], after.sh),
        np.einsum("k,nkc->nc", sh_basis([seen], before.sh_degree)[0], before.sh),
        atol=1e-5,
    )


def primitive(asset: dict[str, Any]) -> dict[str, Any]:
    return asset["meshes"][0]["primitives"][0]  # type: ignore[no-any-return]


def chain(asset: dict[str, Any], nodes: list[dict[str, Any]]) -> None:
    """Nodes below each other; the last one shows the mesh."""
    nodes[-1]["mesh"] = 0
    asset["nodes"] = [{**node, "children": [i + 1]} for i, node in enumerate(nodes[:-1])] + [nodes[-1]]
    asset["scenes"] = [{"nodes": [0]}]


Change = Callable[[dict[str, Any]], Any]
LIES: list[tuple[Change, str]] = [
    (lambda a: a["accessors"][0].update(count=3), "do not fit its view"),
    (lambda a: a["accessors"][0].update(count=10**30), "do not fit its view"),
    (lambda a: a["accessors"][0].update(count=-1), "count is -1"),
    (lambda a: a["accessors"][0].update(count=1), "has 2 elements, POSITION 1"),
    (lambda a: a["accessors"][0].update(byteOffset=40), "do not fit"),
    (lambda a: a["accessors"][0].update(sparse={}), "is sparse"),
    (lambda a: a["accessors"][0].update(type="VEC4"), "expected VEC3"),
    (lambda a: a["accessors"][0].update(componentType=[5126]), "componentType is"),
    (lambda a: a["accessors"][0].pop("bufferView"), "has no bufferView"),
    (lambda a: a["accessors"][0].update(bufferView=9), r"bufferViews\[9\]"),
    (lambda a: a["bufferViews"][0].update(byteLength=1000), "ends at byte 1000"),
    (lambda a: a["bufferViews"][0].update(byteStride=4), "stride 4"),
    (lambda a: a["bufferViews"][0].update(extensions={"EXT_meshopt_compression": {}}), "EXT_meshopt_compression"),
    (lambda a: a["buffers"][0].update(byteLength=1000), "its byteLength is 1000"),
    (lambda a: a["buffers"][0].update(uri="http://example.org/a.bin"), "not a file beside"),
    (lambda a: a["buffers"][0].update(uri="../a.bin"), "not a file beside"),
    (lambda a: a["buffers"][0].update(uri="a.bin"), "cannot be read"),
    (lambda a: a["buffers"][0].update(uri="\ud800"), "cannot be read"),
    (lambda a: a["buffers"][0].update(uri="data:;base64,@@"), "base64 is damaged"),
    (lambda a: a["nodes"][0].update(children=[1]), "two parents"),
    (lambda a: a["nodes"][0].update(scale=[1, 1, 2]), "scales its axes differently"),
    (lambda a: a["nodes"][0].update(rotation=[0, 0, 0, 0]), "zero quaternion"),
    (lambda a: a["nodes"][0].update(matrix=[1] * 15), "matrix is not 16 numbers"),
    (lambda a: a["nodes"][0].update(scale=[1e299] * 3), "matrix beyond"),
    (lambda a: chain(a, [{"scale": [1e200] * 3}, {"scale": [1e200] * 3}]), "matrix beyond"),
    (lambda a: a["nodes"][0].update(mesh=7), r"meshes\[7\]"),
    (lambda a: a["nodes"][0].pop("mesh"), "no KHR_gaussian_splatting primitive"),
    (lambda a: primitive(a).update(mode=4), "mode 4"),
    (lambda a: primitive(a)["attributes"].pop("KHR_gaussian_splatting:SCALE"), "lacks KHR_gaussian_splatting:SCALE"),
    (lambda a: primitive(a)["attributes"].pop("KHR_gaussian_splatting:SH_DEGREE_1_COEF_1"), "lacks .*DEGREE_1_COEF_1"),
    (lambda a: primitive(a)["extensions"]["KHR_gaussian_splatting"].update(kernel="cube"), "kernel 'cube'"),
    (lambda a: a.update(extensionsRequired=["CESIUM_RTC"]), "CESIUM_RTC"),
    (lambda a: a["asset"].update(version="1.0"), "glTF version '1.0'"),
    (lambda a: a.update(meshes=5), "meshes is not a JSON list"),
]


@pytest.mark.parametrize(("change", "words"), LIES)
def test_a_file_that_lies_is_refused(tmp_path: Path, change: Change, words: str) -> None:
    asset = copy.deepcopy(QUANTIZED)
    change(asset)
    (tmp_path / "a.gltf").write_text(json.dumps(asset))
    with pytest.raises(FormatError, match=words):
        gltf.read(tmp_path / "a.gltf")


def test_what_has_no_end_is_not_read(tmp_path: Path) -> None:
    asset = copy.deepcopy(QUANTIZED)
    asset["buffers"][0]["uri"] = "a.bin"
    (tmp_path / "a.gltf").write_text(json.dumps(asset))
    (tmp_path / "a.bin").symlink_to(os.devnull)
    with pytest.raises(FormatError, match=r"buffers\[0\]: 'a.bin' cannot be read \(not a file\)"):
        gltf.read(tmp_path / "a.gltf")


def test_many_buffers_of_one_file_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asset, read = copy.deepcopy(QUANTIZED), []
    data = base64.b64decode(asset["buffers"][0]["uri"].partition(",")[2])
    size = asset["buffers"][0]["byteLength"]
    asset["buffers"] = [{"byteLength": size, "uri": uri} for uri in ("a.bin", "./a.bin", "%61.bin", "b.bin")]
    for number, view in enumerate(asset["bufferViews"]):
        view["buffer"] = number % 4
    (tmp_path / "a.gltf").write_text(json.dumps(asset))
    (tmp_path / "a.bin").write_bytes(data)
    (tmp_path / "b.bin").symlink_to("a.bin")
    read_bytes = Path.read_bytes
    monkeypatch.setattr(Path, "read_bytes", lambda path: (read.append(path.name), read_bytes(path))[1])
    assert len(gltf.read(tmp_path / "a.gltf")) == 2
    assert read == ["a.gltf", "a.bin"]


def test_what_is_odd_but_right_is_read(tmp_path: Path) -> None:
    asset = copy.deepcopy(QUANTIZED)
    for accessor in asset["accessors"]:
        accessor["count"] = 1
    for view in asset["bufferViews"]:
        view["byteStride"] = 2**70  # from the only element to no other
    chain(asset, [{"rotation": [1e-200, 0, 0, 1e-200]}, {"rotation": [0, 0, 1e200, 1e200]}])
    (tmp_path / "a.gltf").write_text(json.dumps(asset))
    assert len(gltf.read(tmp_path / "a.gltf")) == 1


def test_a_negative_scale_names_its_row_and_repair_drops_it(tmp_path: Path) -> None:
    asset = copy.deepcopy(QUANTIZED)
    asset["accessors"][3].update(componentType=5120)  # signed bytes: 255 and 204 are below 0
    (tmp_path / "a.gltf").write_text(json.dumps(asset))
    with pytest.raises(SceneError, match="row 0: NaN in log_scales"):
        gltf.read(tmp_path / "a.gltf")
    with pytest.raises(SceneError, match="none of the 2 splats is valid"):
        gltf.read(tmp_path / "a.gltf", repair=True)


def test_splats_shown_without_end_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gltf, "MOST_BYTES", 0)
    asset = copy.deepcopy(QUANTIZED)
    asset["nodes"] += [{"mesh": 0}] * 3000
    asset["scenes"][0]["nodes"] = list(range(2, 3002))
    (tmp_path / "a.gltf").write_text(json.dumps(asset))
    monkeypatch.setattr(gltf, "MOST_RATIO", 1)
    with pytest.raises(FormatError, match="repeated so often"):
        gltf.read(tmp_path / "a.gltf")


def test_every_truncation_and_every_flipped_byte_of_a_glb_is_an_error_or_a_scene(tmp_path: Path) -> None:
    whole = (FIXTURES / "gltf" / "spz_2.glb").read_bytes()
    path = tmp_path / "a.glb"
    for length in range(5, len(whole), 41):
        path.write_bytes(whole[:length])
        with pytest.raises(FormatError):
            gltf.read(path)
    for at in range(0, len(whole), 5):
        data = bytearray(whole)
        data[at] ^= 0x15
        path.write_bytes(data)
        with contextlib.suppress(FormatError, SceneError):
            assert len(gltf.read(path)) == 40
    path.write_bytes(whole + b"\0\0\0\0")
    with pytest.raises(FormatError, match="the header at byte 8 says"):
        gltf.read(path)


def test_json_nested_without_end_is_refused(tmp_path: Path) -> None:
    text = b'{"asset":' + b"[" * 200_000
    (tmp_path / "a.glb").write_bytes(struct.pack("<4sIII4s", b"glTF", 2, 20 + len(text), len(text), b"JSON") + text)
    with pytest.raises(FormatError, match="JSON is damaged"):
        gltf.read(tmp_path / "a.glb")


def test_sniffing_is_by_content() -> None:
    assert gltf.sniff(b"glTF\2\0\0\0", Path("a.bin"))
    assert gltf.sniff(json.dumps(QUANTIZED).encode(), Path("a.json"))
    assert not gltf.sniff(b'{"means": {}}', Path("meta.json"))
    assert not gltf.sniff(b"ply\n", Path("a.gltf"))


@pytest.mark.scenes
def test_a_real_scene_survives(scenes: Path, tmp_path: Path) -> None:
    scene = ply.read(scenes / "scenes" / "leica" / "leica.ply")
    assert gltf.write(scene, tmp_path / "a.glb") == []
    again = gltf.read(tmp_path / "a.glb")
    assert np.array_equal(scene.positions, again.positions)
    assert np.array_equal(scene.sh, again.sh)
    assert np.abs(scene.log_scales - again.log_scales).max() < 1e-6
