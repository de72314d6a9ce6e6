"""Compress: options become a profile, a path a scene, views those to fit to and those to measure from.

options, scene, views -> profile -> encode | targets (balanced) | recipes -> bytes
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, fields, replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splatzip.errors import SplatzipError
from splatzip.io import load, refuse_unfit
from splatzip.kernels.device import DeviceChoice, Engine, chosen_device
from splatzip.progress import Progress
from splatzip.scene import Scene
from splatzip.scene.axes import checked_axes

if TYPE_CHECKING:
    from splatzip.profile import Profile
    from splatzip.views import Views


def compress(
    scene: Scene | str | Path,
    *,
    preset: str | None = None,
    profile: Profile | None = None,
    recipe: str | None = None,
    size: float | None = None,
    quality: float | None = None,
    max_loss: float | None = None,
    verify: bool = False,
    best_effort: bool = False,
    views: str | Path | Views | None = None,
    photos: bool = False,
    only_views: bool = False,
    view_weight: float | None = None,
    drop_unseen: bool = False,
    degree: int | None = None,
    prune: float | None = None,
    sh_coding: str | None = None,
    geometry_coding: str | None = None,
    threads: int = 0,
    device: DeviceChoice = "cpu",
    repair: bool = False,
    axes: str | None = None,
    progress: Progress | None = None,
) -> bytes:
    """Compress a scene into a .splatz file.

    Args:
        scene: a scene, or the path of one in any format.
        preset: "lossless", "near-lossless", "fast" or "balanced". None: lossless for a quantized source, fast where a
            coding is chosen, else balanced; also balanced when there is a target or a degree to lower.
        profile: all options instead of a preset.
        recipe: a published method instead of a preset: "lightgaussian", "c3dgs" or "omg" (docs/RECIPES.md); it uses
            pseudo-views, or instead the training frames of `views`.
        size: bytes to stay within; balanced uses at least 98 % of them, unless its finest is smaller.
        quality: dB against the source to aim at, 30 to 65; balanced meets it to 0.05 dB from above, others estimate
            unless verified.
        max_loss: dB on photos that balanced may lose: mean over every 8th of the training frames of `views`.
        verify: render what was written and store the dB that it reached in the file; a quality is then met in closed
            loop, to 0.05 dB from above.
        best_effort: a target that cannot be reached gives what comes closest instead of an error.
        views: cameras that balanced uses beside its pseudo-views: the training frames of a folder or a file, every 8th
            of which serves to measure; or `Views`, of which all are training frames but those that it names in `test`.
            Test frames are not used. With every preset, the file gets an opening camera and the up direction from these
            cameras, if the scene has none.
        photos: balanced also learns from the photos of `views`, where these know better than the scene: less is lost on
            photos, and pictures are farther from the source.
        only_views: use no pseudo-views beside them.
        view_weight: of each camera of `views`, relative to 1 for a pseudo-view: in the worth of splats and steps, and
            in how often pictures from there are fitted; None: also 1.
        drop_unseen: balanced also removes splats that no view sees; else they stay, since they cannot be judged.
        degree: highest SH degree to keep, 0 to 4; presets that do not render truncate.
        prune: share of the splats that balanced removes, from 0 to less than 1; None: as many as are not worth their
            bits.
        sh_coding: how SH is quantized: "scalar" (the default), "residual_vq", "sub_vector_vq" or "vec_tree".
        geometry_coding: the same for scales and rotations: "scalar" (the default), "residual_vq" or "sub_vector_vq".
        threads: 0 for every core; the bytes do not depend on it.
        device: "cuda" lets a GPU draw, score and settle for balanced and recipes, and train codebooks; "auto" does so
            where there is one. The CPU codes. Presets that render then write slightly different bytes of about the same
            size; the bytes of other presets do not depend on it.
        repair: when `scene` is a path: drop rows that are not valid.
        axes: when `scene` is a path: where its x, y and z point; see `load`.
        progress: called with the share done and a word for the step.
    Returns: the file's bytes.
    Raises: SplatzipError (also for a quality that cannot be reached), OSError.
    """
    engine = chosen_device(device)  # before anything is read
    if not isinstance(scene, Scene):
        scene = load(scene, repair=repair, axes=axes)
    elif axes is not None:
        raise SplatzipError("axes are those of a file: give them to load, with its path")
    else:
        refuse_unfit(scene)
    asked = _Asked(
        preset=preset, profile=profile, recipe=recipe, size=size, quality=quality, max_loss=max_loss, verify=verify,
        best_effort=best_effort, views=views, photos=photos, only_views=only_views, view_weight=view_weight,
        drop_unseen=drop_unseen, degree=degree, prune=prune, sh_coding=sh_coding, geometry_coding=geometry_coding,
    )  # fmt: skip
    chosen = asked.profile_for(quantized=scene.source is not None)
    if chosen is None:
        coded = _by_recipe(scene, asked, threads, engine, progress)
    elif chosen.balance is not None:
        coded = _balanced(scene, chosen, asked, threads, engine, progress)
    else:
        coded = _undrawn(scene, chosen, asked, threads, engine, progress)
    if progress is not None:
        progress(1.0, "done")
    return coded


def check_options(**options: Any) -> None:
    """Refuse what no scene can be compressed with, before one is read: of many scenes, each would be refused for it.

    Args:
        options: of `compress`, those that are not its defaults.
    Raises: SplatzipError, also for a device that is not there; ViewsError, OSError for views that cannot be used.
    """
    given = signature(compress).bind(Path(), **options)
    given.apply_defaults()
    asked = _Asked(**{field.name: given.arguments[field.name] for field in fields(_Asked)})
    chosen_device(given.arguments["device"])
    if given.arguments["axes"] is not None:
        checked_axes(given.arguments["axes"])
    try:
        profile = asked.profile_for(quantized=False)
    except SplatzipError:
        with suppress(SplatzipError):
            asked.profile_for(quantized=True)  # whose default is another preset
            return
        raise
    if asked.views is not None:
        from splatzip.views.given import fitted_and_measured

        measure = profile is not None and profile.target_loss is not None
        fitted_and_measured(asked.views, learn=asked.photos, measure=measure)


@dataclass(frozen=True)
class _Asked:
    """What options of `compress` say of how, for any scene; their meanings are there."""

    preset: str | None
    profile: Profile | None
    recipe: str | None
    size: float | None
    quality: float | None
    max_loss: float | None
    verify: bool
    best_effort: bool
    views: str | Path | Views | None
    photos: bool
    only_views: bool
    view_weight: float | None
    drop_unseen: bool
    degree: int | None
    prune: float | None
    sh_coding: str | None
    geometry_coding: str | None

    def profile_for(self, *, quantized: bool) -> Profile | None:
        """What the options amount to for a scene that came quantized or not; None for a recipe.

        Raises: SplatzipError if they contradict each other.
        """
        if self.recipe is not None:
            self._check_recipe(self.recipe)
            return None
        profile = self._of_preset(quantized=quantized)
        if profile.balance is None:
            self._refuse_views_for(profile)
            return profile
        self._check_views_for(profile)
        balance = profile.balance
        if self.only_views:
            balance = replace(balance, views_beside=0)
        if self.view_weight is not None:
            balance = replace(balance, given_weight=self.view_weight)
        if self.drop_unseen:
            balance = replace(balance, removal=replace(balance.removal, keep_unseen=False))
        return replace(profile, balance=balance)

    @property
    def _is_coded(self) -> bool:
        """Whether a coding is chosen."""
        return self.sh_coding is not None or self.geometry_coding is not None

    @property
    def _has_target(self) -> bool:
        """Whether there is a target, a coding, or a degree or a share to keep."""
        targets = (self.size, self.quality, self.max_loss, self.degree, self.prune)
        return self._is_coded or any(target is not None for target in targets)

    def _check_recipe(self, name: str) -> None:
        from splatzip.recipes import recipe_named

        looks = self.photos or self.only_views or self.drop_unseen or self.view_weight is not None
        if self.verify or self._has_target or self.preset is not None or self.profile is not None or looks:
            raise SplatzipError(
                "a recipe takes no option but --views: drop preset, target, verify, degree, share and coding"
            )
        recipe_named(name)

    def _of_preset(self, *, quantized: bool) -> Profile:
        """The profile that was given, or that of the preset."""
        from splatzip.profile import Profile

        if self.profile is not None:
            if self.preset is not None or self._has_target:
                raise SplatzipError("give either a profile, or a preset with target, degree and coding")
            return self.profile
        kept_as_it_is = quantized and not self._has_target and self.views is None
        default = "lossless" if kept_as_it_is else "fast" if self._is_coded else "balanced"
        return Profile.preset_named(
            self.preset or default, size=self.size, quality=self.quality, max_loss=self.max_loss, verify=self.verify,
            best_effort=self.best_effort, degree=self.degree, prune=self.prune, sh_coding=self.sh_coding,
            geometry_coding=self.geometry_coding,
        )  # fmt: skip

    def _refuse_views_for(self, profile: Profile) -> None:
        """What only a preset that draws has a use for."""
        if self.photos or self.only_views or self.view_weight is not None:
            raise SplatzipError(f"{profile.preset} does not optimize for views; choose balanced, or give --views alone")
        if self.drop_unseen:
            raise SplatzipError(f"{profile.preset} keeps every splat; drop --drop-unseen or choose balanced")

    def _check_views_for(self, profile: Profile) -> None:
        if self.view_weight is not None and not 0 < self.view_weight < float("inf"):
            raise SplatzipError(f"a view weight of {self.view_weight:g} is out of range: above 0")
        if self.views is None:
            if self.view_weight is not None:
                raise SplatzipError("a view weight needs views; add --views")
            if self.only_views:
                raise SplatzipError("without pseudo-views, other views are needed; add --views")
            if profile.target_loss is not None:
                raise SplatzipError("a loss is measured on photos; add --views")
            if self.photos:
                raise SplatzipError("photos are those of views; add --views")
        if self.photos and profile.target_quality is not None:
            raise SplatzipError("a quality compares with the source, which photos correct; ask for a size or a loss")


def _by_recipe(scene: Scene, asked: _Asked, threads: int, device: Engine, progress: Progress | None) -> bytes:
    from splatzip.balance import as_large
    from splatzip.recipes import encode_by
    from splatzip.views import with_opening
    from splatzip.views.given import training_views

    assert asked.recipe is not None
    cameras = None
    if asked.views is not None:
        given = training_views(asked.views, photos=False).cameras
        scene, cameras = with_opening(scene, given), as_large(given)
    return encode_by(scene, asked.recipe, cameras=cameras, threads=threads, device=device, progress=progress)


def _balanced(
    scene: Scene, profile: Profile, asked: _Asked, threads: int, device: Engine, progress: Progress | None
) -> bytes:
    from splatzip.targets import encode_balanced
    from splatzip.views import with_opening
    from splatzip.views.given import fitted_and_measured

    given = held_back = None
    if asked.views is not None:
        measure = profile.target_loss is not None
        given, held_back = fitted_and_measured(asked.views, learn=asked.photos, measure=measure)
        scene = with_opening(scene, given.cameras)
    return encode_balanced(
        scene, profile, given=given, held_back=held_back, threads=threads, device=device, progress=progress
    )


def _undrawn(
    scene: Scene, profile: Profile, asked: _Asked, threads: int, device: Engine, progress: Progress | None
) -> bytes:
    """By a preset that draws nothing, unless to measure what was written."""
    from splatzip.encode import encode, encode_verified

    if asked.views is not None:  # which say where to look from, all of them
        from splatzip.views import with_opening
        from splatzip.views.given import training_views

        scene = with_opening(scene, training_views(asked.views, photos=False).cameras)
    if asked.verify or profile.target_quality is not None:
        return encode_verified(scene, profile, threads=threads, progress=progress)
    return encode(scene, profile, threads=threads, device=device, progress=progress)
