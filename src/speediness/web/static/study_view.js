// The blind comparison: two videos, one question, and the votes so far.

import { get, post } from "./api.js";
import { announce, byId, complain, make, svg } from "./dom.js";
import { percent, short } from "./format.js";
import { bindKeys } from "./keys.js";

const SIDES = ["left", "right"];
const NAMES = { left: "A", right: "B" };

export class StudyView {
  #trial = null;
  #unseen = new Set();
  #playing = null;

  constructor() {
    byId("watch").addEventListener("click", () => this.#watch());
    for (const button of this.#buttons()) {
      button.addEventListener("click", () => this.#vote(button.dataset.choice));
    }
    for (const side of SIDES) byId(side).addEventListener("ended", () => this.#ended(side));
    const choose = (choice) => () => {
      const button = document.querySelector(`[data-choice=${choice}]`);
      if (!button.disabled) button.click();
    };
    bindKeys("study", {
      Comparison: [
        { keys: [" "], does: "watch both", act: () => this.#watch() },
        { keys: ["1"], does: "A looks better", act: choose("left") },
        { keys: ["2"], does: "B looks better", act: choose("right") },
        { keys: ["0"], does: "can’t tell", act: choose("neither") },
      ],
    });
  }

  async enter() {
    document.title = "Comparison · speediness";
    const { films } = await this.#showTallies();
    byId("study-lead").textContent = films.length
      ? "The same video at the same length, made in two ways. Watch both, then say which looks better."
      : "Nothing to compare yet. Open a video, analyse it, and choose “Add to comparison”.";
    byId("trial").hidden = true; // until there is something to watch
    if (films.length) await this.#next();
  }

  leave() {
    this.#playing = null;
    for (const side of SIDES) {
      byId(side).pause();
      byId(side).removeAttribute("src");
      byId(side).load();
    }
  }

  #buttons() {
    return document.querySelectorAll("[data-choice]");
  }

  async #next() {
    this.#trial = await post("study/trials");
    this.#unseen = new Set(SIDES);
    this.#playing = null;
    for (const side of SIDES) byId(side).src = `/api/study/trials/${this.#trial.id}/${side}`;
    byId("watch").textContent = "Watch both";
    this.#show(`${this.#trial.film}, ${short(this.#trial.rate)}`);
    byId("trial").hidden = false;
  }

  #show(status) {
    byId("trial-status").textContent = status;
    for (const button of this.#buttons()) button.disabled = this.#unseen.size > 0;
    for (const figure of document.querySelectorAll("[data-side]")) {
      figure.classList.toggle("playing", figure.dataset.side === this.#playing);
    }
  }

  #watch() {
    if (this.#trial) this.#play(this.#trial.first);
  }

  async #play(side) {
    const [other] = SIDES.filter((s) => s !== side);
    byId(other).pause();
    this.#playing = side;
    byId(side).currentTime = 0;
    this.#show(`Playing ${NAMES[side]}`);
    try {
      await byId(side).play();
    } catch {
      this.#show("The video cannot be played; take the next comparison");
    }
  }

  #ended(side) {
    if (this.#playing !== side) return;
    this.#unseen.delete(side);
    this.#playing = null;
    if (side === this.#trial.first) {
      this.#play(SIDES.find((s) => s !== side));
      return;
    }
    byId("watch").textContent = "Watch again";
    this.#show("Which looks better?");
    byId("announce").textContent = "Which looks better?";
  }

  async #vote(choice) {
    for (const button of this.#buttons()) button.disabled = true;
    for (const side of SIDES) byId(side).pause();
    try {
      await post(`study/trials/${this.#trial.id}/vote`, { choice });
      announce("Your vote is counted");
      await this.#showTallies();
      await this.#next();
      byId("watch").focus();
    } catch (error) {
      complain(error);
    }
  }

  async #showTallies() {
    const overview = await get("study");
    const { tallies } = overview;
    byId("tallies").hidden = byId("csv").hidden = tallies.length === 0;
    byId("no-votes").hidden = tallies.length > 0;
    byId("tallies").tBodies[0].replaceChildren(...tallies.map(row));
    return overview;
  }
}

function row(tally) {
  const count = (number) => make("td", { textContent: number });
  const share =
    tally.share === null
      ? make("td", { textContent: "nobody decided yet", className: "dim" })
      : make("td", {}, whiskers(tally), `${percent(tally.share)} (${percent(tally.low)} to ${percent(tally.high)})`);
  return make(
    "tr",
    {},
    make("th", { scope: "row", textContent: tally.film }),
    count(short(tally.rate)),
    count(tally.adaptive),
    count(tally.uniform),
    count(tally.neither),
    share,
  );
}

// The interval as a line with the share as a dot, over 0 to 100 % with a mark at one half.
function whiskers({ share, low, high }) {
  const x = (value) => (2 + 96 * value).toFixed(1);
  return svg(
    "svg",
    { class: "whiskers", viewBox: "0 0 100 16", "aria-hidden": "true" },
    svg("line", { x1: x(0), x2: x(1), y1: 8, y2: 8 }),
    svg("line", { class: "half", x1: 50, x2: 50, y1: 1, y2: 15 }),
    svg("line", { class: "span", x1: x(low), x2: x(high), y1: 8, y2: 8 }),
    svg("circle", { cx: x(share), cy: 8, r: 3.5 }),
  );
}
