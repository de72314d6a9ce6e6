"""Load and save: paths on one side, scenes on the other. Thin: every format is a file of its own."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from splatzip.container.layout import MAGIC
from splatzip.errors import FormatError, SceneError, SplatzipError, ViewsError
from splatzip.formats.output import atomic_write
from splatzip.formats.registry import format_of_content, format_of_name
from splatzip.formats.told_axes import told_axes
from splatzip.kernels.device import DeviceChoice, Engine, chosen_device
from splatzip.progress import Progress
from splatzip.scene import Scene
from splatzip.scene.axes import checked_axes

if TYPE_CHECKING:
    from splatzip.profile import Profile
    from splatzip.views import Views

SUFFIX = ".splatz"
_MEASURED_EVERY = 8  # of the training frames: what is fitted to does not measure


def load(path: str | Path, *, repair: bool = False, axes: str | None = None) -> Scene:
    """Read a scene in any format, recognised by content first and extension second.

    Args:
        path: a file, or a folder (SOG).
        repair: drop rows that are not valid (NaN, Inf, zero quaternion); counted in `scene.meta.dropped`.
        axes: where x, y and z of the file point, as letters: "RDF" (right, down, front) as in a PLY, "RUB" (right, up,
            back) as in SPZ and glTF. None: as the file says, or else its format. An SPZ keeps its codes.
    Raises: FormatError, SceneError, OSError.
    """
    path = Path(path)
    if path.exists() and not (path.is_file() or path.is_dir()):  # read twice: for its format, then for its splats
        raise FormatError(f"{path}: a pipe or a device; save it to a file and name that")
    if is_splatz(path):
        from splatzip.decode import decompress

        if axes is not None:
            raise FormatError(f"{path}: a .splatz has no other axes than its own; splatzip transform --rotate turns it")
        return decompress(path)
    if axes is not None:
        checked_axes(axes)  # before the work
    found = format_of_content(path)
    scene: Scene = found.module.read(path, repair=repair)
    return scene if axes is None else told_axes(scene, axes, found.axes)


def save(scene: Scene, path: str | Path, *, version: int | None = None) -> list[str]:
    """Write a scene in the format that the extension names.

    Args:
        path: a file; an existing folder, or its meta.json, becomes SOG. A .splatz keeps every splat
            (lossless for a quantized source, else fast): `compress` has the other presets.
        version: of the format, where there is a choice (SPZ: 2, 3 or 4); None: the newest.
    Returns: what was lost because the format cannot hold it, one line each; empty if nothing was.
    Raises: FormatError, OSError; SceneError if arrays of the scene were changed and a value is no longer valid.
    """
    path = Path(path)
    if not isinstance(scene, Scene):  # above all what compress returns
        raise TypeError(f"save takes a Scene, not {type(scene).__name__}; bytes of a .splatz are written as they are")
    _refuse_unfit(scene)
    if path.name.lower().endswith(SUFFIX) and not path.is_dir():
        if version is not None:
            raise FormatError(f"{path}: a .splatz has no version to choose")
        with atomic_write(path) as file:
            file.write(compress(scene, preset="lossless" if scene.source is not None else "fast"))
        return []
    chosen = format_of_name(path)
    if version is None:
        return chosen.module.write(scene, path)  # type: ignore[no-any-return]
    if version not in chosen.versions:
        *others, last = map(str, chosen.versions or ("",))
        choice = f"choose {', '.join(others)} or {last}" if others else "there is no choice"
        raise FormatError(f"{path}: version {version} of {chosen.title} cannot be written; {choice}")
    return chosen.module.write(scene, path, version=version)  # type: ignore[no-any-return]


def compress(
    scene: Scene | str | Path,
    *,
    preset: str | None = None,
    profile: Profile | None = None,
    recipe: str | None = None,
    size: int | None = None,
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
        _refuse_unfit(scene)
    profile = _profile_of(
        scene.source is not None, preset=preset, profile=profile, recipe=recipe, size=size, quality=quality,
        max_loss=max_loss, verify=verify, best_effort=best_effort, views=views, only_views=only_views,
        photos=photos, view_weight=view_weight, drop_unseen=drop_unseen, degree=degree, prune=prune,
        sh_coding=sh_coding, geometry_coding=geometry_coding,
    )  # fmt: skip
    if profile is None:
        assert recipe is not None
        coded = _by_recipe(scene, recipe, views, threads, engine, progress)
    elif profile.balance is not None:
        coded = _balanced(scene, profile, views, photos, only_views, view_weight, threads, engine, progress)
    else:
        coded = _undrawn(scene, profile, views, verify, threads, engine, progress)
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
    asked = {name: given.arguments[name] for name in signature(_profile_of).parameters if name != "quantized"}
    chosen_device(given.arguments["device"])
    if given.arguments["axes"] is not None:
        checked_axes(given.arguments["axes"])
    try:
        profile = _profile_of(False, **asked)
    except SplatzipError:
        with suppress(SplatzipError):
            _profile_of(True, **asked)  # whose default is another preset
            return
        raise
    if asked["views"] is not None:
        measure = profile is not None and profile.target_loss is not None
        _views_of(asked["views"], learn=asked["photos"], measure=measure)


def _profile_of(
    quantized: bool, *, preset: str | None, profile: Profile | None, recipe: str | None, size: int | None,
    quality: float | None, max_loss: float | None, verify: bool, best_effort: bool, views: str | Path | Views | None,
    photos: bool, only_views: bool, view_weight: float | None, drop_unseen: bool, degree: int | None,
    prune: float | None, sh_coding: str | None, geometry_coding: str | None,
) -> Profile | None:  # fmt: skip
    """What options of `compress` amount to for a scene that came quantized or not; None for a recipe.

    Raises: SplatzipError if they contradict each other.
    """
    from splatzip.profile import Profile

    coded = sh_coding is not None or geometry_coding is not None
    chosen = coded or any(option is not None for option in (size, quality, max_loss, degree, prune))
    if recipe is not None:
        from splatzip.recipes import recipe_named

        looks = photos or only_views or drop_unseen or view_weight is not None
        if verify or chosen or preset is not None or profile is not None or looks:
            raise SplatzipError(
                "a recipe takes no option but --views: drop preset, target, verify, degree, share and coding"
            )
        recipe_named(recipe)
        return None
    if profile is not None:
        if preset is not None or chosen:
            raise SplatzipError("give either a profile, or a preset with target, degree and coding")
    else:
        if preset is None:
            kept_as_it_is = quantized and not chosen and views is None
            preset = "lossless" if kept_as_it_is else "fast" if coded else "balanced"
        profile = Profile.preset_named(
            preset, size=size, quality=quality, max_loss=max_loss, verify=verify, best_effort=best_effort,
            degree=degree, prune=prune, sh_coding=sh_coding, geometry_coding=geometry_coding,
        )  # fmt: skip
    if profile.balance is None:
        if photos or only_views or view_weight is not None:
            raise SplatzipError(f"{profile.preset} does not optimize for views; choose balanced, or give --views alone")
        if drop_unseen:
            raise SplatzipError(f"{profile.preset} keeps every splat; drop --drop-unseen or choose balanced")
        return profile
    if view_weight is not None and not 0 < view_weight < float("inf"):
        raise SplatzipError(f"a view weight of {view_weight:g} is out of range: above 0")
    if views is None:
        if view_weight is not None:
            raise SplatzipError("a view weight needs views; add --views")
        if only_views:
            raise SplatzipError("without pseudo-views, other views are needed; add --views")
        if profile.target_loss is not None:
            raise SplatzipError("a loss is measured on photos; add --views")
        if photos:
            raise SplatzipError("photos are those of views; add --views")
    if photos and profile.target_quality is not None:
        raise SplatzipError("a quality compares with the source, which photos correct; ask for a size or a loss")
    if drop_unseen:
        removal = replace(profile.balance.removal, keep_unseen=False)
        profile = replace(profile, balance=replace(profile.balance, removal=removal))
    return profile


def _by_recipe(
    scene: Scene,
    recipe: str,
    views: str | Path | Views | None,
    threads: int,
    device: Engine,
    progress: Progress | None,
) -> bytes:
    from splatzip.balance import as_large
    from splatzip.recipes import encode_by
    from splatzip.views import with_opening

    cameras = None
    if views is not None:
        given = _training(views, photos=False).cameras
        scene, cameras = with_opening(scene, given), as_large(given)
    return encode_by(scene, recipe, cameras=cameras, threads=threads, device=device, progress=progress)


def _balanced(
    scene: Scene, profile: Profile, views: str | Path | Views | None, photos: bool, only_views: bool,
    view_weight: float | None, threads: int, device: Engine, progress: Progress | None,
) -> bytes:  # fmt: skip
    from splatzip.targets import encode_balanced
    from splatzip.views import with_opening

    if views is None:
        return encode_balanced(scene, profile, threads=threads, device=device, progress=progress)
    given, held_back = _views_of(views, learn=photos, measure=profile.target_loss is not None)
    scene = with_opening(scene, given.cameras)
    assert profile.balance is not None
    beside = 0 if only_views else profile.balance.views_beside
    balance = replace(profile.balance, views_beside=beside, given_weight=view_weight or 1.0)
    profile = replace(profile, balance=balance)
    return encode_balanced(
        scene, profile, given=given, held_back=held_back, threads=threads, device=device, progress=progress
    )


def _undrawn(
    scene: Scene, profile: Profile, views: str | Path | Views | None, verify: bool, threads: int, device: Engine,
    progress: Progress | None,
) -> bytes:  # fmt: skip
    """By a preset that draws nothing, unless to measure what was written."""
    from splatzip.encode import encode, encode_verified

    if views is not None:  # which say where to look from, all of them
        from splatzip.views import with_opening

        scene = with_opening(scene, _training(views, photos=False).cameras)
    if verify or profile.target_quality is not None:
        return encode_verified(scene, profile, threads=threads, progress=progress)
    return encode(scene, profile, threads=threads, device=device, progress=progress)


def _training(views: str | Path | Views, *, photos: bool) -> Views:
    """The training frames of a capture: nothing is fitted to the others, whoever has loaded them.

    Raises: ViewsError, OSError; ViewsError if there are test frames alone.
    """
    from splatzip.views import Views

    if not isinstance(views, Views):
        return Views.load(views, split="train", photos=photos)
    kept = [n for n, camera in enumerate(views.cameras) if camera.name not in views.test or camera.name in views.train]
    if not kept:
        raise ViewsError('nothing is fitted to test views; take Views.load(..., split="train")')
    return _taken(views if photos else replace(views, photos=None), kept)


def _views_of(views: str | Path | Views, *, learn: bool, measure: bool) -> tuple[Views, Views | None]:
    """The training frames of a capture, parted: to fit to, with photos to `learn` from; to measure from, or on photos.

    Raises: ViewsError, OSError; ViewsError if photos that are asked for are not there.
    """
    train = _training(views, photos=learn or measure)
    if learn and train.photos is None:
        raise ViewsError(f"{views}: there are no photos to learn from; add them, or drop --photos")
    given, held_back = _parted(train)
    if measure and (held_back is None or held_back.photos is None):
        raise ViewsError(
            f"{views}: a loss is measured on photos of more than {_MEASURED_EVERY} training frames; "
            "set a size or a quality instead"
        )
    return given if learn else replace(given, photos=None), held_back


def _parted(train: Views) -> tuple[Views, Views | None]:
    """Views to fit to, and views to measure from; of few views all are fitted to, and none are left."""
    if len(train) <= _MEASURED_EVERY:
        return train, None
    numbers = range(len(train))
    measured = numbers[::_MEASURED_EVERY]
    return _taken(train, [number for number in numbers if number not in measured]), _taken(train, measured)


def _taken(views: Views, numbers: Sequence[int]) -> Views:
    photos = None if views.photos is None else tuple(views.photos[number] for number in numbers)
    return replace(views, cameras=tuple(views.cameras[number] for number in numbers), photos=photos)


def _refuse_unfit(scene: Scene) -> None:
    if not len(scene):
        raise SceneError("the scene has no splats: there is nothing to write")
    scene.check()  # no file that cannot be read


def is_splatz(path: Path) -> bool:
    """Whether it is a .splatz file, by content: a name proves nothing."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        return file.read(len(MAGIC)) == MAGIC
