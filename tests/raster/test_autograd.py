"""Gradients of the rasterizer as torch sees them."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from splatzip import BackendError, Camera, Scene, SceneError, Views, load, render
from splatzip.kernels.rasterize import NativeRasterizer
from splatzip.raster.autograd import rasterize
from splatzip.raster.view import view_of

CAMERA = Camera.look_at([0, 0, -5], [0, 0, 0], width=70, height=50, fov_x_rad=0.8, name="front")
NAMES = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
SKY = (0.25, 0.5, 0.75)


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


def cloud(splats: int = 2000, seed: int = 0) -> Scene:
    rng = np.random.default_rng(seed)
    return Scene(
        positions=rng.normal(size=(splats, 3)),
        log_scales=rng.normal(-2.8, 0.7, (splats, 3)),
        rotations=rng.normal(size=(splats, 4)),
        opacity_logits=rng.normal(0, 2, splats),
        sh=rng.normal(0, 0.3, (splats, 16, 3)),
    )


def tensors_of(scene: Scene) -> dict[str, torch.Tensor]:
    return {name: torch.tensor(getattr(scene, name), requires_grad=True) for name in NAMES}


def gradients(scene: Scene, camera: Camera = CAMERA, *, threads: int = 0) -> list[NDArray[np.float32]]:
    """Of a loss that treats every pixel and colour differently, with the background's last."""
    tensors, sky = tensors_of(scene), torch.tensor(SKY, requires_grad=True)
    color, alpha = rasterize(**tensors, camera=camera, background=sky, threads=threads)
    rng = np.random.default_rng(9)
    weights = [torch.tensor(rng.normal(size=part.shape), dtype=torch.float32) for part in (color, alpha)]
    ((color * weights[0]).sum() + (alpha * weights[1]).sum()).backward()
    return [np.asarray(tensor.grad) for tensor in (*tensors.values(), sky)]


def digest(arrays: list[NDArray[np.float32]]) -> str:
    return hashlib.sha256(b"".join(array.tobytes() for array in arrays)).hexdigest()


def test_the_picture_is_that_of_render() -> None:
    color, alpha = rasterize(**tensors_of(cloud()), camera=CAMERA, background=SKY)
    picture = render(cloud(), CAMERA, background=SKY)
    assert color.detach().numpy().tobytes() == picture.color.tobytes()
    assert alpha.detach().numpy().tobytes() == picture.alpha.tobytes()


def test_any_number_of_threads_gives_the_same_bits() -> None:
    scene = cloud()
    one = digest(gradients(scene, threads=1))
    assert digest(gradients(scene, threads=2)) == one
    assert digest(gradients(scene, threads=5)) == one


