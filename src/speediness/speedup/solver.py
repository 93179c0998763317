"""From what looks natural to how fast to play: the optimal plan S*(t) (SpeedNet §4.2).

The paper minimises ``E_speed(S, V) + beta E_rate(S, R_o) + alpha E_smooth(S')`` over the factor S
and leaves the norms, alpha and beta open. Here, over a video of D seconds and for a target rate R,
first the best speed g of every moment, then the smoothest way near it, both in slowness u = 1/S
(output seconds per source second)::

    minimise    integral E(t, 1/g) dt,     E(t, S) = integral over log f from 0 to log S of 1 - P(t, f) + d
    minimise    integral (u - g)^2 dt  +  smooth_s^2  integral u'^2 dt
    subject to  integral g dt = integral u dt = D / R,
                1/fastest <= u <= 1/slowest,
                |log u(t+h) - log u(t)| <= h / smooth_s   between knots h apart.

*Why slowness.* The output length is the integral of u, so the target is one linear constraint,
met exactly: beta goes to infinity. In S it would be neither linear nor convex.

*Why an expectation in place of V.* P(t, f) is the probability that the moment still looks natural at
factor f, so E is by how much, as a logarithm, it is expected to look too fast at S. It is convex, and
its minimum has S (1 - P(S) + d) the same at every moment: what looks less odd goes faster. The small
doubt d makes all go alike where P says nothing. Before smoothing, locks and limits no plan of this
length has a smaller E.
The paper compares S with V, thresholded at the rho for which V's overall speed-up is nearest to R. On
123 videos at 2x nearly every rho was 0.1 or 0.2, where V is rough: half of these plans looked faster
than uniform to the network itself (docs/benchmarks.md).

*Why one weight.* alpha = smooth_s^2 is the square of a time: the optimum without the bounds is g
averaged with the weights exp(-|t|/smooth_s), mirrored at the ends, which irons out the roughness
of P over about two smooth_s. These weights are positive and sum to one, so u keeps the bounds and
the integral of g; and they fall off by no more than a factor exp(-h/smooth_s) per h, so log S
changes by no more than that. The bounds on S and on its change thus hold at the optimum *for free*,
and the quadratic programme is one linear solve: (M + smooth_s^2 K) u = M g with trapezoid masses M
and stiffness K, which a cosine transform makes diagonal. The tests compare both steps with general
solvers that are given all constraints.

*Locks* are ranges to be left as they are, S = 1. Around a lock at distance d the bound on the change
leaves u between exp(-d/smooth_s) and exp(d/smooth_s); these join the bounds on u, knot by knot. g
meets the wider set of bounds, and what smoothing moves out of them is clipped back and scaled again,
which keeps length, bounds and change exact but is no longer the optimum of the programme near a lock.

*Limits* are ranges with a greatest S of their own, such as speech; they are half a lock.

*Cuts* between shots are not exempt from smoothness: the sound often runs on across them, where a
jump in tempo is heard, and a cut found in error would become a visible jerk.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise

import numpy as np

from speediness.errors import PlanError
from speediness.results.curve import Float64s, SpeedinessCurve
from speediness.results.plan import SpeedPlan
from speediness.speedup.stretches import Span
from speediness.version import __version__

Limit = tuple[Span, float]
"""A stretch and the greatest S in it."""

KNOTS_PER_S = 10  # of source time; a tenth of a second is far below any useful smooth_s
DOUBT = 0.05
"""Added to 1 - P, about the calibration error of the network: stretches that it has nothing against share
the speed evenly."""


@dataclass(frozen=True)
class PlanOptions:
    """What a plan may do.

    Raises:
        PlanError: bounds or smoothing time that no plan can keep.
    """

    slowest: float = 1.0
    """Lower bound of S; 1: never slower than the source."""
    fastest: float = 10.0
    """Upper bound of S; just above 1.25^10 = 9.3, the fastest that the network is asked about (§4.1)."""
    smooth_s: float = 1.5
    """Time over which S changes, source seconds: by a factor of at most e, so 1.95 per second."""

    def __post_init__(self) -> None:
        """Refuse bounds that exclude each other."""
        if not 0 < self.slowest <= self.fastest < np.inf:
            raise PlanError(f"no speed lies between {self.slowest} and {self.fastest}; widen the bounds")
        if not 0 < self.smooth_s < np.inf:
            raise PlanError(f"smooth_s is {self.smooth_s}; give a positive number of seconds")

    def check_rate(self, rate: float) -> None:
        """Whether a video can be brought to this rate; any video, since uniform speed is a plan too.

        Raises:
            PlanError: ``rate`` lies outside the bounds.
        """
        if not self.slowest <= rate <= self.fastest:
            reach = f"{self.slowest:g} to {self.fastest:g}"
            raise PlanError(f"a rate of {rate:g} cannot be reached; choose one from {reach}")


DEFAULT_OPTIONS = PlanOptions()


def plan_speedup(
    curve: SpeedinessCurve,
    rate: float,
    options: PlanOptions = DEFAULT_OPTIONS,
    locks_s: Sequence[Span] = (),
    limits_s: Sequence[Limit] = (),
) -> SpeedPlan:
    """The smooth plan of the wanted length near the one that is expected to look the least too fast (§4.2).

    A video in which nothing moves plays at one speed, but for its locks.

    Args:
        curve: what the network saw.
        rate: source duration / output duration.
        options: bounds and smoothing.
        locks_s: stretches that keep the speed of the source, S = 1 from start to end; the flanks lie
            outside. They may overlap, in any order.
        limits_s: stretches with a greatest S of their own.

    Raises:
        PlanError: ``rate`` lies outside the bounds or cannot be reached with these locks, or a lock
            is no stretch of this video.
    """
    rate = float(rate)
    check_target(curve.duration_s, rate, options, locks_s, limits_s)
    made_by = {
        "program": f"speediness {__version__}",
        "settings": asdict(options)
        | ({"locks_s": [list(lock) for lock in locks_s]} if locks_s else {})
        | ({"limits_s": [[*span, limit] for span, limit in limits_s]} if limits_s else {}),
        "curve": curve.made_by,
    }
    knots_s, mass_s = _knots(curve.duration_s)
    bounds = _bounds(knots_s, options, locks_s, limits_s)
    goal = _best_moment_by_moment(curve, mass_s, rate, bounds)
    smooth = _smoothed(goal, float(knots_s[1]), options.smooth_s)
    # Without locks all constraints already hold; this takes the last rounding error out of them.
    slowness = _of_length(
        lambda c: np.clip(c * smooth, *bounds), (0.0, float(np.max(bounds[1] / smooth))), mass_s, rate
    )
    return SpeedPlan(knots_s, slowness, rate, made_by)


def compare_with_uniform(curve: SpeedinessCurve, plan: SpeedPlan) -> tuple[float, float]:
    """How many times too fast a video is expected to look by its plan, and at one speed for that length.

    It is the geometric mean over the source of what :func:`plan_speedup` makes small, 1 or more: the
    planning network's own opinion, good for comparing plans, no measurement of success. With locks, limits
    or ``slowest`` below 1 a plan may come out above uniform.
    """
    shown_s = np.diff(plan.output_time(np.append(curve.times_s, curve.duration_s)))
    adaptive, uniform = curve.frame_lengths_s / shown_s, np.full(len(shown_s), plan.rate)
    return _too_fast(curve, adaptive), _too_fast(curve, uniform)


def _too_fast(curve: SpeedinessCurve, factor: Float64s) -> float:
    """The exponential of the mean of E over frames that play at ``factor`` (F,)."""
    expected = np.zeros(len(factor))
    for (low, odd), (high, odder) in pairwise(zip((*curve.factors, np.inf), _odd(curve), strict=True)):
        slope, reached = (odder - odd) / (high - low), np.clip(factor, low, high)
        expected += (odd - slope * low) * np.log(reached / low) + slope * (reached - low)
    return float(np.exp(np.average(expected, weights=curve.frame_lengths_s)))


def _odd(curve: SpeedinessCurve) -> Iterator[Float64s]:
    """(F,) 1 - P at every factor and, as at the last, beyond; linear between.

    What looks sped up does so at any higher speed, too.
    """
    odd, still = np.zeros(len(curve.times_s)), curve.is_still
    for normal in curve.normal:
        odd = np.maximum(odd, 0 if still else 1 - normal.astype(np.float64))
        yield odd
    yield odd


def _best_moment_by_moment(
    curve: SpeedinessCurve, mass_s: Float64s, rate: float, bounds: tuple[Float64s, Float64s]
) -> Float64s:
    """(M,) the slowness with S (1 - P + DOUBT) the same at every knot, but for the bounds."""
    odd = DOUBT + np.stack([_mean_around_knots(curve, each, mass_s) for each in _odd(curve)])
    odd = np.concatenate([odd[:1], odd])  # below the first factor as there
    factors, knots = np.array([0, *curve.factors, np.inf]), np.arange(odd.shape[1])
    costs = factors[:, None] * odd

    def slowness_at(c: float) -> Float64s:
        cell = np.sum(costs[1:] < 1 / c, axis=0)
        slope = (odd[cell + 1, knots] - odd[cell, knots]) / (factors[cell + 1] - factors[cell])
        start = odd[cell, knots] - slope * factors[cell]
        # The root of S (start + slope S) = 1 / c, in the form that is stable at slope 0.
        return np.clip(c * (start + np.sqrt(start**2 + 4 * slope / c)) / 2, *bounds)

    ends = float(bounds[0].min() / odd.max()), float(bounds[1].max() / odd.min())
    return _of_length(slowness_at, ends, mass_s, rate)


def _mean_around_knots(curve: SpeedinessCurve, values: Float64s, mass_s: Float64s) -> Float64s:
    """(F,) one value per frame to (M,) means over the stretch nearest to each knot."""
    frame_ends_s = np.append(curve.times_s, curve.duration_s)
    integral = np.concatenate([[0.0], np.cumsum(values * curve.frame_lengths_s)])
    stretch_ends_s = np.concatenate([[0.0], np.cumsum(mass_s)])
    return np.diff(np.interp(stretch_ends_s, frame_ends_s, integral)) / mass_s


def check_target(
    duration_s: float,
    rate: float,
    options: PlanOptions = DEFAULT_OPTIONS,
    locks_s: Sequence[Span] = (),
    limits_s: Sequence[Limit] = (),
) -> None:
    """Whether a video of this length has a plan; no curve is needed to know.

    Raises:
        PlanError: as :func:`plan_speedup`.
    """
    options.check_rate(rate)
    for start_s, end_s in (*locks_s, *(span for span, _ in limits_s)):
        if not 0 <= start_s < end_s <= duration_s:
            raise PlanError(
                f"{start_s:g} to {end_s:g} s is no stretch of this video;"
                f" give a start before its end, between 0 and {duration_s:g} s"
            )
    if limits_s and min(limit for _, limit in limits_s) < options.slowest:
        raise PlanError(f"no limit may lie below the slowest speed, {options.slowest:g}; raise it")
    if locks_s and not options.slowest <= 1 <= options.fastest:
        raise PlanError("a lock plays at 1x, which the bounds exclude; widen the bounds")
    knots_s, mass_s = _knots(duration_s)
    _check_reach(mass_s, _bounds(knots_s, options, locks_s, limits_s), rate)


def _knots(duration_s: float) -> tuple[Float64s, Float64s]:
    """(M,) knots, and how much of the video each stands for, seconds."""
    cells = max(1, int(np.ceil(duration_s * KNOTS_PER_S)))
    mass_s = np.full(cells + 1, duration_s / cells)
    mass_s[[0, -1]] /= 2
    return np.linspace(0, duration_s, cells + 1), mass_s


def _bounds(
    knots_s: Float64s, options: PlanOptions, locks_s: Sequence[Span], limits_s: Sequence[Limit]
) -> tuple[Float64s, Float64s]:
    """Least and greatest slowness at every knot, both (M,).

    Both change by no more than a factor exp(h / smooth_s) per h, so clipping to them keeps that.
    """
    least = np.full(len(knots_s), 1 / options.fastest)
    most = np.full(len(knots_s), 1 / options.slowest)
    kept = [(lock, 1.0, True) for lock in locks_s] + [(span, limit, False) for span, limit in limits_s]
    for (start_s, end_s), limit, locked in kept:
        # From knot to knot, so that it holds between knots too.
        first = knots_s[np.searchsorted(knots_s, start_s, "right") - 1]
        last = knots_s[min(np.searchsorted(knots_s, end_s, "left"), len(knots_s) - 1)]
        away = np.maximum(0, np.maximum(first - knots_s, knots_s - last)) / options.smooth_s
        least = np.maximum(least, np.exp(-away) / limit)
        if locked:
            most = np.minimum(most, np.exp(np.minimum(away, 50)))  # e^50 is above any bound
    return least, most


def _check_reach(mass_s: Float64s, bounds: tuple[Float64s, Float64s], rate: float) -> None:
    """Refuse a length that no slowness within its bounds gives."""
    source_s = mass_s.sum()
    shortest_s, longest_s = (float(np.sum(mass_s * bound)) for bound in bounds)
    if not shortest_s * (1 - 1e-12) <= source_s / rate <= longest_s * (1 + 1e-12):
        # Rounded inwards, so that what is named can be had.
        slowest, fastest = np.ceil(100 * source_s / longest_s - 1e-9), np.floor(100 * source_s / shortest_s)
        reach = f"{slowest / 100:g} to {fastest / 100:g}"
        raise PlanError(
            f"a rate of {rate:g} cannot be reached with what must stay slow; choose one from {reach}"
        )


def _of_length(
    slowness_at: Callable[[float], Float64s], ends: tuple[float, float], mass_s: Float64s, rate: float
) -> Float64s:
    """``slowness_at(c)`` with the c between ``ends`` that gives the video its length.

    The length grows with c from the shortest possible to the longest, so bisection finds it to
    the last digit.
    """
    length_s = mass_s.sum() / rate
    least, most = ends
    while least < (middle := (least + most) / 2) < most:
        # Not a BLAS product: its last digit, and on a busy machine its time, depend on threads.
        if np.sum(mass_s * slowness_at(middle)) < length_s:
            least = middle
        else:
            most = middle
    return slowness_at(most)


def _smoothed(goal: Float64s, step_s: float, smooth_s: float) -> Float64s:
    """(M,) the minimiser of ``sum m (u - goal)^2 + smooth_s^2 sum (du)^2 / h``.

    Mirrored at both ends the video is periodic, and there the equation is one division per
    frequency.
    """
    mirrored = np.concatenate([goal, goal[-2:0:-1]])
    frequencies = np.arange(len(mirrored) // 2 + 1)
    stiffness = (2 * np.sin(np.pi * frequencies / len(mirrored)) / step_s) ** 2
    spectrum = np.fft.rfft(mirrored) / (1 + smooth_s**2 * stiffness)
    return np.fft.irfft(spectrum, len(mirrored))[: len(goal)]
