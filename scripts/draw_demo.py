"""Draws docs/images/demo.webp: the bundled clip at a uniform 2x beside its plan, over V(t) and S*(t).

python scripts/draw_demo.py
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from speediness import analyse, plan_speedup
from speediness.plots import PALETTES, new_figure
from speediness.results.curve import SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.video.frame_choice import choose
from speediness.video.reader import VideoReader

ROOT = Path(__file__).parent.parent
VIDEO, OUT = ROOT / "examples" / "rests.mp4", ROOT / "docs" / "images" / "demo.webp"
RATE, FRAMES_A_S = 2.0, 12.5
FRAME_PX, PLOT_PX, BAR_PX, DPI = (320, 180), (640, 150), 26, 100
COLOURS = PALETTES["light"]


def main() -> None:
    """Analyse, plan, and write the moving image."""
    curve = analyse(VIDEO)
    plan = plan_speedup(curve, rate=RATE)
    played_s = np.arange(0, plan.output_duration_s, 1 / FRAMES_A_S)
    moments = {"uniform": RATE * played_s, "adaptive": plan.source_time(played_s)}
    speeds = {
        "uniform": np.full_like(played_s, RATE),
        "adaptive": np.interp(moments["adaptive"], plan.times_s, plan.factor),
    }
    videos = {name: frames_at(times_s) for name, times_s in moments.items()}
    plot, (left_px, top_px, right_px, bottom_px) = speed_plot(curve, plan)
    font = ImageFont.load_default(15)
    images: list[Image.Image] = []
    for number in range(len(played_s)):
        sheet = Image.new("RGB", (2 * FRAME_PX[0], BAR_PX + FRAME_PX[1] + PLOT_PX[1]), COLOURS.paper)
        sheet.paste(plot, (0, BAR_PX + FRAME_PX[1]))
        draw = ImageDraw.Draw(sheet)
        for side, (name, colour) in enumerate((("uniform", COLOURS.ink), ("adaptive", COLOURS.plan))):
            sheet.paste(videos[name][number], (side * FRAME_PX[0], BAR_PX))
            draw.text(
                (side * FRAME_PX[0] + 8, 4), f"{name}  {speeds[name][number]:.1f}x", colour, font=font
            )
            share = moments[name][number] / plan.source_duration_s
            x = left_px + share * (right_px - left_px)
            over_px = BAR_PX + FRAME_PX[1]
            draw.line((x, over_px + top_px, x, over_px + bottom_px), colour, 2)
        images.append(sheet)
    options = {"save_all": True, "append_images": images[1:], "duration": round(1000 / FRAMES_A_S)}
    images[0].save(OUT, loop=0, quality=55, method=4, **options)
    print(f"{OUT}: {OUT.stat().st_size / 1e6:.2f} MB, {len(images)} frames")


def frames_at(times_s: NDArray[np.float64]) -> list[Image.Image]:
    """What is on screen at ascending moments of the clip."""
    frames = ((frame.time_s, frame.pixels_HWC) for frame in VideoReader(VIDEO).frames(FRAME_PX[1]))
    return [Image.fromarray(pixels).resize(FRAME_PX) for _, pixels in choose(frames, times_s)]


def speed_plot(curve: SpeedinessCurve, plan: SpeedPlan) -> tuple[Image.Image, tuple[float, ...]]:
    """V(t), the plan and the uniform rate over the time of the clip, and the box of its axes in pixels."""
    figure = new_figure(PLOT_PX[0] / DPI, PLOT_PX[1] / DPI, DPI)
    axes = figure.subplots()
    axes.fill_between(
        curve.times_s, 1, curve.limit(), step="post", color=COLOURS.limit, alpha=0.25, label="natural"
    )
    axes.axhline(plan.rate, color=COLOURS.ink, linestyle="--", linewidth=1, label="uniform")
    axes.plot(plan.times_s, plan.factor, color=COLOURS.plan, label="adaptive")
    axes.set(xlim=(0, plan.source_duration_s), ylim=(1, 20), yscale="log")
    axes.set_xlabel("time in the clip (s)", fontsize=8)
    axes.set_yticks([1, 2, 5, 10], ["1×", "2×", "5×", "10×"])
    axes.minorticks_off()
    axes.tick_params(labelsize=8)
    axes.legend(loc="upper center", ncols=3, frameon=False, fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    figure.canvas.draw()
    drawn = Image.fromarray(np.asarray(figure.canvas.buffer_rgba())[..., :3])  # pyright: ignore
    box = axes.get_window_extent()
    return drawn, (box.x0, PLOT_PX[1] - box.y1, box.x1, PLOT_PX[1] - box.y0)


if __name__ == "__main__":
    main()