def test_every_instruction_set_gives_the_same_bits(instruction_sets: tuple[str, ...]) -> None:
    code = (
        "import sys; sys.path.insert(0, sys.argv[1]); import torch; torch.set_num_threads(1)\n"
        "import test_autograd as t; print(t.digest(t.gradients(t.cloud())))"
    )
    expected = digest(gradients(cloud()))
    for isa in instruction_sets:
        child = subprocess.run(
            [sys.executable, "-I", "-c", code, os.path.dirname(__file__)],
            env={**os.environ, "SPLATZIP_ISA": isa}, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert child.stdout.strip() == expected, isa


def test_two_pictures_may_wait_for_their_gradients_together() -> None:
    scene, second = cloud(), CAMERA.scaled(0.7)
    apart = [gradients(scene, camera)[:5] for camera in (CAMERA, second)]
    tensors = tensors_of(scene)
    total = torch.zeros(())
    for camera in (CAMERA, second):
        rng = np.random.default_rng(9)
        for part in rasterize(**tensors, camera=camera, background=SKY):
            total = total + (part * torch.tensor(rng.normal(size=part.shape), dtype=torch.float32)).sum()
    total.backward()
    for tensor, one, other in zip(tensors.values(), *apart, strict=True):
        np.testing.assert_allclose(tensor.grad, one + other, rtol=1e-5, atol=1e-5 * np.abs(one).max())


@pytest.mark.parametrize(
    "change",
    [
        {"positions": [[0, 0, -5]]},  # on the camera
        {"positions": [[0, 0, -5]], "log_scales": [[4, 4, 4]]},  # around it
        {"positions": [[0.001, 0.002, -4.9499]], "log_scales": [[4, -9, 2]]},
        {"positions": [[0, 0, -9]]},  # behind
        {"log_scales": [[-60, -60, -60]]},
        {"log_scales": [[60, -60, 10]]},
        {"log_scales": [[88, 88, 88]]},
        {"positions": [[1e30, 0, 1e30]]},
        {"rotations": [[1e-38, 0, 0, 0]]},
        {"rotations": [[1e38, 1e38, 0, 0]]},
        {"opacity_logits": [np.inf]},
        {"opacity_logits": [-np.inf]},
        {"sh": np.full((1, 1, 3), 1e30)},
    ],
    ids=range(13),
)
def test_no_splat_makes_a_gradient_of_nan(change: dict[str, object]) -> None:
    plain = {
        "positions": np.zeros((1, 3)), "log_scales": np.full((1, 3), -1.5), "rotations": np.array([[1, 0.2, 0, 0]]),
        "opacity_logits": np.array([2.0]), "sh": np.ones((1, 1, 3)),
    }  # fmt: skip
    assert all(np.isfinite(gradient).all() for gradient in gradients(Scene(**{**plain, **change})))


def test_what_is_not_seen_gets_zeros_even_where_memory_held_other_things() -> None:
    scene = cloud(100)
    behind = scene.edited(positions=scene.positions - [0, 0, 50])
    native = NativeRasterizer()
    native.set_scene(behind.arrays())
    native.render(view_of(CAMERA, np.zeros(3), background=SKY), depth=False, threads=0)
    used = {name: np.full_like(array, np.nan) for name, array in behind.arrays().items()}
    found, background = native.backward(np.ones((CAMERA.height, CAMERA.width, 3), np.float32), out=used)
    assert not any(array.any() for array in found.values())
    assert found["sh"] is used["sh"]
    np.testing.assert_allclose(background, CAMERA.height * CAMERA.width)


def test_gradients_without_their_picture_are_refused() -> None:
    native = NativeRasterizer()
    native.set_scene(cloud(10).arrays())
    with pytest.raises(ValueError, match="for a picture of 0x0"):
        native.backward(np.ones((5, 4, 3), np.float32))


def test_tensors_of_shapes_that_make_no_scene_are_refused() -> None:
    tensors = tensors_of(cloud(10))
    with pytest.raises(SceneError, match=r"other shapes than .* rotations \(9, 4\)"):
        rasterize(**{**tensors, "rotations": tensors["rotations"][1:]}, camera=CAMERA)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is CUDA")
def test_gsplat_without_cuda_is_refused_in_words() -> None:
    with pytest.raises(BackendError, match="no CUDA device; backend native draws on the CPU"):
        render(cloud(10), CAMERA, backend="gsplat")


@pytest.mark.scenes
@pytest.mark.parametrize("name", NAMES)
def test_training_one_attribute_of_a_real_scene_lowers_the_loss(scenes: Path, name: str) -> None:
    folder = scenes / "scenes" / "chair"
    scene, camera = load(folder / "point_cloud.ply"), Views.load(folder, split="test").cameras[0].scaled(0.4)
    target = torch.tensor(render(scene, camera).color)
    tensors = tensors_of(scene)
    spread = {"positions": 0.01, "log_scales": 0.2, "rotations": 0.1, "opacity_logits": 0.5, "sh": 0.1}[name]
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        tensors[name] += spread * torch.randn(tensors[name].shape, generator=generator)
    adam = torch.optim.Adam([tensors[name]], lr=0.1 * spread)
    losses = []
    for _ in range(15):
        color, _ = rasterize(**tensors, camera=camera)
        loss = ((color - target) ** 2).mean()
        adam.zero_grad()
        loss.backward()
        adam.step()
        losses.append(loss.item())
    assert losses[-1] < 0.6 * losses[0], losses


def test_gradients_of_gradients_are_refused_and_a_graph_of_them_is_not() -> None:
    tensors = tensors_of(cloud(50))
    color, _ = rasterize(**tensors, camera=CAMERA)
    (found,) = torch.autograd.grad(color.square().sum(), tensors["positions"], create_graph=True)
    with pytest.raises(RuntimeError, match="differentiate twice"):
        found.sum().backward()


def test_a_background_may_be_a_row() -> None:
    tensors, sky = tensors_of(cloud(50)), torch.tensor([SKY], requires_grad=True)
    rasterize(**tensors, camera=CAMERA, background=sky)[0].sum().backward()
    assert sky.grad is not None
    assert sky.grad.shape == (1, 3)


def test_what_is_no_tensor_and_no_backend_is_refused_in_words() -> None:
    tensors = tensors_of(cloud(10))
    with pytest.raises(TypeError, match=r"sh is no torch tensor but ndarray; splatzip\.render draws"):
        rasterize(**{**tensors, "sh": cloud(10).sh}, camera=CAMERA)
    with pytest.raises(BackendError, match="backend 'native' is not known; choose gsplat or cuda"):
        rasterize(**tensors, camera=CAMERA, backend="native")


@pytest.mark.parametrize("name", NAMES[:4])
def test_a_splat_that_became_nan_is_not_drawn_and_stays_out_of_the_gradients(name: str) -> None:
    scene = cloud(100)
    tensors = tensors_of(scene)
    with torch.no_grad():
        tensors[name][7] = torch.nan
    color, _ = rasterize(**tensors, camera=CAMERA)
    color.sum().backward()
    without = render(scene.take(np.delete(np.arange(100), 7)), CAMERA).color
    assert color.detach().numpy().tobytes() == without.tobytes()
    for tensor in tensors.values():
        assert tensor.grad is not None
        assert torch.isfinite(tensor.grad).all()
        assert not tensor.grad[7].any()
