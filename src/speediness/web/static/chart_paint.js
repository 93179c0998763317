// Draws what stands still under the video: score over labelled stretches, V(t) and S*(t), locks, matches.

import { clock } from "./format.js";

export const LEFT = 50;
export const RIGHT = 6;
export const AXIS = 20;
export const STRIP = 10; // the whole video in small, above a part of it
const TOP = 6;
const GAP = 18; // between the two plots
const SCORE_SHARE = 0.4;
const TIME_STEPS_S = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const FACTORS = [1, 1.5, 2, 3, 4, 6, 8, 10];
const MOST_CUTS = 60; // more would hide the curves
const FOUND = 56; // height of the plot of similarity
const NUMBER_PX = 14; // room that the number of a match takes

/**
 * What is drawn. columns: of the whole curve or of the part in view, with end_s; search: null, or what is
 * looked for and found; colour: from the name of a CSS variable.
 * @typedef {{curve: object, columns: object, plan: import("./plan.js").Plan | null, rate: number,
 *   locks: [number, number][], search: {range: [number, number] | null, answer: object | null} | null,
 *   colour: (name: string) => string}} Scene
 */

/** Where moments lie on the canvas. */
export class Axis {
  constructor(width, height, durationS, startS, endS) {
    Object.assign(this, { width, height, durationS, startS, endS });
    this.whole = endS - startS > durationS * 0.999;
    this.top = TOP + (this.whole ? 0 : STRIP + 4);
  }

  x(timeS) {
    return LEFT + ((timeS - this.startS) / (this.endS - this.startS)) * (this.width - LEFT - RIGHT);
  }

  time(x) {
    return this.startS + this.#share(x) * (this.endS - this.startS);
  }

  /** On the strip, which always shows the whole video. */
  stripX(timeS) {
    return LEFT + (timeS / this.durationS) * (this.width - LEFT - RIGHT);
  }

  stripTime(x) {
    return this.#share(x) * this.durationS;
  }

  #share(x) {
    return Math.min(Math.max((x - LEFT) / (this.width - LEFT - RIGHT), 0), 1);
  }

  /** Draw within the plots only. */
  clip(pen, draw) {
    pen.save();
    pen.beginPath();
    pen.rect(LEFT, 0, this.width - LEFT - RIGHT, this.height - AXIS);
    pen.clip();
    draw();
    pen.restore();
  }

  shade(pen, oneS, otherS, colour, alpha = 0.12) {
    const from = this.x(Math.min(oneS, otherS));
    const width = this.x(Math.max(oneS, otherS)) - from;
    pen.save();
    pen.fillStyle = colour;
    pen.globalAlpha = alpha;
    pen.fillRect(from, this.top, width, this.height - this.top - AXIS);
    pen.globalAlpha = 1;
    pen.fillRect(from, this.top, width, 3);
    pen.restore();
  }
}

/** @param {CanvasRenderingContext2D} pen @param {Axis} axis @param {Scene} scene */
export function paint(pen, axis, scene) {
  const below = scene.search === null ? 0 : FOUND + GAP;
  const inner = axis.height - axis.top - AXIS - GAP - below;
  const middle = axis.top + inner * SCORE_SHARE;
  const bottom = axis.height - AXIS;
  paintScore(pen, axis, scene, axis.top, middle);
  paintSpeeds(pen, axis, scene, middle + GAP, bottom - below);
  if (scene.search !== null) paintSearch(pen, axis, scene, bottom - FOUND, bottom);
  paintTimes(pen, axis, scene.colour("dim"));
  axis.clip(pen, () => {
    for (const [startS, endS] of scene.locks) axis.shade(pen, startS, endS, scene.colour("accent"));
  });
  if (!axis.whole) paintStrip(pen, axis, scene);
}

function label(pen, text, y, colour) {
  pen.fillStyle = colour;
  pen.textAlign = "right";
  pen.textBaseline = "middle";
  pen.fillText(text, LEFT - 6, y);
}

function paintScore(pen, axis, { curve, columns, colour }, top, bottom) {
  const y = (value) => bottom - value * (bottom - top);
  axis.clip(pen, () => {
    for (const segment of curve.segments) {
      const x = axis.x(segment.start_s);
      pen.fillStyle = colour(`band-${segment.label}`);
      pen.fillRect(x, top, Math.max(axis.x(segment.end_s) - x, 0.5), bottom - top);
    }
    fill(pen, axis, columns, columns.score.low, columns.score.high, y, colour("spread"));
    line(pen, axis, columns.times_s, columns.score.mean, columns.end_s, y, colour("ink"), 1.5);
    const cuts = curve.cuts_s.filter((cut) => cut >= axis.startS && cut <= axis.endS);
    if (cuts.length > MOST_CUTS) return;
    pen.fillStyle = colour("grid");
    for (const cut of cuts) pen.fillRect(axis.x(cut), top, 1, axis.height - AXIS - top);
  });
  label(pen, "sped up", top + 6, colour("dim"));
  label(pen, "natural", bottom - 6, colour("dim"));
}

