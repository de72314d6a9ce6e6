"""gsplat on CUDA: the same scene and camera, with gsplat's conventions for extent and early stop.

It evaluates splats out to alpha 1/255 and stops a pixel before the splat that would take its transmittance below 1e-4,
so pictures differ from the native ones in the last percent of alpha.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import BackendError
from splatzip.scene import Camera, Scene

DILATION = 0.3
DEVICE = "cuda"


def render_scene(
    scene: Scene, camera: Camera, *, background: ArrayLike, antialias: bool | None
) -> tuple[NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]:
    """Colour, alpha and depth as numpy arrays. Raises: BackendError if torch, gsplat or CUDA is missing."""
    torch = cuda_torch()
    with torch.no_grad():
        tensors = {name: torch.tensor(array, device=DEVICE) for name, array in scene.arrays().items()}
        colors = torch.tensor(np.asarray(background, np.float32).reshape(3), device=DEVICE)
        pictures = rasterize_gsplat(
            **tensors, camera=camera, origin=scene.origin, background=colors,
            antialias=scene.meta.antialiased if antialias is None else antialias,
        )  # fmt: skip
    color, alpha, depth = (np.asarray(picture.cpu().numpy(), np.float32) for picture in pictures)
    return color, alpha, depth


def rasterize_gsplat(
    *, positions: Any, log_scales: Any, rotations: Any, opacity_logits: Any, sh: Any, camera: Camera,
    origin: NDArray[np.float64], background: Any, antialias: bool,
) -> tuple[Any, Any, Any]:  # fmt: skip
    """The same for CUDA tensors, differentiable: colour (H, W, 3), alpha (H, W), depth (H, W)."""
    torch = cuda_torch()
    from gsplat.rendering import rasterization

    to_camera = camera.world_to_camera.copy()
    to_camera[:3, 3] += to_camera[:3, :3] @ origin
    lens = [[camera.fx, 0.0, camera.cx], [0.0, camera.fy, camera.cy], [0.0, 0.0, 1.0]]
    pictures, alphas, _ = rasterization(
        positions,
        rotations,
        torch.exp(log_scales),
        torch.sigmoid(opacity_logits),
        sh,
        torch.tensor(to_camera, dtype=torch.float32, device=positions.device)[None],
        torch.tensor(lens, dtype=torch.float32, device=positions.device)[None],
        camera.width,
        camera.height,
        near_plane=camera.near,
        eps2d=DILATION,
        sh_degree=int(sh.shape[1] ** 0.5) - 1,
        packed=False,
        backgrounds=background[None],
        render_mode="RGB+ED",
        rasterize_mode="antialiased" if antialias else "classic",
    )
    return pictures[0, ..., :3], alphas[0, ..., 0], pictures[0, ..., 3]


def cuda_torch() -> Any:
    """The torch module. Raises: BackendError that says what is missing."""
    try:
        import torch
    except ImportError:
        raise BackendError("backend gsplat: torch is not installed; pip install 'splatzip[gsplat]'") from None
    if not torch.cuda.is_available():
        raise BackendError("backend gsplat: torch finds no CUDA device; backend native draws on the CPU")
    try:
        import gsplat  # noqa: F401
    except ImportError:
        raise BackendError("backend gsplat: gsplat is not installed; pip install 'splatzip[gsplat]'") from None
    return torch
