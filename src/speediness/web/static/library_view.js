// The list of videos, and uploads.

import { fileOf, get, upload } from "./api.js";
import { lookAt, queueAnalyses } from "./analyse_many.js";
import { byId, complain, make } from "./dom.js";
import { LABELS, bytes, clock, percent, short } from "./format.js";
import { bindKeys } from "./keys.js";

const FILTER_FROM = 12; // videos, below which nobody needs a filter
const POLL_MS = 1000;
const ORDER = ["slow_motion", "natural", "sped_up", "not_sure"];
const SORTS = { // of two videos; of equal ones the name decides
  name: () => 0,
  length: (a, b) => (b.duration_s ?? -1) - (a.duration_s ?? -1),
  verdict: (a, b) => rank(a) - rank(b),
  size: (a, b) => b.size_bytes - a.size_bytes,
};

export class LibraryView {
  #videos = [];
  #jobs = new Map(); // active ones by video
  #rows = new Map(); // list items by video, kept so that focus stays on one
  #about;
  #upload = null;
  #visit = 0; // goes up when the list is entered or left
  #timer = 0;

  constructor(about) {
    this.#about = about;
    byId("folder-title").textContent = about.folder ? `in ${about.folder}` : "";
    byId("upload-limit").textContent =
      `up to ${bytes(about.upload_bytes)} and ${Math.round(about.film_s / 60)} minutes each; they stay with this server`;
    byId("upload-cancel").addEventListener("click", () => this.#upload?.abort());
    byId("filter").addEventListener("input", () => this.#list());
    byId("sort").value = localStorage.getItem("sort") ?? "name";
    byId("sort").addEventListener("change", () => {
      localStorage.setItem("sort", byId("sort").value);
      this.#list();
    });
    byId("analyse-all").addEventListener("click", () => this.#analyseAll());
    this.#choose(byId("upload"), "");
    this.#choose(byId("clip"), "/find"); // motion like all of it is looked for
    this.#dropAnywhere();
    bindKeys("library", {
      Videos: [
        { keys: ["/"], does: "filter by name", act: () => byId("filter").focus() },
        { keys: ["a"], does: "analyse all", act: () => byId("analyse-all").click() },
        { keys: ["j", "ArrowDown"], does: "next video", act: () => this.#go(1) },
        { keys: ["k", "ArrowUp"], does: "the one before", act: () => this.#go(-1) },
      ],
    });
  }

  #choose(input, then) {
    input.addEventListener("change", () => {
      this.#send([...input.files], then);
      input.value = "";
    });
  }

  // On whatever view; on the place for clips they are looked for.
  #dropAnywhere() {
    const over = (on) => document.body.classList.toggle("dropping", on);
    document.addEventListener("dragover", (event) => {
      event.preventDefault(); // a missed drop must not open the file
      over(event.dataTransfer.types.includes("Files"));
    });
    document.addEventListener("dragleave", (event) => event.relatedTarget ?? over(false));
    document.addEventListener("drop", (event) => {
      event.preventDefault();
      over(false);
      this.#send([...event.dataTransfer.files], event.target.closest?.("#drop-clip") ? "/find" : "");
    });
  }

  async enter() {
    document.title = "speediness";
    const visit = ++this.#visit;
    await this.#poll(true);
    for (const video of this.#videos) {
      if (video.looked || video.problem || visit !== this.#visit) continue;
      await lookAt(video.id).catch(complain);
      if (visit === this.#visit) await this.#refresh();
    }
  }

  leave() {
    this.#visit++;
    clearTimeout(this.#timer);
  }

  async #refresh() {
    this.#videos = await get("films");
    byId("filter").hidden = this.#videos.length < FILTER_FROM;
    this.#list();
  }

  // How far the jobs are, and what they made; news: a job may have come and gone unseen.
  async #poll(news = false) {
    clearTimeout(this.#timer);
    const visit = this.#visit;
    try {
      const active = await get("jobs");
      if (visit !== this.#visit) return;
      const ids = (jobs) => [...jobs].map((job) => job.id).join();
      const changed = ids(this.#jobs.values()) !== ids(active);
      this.#jobs = new Map(active.map((job) => [job.film_id, job]));
      news || changed ? await this.#refresh() : this.#list();
    } catch (error) {
      complain(error);
    }
    if (visit === this.#visit) this.#timer = setTimeout(() => this.#poll(), POLL_MS);
  }

  #list() {
    const wanted = byId("filter").value.toLowerCase();
    const sort = SORTS[byId("sort").value];
    const shown = this.#videos
      .filter((video) => video.name.toLowerCase().includes(wanted))
      .sort((a, b) => sort(a, b) || a.name.localeCompare(b.name, undefined, { numeric: true }));
    const items = shown.map((video) => this.#row(video));
    const list = byId("videos");
    if (items.length !== list.children.length || items.some((item, n) => item !== list.children[n])) {
      list.replaceChildren(...items);
    }
    byId("no-videos").hidden = shown.length > 0;
    byId("no-videos").textContent = this.#videos.length
      ? `No video has “${byId("filter").value}” in its name.`
      : "There are no videos in this folder yet.";
    const open = this.#open().length;
    byId("analyse-all").hidden = open === 0;
    byId("analyse-all").textContent = open === this.#videos.length ? "Analyse all" : `Analyse the ${open} left`;
    byId("list-head").hidden = this.#videos.length === 0;
  }

  // Videos that an analysis would tell something of.
  #open() {
    return this.#videos.filter((video) => !video.analysed && !video.problem && !this.#jobs.has(video.id));
  }

  #row(video) {
    const item = this.#rows.get(video.id) ?? make("li", {}, make("a", { href: `#/video/${video.id}` }));
    this.#rows.set(video.id, item);
    const job = this.#jobs.get(video.id);
    const text = JSON.stringify([video, state(video, job)]);
    if (item.dataset.text !== text) {
      item.dataset.text = text;
      item.firstChild.replaceChildren(...entry(video, job));
    }
    return item;
  }

  #go(step) {
    const links = [...byId("videos").querySelectorAll("a")];
    const at = links.indexOf(document.activeElement);
    links[Math.min(Math.max(at + step, 0), links.length - 1)]?.focus();
  }

  async #analyseAll() {
    byId("analyse-all").disabled = true;
    try {
      await queueAnalyses(this.#open(), () => this.#poll(true));
    } catch (error) {
      complain(error);
    }
    byId("analyse-all").disabled = false;
  }

  // One after the other; of a single one its page opens.
  async #send(files, then) {
    if (files.length === 0 || this.#upload) return;
    const sent = [];
    for (const [n, file] of files.entries()) {
      const place = files.length > 1 ? ` (${n + 1} of ${files.length})` : "";
      const video = await this.#sendOne(file, place);
      if (video) sent.push(video);
    }
    if (sent.length === 1 && files.length === 1) location.hash = `#/video/${sent[0].id}${then}`;
    else if (!byId("library").hidden) await this.enter();
  }

  async #sendOne(file, place) {
    if (file.size > this.#about.upload_bytes) {
      complain(new Error(`${file.name} is larger than ${bytes(this.#about.upload_bytes)}; cut or compress it`));
      return null;
    }
    this.#upload = new AbortController();
    byId("upload-progress").hidden = false;
    const show = (share) => {
      byId("upload-bar").value = share;
      byId("upload-text").textContent = `Uploading ${file.name}${place}, ${percent(share)}`;
    };
    show(0);
    try {
      return await upload(file, show, this.#upload.signal);
    } catch (error) {
      if (error.name !== "AbortError") complain(error);
      return null;
    } finally {
      this.#upload = null;
      byId("upload-progress").hidden = true;
    }
  }
}

function rank({ verdict }) {
  return verdict ? ORDER.indexOf(verdict.label) + Math.min(verdict.factor, 100) / 1000 : ORDER.length;
}

function state(video, job) {
  if (video.problem) return video.problem;
  if (job?.kind === "analyse") {
    if (job.state === "queued") return "waiting to be analysed";
    return job.share ? `analysing, ${percent(job.share)}` : "analysing …";
  }
  if (!video.analysed) return "";
  if (!video.verdict) return "analysed";
  const { label, factor, some } = video.verdict;
  const about = ["slow_motion", "sped_up"].includes(label) ? `, about ${short(factor)}` : "";
  return [LABELS[label] + about, ...some.map((other) => `some ${LABELS[other]}`)].join(", ");
}

function entry(video, job) {
  const image = make("span", { className: "thumbnail" });
  if (video.thumbnail) {
    const src = fileOf(video.thumbnail, "thumbnail");
    image.append(make("img", { src, alt: "", loading: "lazy", width: 128, height: 72 }));
  }
  const facts = [video.duration_s === null ? null : clock(video.duration_s, 0), bytes(video.size_bytes)];
  if (video.uploaded) facts.push("uploaded");
  const words = state(video, job);
  const told = make("span", { className: video.problem ? "state error" : "state" });
  if (video.verdict && !job) told.append(make("i", { className: `swatch ${video.verdict.label}` }));
  told.append(words);
  return [
    image,
    make(
      "span",
      { className: "named" },
      make("span", { className: "name", textContent: video.name }),
      make("span", { className: "meta", textContent: facts.filter(Boolean).join(" · ") }),
    ),
    words ? told : "",
  ];
}
