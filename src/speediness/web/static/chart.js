// The curve under the video: score over labelled segments, V(t) and S*(t), locks, play head.
// All that stands still is drawn once on a second canvas; every frame only adds the play head.

import { LABELS, clock, short } from "./format.js";

const TOP = 6;
const GAP = 18; // between the two plots
const AXIS = 20;
const LEFT = 50;
const RIGHT = 6;
const SCORE_SHARE = 0.4;
const TIME_STEPS_S = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600];
const FACTORS = [1, 1.5, 2, 3, 4, 6, 8, 10];
const LEAST_S = 0.1; // of what is dragged; less is a click
const MOST_CUTS = 60; // more would hide the curves
const FOUND = 56; // height of the plot of similarity

export class Chart {
  #curve = null;
  #plan = null;
  #rate = 1;
  #rho = "0.5";
  #locks = [];
  #openLockS = null;
  #search = null; // while motion is looked for: the range, and what was found
  #drag = null;
  #still = document.createElement("canvas");
  #stale = true;

  // box holds the canvas and is the slider that screen readers meet.
  constructor(box, canvas, { onSeek, onLock, onMark }) {
    this.box = box;
    this.canvas = canvas;
    this.onSeek = onSeek;
    this.onLock = onLock;
    this.onMark = onMark;
    new ResizeObserver(() => (this.#stale = true)).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.#stale = true));
    canvas.addEventListener("pointerdown", (event) => this.#grab(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#release());
    canvas.addEventListener("pointercancel", () => (this.#drag = null));
  }

  show(curve) {
    this.#curve = curve;
    this.#plan = null;
    this.box.setAttribute("aria-valuemax", curve.duration_s.toFixed(2));
    this.#stale = true;
  }

  showPlan(plan, rate, rho) {
    this.#plan = plan;
    this.#rate = rate;
    this.#rho = (rho ?? 0.5).toFixed(1);
    this.#stale = true;
  }

  showLocks(locks, openLockS) {
    this.#locks = locks;
    this.#openLockS = openLockS;
    this.#stale = true;
  }

  // range: [start, end] looked for; answer: what was found; either null. Without a search: null alone.
  showSearch(search) {
    this.#search = search;
    this.box.classList.toggle("finding", search !== null);
    this.#stale = true;
  }

  // To be called for every frame of the page; cheap when nothing changed.
  draw(timeS) {
    if (this.#curve === null || this.box.hidden) return;
    if (this.#stale) this.#drawStill();
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.#still, 0, 0);
    pen.scale(devicePixelRatio, devicePixelRatio);
    if (this.#openLockS !== null) this.#shade(pen, this.#openLockS, timeS);
    if (this.#drag?.lock) this.#shade(pen, this.#drag.fromS, this.#drag.toS);
    if (this.#drag?.mark) this.#shade(pen, this.#drag.fromS, this.#drag.toS, this.found);
    const x = this.#x(timeS);
    pen.fillStyle = this.ink;
    pen.fillRect(x - 0.75, TOP, 1.5, this.height - TOP - AXIS);
    pen.beginPath();
    pen.arc(x, TOP, 4, 0, 2 * Math.PI);
    pen.fill();
  }

  // What a screen reader says of the play head.
  describe(timeS, speed) {
    const segment = this.#curve?.segments.find((s) => timeS >= s.start_s && timeS < s.end_s);
    const label = segment ? `, ${LABELS[segment.label]}` : "";
    this.box.setAttribute("aria-valuenow", timeS.toFixed(1));
    this.box.setAttribute("aria-valuetext", `${clock(timeS)}${label}, plays at ${short(speed)}`);
  }

  #x(timeS) {
    return LEFT + (timeS / this.#curve.duration_s) * (this.width - LEFT - RIGHT);
  }

  #time(event) {
    const x = event.clientX - this.canvas.getBoundingClientRect().left;
    const share = (x - LEFT) / (this.width - LEFT - RIGHT);
    return Math.min(Math.max(share, 0), 1) * this.#curve.duration_s;
  }

  #grab(event) {
    if (this.#curve === null || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const timeS = this.#time(event);
    const lock = event.shiftKey;
    this.#drag = { lock, mark: !lock && this.#search !== null, fromS: timeS, toS: timeS };
    if (!lock && !this.#drag.mark) this.onSeek(timeS);
  }

  #move(event) {
    if (this.#drag === null) return;
    this.#drag.toS = this.#time(event);
    if (!this.#drag.lock && !this.#drag.mark) this.onSeek(this.#drag.toS);
  }

  #release() {
    const drag = this.#drag;
    this.#drag = null;
    if (!drag?.lock && !drag?.mark) return;
    const [startS, endS] = [Math.min(drag.fromS, drag.toS), Math.max(drag.fromS, drag.toS)];
    const dragged = endS - startS >= LEAST_S;
    if (dragged) drag.lock ? this.onLock(startS, endS) : this.onMark(startS, endS);
    else if (drag.mark) this.onSeek(drag.toS);
  }

  #drawStill() {
    this.width = this.box.clientWidth;
    this.height = this.box.clientHeight;
    for (const canvas of [this.canvas, this.#still]) {
      canvas.width = Math.round(this.width * devicePixelRatio);
      canvas.height = Math.round(this.height * devicePixelRatio);
    }
    const style = getComputedStyle(this.box);
    const colour = (name) => style.getPropertyValue(`--${name}`).trim();
    this.ink = colour("ink");
    this.accent = colour("accent");
    this.found = colour("found");
    const pen = this.#still.getContext("2d");
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.font = `11px ${style.fontFamily}`;
    pen.lineJoin = "round";
    const below = this.#search === null ? 0 : FOUND + GAP;
    const inner = this.height - TOP - AXIS - GAP - below;
    const middle = TOP + inner * SCORE_SHARE;
    this.#drawScore(pen, colour, TOP, middle);
    this.#drawSpeeds(pen, colour, middle + GAP, this.height - AXIS - below);
    if (this.#search !== null) this.#drawSearch(pen, colour, this.height - AXIS - FOUND, this.height - AXIS);
    this.#drawTimes(pen, colour);
    for (const [startS, endS] of this.#locks) this.#shade(pen, startS, endS);
    this.#stale = false;
  }

  #drawScore(pen, colour, top, bottom) {
    const { segments, score, cuts_s: cuts } = this.#curve;
    for (const segment of segments) {
      const x = this.#x(segment.start_s);
      pen.fillStyle = colour(`band-${segment.label}`);
      pen.fillRect(x, top, Math.max(this.#x(segment.end_s) - x, 0.5), bottom - top);
    }
    const y = (value) => bottom - value * (bottom - top);
    this.#fill(pen, score.low, score.high, y, colour("spread"));
    this.#line(pen, this.#curve.times_s, score.mean, y, this.ink, 1.5);
    pen.fillStyle = colour("dim");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.fillText("sped up", LEFT - 6, top + 6);
    pen.fillText("natural", LEFT - 6, bottom - 6);
    if (cuts.length <= MOST_CUTS) {
      pen.fillStyle = colour("grid");
      for (const cut of cuts) pen.fillRect(this.#x(cut), top, 1, this.height - AXIS - top);
    }
  }

  #drawSpeeds(pen, colour, top, bottom) {
    const limit = this.#curve.limits[this.#rho];
    const planned = this.#plan ? this.#plan.slowness.map((u) => 1 / u) : [];
    const highest = planned.reduce((a, b) => Math.max(a, b), Math.max(2, this.#rate, ...limit.mean)) * 1.1;
    const y = (factor) => bottom - (Math.log(Math.max(factor, 1)) / Math.log(highest)) * (bottom - top);
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    let lastY = Infinity;
    for (const factor of FACTORS) {
      if (factor > highest || lastY - y(factor) < 13) continue;
      lastY = y(factor);
      pen.fillStyle = colour("grid");
      pen.fillRect(LEFT, Math.round(lastY), this.width - LEFT - RIGHT, 1);
      pen.fillStyle = colour("dim");
      pen.fillText(`${factor}×`, LEFT - 6, lastY);
    }
    this.#fill(pen, new Array(limit.mean.length).fill(1), limit.mean, y, colour("limit"));
    if (this.#plan === null) return;
    pen.setLineDash([4, 4]);
    this.#line(pen, [0, this.#curve.duration_s], [this.#rate, this.#rate], y, colour("dim"), 1);
    pen.setLineDash([]);
    const { times, values } = this.#thinned(planned);
    this.#line(pen, times, values, y, this.accent, 2.5);
  }

  // What is looked for, what was found with its place, and how alike all the rest is.
  #drawSearch(pen, colour, top, bottom) {
    const { range, answer } = this.#search;
    pen.fillStyle = colour("grid");
    pen.fillRect(LEFT, bottom - 0.5, this.width - LEFT - RIGHT, 1);
    pen.fillStyle = colour("dim");
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    pen.fillText("alike", LEFT - 6, top + 6);
    if (range) this.#shade(pen, ...range, this.found, 0.28);
    if (!answer) return;
    const { graph, here } = answer;
    const columnS = this.#curve.duration_s / graph.length;
    pen.beginPath();
    graph.forEach((value, k) => {
      if (value === null) return;
      const at = [this.#x((k + 0.5) * columnS), bottom - Math.max(value, 0) * (bottom - top)];
      (graph[k - 1] ?? null) === null ? pen.moveTo(...at) : pen.lineTo(...at);
    });
    pen.strokeStyle = this.ink;
    pen.lineWidth = 1.5;
    pen.stroke();
    pen.textAlign = "center";
    pen.textBaseline = "bottom";
    here.forEach((match, n) => {
      this.#shade(pen, match.start_s, match.end_s, this.found, 0.1);
      pen.fillStyle = this.found;
      pen.fillText(n + 1, this.#x((match.start_s + match.end_s) / 2), top - 2);
    });
  }

  // A plan of an hour has 36 000 knots and the screen a thousand columns; both extremes of each are kept.
  #thinned(values) {
    const step = this.#curve.duration_s / (values.length - 1);
    const per = Math.max(1, Math.floor((2 * values.length) / this.width));
    const thin = { times: [], values: [] };
    const take = (k) => {
      thin.times.push(k * step);
      thin.values.push(values[k]);
    };
    for (let start = 0; start < values.length; start += per) {
      let low = start;
      let high = start;
      for (let k = start; k < Math.min(start + per, values.length); k++) {
        if (values[k] < values[low]) low = k;
        if (values[k] > values[high]) high = k;
      }
      take(Math.min(low, high));
      if (low !== high) take(Math.max(low, high));
    }
    take(values.length - 1);
    return thin;
  }

  #drawTimes(pen, colour) {
    const room = Math.max(2, (this.width - LEFT - RIGHT) / 70);
    const { duration_s: durationS } = this.#curve;
    const step = TIME_STEPS_S.find((s) => durationS / s <= room) ?? durationS / 10;
    pen.fillStyle = colour("dim");
    pen.textBaseline = "bottom";
    for (let tick = 0; tick * step <= durationS * 1.0001; tick++) {
      const x = this.#x(tick * step);
      pen.textAlign = tick === 0 ? "left" : x > this.width - 30 ? "right" : "center";
      pen.fillText(clock(tick * step, step < 1 ? 1 : 0), x, this.height - 2);
    }
  }

  #line(pen, times, values, y, colour, width) {
    pen.beginPath();
    values.forEach((value, k) => pen.lineTo(this.#x(times[k]), y(value)));
    if (times[times.length - 1] < this.#curve.duration_s) {
      pen.lineTo(this.#x(this.#curve.duration_s), y(values[values.length - 1]));
    }
    pen.strokeStyle = colour;
    pen.lineWidth = width;
    pen.stroke();
  }

  // Between two curves, each value held until the next.
  #fill(pen, low, high, y, colour) {
    const { times_s: times, duration_s: durationS } = this.#curve;
    const end = (k) => this.#x(k + 1 < times.length ? times[k + 1] : durationS);
    pen.beginPath();
    for (let k = 0; k < times.length; k++) {
      pen.lineTo(this.#x(times[k]), y(high[k]));
      pen.lineTo(end(k), y(high[k]));
    }
    for (let k = times.length - 1; k >= 0; k--) {
      pen.lineTo(end(k), y(low[k]));
      pen.lineTo(this.#x(times[k]), y(low[k]));
    }
    pen.fillStyle = colour;
    pen.fill();
  }

  #shade(pen, oneS, otherS, colour = this.accent, alpha = 0.12) {
    const from = this.#x(Math.min(oneS, otherS));
    const width = this.#x(Math.max(oneS, otherS)) - from;
    pen.save();
    pen.fillStyle = colour;
    pen.globalAlpha = alpha;
    pen.fillRect(from, TOP, width, this.height - TOP - AXIS);
    pen.globalAlpha = 1;
    pen.fillRect(from, TOP, width, 3);
    pen.restore();
  }
}
