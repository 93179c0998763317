// One video: player, curve, plan, and what was made of it.

import { get, remove } from "./api.js";
import { Chart } from "./chart.js";
import { announce, byId, complain, icon, make, tell } from "./dom.js";
import { FindPanel, longestShot } from "./find_panel.js";
import { LABELS, clock, short, times } from "./format.js";
import { JobList } from "./job_list.js";
import { Plan } from "./plan.js";
import { PlanControl } from "./plan_control.js";
import { Player } from "./player.js";

const RANGE = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/; // seconds in the address
const CURVE_PARTS = ["chart", "legend", "chart-hint", "segment-details", "plan-card", "make-card"];
const MODES = ["original", "adaptive", "uniform"];
const MOST_LISTED = 200; // segments in the list
const DESCRIBE_EVERY_MS = 500;

export class VideoView {
  #video = null; // as the server last described it
  #curve = null;
  #curveId = ""; // of the job that made it
  #wanted = ""; // what is to be looked for: a range, or the whole clip ("find")
  #plan = null;
  #studyId; // latest pair in the comparison; undefined before the video is known
  #rate = 1;
  #mode = "original";
  #sourceId = ""; // what the <video> shows: the video, its playable copy or its heat map
  #frame = 0;
  #describedMs = 0;

  constructor(about) {
    this.element = byId("video");
    this.player = new Player(this.element);
    this.chart = new Chart(byId("chart"), byId("canvas"), {
      onSeek: (timeS) => this.player.seek(timeS),
      onLock: (startS, endS) => this.control.addLock(startS, endS),
      onMark: (startS, endS) => this.find.mark(startS, endS),
    });
    this.find = new FindPanel(about, this.player, {
      onFind: (range, answer) => this.#showSearch(range, answer),
      onPlay: () => this.#setMode("original"),
    });
    this.control = new PlanControl(about, {
      onPlan: (plan, rate, rho) => this.#replan(plan, rate, rho),
      onLocks: (locks, openLockS) => this.chart.showLocks(locks, openLockS),
      timeS: () => this.player.timeS,
    });
    this.jobs = new JobList((video) => this.#update(video));
    this.#listen();
  }

  // wanted: of the address, what to look for.
  async enter(videoId, wanted) {
    const video = await get(`films/${videoId}`);
    this.#video = null;
    this.#curve = this.#plan = null;
    this.#sourceId = this.#curveId = "";
    this.#studyId = undefined;
    this.#wanted = wanted;
    for (const id of CURVE_PARTS) byId(id).hidden = true;
    byId("notes").replaceChildren();
    byId("jobs").replaceChildren();
    byId("unplayable").hidden = true;
    byId("heatmap").setAttribute("aria-pressed", "false");
    this.#setMode("original");
    document.title = `${video.name} · speediness`;
    byId("video-title").textContent = video.name;
    byId("remove-video").hidden = !video.uploaded;
    this.jobs.watch(video);
    if (!video.info && !video.jobs.some((job) => job.active)) await this.jobs.start("look");
    cancelAnimationFrame(this.#frame);
    this.#tick();
  }

  leave() {
    cancelAnimationFrame(this.#frame);
    this.jobs.stop();
    this.control.close();
    this.find.leave();
    this.element.pause();
    this.element.removeAttribute("src");
    this.element.load();
  }

  // The server says something new of the video: a job began, went on or ended.
  #update(video) {
    this.#video = video;
    const { info, done } = video;
    const busy = (kind) => video.jobs.some((job) => job.kind === kind && job.active);
    byId("video-meta").textContent = info ? facts(info) : "";
    byId("analyse-card").hidden = !info || "analyse" in done || busy("analyse");
    byId("analyse-estimate").textContent = info?.duration_s
      ? `For this video that takes about ${clock(estimateS(info), 0)} on two cores.`
      : "";
    this.#allow();
    if (this.#studyId !== undefined && "study" in done && done.study !== this.#studyId) {
      tell("Added to the comparison; vote under Comparison");
    }
    this.#studyId = done.study ?? null;
    byId("make-playable").disabled = busy("playable");
    const heatmap = byId("heatmap");
    heatmap.hidden = !info;
    heatmap.disabled = busy("heatmap");
    // On while it is made, so that it shows as soon as it is; off again if that was cancelled or failed.
    if (busy("heatmap")) heatmap.setAttribute("aria-pressed", "true");
    else if (!("heatmap" in done)) heatmap.setAttribute("aria-pressed", "false");
    if (info) this.#showVideo();
    if ("analyse" in done && done.analyse !== this.#curveId) this.#showCurve();
    const begun = video.jobs.some((job) => job.kind === "analyse");
    if (this.#wanted === "find" && info && !begun) this.jobs.start("analyse");
    byId("find-again").hidden = video.searchable || busy("analyse");
    this.#showDownloads();
  }

  // Sets what the player shows, at the moment and in the state it is in.
  #showVideo() {
    const { id, info, done } = this.#video;
    const mapped = byId("heatmap").getAttribute("aria-pressed") === "true" && "heatmap" in done;
    const version = mapped ? done.heatmap : (done.playable ?? id);
    if (version === this.#sourceId) return;
    const { timeS } = this.player;
    const resume = this.#sourceId !== "";
    const playing = !this.element.paused;
    this.#sourceId = version;
    byId("unplayable").hidden = true;
    // Videos that this program writes begin with their first image.
    this.player.startsAtS = mapped || "playable" in done ? 0 : info.starts_at_s;
    this.element.src = `/api/films/${id}/${mapped ? "heatmap" : "video"}?version=${version}`;
    if (resume) this.player.seek(timeS);
    if (playing) this.element.play().catch(() => {});
    byId("stage").style.aspectRatio = `${info.width_px} / ${info.height_px}`;
    byId("length").textContent = clock(info.duration_s ?? 0);
  }

  async #showCurve() {
    const { id, done } = this.#video;
    this.#curveId = done.analyse; // asked for, so that it is asked for once
    try {
      const curve = await get(`films/${id}/curve`);
      if (this.#video?.id !== id || this.#curveId !== done.analyse) return;
      this.#curve = curve;
    } catch (error) {
      complain(error);
      return;
    }
    for (const name of CURVE_PARTS) byId(name).hidden = false;
    this.chart.show(this.#curve);
    byId("length").textContent = clock(this.#curve.duration_s);
    byId("notes").replaceChildren(...this.#curve.notes.map((note) => make("li", { textContent: note })));
    this.#listSegments();
    this.control.open(this.#video, this.#curve.duration_s);
    this.#openSearch();
    announce("The curve is ready");
  }

  // The panel, with what the address asks for.
  #openSearch() {
    this.find.enter(this.#video, this.#curve.duration_s);
    const range = RANGE.exec(this.#wanted)?.slice(1).map(Number);
    if (range) this.find.open(range);
    else if (this.#wanted === "find") this.find.open(longestShot(this.#curve, this.find.longestS));
    this.#wanted = "";
  }

  #showSearch(range, answer) {
    const open = this.find.isOpen;
    this.chart.showSearch(open ? { range, answer } : null);
    byId("hint-seek").hidden = open;
    for (const part of document.querySelectorAll(".with-find")) part.hidden = !open;
  }

  #listSegments() {
    const entries = this.#curve.segments.slice(0, MOST_LISTED).map((segment) => {
      const button = make("button", { type: "button", className: "quiet" });
      button.append(
        make("i", { className: `swatch ${segment.label}` }),
        `${clock(segment.start_s)} to ${clock(segment.end_s)}, ${LABELS[segment.label]}`,
        ["natural", "not_sure"].includes(segment.label) ? "" : ` about ${short(segment.factor)}`,
      );
      button.addEventListener("click", () => this.player.seek(segment.start_s));
      return make("li", {}, button);
    });
    const more = this.#curve.segments.length - entries.length;
    if (more > 0) entries.push(make("li", { textContent: `and ${more} more, all in the curve’s file` }));
    byId("segments").replaceChildren(...entries);
  }

  #replan(plan, rate, rho) {
    const first = this.#plan === null;
    this.#plan = plan;
    this.#rate = rate;
    this.chart.showPlan(plan, rate, rho);
    this.#setMode(plan === null ? "original" : first ? "adaptive" : this.#mode);
    this.#allow();
  }

  // A video is made of a plan; while one is refused there is nothing to make.
  #allow() {
    for (const [button, kind] of [["render", "render"], ["add-study", "study"]]) {
      const busy = this.#video?.jobs.some((job) => job.kind === kind && job.active);
      byId(button).disabled = busy || this.#plan === null;
    }
  }

  #setMode(mode) {
    for (const radio of byId("modes").querySelectorAll("input")) {
      radio.disabled = radio.value !== "original" && this.#plan === null;
      radio.checked = radio.value === mode;
    }
    this.#mode = mode;
    const durationS = this.#plan?.durationS ?? this.#video?.info?.duration_s ?? 1e9;
    this.player.follow(
      mode === "adaptive" ? this.#plan : Plan.uniform(durationS, mode === "uniform" ? this.#rate : 1),
    );
  }

  #showDownloads() {
    const { jobs, done } = this.#video;
    const links = [];
    const link = (jobId, name, text) =>
      links.push(
        make(
          "li",
          {},
          make("a", { href: `/api/jobs/${jobId}/files/${name}`, download: "" }, icon("download"), text),
        ),
      );
    const render = jobs.find((job) => job.kind === "render" && job.state === "done");
    if (render) {
      const kept = render.params.locks.length ? ", with locks" : "";
      link(render.id, "film", `Video at ${short(render.params.rate)}${kept}`);
      link(render.id, "plan", "Its plan");
      link(render.id, "plot", "Its plot");
      link(render.id, "drawing", "Its plot as SVG");
    }
    if ("analyse" in done) {
      link(done.analyse, "curve", "Curve");
      if (!render) {
        link(done.analyse, "plot", "Plot of the curve");
        link(done.analyse, "drawing", "Plot of the curve as SVG");
      }
    }
    // Replaced only when something is new, so that focus stays where it is.
    const now = links.map((entry) => entry.firstChild.href).join();
    const list = byId("downloads");
    if (list.dataset.shown === now) return;
    list.dataset.shown = now;
    list.replaceChildren(...links);
  }

  #tick() {
    this.#frame = requestAnimationFrame(() => this.#tick());
    this.player.tick();
    this.find.tick();
    const { timeS, driftS } = this.player;
    byId("now").textContent = clock(timeS);
    byId("speed").textContent = times(this.element.playbackRate);
    const inStep = this.#mode === "adaptive" && !this.element.paused;
    byId("drift").hidden = !inStep;
    if (inStep) byId("drift").textContent = `in step with the plan to ${Math.abs(driftS).toFixed(2)} s`;
    this.chart.draw(timeS);
    const nowMs = performance.now();
    if (this.#curve && nowMs - this.#describedMs > DESCRIBE_EVERY_MS) {
      this.#describedMs = nowMs;
      this.chart.describe(timeS, this.element.playbackRate);
    }
  }

  #listen() {
    const { element } = this;
    byId("play").addEventListener("click", () => this.#togglePlay());
    element.addEventListener("click", () => this.#togglePlay());
    for (const event of ["play", "pause"]) {
      element.addEventListener(event, () => {
        byId("play").setAttribute("aria-label", element.paused ? "Play" : "Pause");
        byId("play-icon").setAttribute("href", element.paused ? "#i-play" : "#i-pause");
      });
    }
    element.addEventListener("error", () => this.#cannotPlay());
    element.addEventListener("loadedmetadata", () => {
      if (!element.videoWidth) this.#cannotPlay(); // some play the sound of what they cannot show
    });
    byId("modes").addEventListener("change", (event) => this.#setMode(event.target.value));
    byId("analyse").addEventListener("click", () => this.jobs.start("analyse"));
    byId("analyse-again").addEventListener("click", () => this.jobs.start("analyse"));
    byId("make-playable").addEventListener("click", () => this.jobs.start("playable"));
    byId("render").addEventListener("click", () => this.jobs.start("render", this.control.wish));
    byId("add-study").addEventListener("click", () => this.jobs.start("study", this.control.wish));
    byId("heatmap").addEventListener("click", () => this.#toggleHeatmap());
    byId("remove-video").addEventListener("click", () => this.#removeVideo());
    document.addEventListener("keydown", (event) => this.#key(event));
  }

  #cannotPlay() {
    if (!this.element.getAttribute("src") || !this.#video?.info) return;
    const { codec } = this.#video.info;
    byId("unplayable-text").textContent = `Your browser cannot play this video (its images are coded as ${codec}).`;
    byId("unplayable").hidden = false;
  }

  #togglePlay() {
    if (!byId("unplayable").hidden) return;
    const element = this.find.otherVideo ?? this.element;
    if (element.paused) element.play().catch(() => {}); // a failure is an "error" event as well
    else element.pause();
  }

  #toggleHeatmap() {
    const button = byId("heatmap");
    if (button.hidden || button.disabled) return;
    if (!("heatmap" in this.#video.done)) {
      this.jobs.start("heatmap");
      return;
    }
    button.setAttribute("aria-pressed", button.getAttribute("aria-pressed") !== "true");
    this.#showVideo();
  }

  async #removeVideo() {
    try {
      await remove(`films/${this.#video.id}`);
      location.hash = "#/";
    } catch (error) {
      complain(error);
    }
  }

  #key(event) {
    if (byId("video-page").hidden || event.ctrlKey || event.metaKey || event.altKey) return;
    const { target } = event;
    // Text fields, the slider and the choice of playback need these keys themselves.
    if (target.matches("input") && event.key !== "Escape") return;
    if (target.matches("button, a, summary") && event.key === " ") return;
    const byKey = {
      " ": () => this.#togglePlay(),
      ArrowLeft: () => this.player.seek(this.player.timeS - (event.shiftKey ? 5 : 1)),
      ArrowRight: () => this.player.seek(this.player.timeS + (event.shiftKey ? 5 : 1)),
      Home: () => this.player.seek(0),
      End: () => this.player.seek(this.#plan?.durationS ?? this.element.duration),
      a: () => this.#plan && this.#setMode("adaptive"),
      o: () => this.#setMode("original"),
      u: () => this.#plan && this.#setMode(this.#mode === "uniform" ? "adaptive" : "uniform"),
      l: () => this.#plan && this.control.toggleLock(),
      h: () => this.#toggleHeatmap(),
      f: () => this.find.toggle(),
      s: () => this.#curve && this.find.startHere(),
      e: () => this.#curve && this.find.endHere(),
      Escape: () => this.find.stop() || this.find.close(),
    };
    const act = byKey[event.key.length === 1 ? event.key.toLowerCase() : event.key];
    if (!act) return;
    event.preventDefault();
    act();
    if (MODES.some((mode) => mode[0] === event.key)) announce(this.#mode);
  }
}

// Measured on two cores: 11 s for a minute of 1080p, 2 s for one whose decoding costs nothing.
function estimateS({ duration_s, width_px, height_px }) {
  return Math.max(2, duration_s * (0.03 + (0.075 * width_px * height_px) / 1e6));
}

function facts(info) {
  return [
    info.duration_s === null ? null : clock(info.duration_s, 0),
    `${info.width_px} × ${info.height_px}`,
    `${Number(info.frame_rate.toFixed(2))} frames a second`,
    info.codec,
    info.has_audio ? "with sound" : "silent",
  ]
    .filter(Boolean)
    .join(" · ");
}
