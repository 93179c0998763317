// Drawing around something in the first frame, so that it is followed through the video.

import { announce, byId, icon, make, svg } from "./dom.js";

const MOST = 8; // objects
const MOST_CORNERS = 200;
const LEAST = 0.01; // of the frame's side; less is a click
const STEP = 0.01; // of a key
const POINT = 0.04; // its radius, of the frame's shorter side
const POINT_CORNERS = 24;
const GROWTH = 1.05;
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

/** @typedef {[number, number][]} Outline corners as shares of the frame's width and height */

export class FollowPanel {
  /** @type {Outline[]} */
  #objects = [];
  #drawn = null; // points of what is being drawn

  /** @param {{onOpen: () => void, onStart: (objects: Outline[]) => void}} callbacks */
  constructor({ onOpen, onStart }) {
    this.onOpen = onOpen;
    this.layer = byId("outlines");
    byId("follow").addEventListener("click", () => this.toggle());
    byId("follow-add").addEventListener("click", () => this.#add(box([0.35, 0.35], [0.65, 0.65])));
    byId("follow-start").addEventListener("click", () => {
      onStart(this.#objects);
      this.close();
    });
    this.layer.addEventListener("pointerdown", (event) => this.#begin(event));
    this.layer.addEventListener("pointermove", (event) => this.#go(event));
    this.layer.addEventListener("pointerup", () => this.#finish());
    this.layer.addEventListener("keydown", (event) => this.#key(event));
    new ResizeObserver(() => this.#fit()).observe(byId("stage"));
    byId("video").addEventListener("loadedmetadata", () => this.#fit());
  }

  toggle() {
    if (this.close()) return;
    this.onOpen();
    byId("follow-panel").hidden = this.layer.toggleAttribute("hidden", false);
    byId("follow").setAttribute("aria-pressed", "true");
    this.#fit();
    this.#show();
    byId("follow-panel").scrollIntoView({ block: "nearest" });
  }

  /** True if it was open. */
  close() {
    if (byId("follow-panel").hidden) return false;
    byId("follow-panel").hidden = this.layer.toggleAttribute("hidden", true);
    byId("follow").setAttribute("aria-pressed", "false");
    this.#objects = [];
    return true;
  }

  // Lays the layer over the images of the video, which may leave bars in the stage.
  #fit() {
    const { videoWidth: width, videoHeight: height, clientWidth, clientHeight } = byId("video");
    if (!width) return;
    const scale = Math.min(clientWidth / width, clientHeight / height);
    const size = { width: width * scale, height: height * scale };
    const place = { left: (clientWidth - size.width) / 2, top: (clientHeight - size.height) / 2 };
    for (const [name, px] of Object.entries({ ...size, ...place })) this.layer.style[name] = `${px}px`;
  }

  #place(event) {
    const { left, top, width, height } = this.layer.getBoundingClientRect();
    return [within((event.clientX - left) / width), within((event.clientY - top) / height)];
  }

  #begin(event) {
    if (event.button !== 0 || event.target !== this.layer || this.#objects.length >= MOST) return;
    this.layer.setPointerCapture(event.pointerId);
    this.#drawn = [this.#place(event)];
  }

  #go(event) {
    if (this.#drawn === null) return;
    this.#drawn.push(this.#place(event));
    this.#show();
  }

  #finish() {
    const outline = this.#drawn && this.#shape();
    this.#drawn = null;
    if (outline && size(outline).every((side) => side >= LEAST)) this.#add(outline);
    else this.#show();
  }

  // Of what is being drawn: the box between its ends, a disc where it ends, or the line around it with as
  // many corners as may be.
  #shape() {
    const points = this.#drawn;
    const last = points[points.length - 1];
    const kind = byId("follow-shape").querySelector(":checked").value;
    if (kind === "box") return box(points[0], last);
    if (kind === "point") return disc(last, byId("video"));
    const every = Math.ceil(points.length / MOST_CORNERS);
    return points.filter((_, n) => n % every === 0);
  }

  #add(outline) {
    if (outline.length < 3 || this.#objects.length >= MOST) return;
    this.#objects.push(outline);
    this.#show();
    this.layer.lastElementChild.focus();
  }

  #remove(number) {
    this.#objects.splice(number, 1);
    this.#show();
    announce("Removed");
    byId("follow-add").focus();
  }

  #show() {
    const drawn = this.#drawn && this.#drawn.length > 1 ? [this.#shape()] : [];
    this.layer.replaceChildren(...[...this.#objects, ...drawn].map((outline, n) => polygon(outline, n + 1)));
    const entries = this.#objects.map((_, n) => {
      const remove = make("button", { type: "button", className: "quiet", ariaLabel: `Remove ${n + 1}` }, icon("close"));
      remove.addEventListener("click", () => this.#remove(n));
      return make("li", {}, `Object ${n + 1}`, remove);
    });
    byId("follow-list").replaceChildren(...entries);
    byId("follow-hint").hidden = byId("follow-start").disabled = this.#objects.length === 0;
    byId("follow-add").disabled = this.#objects.length >= MOST;
  }

  #key(event) {
    const number = [...this.layer.children].indexOf(event.target);
    const move = MOVES[event.key];
    if (number < 0 || !(move || ["Delete", "Backspace"].includes(event.key))) return;
    event.preventDefault();
    event.stopPropagation(); // they would seek
    if (!move) return this.#remove(number);
    this.#objects[number] = event.shiftKey ? sized(this.#objects[number], move) : moved(this.#objects[number], move);
    event.target.setAttribute("points", this.#objects[number].join(" "));
    event.target.setAttribute("aria-label", words(this.#objects[number], number + 1));
  }
}

const within = (share) => Math.min(Math.max(share, 0), 1);

const box = ([x, y], [toX, toY]) => [[x, y], [toX, y], [toX, toY], [x, toY]];

function disc([x, y], { videoWidth: width, videoHeight: height }) {
  const radius = POINT * Math.min(width, height);
  return Array.from({ length: POINT_CORNERS }, (_, n) => {
    const angle = (2 * Math.PI * n) / POINT_CORNERS;
    return [within(x + (radius / width) * Math.cos(angle)), within(y + (radius / height) * Math.sin(angle))];
  });
}

const bounds = (outline) =>
  [0, 1].map((axis) => outline.map((corner) => corner[axis])).map((all) => [Math.min(...all), Math.max(...all)]);

const size = (outline) => bounds(outline).map(([low, high]) => high - low);

// As far as the frame goes.
function moved(outline, [right, down]) {
  const by = bounds(outline).map(([low, high], axis) => {
    const wanted = STEP * [right, down][axis];
    return Math.min(Math.max(wanted, -low), 1 - high);
  });
  return outline.map(([x, y]) => [within(x + by[0]), within(y + by[1])]);
}

// About its middle; right and down grow it.
function sized(outline, direction) {
  const middle = bounds(outline).map(([low, high]) => (low + high) / 2);
  return outline.map((corner) =>
    corner.map((share, axis) => within(middle[axis] + (share - middle[axis]) * GROWTH ** direction[axis])),
  );
}

function words(outline, number) {
  const [[left, right], [top, bottom]] = bounds(outline).map((pair) => pair.map((share) => Math.round(100 * share)));
  return `Object ${number}: ${left} to ${right} % from the left, ${top} to ${bottom} % from the top`;
}

const polygon = (outline, number) =>
  svg("polygon", { points: outline.join(" "), tabindex: 0, role: "img", "aria-label": words(outline, number) });
