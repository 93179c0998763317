// What was made of a video, to play and to download.

import { fileOf } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { short } from "./format.js";

const EDITORS = {
  fcpxml: "Final Cut Pro, DaVinci Resolve",
  xml: "Premiere Pro",
  mlt: "melt",
  otio: "OpenTimelineIO",
  edl: "Edit decision list",
  csv: "Table of times",
};

export class Results {
  /** @param {() => void} onPlay the rendered video is to be played here */
  constructor(onPlay) {
    this.onPlay = onPlay;
  }

  /** Replaced only when something is new, so that focus stays where it is. */
  show({ jobs, done }) {
    const latest = (kind) => jobs.find((job) => job.id === done[kind]);
    const [render, exported, analysis] = [latest("render"), latest("export"), latest("analyse")];
    const now = [render, exported, analysis].map((job) => job?.id).join();
    if (byId("downloads").dataset.shown === now) return;
    byId("downloads").dataset.shown = now;
    byId("downloads").replaceChildren(...(render ? [this.#rendered(render)] : []));
    byId("data").replaceChildren(...data(render, analysis));
    byId("exports").replaceChildren(...(exported ? timelines(exported) : []));
    byId("exports-title").hidden = !exported;
    if (exported) byId("exports-title").textContent = `For an editor, at ${short(exported.params.rate)}`;
  }

  #rendered(job) {
    const play = make("button", { type: "button", className: "quiet", ariaLabel: "Play the result" }, icon("play"), "Play");
    play.addEventListener("click", this.onPlay);
    const kept = job.params.locks.length ? ", with parts kept" : "";
    return make("li", {}, link(job.id, "film", `Video at ${short(job.params.rate)}${kept}`), play);
  }
}

function data(render, analysis) {
  const entries = [];
  const add = (job, name, text) => entries.push(make("li", {}, link(job.id, name, text)));
  if (render) add(render, "plan", "Speed over time (JSON)");
  if (analysis) add(analysis, "curve", "Scores of every frame (JSON)");
  const plotted = render ?? analysis;
  if (plotted) {
    add(plotted, "plot", "Plot (PNG)");
    add(plotted, "drawing", "Plot (SVG)");
  }
  return entries;
}

function timelines(job) {
  const entries = Object.entries(EDITORS).map(([name, text]) => link(job.id, name, `${text} (.${name})`));
  job.subtitles.forEach((rest, n) => entries.push(link(job.id, `subtitles-${n}`, `Subtitles (${rest})`)));
  return entries.map((entry) => make("li", {}, entry));
}

const link = (jobId, name, text) =>
  make("a", { href: fileOf(jobId, name), download: "" }, icon("download"), text);
