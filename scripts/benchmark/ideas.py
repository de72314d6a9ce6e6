"""Each idea of `balanced` switched off, one at a time: bits a splat by attribute, bytes, dB."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any
from unittest import mock

import numpy as np

from benchmark.contexts import sizes_with_one_context
from benchmark.fits import Fits, changed_fits
from benchmark.losses import Judges
from benchmark.quality import size_of
from benchmark.record import code_revision, put_row, read_rows
from benchmark.scenes import ROOT, BenchScene
from splatzip import Profile, Scene, balance
from splatzip.balance import Balanced, Prepared
from splatzip.encode import encode
from splatzip.progress import silent
from splatzip.prune import removal
from splatzip.quantize import stepped

IDEAS_RECORDS = ROOT / "benchmarks" / "ideas.jsonl"
IDEAS_SCENES = ("snowmiku", "chair")
NOTHING, CONTEXTS = "nothing", "contexts: one table a stream"
BESIDE = {"nothing, finer": 0.25, "nothing, coarser": -0.25}  # fineness: where the slope of the curve is read
_FEW_VIEWS = 88
_OCTAVE = float(np.log(2))
_NOTHING_SMALL = 1e-6  # of a difference of pictures
_LEAST_ALPHA = -16.0  # octaves, as the format has it
_EVENLY_FINER = 1.3  # fineness that steps need if none follows anything, to come near the dB of those that do


@dataclass(frozen=True)
class Idea:
    """What is switched off.

    Attributes:
        name: as the table shows it.
        options: of `balance.Options`, for the stages behind the order of removal.
        finer: what is added to the fineness.
        few_views: a quarter of the views, at full resolution, decides who stays.
        change: of what is to settle.
        meanwhile: what settling and coding run in.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    finer: float = 0.0
    few_views: bool = False
    change: Callable[[Balanced], Balanced] = lambda made: made
    meanwhile: Callable[[], AbstractContextManager[Any]] = nullcontext

    @property
    def repairs_as_always(self) -> bool:
        """Whether nothing is different before settling."""
        return not (self.options.keys() - {"settle"} or self.finer or self.few_views)


class Bench:
    """A scene, and what ideas share of it."""

    def __init__(self, source: Scene) -> None:
        self.source, self.profile = source, Profile.preset_named("balanced")
        self._seconds: dict[str, float] = {}
        assert self.profile.balance is not None
        assert self.profile.stepped is not None
        self.options = self.profile.balance
        self.steps = balance.steps_for_pruned(self.profile.stepped)

    @cached_property
    def prepared(self) -> Prepared:
        """From every view."""
        with self._timed("prepared"):
            return balance.prepare(self.source, self.options)

    @cached_property
    def reduced(self) -> Balanced:
        """What settles with nothing off."""
        prepared = self.prepared
        with self._timed("reduced"):
            return prepared.reduced(self.steps, progress=silent)

    def seconds(self, idea: Idea) -> float:
        """CPU seconds of what an idea shares with others."""
        shared = ["prepared", "reduced"] if idea.repairs_as_always else ["prepared"]
        for name in shared:
            getattr(self, name)
        return sum(self._seconds[name] for name in shared)

    @contextmanager
    def _timed(self, name: str) -> Iterator[None]:
        start = time.process_time()
        yield
        self._seconds[name] = time.process_time() - start

    def file(self, idea: Idea) -> bytes:
        """What is written without the idea."""
        prepared = self._by_few_views() if idea.few_views else self.prepared
        prepared = replace(prepared, options=replace(prepared.options, **idea.options))
        if idea.repairs_as_always:
            made = self.reduced
        else:
            steps = replace(self.steps, fineness=self.steps.fineness + idea.finer)
            made = prepared.reduced(steps, progress=silent)
        with idea.meanwhile():
            made = prepared.settled(idea.change(made), progress=silent)
            return encode(
                made.scene, replace(self.profile, stepped=made.steps), tiers=made.tiers,
                compensation=made.compensation, classes=made.classes, fitted=made.fitted,
            )  # fmt: skip

    def _by_few_views(self) -> Prepared:
        whole = self.prepared
        few = whole.cameras[:: max(1, round(len(whole.cameras) / _FEW_VIEWS))]
        found = removal.order(whole.scene, few, self.options.removal)
        price = found.price / sum(3 * camera.width * camera.height for camera in few)
        return replace(whole, removal=replace(found, price=price))


