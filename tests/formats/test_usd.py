"""OpenUSD: stages of splats as the schema has them, layers that stay in their folder, and files that lie.

Skipped where usd-core cannot be imported; what needs none is in test_usd_without.py.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import numpy as np
import pytest

import splatzip
from splatzip.errors import CorruptError, FormatError, SceneError
from splatzip.formats import usd, usd_child
from splatzip.formats.stored import stored_bytes
from splatzip.scene import Scene, SceneMeta
from splatzip.scene.transform import rotation_matrix, transformed

pytestmark = pytest.mark.usd

FIXTURES = Path(__file__).parents[1] / "fixtures" / "usd"
TWO = """
        point3f[] positions = [(1, 2, 3), (4, 5, 6)]
        quatf[] orientations = [(1, 0, 0, 0), (0.5, 0.5, -0.5, 0.5)]
        float3[] scales = [(1, 2, 3), (0.1, 0.2, 0.3)]
        float[] opacities = [0.25, 0.5]
        uniform int radiance:sphericalHarmonicsDegree = 1
        float3[] radiance:sphericalHarmonicsCoefficients = [(0, 0.1, 0.2), (1, 1, 1), (2, 2, 2), (3, 3, 3),
            (0, 0.1, 0.2), (1, 1, 1), (2, 2, 2), (3, 3, 3)]
"""


def covariance(scene: Scene) -> np.ndarray:
    half = np.stack([rotation_matrix(q) for q in scene.rotations]) * np.exp(scene.log_scales.astype(float))[:, None]
    return half @ half.transpose(0, 2, 1)


def splats(content: str = TWO, name: str = "Splats", about: str = "") -> str:
    return f'def ParticleField3DGaussianSplat "{name}" (\n{about}\n) {{\n{content}\n}}\n'


def stage(path: Path, *prims: str, about: str = 'upAxis = "Y"') -> Path:
    path.write_text(f"#usda 1.0\n(\n    {about}\n)\n" + "\n".join(prims))
    return path


def some_scene(degree: int = 3, n: int = 30, **changes: object) -> Scene:
    rng = np.random.default_rng(3)
    values: dict[str, object] = {
        "positions": rng.normal(size=(n, 3)),
        "log_scales": rng.normal(size=(n, 3)) - 3,
        "rotations": rng.normal(size=(n, 4)),
        "opacity_logits": rng.normal(size=n),
        "sh": rng.normal(size=(n, (degree + 1) ** 2, 3)),
    }
    return Scene(**{**values, **changes})  # type: ignore[arg-type]


def pxr(script: str, *arguments: object) -> str:
    """What a script prints that uses the library itself, in a process of its own."""
    command = [sys.executable, "-c", script, *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(("name", "degree"), [("a.usda", 0), ("a.usdc", 1), ("a.usd", 2), ("a.usdz", 3)])
def test_a_scene_comes_back(tmp_path: Path, name: str, degree: int) -> None:
    meta = SceneMeta(antialiased=True, title="a", licence="CC0", author="me", up=(0.0, -1.0, 0.0), units="cm")
    scene = some_scene(degree, meta=meta, origin=np.array([4e6, -5e5, 123456.75]))
    assert usd.write(scene, tmp_path / name) == []
    assert [file.name for file in tmp_path.iterdir()] == [name]
    again = splatzip.load(tmp_path / name)
    assert np.array_equal(scene.positions, again.positions)
    assert np.array_equal(scene.origin, again.origin)
    assert np.array_equal(scene.sh, again.sh)
    np.testing.assert_allclose(again.log_scales, scene.log_scales, atol=1e-6)
    np.testing.assert_allclose(again.opacity_logits, scene.opacity_logits, atol=1e-5)
    unit = scene.rotations / np.linalg.norm(scene.rotations, axis=1, keepdims=True)
    np.testing.assert_allclose(again.rotations, unit, atol=1e-6)
    assert again.meta == meta
    assert stored_bytes(tmp_path / name) == (tmp_path / name).stat().st_size


@pytest.mark.parametrize("name", ["a.usda", "a.usdc", "a.usdz"])
def test_the_same_scene_becomes_the_same_bytes(tmp_path: Path, name: str) -> None:
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        usd.write(some_scene(n=300), tmp_path / folder / name)
    assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


def test_a_package_is_stored_and_aligned_and_opens_as_any_other(tmp_path: Path) -> None:
    usd.write(some_scene(), tmp_path / "a.usdz")
    with zipfile.ZipFile(tmp_path / "a.usdz") as archive:
        (entry,) = archive.infolist()
    assert (entry.filename, entry.compress_type) == ("scene.usdc", zipfile.ZIP_STORED)
    data = (tmp_path / "a.usdz").read_bytes()
    assert data.index(b"PXR-USDC") % 64 == 0
    script = "import sys; from pxr import Usd; print(Usd.Stage.Open(sys.argv[1]).GetDefaultPrim().GetPath())"
    assert pxr(script, tmp_path / "a.usdz") == "/World\n"


@pytest.mark.parametrize("name", ["convert_gsplat.usdc", "convert_gsplat.usdz"])
def test_the_peers_file_is_the_ply_that_it_was_made_from(name: str) -> None:
    ply, told = splatzip.load(FIXTURES / "chair.ply"), splatzip.load(FIXTURES / name, axes="RDF")
    assert np.array_equal(told.positions, ply.positions)
    assert np.array_equal(told.sh, ply.sh)
    np.testing.assert_allclose(told.log_scales, ply.log_scales, atol=1e-6)
    np.testing.assert_allclose(told.opacity_logits, ply.opacity_logits, atol=1e-5)
    np.testing.assert_allclose(covariance(told), covariance(ply), rtol=1e-4, atol=1e-9)
    plain = splatzip.load(FIXTURES / name)  # as every viewer of USD shows it: upside down
    assert np.array_equal(plain.positions, ply.positions * np.float32([1, -1, -1]))
    assert plain.meta == SceneMeta(title="chair")


ATTRIBUTES = """
import json, sys
from pxr import Usd, UsdVol
for path in sys.argv[1:]:
    stage = Usd.Stage.Open(path)
    (prim,) = [prim for prim in stage.Traverse() if prim.IsA(UsdVol.ParticleField3DGaussianSplat)]
    print(json.dumps({a.GetName(): [str(a.GetTypeName()), a.GetMetadata("elementSize"), a.GetMetadata("interpolation"),
                                    len(a.Get()) if a.GetTypeName().isArray else a.Get()]
                      for a in prim.GetAuthoredAttributes()}))
