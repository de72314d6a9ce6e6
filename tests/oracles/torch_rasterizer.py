"""A second rasterizer, for tests alone: every splat against every pixel in plain torch, differentiated by autograd.

It shares no code with the native one, follows the definitions of splatzip/raster, and is slow: hundreds of splats, some
thousand pixels. In float64 it is the reference for values, gradients and curvature. With `smooth=True` nothing is cut
off or clamped, so that finite differences mean something.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from splatzip import Scene
    from splatzip.scene.cameras import Camera

torch.set_num_threads(1)  # tests run side by side

ATTRIBUTES = ("positions", "log_scales", "rotations", "opacity_logits", "sh")
NEAR, DILATION, LEAST_ALPHA, MOST_ALPHA = 0.05, 0.3, 1 / 255, 0.99


@dataclass
class Rendered:
    """A picture and what it was blended from; M splats front to back, P pixels row by row.

    Attributes:
        color (H, W, 3), alpha (H, W), depth (H, W): the picture, `depth` 0 where alpha is.
        rows (M,): which splat of the scene.
        colors (M, 3): of the splats, as seen from here.
        alphas (P, M): 0 where a splat does not reach; transmittance (P, M): of what lies before it.
        behind (P, M, 3): colour of what lies behind, the background included, as if the splat and those before it
            were not there.
        cuts: how many (pixel, splat) alphas a cutoff or a clamp has changed, and colour channels clamped at 0.
    """

    color: Tensor
    alpha: Tensor
    depth: Tensor
    rows: Tensor
    colors: Tensor
    alphas: Tensor
    transmittance: Tensor
    behind: Tensor
    cuts: int


def splats_of(scene: Scene, *, dtype: torch.dtype = torch.float64, grad: bool = False) -> dict[str, Tensor]:
    """The attributes of a scene (at origin zero) as tensors."""
    return {name: torch.tensor(getattr(scene, name), dtype=dtype, requires_grad=grad) for name in ATTRIBUTES}


def rasterize(
    splats: dict[str, Tensor],
    camera: Camera,
    *,
    background: Tensor,
    extent: str = "3sigma",
    antialias: bool = False,
    smooth: bool = False,
    fixed_colors: bool = False,
) -> Rendered:
    """Render.

    Args:
        splats: the five attributes; `turns` (N, 3), if there, are rotations about the splats' own axes, to first
            order.
        background: (3,).
        smooth: no cutoff, no clamp; only what is behind the near plane is left out.
        fixed_colors: the colour does not follow the position (no derivative through the direction of view).
    """
    places, covariances, depths = project(splats, camera)
    detail = covariances
    covariances = covariances + DILATION * torch.eye(2, dtype=covariances.dtype)
    opacity = torch.sigmoid(splats["opacity_logits"])
    if antialias:
        opacity = opacity * torch.sqrt((determinant(detail) / determinant(covariances)).clamp(min=0))
    seen = (depths > NEAR) & (torch.ones_like(depths, dtype=torch.bool) if smooth else opacity >= LEAST_ALPHA)
    rows = torch.nonzero(seen)[:, 0]
    rows = rows[torch.argsort(depths[rows].detach(), stable=True)]
    places, covariances, opacity = places[rows], covariances[rows], opacity[rows]

    colors = view_colors(splats, camera, fixed_position=fixed_colors)[rows]
    cuts = int((colors < 0).sum())
    if not smooth:
        colors = colors.clamp(min=0)

    away = pixel_centres(camera, places.dtype)[:, None, :] - places[None]
    power = (away * torch.einsum("mij,pmj->pmi", torch.linalg.inv(covariances), away)).sum(-1)
    alphas = opacity * torch.exp(-power / 2)
    reach = 2 * torch.log(255 * opacity.detach())
    inside = power.detach() <= (reach.clamp(max=9) if extent == "3sigma" else reach)
    cuts += int((~inside).sum() + (alphas > MOST_ALPHA).sum())
    if not smooth:
        alphas = torch.where(inside, alphas.clamp(max=MOST_ALPHA), torch.zeros_like(alphas))

    through = torch.cumprod(1 - alphas, 1)
    transmittance = torch.cat([torch.ones_like(through[:, :1]), through[:, :-1]], 1)
    left = through[:, -1] if len(rows) else torch.ones(len(alphas), dtype=alphas.dtype)
    weights = alphas * transmittance
    color = weights @ colors + left[:, None] * background
    alpha = 1 - left
    depth = torch.where(alpha > 0, weights @ depths[rows] / alpha.clamp(min=1e-30), torch.zeros_like(alpha))
    size = (camera.height, camera.width)
    return Rendered(
        color.reshape(*size, 3),
        alpha.reshape(size),
        depth.reshape(size),
        rows,
        colors,
        alphas,
        transmittance,
        colors_behind(alphas.detach(), colors.detach(), background.detach()),
        cuts,
    )


def project(splats: dict[str, Tensor], camera: Camera) -> tuple[Tensor, Tensor, Tensor]:
    """Pixels (N, 2), covariances in square pixels before the dilation (N, 2, 2), depths (N,)."""
    dtype = splats["positions"].dtype
    motion = torch.tensor(camera.world_to_camera, dtype=dtype)
    x, y, z = (splats["positions"] @ motion[:3, :3].T + motion[:3, 3]).unbind(-1)
    places = torch.stack([camera.fx * x / z + camera.cx, camera.fy * y / z + camera.cy], -1)
    # The derivative of the projection, held where splats far off the picture would blow it up.
    most_x, most_y = 1.3 * camera.width / (2 * camera.fx), 1.3 * camera.height / (2 * camera.fy)
    u, v = (x / z).clamp(-most_x, most_x), (y / z).clamp(-most_y, most_y)
    none = torch.zeros_like(z)
    rows = [torch.stack([camera.fx / z, none, -camera.fx * u / z], -1)]
    rows += [torch.stack([none, camera.fy / z, -camera.fy * v / z], -1)]
    onto = torch.stack(rows, -2) @ motion[:3, :3]
    axes = rotation_matrices(splats["rotations"])
    if "turns" in splats:
        axes = axes + axes @ cross_matrices(splats["turns"])
    half = onto @ axes * torch.exp(splats["log_scales"])[:, None, :]
    return places, half @ half.transpose(-1, -2), z


def rotation_matrices(quaternions: Tensor) -> Tensor:
    """(N, 3, 3) of quaternions wxyz of any length."""
    w, vector = quaternions[:, 0], quaternions[:, 1:]
    length = (quaternions**2).sum(-1)[:, None, None]
    cross = cross_matrices(vector)
    # R = I + 2 (w [v] + [v]^2) / |q|^2
    return torch.eye(3, dtype=w.dtype) + 2 * (w[:, None, None] * cross + cross @ cross) / length


def cross_matrices(vectors: Tensor) -> Tensor:
    """(N, 3, 3): matrix @ u = vector x u."""
    x, y, z = vectors.unbind(-1)
    none = torch.zeros_like(x)
    return torch.stack([none, -z, y, z, none, -x, -y, x, none], -1).reshape(-1, 3, 3)


def view_colors(splats: dict[str, Tensor], camera: Camera, *, fixed_position: bool = False) -> Tensor:
    """(N, 3) 0.5 + SH towards each splat, not clamped."""
    positions = splats["positions"].detach() if fixed_position else splats["positions"]
    away = positions - torch.tensor(camera.position, dtype=positions.dtype)
    basis = sh_basis(away / away.norm(dim=-1, keepdim=True), splats["sh"].shape[1])
    return 0.5 + torch.einsum("nk,nkc->nc", basis, splats["sh"])


def sh_basis(directions: Tensor, count: int) -> Tensor:
    """(N, count) real spherical harmonics with the Condon-Shortley phase, from associated Legendre polynomials."""
    x, y, z = directions.unbind(-1)
    cosines, sines = [torch.ones_like(x)], [torch.zeros_like(x)]  # r^m cos(m phi), r^m sin(m phi)
    columns: list[Tensor] = []
    degree = 0
    while len(columns) < count:
        while len(cosines) <= degree:
            c, s = cosines[-1], sines[-1]
            cosines.append(x * c - y * s)
            sines.append(x * s + y * c)
        for m in range(-degree, degree + 1):
            order = abs(m)
            factor = normalisation(degree, order) * legendre(degree, order, z)
            angular = cosines[order] if m >= 0 else sines[order]
            columns.append(factor * angular * (1 if m == 0 else 2**0.5))
        degree += 1
    return torch.stack(columns[:count], -1)


def legendre(degree: int, order: int, z: Tensor) -> Tensor:
    """P_l^m(z) / sin^m, with the sign (-1)^m of Condon and Shortley."""
    value = torch.ones_like(z)
    for k in range(1, order + 1):
        value = -value * (2 * k - 1)
    if degree == order:
        return value
    before, value = value, z * (2 * order + 1) * value
    for k in range(order + 2, degree + 1):
        before, value = value, ((2 * k - 1) * z * value - (k + order - 1) * before) / (k - order)
    return value


def normalisation(degree: int, order: int) -> float:
    ratio = 1.0
    for k in range(degree - order + 1, degree + order + 1):
        ratio /= k
    return float(((2 * degree + 1) / (4 * torch.pi) * ratio) ** 0.5)


def colors_behind(alphas: Tensor, colors: Tensor, background: Tensor) -> Tensor:
    """(P, M, 3), from the back: behind the last is the background."""
    behind = torch.empty(*alphas.shape, 3, dtype=alphas.dtype)
    below = background.expand(len(alphas), 3)
    for m in range(alphas.shape[1] - 1, -1, -1):
        behind[:, m] = below
        below = alphas[:, m, None] * colors[m] + (1 - alphas[:, m, None]) * below
    return behind


def determinant(matrices: Tensor) -> Tensor:
    return matrices[:, 0, 0] * matrices[:, 1, 1] - matrices[:, 0, 1] * matrices[:, 1, 0]


def pixel_centres(camera: Camera, dtype: torch.dtype) -> Tensor:
    y, x = torch.meshgrid(torch.arange(camera.height) + 0.5, torch.arange(camera.width) + 0.5, indexing="ij")
    return torch.stack([x, y], -1).reshape(-1, 2).to(dtype)
