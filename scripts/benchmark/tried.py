"""The section about what was tried once, by experiments that are not kept, and how it compared with what is done."""

from __future__ import annotations

from collections.abc import Sequence

from benchmark.record import Row

_TRIED = """\
## Choices of balanced, and what was tried beside them

Measured once each, when the choice was made. What the encoder does, and why, is in ARCHITECTURE.md. Percentages
are bytes at equal dB unless they say otherwise.

**Pruning and steps.** At equal dB against the source, pruning costs less on photos than coarser steps do: without
cameras two thirds of the loss that its dB suggests, with them next to nothing.

- *A tenth stays* where steps change more than any scored splat is worth: of baleine's 386,000 splats one was left
  at the preset's own steps (15 dB). 5 to 7 % are best there (42 dB at 0.3 MB); 5 % with finer steps and 14 % with
  coarser ones lie on one curve.
- *Required worth and Adam's steps shrink with the noise* beyond the preset's own point: from pseudo-views, chair
  goes from 53.5 to 60.0 dB at 0.96 MB and saves a tenth of the bytes at 0.43 MB. Without this `fast` was smaller
  from 52 dB on.
- *A splat's worth divided by the bits that it takes*, from a model that explains 95 % of what groups of splats
  differ by (opacity, elongation, size of SH): chair, two seeds, -0.1 and +0.8 %. By the size of SH alone -0.5 and
  +0.1 %, snowmiku +1.0 %; around the scenes -1.6, -1.7 and -3.0 %. Left out.
- *Pruning twice* (chair, two seeds): to 1.3 times as many splats and once more after 500 steps of repair -0.5 and
  -2.2 %, 1.6 times and 800 steps -1.5 and +1.2 %; what a seed changes is as much. Left out.

**Views.** Pruning by 88 large views instead of all 320 at half the resolution cost snowmiku about a tenth of its
bytes at equal dB from all cameras of its capture.

- *The median splat at 1.8 pixels*, or at 0.9: karangkidul (524,470 splats) at 400x300 had 45.8 dB there, but 38.5
  at 1600x1200 and 32.9 at four times that focal length; from views of 800x600 it has 47.1, 43.6 and 38.6 for 11 %
  more bytes and 1.9 times the CPU time. 160 such views: 35.8 dB from near; views of 400x300 at one to eight times
  the focal length: 37.7 and 36.4 dB. pod, at 0.8 pixels, gained nothing: hence 0.9 and not 1.8.
- *Given cameras at 1.4 times the pixels per radian* of pseudo-views, dB lost at equal bytes: chair 0.29 to 0.26,
  snowmiku 0.31 to 0.23. Given cameras alone, up to 600 pixels: chair 43x to 53x at 0.3 dB.
- *Photos* (`--photos`), beside pseudo-views: made as small as the views are, chair loses more than without (0.36 dB,
  0.28 without); corrected by differences 0.17, or with the given cameras at full size 0.17; snowmiku (views of 98 %)
  0.04 to 0.07 each way, 0.20 without. Given cameras three times as often: chair 0.06 for 3 % more bytes and 0.8 dB
  less around the scene, snowmiku 0.07 for 4 % fewer and 1.5 dB less; six times: chair 0.00, 1.8 dB less. Twice the
  steps: chair 0.12 for 4 % more bytes. Left to `--view-weight`. Differences beyond 0.2 of a channel are dropped: half
  a chair, whose photos show the other half, keeps 46.6 dB of the source (37.9 with all of them, 49.0 without photos;
  cut to 0.1 instead 41.4, dropped from 0.1 on 48.3), and the whole chair gains as much as before (dropped from 0.1 on
  less: 0.22). Without pseudo-views it costs chair 0.06.
- Snowmiku without cameras, judged from all cameras of its capture: aiming farther from the centre, 85 % instead of
  64 % of views aimed at the middle, larger pictures, removal rounds of 10 %, 600 views: 0 to 3 % of the bytes. Left
  out.

**Classes.** 1.1 to 1.3 dB for 1.3 bits before settling. After it the colour class pays; at equal dB the geometry
class saves 12 % of the bytes of biker, of snowmiku 4 % with given cameras, 2 % with every splat kept and 1 % else,
of pod nothing, and costs chair 2 %.

**Repair and settling.** Before settling there were two stages after coding the geometry: colours refitted by least
squares, and rounding optimized value by value for rate and distortion (by curvature). Settling replaces both: it
works on the decoded values themselves, all attributes at once, with neighbours that respond. At the same steps 0.6
to 1.0 dB more, on photos 0.1 to 0.2 dB less lost (measured with 400 steps).

- *Adam's beta2 of 0.99* instead of 0.999, and repair's steps two thirds as long as for shorter runs: after repair
  1.2 dB more on chair, 0.2 on snowmiku.
- *A target met by steps alone*: coded by steps that they did not settle for, even nearly the same, values lose 1.1
  dB. Settled a second time for these, with 300 steps or with 900, they lose 0.2 dB against values that settle for
  them once, from what repair left: they drift from what predicts them (chair and pod, steps 0.1 finer and coarser).
- *A target met with the splats of another fineness*: baleine at 40 dB 179 KB instead of 165, chair at 46 dB 315
  instead of 295, at 42 dB the same. With the same splats dB rise by 3.2 to 3.9 a unit of fineness, of baleine by 0.9;
  with splats of their own by 4.4 to 5.8.
- *More steps*: snowmiku gains 5 % from 1,600 of repair and 900 of settling instead of 1,000 and 600. Twice and four
  times those, bytes at equal dB from test views: snowmiku -3.7 and -4.5 %, chair +1.3 and +5.3 %, because values
  that pictures hardly depend on drift from what predicts them. What should hold them did not help: a pull of SH
  towards its prediction, by a share of a step (chair +2.1 % and more) or as a term of the loss by what the codes
  cost (+0.3 to +0.7 %, around the scene -1 %); a pull towards the decoded value (+9 %); a larger epsilon of Adam,
  so that small gradients move little (0 to -0.7 %, within what a seed changes).

**Steps.** Snowmiku: one attribute's steps 0.3 octaves coarser or finer 1 %; dead zones by the cost of each plane's
codes no better than one for all; exponents of the step rules fitted to each scene's curvature 1.1 %, chair 0.4 %.
By curvature, positions with steps along the splat's axes would save 0.4 bits per splat (chair 1). Without diffusion
of errors (chair, two seeds) +0.6 and +1.2 %. All left out but diffusion.

## The order of a file

- *Tiers by removal order* (`balanced`): at 2, 8, 50 % of its splats snowmiku is 4 to 5 dB closer than by opacity
  and area, 3 dB closer than by blended weight.
- *A fair sample* (other presets) instead of the largest splats, which leave holes: at 10 % of the splats snowmiku
  25 against 22 dB, chair 23 against 20, baleine 35 against 30.
- *Tiles of their own for each tier*: 0.4 to 0.7 % smaller than tiers inside tiles, whose octrees tell later tiers
  little.
- *Tiles from the middle outwards*: at half of the bytes of `fast`, snowmiku has 28.0 dB (25.0 in the order of the
  tree that cuts the tiles), at three quarters 30.9 (28.9). Sums of importance, opacity, area or blended weight rank
  tiles badly (23 to 27 dB). `lossless` gains nothing from it and keeps its curve order.
- *Tiles by how much they are missed* (`balanced`): snowmiku 27.8 instead of 24.8 dB at half of the bytes, chair
  25.8 instead of 25.7. Tiles of 6,000 splats instead of 10,500 cost 0.2 (snowmiku) to 0.9 % (chair), as in `fast`
  (0.3 to 0.6 %); a second tier of 6 % instead of 4 costs 0.3 % for 0.5 dB.
- *More tiers*: a boundary at half of the splats costs 3.5 to 5 %, those at 1.5 and 5.5 % cost 1.5 to 2 %. `fast`,
  before splats grew by size, with a boundary at 60 %: 3.7 % of chair's bytes if weighted at random (31.8 instead of
  26.3 dB at half of the bytes), 1.4 % by area and 2.3 % by opacity x width (26.9, 29.1 dB); a uniformly random
  choice costs 4.7, of which 1.4 is the choice and the rest worse prediction from neighbours. An early tier of 16.5
  instead of 5.5 %: 1.5 to 2 % for 1.1 (snowmiku) and 2.9 dB (chair). Left out.
- *The last three bits of positions in layer 1*: they are 9 to 14 % of a file and could wait at no cost. Estimated
  from files with tiles left out, half of the bytes would then give 29.3 dB (snowmiku `fast`, 29.0 now) and 28.4
  (chair, 26.4): not worth another layer.
- *Stand-ins*: wider, blurred and more opaque splats give 2 to 6 dB for a few bytes. In a fair sample small splats
  stand in for more than large ones: 1 dB of it, averaged over six scenes. The splats that pruning would remove last
  are large, and all grow alike: with parameters for size and blur, fitted to pseudo-views, test views lost 0.3 to
  0.6 dB.

## The engine of the web viewer

PlayCanvas 2.23 and Spark 2.2 on three.js 0.187, each as a minified module with what a splat viewer needs, on the
sample chair (43,874 splats) in Chromium's software WebGL 2 at 400x300, 2 cores, best of 2:

| | PlayCanvas | Spark |
|---|--:|--:|
| bundle | 1.49 MB | 3.21 MB |
| gzip | 350 KB | 1,029 KB |
| arrays to first picture | 0.58 s | 2.22 s |
| a frame | 0.20 s | 1.29 s |

Spark alone exceeds the 2 MB that the package may grow by. Against the CPU renderer, with 8-bit blending, the chair
has 32 dB with PlayCanvas's own dilation (0.075 pixels squared) and 43 to 48 dB with that of training (0.3). Its
compact work buffer costs 0.05 dB of that and saves 8 bytes per splat.

## Other compilers and instruction sets

By instructions in QEMU, NEON takes 36 % fewer than scalar code to decode `fast`, 15 % fewer for scores and 7 %
fewer to draw. On x86-64, Clang 19 builds a core that decodes `fast` up to 6 % faster than GCC 12 does, `lossless` 7
to 13 %. FMA would save a tenth of the time of drawing (measured with AVX-512), but bits would differ between
machines.
""".splitlines()


def tried(_: Sequence[Row]) -> list[str]:
    """The sections, which no rows are behind."""
    return _TRIED
