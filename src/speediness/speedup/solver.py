"""From what looks natural to how fast to play: the optimal plan S*(t) (SpeedNet §4.2).

The paper minimises ``E_speed(S, V) + beta E_rate(S, R_o) + alpha E_smooth(S')`` over the factor S
and leaves the norms, alpha and beta open. Here, in slowness u = 1/S (output seconds per source
second), over a video of D seconds and for a target rate R::

    minimise    integral (u - g)^2 dt  +  smooth_s^2  integral u'^2 dt
    subject to  integral u dt = D / R,
                1/fastest <= u <= 1/slowest,
                |log u(t+h) - log u(t)| <= h / smooth_s   between knots h apart,

    g = clip(c / V, 1/fastest, 1/slowest),  the one c with  integral g dt = D / R.

*Why slowness.* The output length is the integral of u, so the target is one linear constraint,
met exactly: beta goes to infinity. In S it would be neither linear nor convex.

*Why a common factor c.* V says what may be played how fast, and its own overall speed-up is
seldom what was asked for (the nine thresholds offer nine). Scaled so, every moment exceeds its
limit V, or stays below it, by the same ratio 1/c: before smoothing, no plan of this length has a
smaller greatest excess S/V. A video with V = 1.3 everywhere asked for at 3x plays at 3x throughout.

*Why one weight.* alpha = smooth_s^2 is the square of a time: the optimum without the bounds is g
averaged with the weights exp(-|t|/smooth_s), mirrored at the ends, which irons out the roughness
of V, a maximum of thresholded probabilities, over about two smooth_s. These weights are positive
and sum to one, so u keeps the bounds and the integral of g; and they fall off by no more than a
factor exp(-h/smooth_s) per h, so log S changes by no more than that. The bounds on S and on its
change thus hold at the optimum *for free*, and the quadratic programme is one linear solve:
(M + smooth_s^2 K) u = M g with trapezoid masses M and stiffness K, which a cosine transform makes
diagonal. The tests compare it with a general solver that is given all constraints.

*Choice of the threshold.* The paper takes the rho in 0.1 .. 0.9 "for which the overall speedup is
closest to the desired one" without saying overall of what. Here: the video played at V, duration /
integral of 1/V; closest as a ratio, since only the ratio 1/c remains in the plan; of equally
close ones the nearest to 0.5, where the network itself draws the line.

*Locks* are ranges to be left as they are, S = 1. Around a lock at distance d the bound on the change
leaves u between exp(-d/smooth_s) and exp(d/smooth_s); these join the bounds on u, knot by knot. g
meets the wider set of bounds, and what smoothing moves out of them is clipped back and scaled again,
which keeps length, bounds and change exact but is no longer the optimum of the programme near a lock.

*Limits* are ranges with a greatest S of their own, such as speech; they are half a lock.

*Cuts* between shots are not exempt from smoothness: the sound often runs on across them, where a
jump in tempo is heard, and a cut found in error would become a visible jerk.
"""

from collections.abc import Sequence
from dataclasses import asdict, dataclass

import numpy as np

from speediness.errors import PlanError
from speediness.results.curve import THRESHOLDS, Float64s, SpeedinessCurve
from speediness.results.labels import NATURAL_RANGE
from speediness.results.plan import SpeedPlan
from speediness.speedup.stretches import Span
from speediness.version import __version__

Limit = tuple[Span, float]
"""A stretch and the greatest S in it."""

KNOTS_PER_S = 10  # of source time; a tenth of a second is far below any useful smooth_s
TABLE_RATES = (1.25, 1.5, 2.0, 3.0, 4.0)


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


@dataclass(frozen=True)
class TargetRow:
    """What one target rate would give."""

    rate: float
    duration_s: float
    """Length of the video at this rate."""
    slowest: float
    """Smallest S of the plan."""
    fastest: float
    """Largest S of the plan."""
    rho: float | None
    """The threshold chosen; None when nothing moves."""


@dataclass(frozen=True)
class Naturalness:
    """How natural a sped-up video looks to the network, over the time that a viewer spends.

    P is P_vi(t) of §4.1 at the factor being played, interpolated between the factors scored. It
    is the planning network's own opinion: good for comparing plans, no measurement of success.
    """

    natural: float
    """Mean P, 0..1."""
    unnatural_share: float
    """Share of the viewing time at S > 1.35 V, 0..1: clearly faster than the fastest that looks natural.

    V is at least 1, so a stretch that looks sped up as it is does not count where it plays at 1x.
    """
    excess: float
    """Geometric mean of max(1, S / V) with V at threshold 0.5; 1: nowhere beyond the limit."""


