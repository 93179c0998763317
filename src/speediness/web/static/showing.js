// What the player shows: the video, what was rendered of it, a heat map, what is followed.

import { fileOf, get } from "./api.js";
import { byId, make } from "./dom.js";
import { short } from "./format.js";
import { Plan } from "./plan.js";
import { UNCHANGED } from "./player.js";

const MADE_ON_REQUEST = {
  heatmap: "Heat map: where the score comes from",
  speedmap: "Heat map: natural or sped up",
};

/** @typedef {{version: string, url: string, startsAtS: number, made: Plan}} Shown */

export class Showing {
  #video = null;

  /**
   * @param {() => void} onChange something else is to be shown
   * @param {(kind: string) => void} onMissing a job has to make it first
   */
  constructor(onChange, onMissing) {
    this.select = byId("showing");
    this.onChange = onChange;
    this.onMissing = onMissing;
    this.select.addEventListener("change", () => this.show(this.select.value));
  }

  /** Kind of the job whose file is wanted; "" for the video itself. */
  get kind() {
    return this.select.value;
  }

  reset() {
    this.#video = null;
    this.select.replaceChildren(make("option", { value: "", textContent: "The video" }));
  }

  /** The server says something new of the video. */
  update(video) {
    const before = this.#video;
    this.#video = video;
    const wanted = this.kind;
    const render = video.jobs.find((job) => job.id === video.done.render);
    const names = {
      "": "The video",
      ...(render && { render: `The result at ${short(render.params.rate)}` }),
      ...MADE_ON_REQUEST,
      ...("propagate" in video.done && { propagate: "What is followed" }),
    };
    const now = JSON.stringify(names);
    if (this.select.dataset.names !== now || this.select.length === 1) {
      this.select.dataset.names = now;
      const options = Object.entries(names).map(([value, textContent]) => make("option", { value, textContent }));
      this.select.replaceChildren(...options);
    }
    // Wanted while it is made, so that it shows as soon as it is; given up if that was cancelled or failed.
    const coming = video.jobs.some((job) => job.kind === wanted && job.active);
    this.select.value = wanted in video.done || coming ? wanted : "";
    const made = (kind) => kind in video.done && before && !(kind in before.done);
    if (made("propagate")) this.select.value = "propagate";
    this.select.dataset.kind = this.kind;
  }

  /** A kind, made first if need be; the video itself if it is shown already. */
  show(kind) {
    const again = kind === this.select.dataset.kind;
    this.select.value = again ? "" : kind;
    this.select.dataset.kind = this.kind;
    if (this.kind && !(this.kind in this.#video.done)) this.onMissing(this.kind);
    else this.onChange();
  }

  /**
   * The file to show now; while a wanted one is made, the video.
   * @returns {Promise<Shown>}
   */
  async file() {
    const { id, info, done } = this.#video;
    const jobId = this.kind && done[this.kind];
    if (!jobId) {
      const version = done.playable ?? id;
      const startsAtS = "playable" in done ? 0 : info.starts_at_s; // what this program writes begins at once
      return { version, url: `/api/films/${id}/video?version=${version}`, startsAtS, made: UNCHANGED };
    }
    const url = fileOf(jobId, "film");
    if (this.kind !== "render") return { version: jobId, url, startsAtS: 0, made: UNCHANGED };
    const plan = await get(`jobs/${jobId}/files/plan`);
    return { version: jobId, url, startsAtS: 0, made: new Plan(plan.slowness, plan.source_duration_s) };
  }
}