def ideas(options: balance.Options) -> list[Idea]:
    """Nothing off, at three finenesses, then one idea after the other."""
    resting = {"settle": replace(options.settle, rates=replace(options.settle.rates, steps=0))}
    broken = {"repair": replace(options.repair, steps=0)}
    return [
        Idea(NOTHING),
        *(Idea(name, finer=more) for name, more in BESIDE.items()),
        Idea("pruning", {"prune": 0.0}),
        Idea("all views decide who stays: 88 do", few_views=True),
        Idea("repair", broken),
        Idea("settling", resting),
        Idea("repair and settling", broken | resting),
        Idea("Huber loss: absolute differences", _not_squared(options)),
        Idea("importance classes", change=lambda made: made._replace(classes=None)),
        Idea("importance class of geometry", change=partial(_without_class, which=0)),
        Idea("importance class of colour", change=partial(_without_class, which=1)),
        Idea("steps that follow what is decoded", change=_evenly_stepped, meanwhile=_no_exponents),
        Idea("diffusion of errors", change=lambda made: made._replace(steps=replace(made.steps, diffusion=0.0))),
        Idea("KLT of colour", meanwhile=lambda: changed_fits(Fits.channels_apart)),
        Idea("KLT of SH, channels", meanwhile=lambda: changed_fits(Fits.sh_channels_apart)),
        Idea("KLT of SH, coefficients", meanwhile=lambda: changed_fits(Fits.coefficients_apart)),
        Idea("colour from neighbours", meanwhile=lambda: changed_fits(Fits.color_unforeseen)),
        Idea("SH from neighbours", meanwhile=lambda: changed_fits(Fits.sh_unforeseen)),
        Idea("tiers", change=lambda made: made._replace(tiers=np.zeros_like(made.tiers))),
    ]


def measure_ideas(scene: BenchScene, source: Scene) -> Iterator[dict[str, Any]]:
    """Measure what was not measured of this code yet, and record each row as soon as it is there."""
    known = {"scene": scene.name, "revision": code_revision(), "scene_sha256": scene.sha256}
    done = {row["off"] for row in read_rows(IDEAS_RECORDS) if known.items() <= row.items()}
    judges, bench = Judges.of(scene, source), Bench(source)

    def put(off: str, sizes: dict[str, Any], losses: dict[str, Any], cpu_s: float) -> dict[str, Any]:
        row = {**known, "off": off, **sizes, **losses, "cpu_s": round(cpu_s, 1)}
        put_row("ideas", scene, row, key={"scene": scene.name, "off": off}, path=IDEAS_RECORDS)
        return row

    for idea in ideas(bench.options):
        if idea.name in done:
            continue
        shared = bench.seconds(idea)
        start = time.process_time()
        coded = bench.file(idea)
        cpu = shared + time.process_time() - start
        losses = judges.losses(coded, source)
        if idea.name == NOTHING:
            yield put(CONTEXTS, sizes_with_one_context(coded, source), losses, cpu)
        yield put(idea.name, size_of(coded, source), losses, cpu)


def _not_squared(options: balance.Options) -> Mapping[str, Any]:
    settle = replace(options.settle, rates=replace(options.settle.rates, small=_NOTHING_SMALL))
    return {"repair": replace(options.repair, small=_NOTHING_SMALL), "settle": settle}


def _without_class(made: Balanced, *, which: int) -> Balanced:
    classes = made.classes.copy()
    classes[:, which] = 0
    return made._replace(classes=classes)


def _evenly_stepped(made: Balanced) -> Balanced:
    """Steps that are in the proportion of those that followed, by the means of their logarithms."""
    scene, octaves = made.scene, dict(made.steps.octaves)
    scales = np.sort(scene.log_scales, axis=1)[:, ::-1] / _OCTAVE
    alpha = np.maximum(-np.logaddexp(0, -scene.opacity_logits) / _OCTAVE, _LEAST_ALPHA)
    features = np.column_stack([alpha, scales - np.median(scales.mean(1))])
    for name, exponents in stepped._EXPONENTS.items():
        most = made.steps.most_color / 2 if name in stepped._BY_COLOR_CLASS else np.inf
        follows = np.minimum(features @ np.array(exponents[:4]), most)
        octaves[name] = octaves.get(name, octaves.get(name.split("_")[0], 0.0)) + float(follows.mean())
    finer = made.steps.fineness + _EVENLY_FINER
    return made._replace(steps=replace(made.steps, fineness=finer, octaves=octaves))


def _no_exponents() -> AbstractContextManager[Any]:
    """Steps follow classes alone."""
    return mock.patch.dict(stepped._EXPONENTS, dict.fromkeys(stepped._EXPONENTS, (0, 0, 0, 0, 0)))
