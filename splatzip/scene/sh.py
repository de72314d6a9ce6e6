"""Spherical harmonics: the real basis of 3DGS, with the Condon-Shortley phase, degree 0 to 4.

    colour(d) = 0.5 + sum_k basis_k(d) sh_k

Coefficients are ordered by degree l and, within it, by order m = -l..l. glTF, SPZ, SOG and PLY all use this basis.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from splatzip.errors import SceneError
from splatzip.scene.attributes import MAX_SH_DEGREE, sh_degree, sh_rest_count

# Signs of the coefficients above degree 0 when y and z change theirs (right-up-back <-> right-down-front).
SH_FLIP_YZ = np.array(
    [
        *(-1, -1, 1),
        *(-1, 1, 1, -1, 1),
        *(-1, 1, -1, -1, 1, -1, 1),
        *(-1, 1, -1, 1, 1, -1, 1, -1, 1),
    ],
    np.float32,
)


def sh_basis(directions: ArrayLike, degree: int) -> NDArray[np.float64]:
    """(M, (degree + 1)^2) values of the basis at unit directions (M, 3)."""
    x, y, z = np.asarray(directions, np.float64).T
    xx, yy, zz = x * x, y * y, z * z
    columns = [
        np.full_like(x, 0.28209479177387814),
        *(-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x),
        1.0925484305920792 * x * y,
        -1.0925484305920792 * y * z,
        0.31539156525252005 * (2 * zz - xx - yy),
        -1.0925484305920792 * x * z,
        0.5462742152960396 * (xx - yy),
        -0.5900435899266435 * y * (3 * xx - yy),
        2.890611442640554 * x * y * z,
        -0.4570457994644658 * y * (4 * zz - xx - yy),
        0.3731763325901154 * z * (2 * zz - 3 * xx - 3 * yy),
        -0.4570457994644658 * x * (4 * zz - xx - yy),
        1.445305721320277 * z * (xx - yy),
        -0.5900435899266435 * x * (xx - 3 * yy),
        2.5033429417967046 * x * y * (xx - yy),
        -1.7701307697799304 * y * z * (3 * xx - yy),
        0.9461746957575601 * x * y * (7 * zz - 1),
        -0.6690465435572892 * y * z * (7 * zz - 3),
        0.10578554691520431 * (zz * (35 * zz - 30) + 3),
        -0.6690465435572892 * x * z * (7 * zz - 3),
        0.47308734787878004 * (xx - yy) * (7 * zz - 1),
        -1.7701307697799304 * x * z * (xx - 3 * yy),
        0.6258357354491761 * (xx * (xx - 3 * yy) - yy * (3 * xx - yy)),
    ]
    return np.stack(columns[: (degree + 1) ** 2], 1)


def sh_rotation(rotation: ArrayLike, degree: int) -> NDArray[np.float64]:
    """((degree + 1)^2, (degree + 1)^2) matrix that turns coefficients by an orthogonal 3x3 matrix.

    Exact up to float64 rounding: a band maps to itself, so its values at enough directions determine it.
    """
    matrix = np.asarray(rotation, np.float64)
    if matrix.shape != (3, 3) or not np.allclose(matrix @ matrix.T, np.eye(3), atol=1e-6):
        raise SceneError(f"not a rotation matrix: {matrix.tolist()}")
    directions = _directions()
    here, there = sh_basis(directions, degree), sh_basis(directions @ matrix, degree)
    turn = np.zeros((here.shape[1], here.shape[1]))
    for band in range(degree + 1):
        columns = slice(band**2, (band + 1) ** 2)
        turn[columns, columns] = np.linalg.lstsq(here[:, columns], there[:, columns], rcond=None)[0]
    whole = np.rint(turn)
    return np.where(np.abs(turn - whole) < 1e-12, whole, turn)  # an axis that is turned over changes signs alone


def rotate_sh(sh: NDArray[np.float32], rotation: ArrayLike) -> NDArray[np.float32]:
    """Coefficients (N, 1+B, 3) of the same light after the scene is turned: new(R d) = old(d)."""
    turn = sh_rotation(rotation, sh_degree(sh.shape[1] - 1)).astype(np.float64)
    turned = np.empty_like(sh, np.float32)
    turned[:, 0] = sh[:, 0]
    for start in range(0, len(sh), 1 << 16):  # float64 of a block, not of the scene
        rows = slice(start, start + (1 << 16))
        turned[rows, 1:] = np.einsum("jk,nkc->njc", turn[1:, 1:], sh[rows, 1:].astype(np.float64), optimize=True)
    return turned


def sh_of_degree(sh: NDArray[np.float32], degree: int) -> NDArray[np.float32]:
    """Coefficients (N, 1+B, 3) at another degree: higher bands are cut, or added as zeros."""
    wanted = 1 + sh_rest_count(degree)
    return np.pad(sh[:, :wanted], ((0, 0), (0, max(0, wanted - sh.shape[1])), (0, 0)))


def _directions() -> NDArray[np.float64]:
    """Points spread evenly over the sphere (a Fibonacci lattice), twice as many as there are coefficients."""
    count = 2 * (MAX_SH_DEGREE + 1) ** 2
    i = np.arange(count) + 0.5
    z = 1 - 2 * i / count
    angle = i * np.pi * (1 + 5**0.5)
    radius = np.sqrt(1 - z * z)
    return np.stack([radius * np.cos(angle), radius * np.sin(angle), z], 1)