"""


def test_a_file_of_ours_has_the_attributes_of_the_peers(tmp_path: Path) -> None:
    usd.write(splatzip.load(FIXTURES / "chair.ply"), tmp_path / "a.usdc")
    ours, theirs = map(json.loads, pxr(ATTRIBUTES, tmp_path / "a.usdc", FIXTURES / "convert_gsplat.usdc").splitlines())
    assert ours == theirs
    assert ours["radiance:sphericalHarmonicsCoefficients"] == ["float3[]", 16, "vertex", 15 * 16]


def test_the_extent_holds_every_splat_to_three_sigma(tmp_path: Path) -> None:
    turn = [np.sqrt(0.5), 0, 0, np.sqrt(0.5)]  # x becomes y
    scene = some_scene(0, 1, positions=[[1, 2, 3]], log_scales=np.log([[0.1, 0.2, 0.4]]), rotations=[turn])
    usd.write(scene, tmp_path / "a.usda")
    script = "import sys; from pxr import Usd; s = Usd.Stage.Open(sys.argv[1]); "
    script += "print([list(c) for c in s.GetPrimAtPath('/World/Splats').GetAttribute('extent').Get()])"
    corners = json.loads(pxr(script, tmp_path / "a.usda"))
    np.testing.assert_allclose(corners, [[0.4, -2.3, -4.2], [1.6, -1.7, -1.8]], atol=1e-5)


def test_up_is_y_or_z_as_the_stage_says(tmp_path: Path) -> None:
    y_up = usd.read(stage(tmp_path / "y.usda", splats()))
    z_up = usd.read(stage(tmp_path / "z.usda", splats(), about='upAxis = "Z"'))
    assert y_up.positions.tolist() == [[1, -2, -3], [4, -5, -6]]
    np.testing.assert_allclose(z_up.positions, [[1, -3, 2], [4, -6, 5]], atol=1e-6)
    assert (y_up.meta.axes, z_up.meta.axes) == (None, "RFU")
    np.testing.assert_allclose(covariance(y_up)[0], np.diag([1, 4, 9]), atol=1e-5)
    np.testing.assert_allclose(covariance(z_up)[0], np.diag([1, 9, 4]), atol=1e-5)
    usd.write(z_up, tmp_path / "again.usda")
    assert 'upAxis = "Z"' in (tmp_path / "again.usda").read_text()
    again = usd.read(tmp_path / "again.usda")
    np.testing.assert_allclose(again.positions, z_up.positions, atol=1e-6)
    np.testing.assert_allclose(covariance(again), covariance(z_up), atol=1e-5)
    np.testing.assert_allclose(again.sh, z_up.sh, atol=1e-6)
    told = splatzip.load(tmp_path / "z.usda", axes="RUB")
    np.testing.assert_allclose(told.positions, y_up.positions, atol=1e-6)
    with pytest.raises(FormatError, match="upAxis is 'X'"):
        usd.read(stage(tmp_path / "x.usda", splats(), about='upAxis = "X"'))


def test_every_prim_that_is_shown_is_read_where_it_is(tmp_path: Path) -> None:
    shutil.copy(FIXTURES / "convert_gsplat.usdz", tmp_path / "chair.usdz")
    (tmp_path / "sub").mkdir()
    stage(tmp_path / "sub" / "two.usda", 'def Xform "Two" {\n', splats(), "}", about='defaultPrim = "Two"')
    move = "double3 xformOp:translate = (10, 0, 0)\nfloat xformOp:rotateX = 90\nfloat3 xformOp:scale = (2, 2, 2)\n"
    move += 'uniform token[] xformOpOrder = ["xformOp:translate", "xformOp:rotateX", "xformOp:scale"]'
    two = "instanceable = true\nreferences = @./sub/two.usda@"
    path = stage(
        tmp_path / "scene.usda",
        f'def Xform "A" (\n{two}\n) {{\n{move}\n}}',
        f'def Xform "B" (\n{two}\n) {{\n}}',
        'def "Chair" (\npayload = @chair.usdz@\n) {\n}',
        splats('token visibility = "invisible"\n' + TWO, "Hidden"),
        splats('uniform token purpose = "proxy"\n' + TWO, "Coarse"),
        splats(TWO, "Off", "active = false"),
        'def PointInstancer "Many" {\nrel prototypes = [</Many/One>]\n' + splats(TWO, "One") + "}",
        'def Mesh "Floor" {\n}\n',
        f'class "Kind" {{\n{splats()}\n}}',
    )
    scene = usd.read(path)
    assert len(scene) == 2 + 2 + 15
    a, b, chair = scene.take(np.arange(2)), scene.take(np.arange(2, 4)), scene.take(np.arange(4, 19))
    flat = usd.read(tmp_path / "sub" / "two.usda")
    assert np.array_equal(b.positions, flat.positions)
    # In the file's axes: 2 (x, y, z), then y to z and z to -y, then 10 along x.
    np.testing.assert_allclose(a.positions * [1, -1, -1], [[12, -6, 4], [18, -12, 10]], atol=1e-5)
    turn = np.diag([1.0, -1, -1]) @ [[1, 0, 0], [0, 0, -1], [0, 1, 0]] @ np.diag([1.0, -1, -1])
    np.testing.assert_allclose(covariance(a), 4 * turn @ covariance(flat) @ turn.T, atol=1e-5)
    np.testing.assert_allclose(a.sh[:, :4], transformed(flat, rotation=turn).sh, atol=1e-5)
    assert np.array_equal(chair.positions, splatzip.load(tmp_path / "chair.usdz").positions)
    assert sorted(scene.meta.ignored) == [
        "/Coarse: its purpose is proxy",
        "/Hidden and what is below it: invisible",
        "1 Mesh",
        "1 PointInstancer",
    ]
    files = [path, tmp_path / "chair.usdz", tmp_path / "sub" / "two.usda"]
    assert stored_bytes(path) == sum(file.stat().st_size for file in files)


def test_half_floats_defaults_and_times(tmp_path: Path) -> None:
    half = TWO.replace("point3f[] positions", "point3h[] positionsh").replace(
        "quatf[] orientations", "quath[] orientationsh"
    )
    half = half.replace("float3[] scales", "half3[] scalesh").replace("float[] opacities", "half[] opacitiesh")
    half = half.replace(
        "float3[] radiance:sphericalHarmonicsCoefficients", "half3[] radiance:sphericalHarmonicsCoefficientsh"
    )
    whole, halves = usd.read(stage(tmp_path / "a.usda", splats())), usd.read(stage(tmp_path / "b.usda", splats(half)))
    for name, array in whole.arrays().items():
        np.testing.assert_allclose(getattr(halves, name), array, rtol=1e-3, atol=1e-3)

    bare = usd.read(stage(tmp_path / "bare.usda", splats("point3f[] positions = [(1, 2, 3)]")))
    assert (bare.sh_degree, bare.sh.tolist()) == (0, [[[0, 0, 0]]])  # 0.5, whatever the degree is said to be
    assert np.exp(bare.log_scales).tolist() == [[1, 1, 1]]
    assert bare.opacity_logits.tolist() == [np.inf]
    np.testing.assert_allclose(covariance(bare)[0], np.eye(3), atol=1e-6)

    moving = TWO.replace("positions = [(1, 2, 3), (4, 5, 6)]", "positions.timeSamples = {\n"
                         "3: [(7, 8, 9), (4, 5, 6)],\n5: [(0, 0, 0), (0, 0, 0)]\n}")  # fmt: skip
    moving += "double3 xformOp:translate.timeSamples = {\n2: (1, 0, 0),\n4: (9, 9, 9)\n}\n"
    moving += 'uniform token[] xformOpOrder = ["xformOp:translate"]\n'
    first = usd.read(stage(tmp_path / "moving.usda", splats(moving)))
    assert first.positions.tolist() == [[8, -8, -9], [5, -5, -6]]
    assert first.meta.ignored == ("/Splats: positions at all times but the first",)
    still = moving.replace("float[] opacities", "point3f[] positions = [(1, 1, 1), (2, 2, 2)]\nfloat[] opacities")
    still += "double3 xformOp:translate = (0, 0, 10)\n"
    assert usd.read(stage(tmp_path / "still.usda", splats(still))).positions.tolist() == [[1, -1, -11], [2, -2, -12]]


def test_what_is_longer_than_it_should_be_is_cut(tmp_path: Path) -> None:
    longer = TWO.replace("opacities = [0.25, 0.5]", "opacities = [0.25, 0.5, 0.75]")
    scene = usd.read(stage(tmp_path / "a.usda", splats(longer)))
    np.testing.assert_allclose(scene.opacity_logits, [np.log(1 / 3), 0], atol=1e-6)


UNEVEN = 'float3 xformOp:scale = {}\nuniform token[] xformOpOrder = ["xformOp:scale"]'
LIES = [
    (splats(TWO.replace("(1, 2, 3), (0.1, 0.2, 0.3)", "(1, 2, 3)")), "/Splats: scales has 1 elements for 2 splats"),
    (splats(TWO.replace("Degree = 1", "Degree = 2")), "Coefficients has 8 elements, 9 for each of 2 splats"),
    (splats(TWO.replace("Degree = 1", "Degree = 5")), "Degree is 5, 0 to 4 are known"),
    (splats(TWO.replace("Degree = 1", "Degree = -1")), "Degree is -1"),
    (splats(TWO.replace("int radiance", "token radiance").replace("Degree = 1", 'Degree = "1"')), "Degree is 1,"),
    (splats(TWO.replace("float[] opacities = [0.25, 0.5]", "string[] opacities = [\"a\", \"b\"]")),
     "opacities is a StringArray, which the schema does not know"),
    (splats(TWO.replace("quatf[]", "float4[]")), "orientations is a Vec4fArray, which the schema does not know"),
    (splats(""), "/Splats: no positions"),
    ('def Mesh "Floor" {\n}\n', "no visible ParticleField3DGaussianSplat .it has 1 Mesh.; nothing else"),
    (splats(TWO + UNEVEN.format("(1, 1, 2)")), "bake it first"),
    (splats(TWO + UNEVEN.format("(0, 0, 0)")), "bake it first"),
    (splats(TWO, about='references = </Nowhere>'), "its layers do not fit together: .*Nowhere"),
    (splats(TWO, about='references = </Splats>'), "its layers do not fit together"),
    (splats(TWO, about='clips = {\ndictionary default = {\nasset[] assetPaths = [@../b.usda@]\n}\n}'), "value clips"),
    (splats(TWO.replace("float[] opacities = [0.25, 0.5]", "float opacities = 0.5")), "opacities is a float, which"),
    ("def", "parse error"),
]  # fmt: skip


def test_negative_scales_are_no_logarithms(tmp_path: Path) -> None:
    content = splats(TWO.replace("[(1, 2, 3), (0.1, 0.2, 0.3)]", "[(-1, -2, -3), (-4, -5, -6)]"))
    with pytest.raises(SceneError, match="row 0"):
        usd.read(stage(tmp_path / "a.usda", content))


@pytest.mark.parametrize(("content", "words"), LIES)
def test_a_file_that_lies_is_refused(tmp_path: Path, content: str, words: str) -> None:
    with pytest.raises(FormatError, match=words) as refusal:
        usd.read(stage(tmp_path / "a.usda", content))
    assert str(refusal.value).startswith(f"{tmp_path / 'a.usda'}: ")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (TWO.replace("(0.1, 0.2, 0.3)", "(0.1, -0.2, 0.3)"), "row 1: NaN in log_scales"),
        (TWO.replace("(4, 5, 6)", "(4, nan, 6)"), "row 1: NaN in positions"),
        (TWO.replace("(0.5, 0.5, -0.5, 0.5)", "(0, 0, 0, 0)"), "row 1: .*rotations"),
        (TWO.replace("opacities = [0.25, 0.5]", "opacities = [0.25, 1.5]"), "row 1: NaN in opacity_logits"),
    ],
)
def test_a_value_out_of_range_names_its_row_and_repair_drops_it(tmp_path: Path, content: str, words: str) -> None:
    path = stage(tmp_path / "a.usda", splats(content))
    with pytest.raises(SceneError, match=words):
        usd.read(path)
    assert usd.read(path, repair=True).positions.tolist() == [[1, -2, -3]]


@pytest.mark.parametrize(
    "asset",
    [
        "../outside.usda",
        "OUTSIDE",
        "http://127.0.0.1:9/a.usda",
        "missing.usda",
        "pipe.usda",
        "look.mtlx",
        '`"../outside.usda"`',
    ],
)
def test_no_layer_outside_of_the_folder_is_followed(tmp_path: Path, asset: str, monkeypatch) -> None:
    stage(tmp_path / "outside.usda", splats(), about='defaultPrim = "Splats"')
    folder = tmp_path / "folder"
    folder.mkdir()
    os.mkfifo(folder / "pipe.usda")
    (folder / "look.mtlx").write_text("<materialx version='1.38'/>")
    monkeypatch.chdir(tmp_path)  # where the library looks, too
    asset = asset.replace("OUTSIDE", str(tmp_path / "outside.usda"))
    for arc in (f'def "A" (\nreferences = @{asset}@\n) {{\n}}', f'def "A" (\npayload = @{asset}@\n) {{\n}}'):
        with pytest.raises(FormatError, match="no layer of USD in its folder, and nothing else is followed"):
            usd.read(stage(folder / "a.usda", arc, splats(name="B")))


def test_a_sublayer_and_the_working_folder_are_no_way_out(tmp_path: Path, monkeypatch) -> None:
    (tmp_path / "folder").mkdir()
    stage(tmp_path / "outside.usda", splats())
    monkeypatch.chdir(tmp_path)
    with pytest.raises(FormatError, match=r"'outside\.usda' is no layer of USD in its folder"):
        usd.read(stage(tmp_path / "folder" / "a.usda", about="subLayers = [@outside.usda@]"))
    with zipfile.ZipFile(tmp_path / "folder" / "a.usdz", "w") as archive:
        archive.write(stage(tmp_path / "in.usda", about="subLayers = [@../../outside.usda@]"), "in.usda")
    with pytest.raises(FormatError, match=r"outside\.usda' is no layer of USD in its folder"):
        usd.read(tmp_path / "folder" / "a.usdz")


def test_splats_shown_without_end_are_refused(tmp_path: Path, monkeypatch) -> None:
    levels = [f'class "L0" {{\n{splats()}\n}}']
    for n in range(1, 9):
        pair = "".join(f'def "{k}" (\ninstanceable = true\nreferences = </L{n - 1}>\n) {{\n}}\n' for k in "ab")
        levels.append(f'class "L{n}" {{\n{pair}\n}}')
    path = stage(tmp_path / "a.usda", *levels, 'def "Top" (\nreferences = </L8>\n) {\n}')
    assert len(usd.read(path)) == 2 * 2**8
    monkeypatch.setattr(usd, "MOST_BYTES", 0)
    monkeypatch.setattr(usd, "MOST_RATIO", 1)
    with pytest.raises(CorruptError, match="repeated so often"):
        usd.read(path)
    few = "from splatzip.formats import usd_stage as u; u.MOST_PRIMS = 100; u.main()"
    monkeypatch.setattr(usd_child, "_CODE", few)
    with pytest.raises(FormatError, match="it has more than 100 prims"):
        usd.read(path)


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import os; os.kill(os.getpid(), 11)", "ended OpenUSD by signal 11; it is damaged, or needs more"),
        ("from splatzip.formats import usd_stage as u; u.MEMORY_BYTES = 1 << 27; u.main()", "OpenUSD"),
        ("import no_such_module", "made OpenUSD fail .*no_such_module"),
    ],
)
def test_a_child_that_dies_is_an_error_of_the_file(monkeypatch, code: str, words: str) -> None:
    monkeypatch.setattr(usd_child, "_CODE", code)
    with pytest.raises(CorruptError, match=words):
        usd.read(FIXTURES / "convert_gsplat.usdc")


@pytest.mark.parametrize("name", ["convert_gsplat.usdc", "convert_gsplat.usdz"])
def test_a_cut_file_is_refused(tmp_path: Path, name: str) -> None:
    whole = (FIXTURES / name).read_bytes()
    for length in (40, len(whole) // 2, len(whole) - 20):
        (tmp_path / name).write_bytes(whole[:length])
        with pytest.raises(FormatError):
            usd.read(tmp_path / name)


def test_a_package_that_is_damaged_or_compressed_is_refused(tmp_path: Path) -> None:
    damaged = bytearray((FIXTURES / "convert_gsplat.usdz").read_bytes())
    at = damaged.index(b"positions = [(") + 16
    damaged[at] = ord("7") if damaged[at] != ord("7") else ord("8")  # one digit
    (tmp_path / "a.usdz").write_bytes(damaged)
    with pytest.raises(CorruptError, match=r"'default\.usda' is damaged"):
        usd.read(tmp_path / "a.usdz")
    lost = bytearray((FIXTURES / "convert_gsplat.usdz").read_bytes())
    lost[-6:-2] = (len(lost) - 60).to_bytes(4, "little")  # where the directory is: entries then lie before the file
    (tmp_path / "c.usdz").write_bytes(lost)
    with pytest.raises(CorruptError, match="a damaged zip archive"):
        usd.read(tmp_path / "c.usdz")
    with zipfile.ZipFile(tmp_path / "b.usdz", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("scene.usda", stage(tmp_path / "b.usda", splats()).read_text())
    with pytest.raises(FormatError, match=r"'scene\.usda' is compressed"):
        usd.read(tmp_path / "b.usdz")


def test_content_counts_and_any_name_is_read(tmp_path: Path) -> None:
    for name in ("a.ply", "a [1].usdc", "no suffix", os.fsdecode(b"b\xe4r.usdc"), "A.USDC", "a.usd", "a.usdz"):
        shutil.copy(FIXTURES / "convert_gsplat.usdc", tmp_path / name)
        assert len(splatzip.load(tmp_path / name)) == 15
        assert usd.layer_files(tmp_path / name)


def test_what_a_stage_says_wrongly_counts_as_absent(tmp_path: Path) -> None:
    for said in ('"[1, 2"', '"[]"', '"{\\"up\\": 5, \\"title\\": 7}"'):
        about = f'upAxis = "Y"\nmetersPerUnit = 0.3\ncustomLayerData = {{\nstring splatzip = {said}\n}}'
        meta = usd.read(stage(tmp_path / "a.usda", splats(), about=about)).meta
        assert meta == SceneMeta(ignored=("metersPerUnit 0.3",))


def test_what_is_lost_is_said_and_a_scale_beyond_float32_names_its_row(tmp_path: Path) -> None:
    lost = usd.write(some_scene(4, 2, opacity_logits=np.array([40, np.inf])), tmp_path / "a.usdc")
    assert [line.split(":")[0] for line in lost] == ["sh of degree 4", "opacity_logits"]
    with pytest.raises(FormatError, match="row 1: log_scales"):
        usd.write(some_scene(0, 2, log_scales=np.array([[0, 0, 0], [0, 90, 0]])), tmp_path / "b.usdc")
    assert [file.name for file in tmp_path.iterdir()] == ["a.usdc"]


def test_the_library_stays_out_of_this_process(tmp_path: Path) -> None:
    """It has threads and allocators of its own versions, as torch and Open3D have."""
    script = "import sys; del sys.path[0]; import splatzip; splatzip.save(splatzip.load(sys.argv[1]), sys.argv[2])"
    script += "; print([name for name in sys.modules if name.startswith('pxr')])"
    assert pxr(script, FIXTURES / "convert_gsplat.usdc", tmp_path / "a.usdz") == "[]\n"
