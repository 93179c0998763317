// The curve under the video: what is in view, the play head, and what is done to it with a pointer.
// All that stands still is drawn once on a second canvas; every frame only adds the play head.

import { AXIS, Axis, STRIP, paint } from "./chart_paint.js";
import { byId } from "./dom.js";
import { LABELS, clock, short } from "./format.js";

const LEAST_S = 0.1; // of what is dragged; less is a click
const LEAST_VIEW_S = 0.5;
const ZOOM = 2; // by a key or button
const WHEEL = 1.0015; // by a pixel of the wheel
const SETTLED_MS = 120; // after which finer columns are asked for
const LEAD = 0.1; // of the view, before the play head when the view goes after it

export class Chart {
  #curve = null;
  #detail = null; // finer columns of a part of the curve
  #plan = null;
  #rate = 1;
  #locks = [];
  #openLockS = null;
  #search = null; // while motion is looked for: the range, and what was found
  #view = [0, 1]; // seconds shown
  #axis = null;
  #drag = null;
  #headS = 0;
  #timer = 0;
  #still = document.createElement("canvas");
  #stale = true;
  #colours = new Map();

  /**
   * @param {HTMLElement} box holds the canvas and is the slider that screen readers meet
   * @param {HTMLCanvasElement} canvas
   * @param {{onSeek: (timeS: number) => void, onLock: Function, onMark: Function,
   *   load: (startS: number, endS: number) => Promise<object>}} callbacks load gives columns of a part
   */
  constructor(box, canvas, { onSeek, onLock, onMark, load }) {
    Object.assign(this, { box, canvas, onSeek, onLock, onMark, load });
    new ResizeObserver(() => (this.#stale = true)).observe(box);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (this.#stale = true));
    canvas.addEventListener("pointerdown", (event) => this.#grab(event));
    canvas.addEventListener("pointermove", (event) => this.#move(event));
    canvas.addEventListener("pointerup", () => this.#release());
    canvas.addEventListener("pointercancel", () => (this.#drag = null));
    canvas.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    byId("zoom-in").addEventListener("click", () => this.zoom(ZOOM));
    byId("zoom-out").addEventListener("click", () => this.zoom(1 / ZOOM));
    byId("zoom-all").addEventListener("click", () => this.showAll());
  }

  show(curve) {
    this.#curve = { ...curve, end_s: curve.duration_s };
    this.#plan = this.#detail = null;
    this.box.setAttribute("aria-valuemax", curve.duration_s.toFixed(2));
    this.showAll();
  }

  showPlan(plan, rate) {
    this.#plan = plan;
    this.#rate = rate;
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

  /** Closer (above 1) or further, around the play head unless told otherwise. */
  zoom(factor = ZOOM, aroundS = this.#headS) {
    if (this.#curve === null) return;
    const [startS, endS] = this.#view;
    const middleS = Math.min(Math.max(aroundS, startS), endS);
    const share = (middleS - startS) / (endS - startS);
    const spanS = Math.max((endS - startS) / factor, LEAST_VIEW_S);
    this.#look(middleS - share * spanS, spanS);
  }

  showAll() {
    this.#look(0, this.#curve?.duration_s ?? 1);
  }

  #look(startS, spanS) {
    const wholeS = this.#curve?.duration_s ?? 1;
    const span = Math.min(spanS, wholeS);
    const start = Math.min(Math.max(startS, 0), wholeS - span);
    this.#view = [start, start + span];
    this.#stale = true;
    const whole = span > wholeS * 0.999;
    byId("zoom-out").disabled = byId("zoom-all").disabled = whole;
    byId("zoom-in").disabled = span <= LEAST_VIEW_S;
    byId("zoom-view").textContent = whole ? "" : `${clock(start)} to ${clock(start + span)}`;
    clearTimeout(this.#timer);
    const coarse = this.#curve && this.#curve.frames > this.#curve.times_s.length;
    if (coarse && !whole && !this.#covers(this.#detail, 1)) {
      this.#timer = setTimeout(() => this.#refine(), SETTLED_MS);
    }
  }

  // Whether columns reach over the view, and are not of a stretch so much longer that they are too few.
  #covers(columns, margins) {
    const [startS, endS] = this.#view;
    if (columns === null || columns.start_s > startS || columns.end_s < endS) return false;
    return columns.end_s - columns.start_s <= (1 + 3 * margins) * (endS - startS);
  }

  async #refine() {
    const curve = this.#curve;
    const [startS, endS] = this.#view;
    const marginS = (endS - startS) / 2;
    const [fromS, toS] = [Math.max(startS - marginS, 0), Math.min(endS + marginS, curve.duration_s)];
    const columns = await this.load(fromS, toS).catch(() => null); // without them it stays coarse
    if (columns === null || curve !== this.#curve) return;
    this.#detail = { ...columns, start_s: fromS, end_s: toS };
    this.#stale = true;
    if (!this.#covers(this.#detail, 1)) this.#look(this.#view[0], this.#view[1] - this.#view[0]);
    performance.mark("refined");
  }

  // To be called for every frame of the page; cheap when nothing changed.
  draw(timeS) {
    if (this.#curve === null || this.box.hidden) return;
    const [startS, endS] = this.#view;
    const moved = timeS !== this.#headS;
    this.#headS = timeS;
    if (moved && !this.#drag && (timeS < startS || timeS > endS)) {
      this.#look(timeS - LEAD * (endS - startS), endS - startS);
    }
    if (this.#stale) this.#drawStill();
    const axis = this.#axis;
    const pen = this.canvas.getContext("2d");
    pen.setTransform(1, 0, 0, 1, 0, 0);
    pen.clearRect(0, 0, this.canvas.width, this.canvas.height);
    pen.drawImage(this.#still, 0, 0);
    pen.scale(devicePixelRatio, devicePixelRatio);
    axis.clip(pen, () => {
      if (this.#openLockS !== null) axis.shade(pen, this.#openLockS, timeS, this.#colour("accent"));
      const drag = this.#drag;
      if (drag?.kind === "lock") axis.shade(pen, drag.fromS, drag.toS, this.#colour("accent"));
      if (drag?.kind === "mark") axis.shade(pen, drag.fromS, drag.toS, this.#colour("found"));
    });
    pen.fillStyle = this.#colour("ink");
    if (!axis.whole) pen.fillRect(axis.stripX(timeS) - 0.75, 0, 1.5, STRIP);
    const x = axis.x(timeS);
    if (timeS < this.#view[0] || timeS > this.#view[1]) return;
    pen.fillRect(x - 0.75, axis.top, 1.5, axis.height - axis.top - AXIS);
    pen.beginPath();
    pen.arc(x, axis.top, 4, 0, 2 * Math.PI);
    pen.fill();
  }

  // What a screen reader says of the play head.
  describe(timeS, speed) {
    const segment = this.#curve?.segments.find((s) => timeS >= s.start_s && timeS < s.end_s);
    const label = segment ? `, ${LABELS[segment.label]}` : "";
    this.box.setAttribute("aria-valuenow", timeS.toFixed(1));
    this.box.setAttribute("aria-valuetext", `${clock(timeS)}${label}, plays at ${short(speed)}`);
  }

  #colour(name) {
    return this.#colours.get(name) ?? this.#readColour(name);
  }

  #readColour(name) {
    const colour = getComputedStyle(this.box).getPropertyValue(`--${name}`).trim();
    this.#colours.set(name, colour);
    return colour;
  }

  #place(event) {
    const box = this.canvas.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #grab(event) {
    if (this.#curve === null || this.#axis === null || event.button !== 0) return;
    this.canvas.setPointerCapture(event.pointerId);
    const [x, y] = this.#place(event);
    const timeS = this.#axis.time(x);
    const kind =
      y <= STRIP && !this.#axis.whole ? "scroll" : event.shiftKey ? "lock" : this.#search ? "mark" : "seek";
    this.#drag = { kind, fromS: timeS, toS: timeS };
    this.#dragTo(x);
  }

  #move(event) {
    if (this.#drag) this.#dragTo(this.#place(event)[0]);
  }

  #dragTo(x) {
    const { kind } = this.#drag;
    this.#drag.toS = this.#axis.time(x);
    if (kind === "seek") this.onSeek(this.#drag.toS);
    if (kind === "scroll") {
      const spanS = this.#view[1] - this.#view[0];
      this.#look(this.#axis.stripTime(x) - spanS / 2, spanS);
    }
  }

  #release() {
    const drag = this.#drag;
    this.#drag = null;
    if (!["lock", "mark"].includes(drag?.kind)) return;
    const [startS, endS] = [Math.min(drag.fromS, drag.toS), Math.max(drag.fromS, drag.toS)];
    const dragged = endS - startS >= LEAST_S * Math.min(1, this.#view[1] - this.#view[0]);
    if (dragged) drag.kind === "lock" ? this.onLock(startS, endS) : this.onMark(startS, endS);
    else if (drag.kind === "mark") this.onSeek(drag.toS);
  }

  // With Ctrl (which pinching a touch pad sends too) closer or further; sideways or with Shift along the video.
  #wheel(event) {
    if (this.#curve === null || this.#axis === null) return;
    const along = event.deltaX || (event.shiftKey ? event.deltaY : 0);
    if (!event.ctrlKey && (along === 0 || this.#axis.whole)) return;
    event.preventDefault();
    const [startS, endS] = this.#view;
    if (event.ctrlKey) this.zoom(WHEEL ** -event.deltaY, this.#axis.time(this.#place(event)[0]));
    else this.#look(startS + (along / this.#axis.width) * (endS - startS), endS - startS);
  }

  #drawStill() {
    const [width, height] = [this.box.clientWidth, this.box.clientHeight];
    for (const canvas of [this.canvas, this.#still]) {
      canvas.width = Math.round(width * devicePixelRatio);
      canvas.height = Math.round(height * devicePixelRatio);
    }
    this.#colours.clear();
    this.#axis = new Axis(width, height, this.#curve.duration_s, ...this.#view);
    const pen = this.#still.getContext("2d");
    pen.scale(devicePixelRatio, devicePixelRatio);
    pen.font = `11px ${getComputedStyle(this.box).fontFamily}`;
    pen.lineJoin = "round";
    paint(pen, this.#axis, {
      curve: this.#curve,
      columns: this.#covers(this.#detail, Infinity) ? this.#detail : this.#curve,
      plan: this.#plan,
      rate: this.#rate,
      locks: this.#locks,
      search: this.#search,
      colour: (name) => this.#colour(name),
    });
    this.#stale = false;
  }
}
