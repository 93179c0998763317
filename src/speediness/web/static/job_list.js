// The jobs of one video: progress with time left, cancel; asked of the server while any is active.

import { get, post, remove } from "./api.js";
import { announce, byId, complain, icon, make } from "./dom.js";
import { left, percent } from "./format.js";

const POLL_MS = 500;
const WORDS = {
  look: ["Opening the video", "The video cannot be opened"],
  analyse: ["Analysing", "The analysis failed"],
  render: ["Making the video", "The video could not be made"],
  export: ["Exporting", "The export failed"],
  study: ["Preparing the comparison", "The comparison could not be prepared"],
  playable: ["Making a playable copy", "The copy failed"],
  heatmap: ["Making the heat map", "The heat map failed"],
  speedmap: ["Making the heat map", "The heat map failed"],
  propagate: ["Following", "It could not be followed"],
};

export class JobList {
  #videoId = null;
  #timer = 0;
  #cards = new Map(); // job id to its card, kept so that focus stays on a button

  // onChange is called with the video whenever a job of it began or ended.
  constructor(onChange) {
    this.onChange = onChange;
    document.addEventListener("visibilitychange", () => document.hidden || this.#again());
  }

  watch(video) {
    this.#videoId = video.id;
    this.#show(video);
  }

  stop() {
    this.#videoId = null;
    clearTimeout(this.#timer);
  }

  /** @param {{wish?: object, mask?: object}} params */
  async start(kind, params = {}) {
    try {
      await post(`films/${this.#videoId}/jobs`, { kind, ...params });
    } catch (error) {
      complain(error);
    }
    await this.#again();
  }

  async #again() {
    clearTimeout(this.#timer);
    const asked = this.#videoId;
    if (asked === null) return;
    try {
      const video = await get(`films/${asked}`);
      if (asked === this.#videoId) this.#show(video);
    } catch (error) {
      complain(error);
      this.#timer = setTimeout(() => this.#again(), 4 * POLL_MS);
    }
  }

  #show(video) {
    clearTimeout(this.#timer);
    const shown = video.jobs.filter((job) => job.active || ["failed", "interrupted"].includes(job.state));
    // Of what failed only the last try, and nothing that has succeeded since.
    const jobs = shown.filter((job) => job.active || video.jobs.find((j) => j.kind === job.kind) === job);
    for (const [id, card] of this.#cards) {
      if (!jobs.some((job) => job.id === id)) {
        card.remove();
        this.#cards.delete(id);
      }
    }
    for (const job of jobs) {
      const old = this.#cards.get(job.id);
      if (old?.dataset.active === String(job.active)) update(old, job);
      else {
        const card = this.#card(job);
        old ? old.replaceWith(card) : byId("jobs").append(card);
        this.#cards.set(job.id, card);
      }
    }
    this.onChange(video);
    if (jobs.some((job) => job.active)) this.#timer = setTimeout(() => this.#again(), POLL_MS);
  }

  #card(job) {
    const id = `job-${job.id}`;
    const card = make("div", { className: job.active ? "job" : "job failed" });
    card.dataset.active = job.active;
    card.dataset.kind = job.kind;
    const text = make("span", { id });
    if (job.active) {
      const bar = make("progress", { max: 1 });
      bar.setAttribute("aria-labelledby", id);
      const cancel = make("button", { type: "button", className: "quiet", textContent: "Cancel" });
      cancel.addEventListener("click", () => this.#end(post(`jobs/${job.id}/cancel`)));
      card.append(make("div", { className: "job-text" }, text, make("span", { className: "dim" })), bar, cancel);
    } else {
      const again = make("button", { type: "button", textContent: "Try again" });
      again.addEventListener("click", async () => {
        await this.#end(remove(`jobs/${job.id}`));
        const { params } = job;
        await this.start(job.kind, "rate" in params ? { wish: params } : "objects" in params ? { mask: params } : {});
      });
      const close = make("button", { type: "button", className: "quiet", ariaLabel: "Dismiss" }, icon("close"));
      close.addEventListener("click", () => this.#end(remove(`jobs/${job.id}`)));
      card.append(make("div", { className: "job-text", role: "alert" }, text), again, close);
    }
    update(card, job);
    return card;
  }

  async #end(request) {
    try {
      await request;
    } catch (error) {
      complain(error);
    }
    await this.#again();
  }
}

function update(card, job) {
  const [doing, failed] = WORDS[job.kind];
  const [text, rest] = card.querySelectorAll(".job-text span");
  if (!job.active) {
    text.textContent = `${job.state === "interrupted" ? "Interrupted" : failed}: ${job.message}`;
    return;
  }
  const running = job.state === "running";
  text.textContent = running ? `${doing}${job.share ? `, ${percent(job.share)}` : " …"}` : `${doing}: waiting its turn`;
  rest.textContent = running ? left(job.left_s) : "";
  const bar = card.querySelector("progress");
  if (job.share) bar.value = job.share;
  else bar.removeAttribute("value");
  // Every tenth is news enough for those who listen.
  announce(`${doing}, ${10 * Math.floor(job.share * 10)} %`);
}