function paintSpeeds(pen, axis, { curve, columns, plan, rate, colour }, top, bottom) {
  // Of the whole, so that the scale stands still while the view moves.
  const fastest = plan ? 1 / plan.slowness.reduce((a, b) => Math.min(a, b)) : 1;
  const highest = Math.max(2, rate, fastest, ...curve.limit) * 1.1;
  const limit = columns.limit;
  const y = (factor) => bottom - (Math.log(Math.max(factor, 1)) / Math.log(highest)) * (bottom - top);
  let lastY = Infinity;
  for (const factor of FACTORS) {
    if (factor > highest || lastY - y(factor) < 13) continue;
    lastY = y(factor);
    pen.fillStyle = colour("grid");
    pen.fillRect(LEFT, Math.round(lastY), axis.width - LEFT - RIGHT, 1);
    label(pen, `${factor}×`, lastY, colour("dim"));
  }
  axis.clip(pen, () => {
    fill(pen, axis, columns, new Array(limit.length).fill(1), limit, y, colour("limit"));
    if (plan === null) return;
    pen.setLineDash([4, 4]);
    line(pen, axis, [0], [rate], axis.durationS, y, colour("dim"), 1);
    pen.setLineDash([]);
    const { times, values } = thinned(plan, axis);
    line(pen, axis, times, values, axis.durationS, y, colour("accent"), 2.5);
  });
}

// What is looked for, what was found with its place, and how alike all the rest is.
function paintSearch(pen, axis, { search, colour }, top, bottom) {
  const { range, answer } = search;
  pen.fillStyle = colour("grid");
  pen.fillRect(LEFT, bottom - 0.5, axis.width - LEFT - RIGHT, 1);
  label(pen, "alike", top + 6, colour("dim"));
  axis.clip(pen, () => {
    if (range) axis.shade(pen, ...range, colour("found"), 0.28);
    if (!answer) return;
    const { graph, here } = answer;
    const columnS = axis.durationS / graph.length;
    pen.beginPath();
    graph.forEach((value, k) => {
      if (value === null) return;
      const at = [axis.x((k + 0.5) * columnS), bottom - Math.max(value, 0) * (bottom - top)];
      (graph[k - 1] ?? null) === null ? pen.moveTo(...at) : pen.lineTo(...at);
    });
    pen.strokeStyle = colour("ink");
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    const numbered = []; // the better match keeps its number where two would lie over each other
    here.forEach((match, n) => {
      axis.shade(pen, match.start_s, match.end_s, colour("found"), 0.1);
      const x = axis.x((match.start_s + match.end_s) / 2);
      if (numbered.some((other) => Math.abs(other - x) < NUMBER_PX)) return;
      numbered.push(x);
      pen.fillStyle = colour("found");
      pen.fillText(n + 1, x, top - 2);
    });
  });
}

// A plan of an hour has 36 000 knots and the screen a thousand columns; both extremes of each are kept.
function thinned({ slowness, stepS }, axis) {
  const first = Math.max(Math.floor(axis.startS / stepS) - 1, 0);
  const end = Math.min(Math.ceil(axis.endS / stepS) + 2, slowness.length);
  const per = Math.max(1, Math.floor((2 * (end - first)) / axis.width));
  const thin = { times: [], values: [] };
  const take = (k) => {
    thin.times.push(k * stepS);
    thin.values.push(1 / slowness[k]);
  };
  for (let start = first; start < end; start += per) {
    let low = start;
    let high = start;
    for (let k = start; k < Math.min(start + per, end); k++) {
      if (slowness[k] < slowness[low]) low = k;
      if (slowness[k] > slowness[high]) high = k;
    }
    take(Math.min(low, high));
    if (low !== high) take(Math.max(low, high));
  }
  take(end - 1);
  return thin;
}

function paintTimes(pen, axis, colour) {
  const room = Math.max(2, (axis.width - LEFT - RIGHT) / 70);
  const spanS = axis.endS - axis.startS;
  const step = TIME_STEPS_S.find((s) => spanS / s <= room) ?? spanS / 10;
  const digits = step < 0.1 ? 2 : step < 1 ? 1 : 0;
  pen.fillStyle = colour;
  pen.textBaseline = "bottom";
  for (let tick = Math.ceil(axis.startS / step - 1e-6); tick * step <= axis.endS + spanS * 1e-4; tick++) {
    const x = axis.x(tick * step);
    pen.textAlign = x < LEFT + 12 ? "left" : x > axis.width - 30 ? "right" : "center";
    pen.fillText(clock(tick * step, digits), x, axis.height - 2);
  }
}

function paintStrip(pen, axis, { curve, colour }) {
  for (const segment of curve.segments) {
    const x = axis.stripX(segment.start_s);
    pen.fillStyle = colour(`band-${segment.label}`);
    pen.fillRect(x, 0, Math.max(axis.stripX(segment.end_s) - x, 0.5), STRIP);
  }
  const from = axis.stripX(axis.startS);
  pen.strokeStyle = colour("ink");
  pen.lineWidth = 1.5;
  pen.strokeRect(from, 0.75, Math.max(axis.stripX(axis.endS) - from, 4), STRIP - 1.5);
}

function line(pen, axis, times, values, endS, y, colour, width) {
  pen.beginPath();
  values.forEach((value, k) => pen.lineTo(axis.x(times[k]), y(value)));
  if (times[times.length - 1] < endS) pen.lineTo(axis.x(endS), y(values[values.length - 1]));
  pen.strokeStyle = colour;
  pen.lineWidth = width;
  pen.stroke();
}

// Between two curves, each value held until the next.
function fill(pen, axis, { times_s: times, end_s: endS }, low, high, y, colour) {
  const end = (k) => axis.x(k + 1 < times.length ? times[k + 1] : endS);
  pen.beginPath();
  for (let k = 0; k < times.length; k++) {
    pen.lineTo(axis.x(times[k]), y(high[k]));
    pen.lineTo(end(k), y(high[k]));
  }
  for (let k = times.length - 1; k >= 0; k--) {
    pen.lineTo(end(k), y(low[k]));
    pen.lineTo(axis.x(times[k]), y(low[k]));
  }
  pen.fillStyle = colour;
  pen.fill();
}