def plan_speedup(
    curve: SpeedinessCurve,
    rate: float,
    options: PlanOptions = DEFAULT_OPTIONS,
    locks_s: Sequence[Span] = (),
    limits_s: Sequence[Limit] = (),
) -> SpeedPlan:
    """The plan of the wanted length that best follows what looks natural (§4.2).

    A video in which nothing moves gives the network nothing to score and plays at one speed, but for
    its locks.

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
    if curve.is_still and not (locks_s or limits_s):
        ends_s = np.array([0.0, curve.duration_s])
        return SpeedPlan(ends_s, np.full(2, 1 / rate), rate, None, made_by)

    rho = None if curve.is_still else choose_threshold(curve, rate)
    knots_s, mass_s = _knots(curve.duration_s)
    bounds = _bounds(knots_s, options, locks_s, limits_s)
    limit = np.ones(len(curve.times_s)) if rho is None else curve.limit(rho)
    wanted = _mean_around_knots(curve, 1 / limit, mass_s)
    goal = _scaled_to_rate(wanted, mass_s, rate, bounds)
    smooth = _smoothed(goal, float(knots_s[1]), options.smooth_s)
    # Without locks all constraints already hold; this takes the last rounding error out of them.
    slowness = _scaled_to_rate(smooth, mass_s, rate, bounds)
    return SpeedPlan(knots_s, slowness, rate, rho, made_by)


def choose_threshold(curve: SpeedinessCurve, rate: float) -> float:
    """The rho in 0.1 .. 0.9 whose V has the overall speed-up nearest to ``rate`` (§4.2)."""

    def preference(rho: float) -> tuple[float, float]:
        return abs(np.log(overall_speedup(curve, rho) / rate)), abs(rho - 0.5)

    return min(THRESHOLDS, key=preference)


def overall_speedup(curve: SpeedinessCurve, rho: float) -> float:
    """How many times shorter the video is when every moment plays at its V (§4.1)."""
    return curve.duration_s / float(np.sum(curve.frame_lengths_s / curve.limit(rho)))


def durations_table(
    curve: SpeedinessCurve, rate: float, options: PlanOptions = DEFAULT_OPTIONS
) -> list[TargetRow]:
    """What the usual target rates and ``rate`` would give, slowest first.

    Raises:
        PlanError: ``rate`` lies outside the bounds.
    """
    usual = {target for target in TABLE_RATES if options.slowest <= target <= options.fastest}
    plans = [plan_speedup(curve, target, options) for target in sorted(usual | {float(rate)})]
    return [
        TargetRow(
            rate=plan.rate,
            duration_s=plan.output_duration_s,
            slowest=float(plan.factor.min()),
            fastest=float(plan.factor.max()),
            rho=plan.rho,
        )
        for plan in plans
    ]


def compare_with_uniform(curve: SpeedinessCurve, plan: SpeedPlan) -> tuple[Naturalness, Naturalness]:
    """How natural the video of a curve looks by its plan, and sped up uniformly to that length.

    The plan does not win by construction. It spreads what is too fast evenly, and it gives the viewer more
    time in action, where P is lower; above the overall speed-up of V, and with a network in much doubt,
    uniform often has the better mean P and share.
    """
    shown_s = np.diff(plan.output_time(np.append(curve.times_s, curve.duration_s)))
    uniform_s = curve.frame_lengths_s / plan.rate
    return _naturalness(curve, shown_s), _naturalness(curve, uniform_s)


def _naturalness(curve: SpeedinessCurve, shown_s: Float64s) -> Naturalness:
    """Score a video in which the frames are on screen for ``shown_s`` (F,)."""
    factor = curve.frame_lengths_s / shown_s
    # Linear in the logarithm of the factor, the first and last value beyond the ends.
    steps = np.log(curve.factors)
    place = np.interp(np.log(factor), steps, np.arange(len(steps)))
    below = place.astype(np.intp)
    above = np.minimum(below + 1, len(steps) - 1)
    frames = np.arange(len(factor))
    lower, upper = curve.normal[below, frames], curve.normal[above, frames]
    natural = lower + (place - below) * (upper - lower)
    beyond = factor / curve.limit()
    excess = np.log(np.maximum(1, beyond))
    return Naturalness(
        natural=float(np.average(natural, weights=shown_s)),
        unnatural_share=float(np.average(beyond > NATURAL_RANGE[1], weights=shown_s)),
        excess=float(np.exp(np.average(excess, weights=shown_s))),
    )


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


def _scaled_to_rate(
    slowness: Float64s, mass_s: Float64s, rate: float, bounds: tuple[Float64s, Float64s]
) -> Float64s:
    """``clip(c * slowness)`` with the c that gives the video its length.

    The length grows with c from the shortest possible to the longest, so bisection finds it to
    the last digit. Neither scaling nor clipping makes neighbours differ by a larger ratio.
    """
    length_s = mass_s.sum() / rate
    least, most = float(np.min(bounds[0] / slowness)), float(np.max(bounds[1] / slowness))
    while least < (middle := (least + most) / 2) < most:
        # Not a BLAS product: its last digit, and on a busy machine its time, depend on threads.
        if np.sum(mass_s * np.clip(middle * slowness, *bounds)) < length_s:
            least = middle
        else:
            most = middle
    return np.clip(most * slowness, *bounds)


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
