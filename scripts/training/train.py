"""The loop: gsplat draws, its default strategy splits, copies and removes, Adam steps."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from splatzip import Camera, Scene, Views, save
from splatzip.errors import BackendError
from splatzip.raster.gsplat_backend import cuda_torch
from training.capture import Capture
from training.loss import decibels, loss
from training.points import Points
from training.recipe import Recipe

_SH0 = 0.28209479177387814
_SAID_EVERY = 1000
_NEIGHBOURS, _ROWS_AT_ONCE = 3, 1024


def train(recipe: Recipe, capture: Capture, points: Points, out: Path) -> None:
    """Raises: BackendError without a GPU or gsplat."""
    cuda_torch()
    from gsplat.strategy import DefaultStrategy

    torch.manual_seed(recipe.seed)
    device = torch.device("cuda")
    splats = start(points, recipe, device)
    optimizers = optimizers_of(splats, recipe, capture.size)
    falling = torch.optim.lr_scheduler.ExponentialLR(optimizers["means"], gamma=0.01 ** (1 / recipe.steps))
    strategy = DefaultStrategy()
    strategy.check_sanity(splats, optimizers)
    state = strategy.initialize_state(scene_scale=capture.size)
    order = torch.Generator().manual_seed(recipe.seed)
    queue: list[int] = []
    photos = Photos(capture, capture.train, device)
    begun = time.monotonic()
    for step in range(recipe.steps):
        queue = queue or torch.randperm(len(capture.train), generator=order).tolist()
        camera, photo = photos[queue.pop()]
        shown, facts = draw(splats, camera, capture, degree=recipe.degree_at(step))
        strategy.step_pre_backward(splats, optimizers, state, step, facts)
        value = loss(shown, photo, ssim_share=recipe.ssim_share)
        value.backward()
        for optimizer in optimizers.values():
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
        falling.step()
        strategy.step_post_backward(splats, optimizers, state, step, facts, packed=False)
        done = step + 1
        if done % _SAID_EVERY == 0:
            took = time.monotonic() - begun
            print(f"step {done}  loss {value.item():.4f}  {len(splats['means'])} splats  {took:.0f} s", flush=True)
        if done in recipe.milestones:
            milestone(
                splats, recipe, capture, out if done == recipe.steps else out.with_stem(f"{out.stem}_{done}"), done
            )


def start(points: Points, recipe: Recipe, device: torch.device) -> torch.nn.ParameterDict:
    """Splats as gsplat's strategies name them: one a point, round, as large as its neighbours are far."""
    positions = torch.tensor(points.positions, dtype=torch.float32, device=device)
    count, coefficients = len(positions), (recipe.sh_degree + 1) ** 2
    sizes = neighbour_distance(positions) * recipe.start_scale
    opacities = torch.full((count,), recipe.start_opacity, device=device)
    colors = (torch.tensor(points.colors, dtype=torch.float32, device=device) - 0.5) / _SH0
    values = {
        "means": positions,
        "scales": torch.log(sizes)[:, None].repeat(1, 3),
        "quats": torch.rand((count, 4), device=device),
        "opacities": torch.logit(opacities),
        "sh0": colors[:, None],
        "shN": torch.zeros((count, coefficients - 1, 3), device=device),
    }
    return torch.nn.ParameterDict({name: torch.nn.Parameter(value) for name, value in values.items()})


def neighbour_distance(positions: Tensor) -> Tensor:
    """(N,) root mean square distance to the 3 nearest others, never 0."""
    found = []
    for rows in positions.split(_ROWS_AT_ONCE):
        # Not by products of matrices: neighbours far from the origin would all be at distance 0.
        apart = torch.cdist(rows, positions, compute_mode="donot_use_mm_for_euclid_dist")
        nearest = apart.topk(_NEIGHBOURS + 1, largest=False).values[:, 1:]
        found.append((nearest**2).mean(dim=1).sqrt())
    return torch.cat(found).clamp_min(1e-7)


def optimizers_of(splats: torch.nn.ParameterDict, recipe: Recipe, size: float) -> dict[str, Any]:
    rates = {
        "means": recipe.position_rate * size,
        "scales": recipe.scale_rate,
        "quats": recipe.rotation_rate,
        "opacities": recipe.opacity_rate,
        "sh0": recipe.color_rate,
        "shN": recipe.sh_rate,
    }
    return {
        name: torch.optim.Adam([{"params": splats[name], "lr": rate, "name": name}], eps=1e-15)
        for name, rate in rates.items()
    }


def draw(
    splats: torch.nn.ParameterDict, camera: Camera, capture: Capture, *, degree: int
) -> tuple[Tensor, dict[str, Any]]:
    """The picture (H, W, 3), and what gsplat's strategies want to know of it."""
    from gsplat.rendering import rasterization

    device = splats["means"].device
    lens = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
    pictures, _, facts = rasterization(
        splats["means"],
        splats["quats"],
        torch.exp(splats["scales"]),
        torch.sigmoid(splats["opacities"]),
        torch.cat([splats["sh0"], splats["shN"]], dim=1),
        torch.tensor(camera.world_to_camera, dtype=torch.float32, device=device)[None],
        torch.tensor(lens, dtype=torch.float32, device=device)[None],
        camera.width,
        camera.height,
        sh_degree=degree,
        packed=False,
        backgrounds=torch.tensor([capture.background], device=device),
    )
    return pictures[0], facts


class Photos:
    """Photos on the GPU, as bytes once they were read; cameras with them."""

    def __init__(self, capture: Capture, views: Views, device: torch.device) -> None:
        self._capture, self._views, self._device = capture, views, device
        self._known: dict[int, tuple[Camera, Tensor]] = {}

    def __getitem__(self, index: int) -> tuple[Camera, Tensor]:
        if index not in self._known:
            camera, photo = self._capture.view(self._views, index)
            stored = torch.from_numpy(np.round(photo * 255).astype(np.uint8)).to(self._device)
            self._known[index] = camera, stored
        camera, stored = self._known[index]
        return camera, stored.float() / 255


@torch.no_grad()
def milestone(splats: torch.nn.ParameterDict, recipe: Recipe, capture: Capture, out: Path, step: int) -> None:
    """Measure the test views, write the PLY."""
    photos = Photos(capture, capture.test, splats["means"].device)
    values = []
    for index in range(len(capture.test)):
        camera, photo = photos[index]
        shown, _ = draw(splats, camera, capture, degree=recipe.sh_degree)
        values.append(decibels(shown, photo))
    if not np.isfinite(values).all():
        raise BackendError(f"step {step}: pictures are not finite; the training has gone astray")
    save(scene_of(splats), out)
    print(f"step {step}  test views {np.mean(values):.3f} dB, {len(splats['means'])} splats -> {out}", flush=True)


def scene_of(splats: torch.nn.ParameterDict) -> Scene:
    arrays = {name: value.detach().float().cpu().numpy() for name, value in splats.items()}
    return Scene(
        positions=arrays["means"],
        log_scales=arrays["scales"],
        rotations=arrays["quats"],
        opacity_logits=arrays["opacities"],
        sh=np.concatenate([arrays["sh0"], arrays["shN"]], axis=1),
    )
