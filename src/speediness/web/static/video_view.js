// One video: player, curve, plan, and what was made of it.

import { get, remove } from "./api.js";
import { Chart } from "./chart.js";
import { announce, byId, complain, make, tell } from "./dom.js";
import { FindPanel, longestShot } from "./find_panel.js";
import { FollowPanel } from "./follow_panel.js";
import { about } from "./format.js";
import { JobList } from "./job_list.js";
import { bindKeys } from "./keys.js";
import { Plan } from "./plan.js";
import { PlanControl } from "./plan_control.js";
import { Player } from "./player.js";
import { Results } from "./results.js";
import { estimateS, facts, listSegments } from "./segments.js";
import { Showing } from "./showing.js";
import { Transport } from "./transport.js";

const RANGE = /^(\d+(?:\.\d+)?)-(\d+(?:\.\d+)?)$/; // seconds in the address
const CURVE_PARTS = ["chart", "zoom", "legend", "chart-hint", "segment-details", "plan-card", "make-card"];
const DESCRIBE_EVERY_MS = 500;
const RATE_STEP = 0.1; // of a key

export class VideoView {
  #video = null; // as the server last described it
  #curve = null;
  #curveId = ""; // of the job that made it
  #wanted = ""; // what is to be looked for: a range, or the whole clip ("find")
  #plan = null;
  #studyId; // latest pair in the comparison; undefined before the video is known
  #mode = "original";
  #shown = null; // the file that the <video> has
  #frame = 0;
  #describedMs = 0;

  constructor(about) {
    this.element = byId("video");
    this.player = new Player(this.element, () => this.transport?.showState());
    this.transport = new Transport(this.player, () => this.#togglePlay());
    this.chart = new Chart(byId("chart"), byId("canvas"), {
      onSeek: (timeS) => this.player.seek(timeS),
      onLock: (startS, endS) => this.control.addLock(startS, endS),
      onMark: (startS, endS) => this.find.mark(startS, endS),
      load: (startS, endS) => get(`films/${this.#video.id}/columns?start_s=${startS}&end_s=${endS}`),
    });
    this.find = new FindPanel(about, this.player, {
      onFind: (range, answer) => this.#showSearch(range, answer),
      onPlay: () => {
        if (this.showing.kind) this.showing.show("");
        this.#setMode("original");
      },
    });
    this.follow = new FollowPanel({
      onOpen: () => {
        if (this.showing.kind) this.showing.show("");
        this.player.stop();
        this.player.seek(0);
      },
      onStart: (objects) => this.jobs.start("propagate", { mask: { objects } }),
    });
    this.control = new PlanControl(about, {
      onPlan: (plan) => this.#replan(plan),
      onLocks: (locks, openLockS) => this.chart.showLocks(locks, openLockS),
      timeS: () => this.player.timeS,
    });
    this.jobs = new JobList((video) => this.#update(video));
    this.showing = new Showing(() => this.#showFile(), (kind) => this.jobs.start(kind));
    this.results = new Results(() => {
      if (this.showing.kind !== "render") this.showing.show("render");
      this.player.seek(0);
      this.player.play();
    });
    this.#listen();
    bindKeys("video-page", this.#keys());
  }

  // wanted: of the address, what to look for.
  async enter(videoId, wanted) {
    const video = await get(`films/${videoId}`);
    this.#video = null;
    this.#curve = this.#plan = this.#shown = null;
    this.#curveId = "";
    this.#studyId = undefined;
    this.#wanted = wanted;
    for (const id of CURVE_PARTS) byId(id).hidden = true;
    byId("notes").replaceChildren();
    byId("jobs").replaceChildren();
    byId("unplayable").hidden = true;
    this.showing.reset();
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
    this.follow.close();
    this.player.close();
  }

  // The server says something new of the video: a job began, went on or ended.
  #update(video) {
    this.#video = video;
    const { info, done } = video;
    const busy = (kind) => video.jobs.some((job) => job.kind === kind && job.active);
    byId("video-meta").textContent = info ? facts(info) : "";
    byId("follow").hidden = !info;
    byId("analyse-card").hidden = !info || "analyse" in done || busy("analyse");
    byId("analyse-estimate").textContent = info?.duration_s
      ? `For this video that takes ${about(estimateS(info))} on two cores.`
      : "";
    this.#allow();
    if (this.#studyId !== undefined && "study" in done && done.study !== this.#studyId) {
      tell("Added to the comparison; vote under Comparison");
    }
    this.#studyId = done.study ?? null;
    byId("make-playable").disabled = busy("playable");
    this.showing.update(video);
    if (info) {
      this.transport.show(info);
      byId("stage").style.setProperty("--shape", `${info.width_px} / ${info.height_px}`);
      this.#showFile();
    }
    if ("analyse" in done && done.analyse !== this.#curveId) this.#showCurve();
    const begun = video.jobs.some((job) => job.kind === "analyse");
    if (this.#wanted === "find" && info && !begun) this.jobs.start("analyse");
    byId("find-again").hidden = video.searchable || busy("analyse");
    this.results.show(video);
  }

  // Sets what the player shows, at the moment and in the state it is in.
  async #showFile() {
    const { id } = this.#video;
    try {
      const file = await this.showing.file();
      if (this.#video?.id !== id || file.version === this.#shown?.version) return;
      this.#shown = file;
    } catch (error) {
      complain(error);
      return;
    }
    byId("unplayable").hidden = true;
    byId("showing-file").hidden = !this.#shown.url.startsWith("/api/jobs/");
    byId("showing-file").href = this.#shown.url;
    this.player.open(this.#shown.url, this.#shown.startsAtS, this.#shown.made);
    this.#setMode(this.#mode);
    this.#drawPlan();
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
    byId("notes").replaceChildren(...this.#curve.notes.map((note) => make("li", { textContent: note })));
    listSegments(this.#curve.segments, (timeS) => this.player.seek(timeS));
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

  // Of what is played: a rendered video keeps the plan that it was made by.
  #drawPlan() {
    const plan = this.#rendered ? this.#shown.made : this.#plan;
    this.chart.showPlan(plan, plan ? plan.durationS / plan.outputDurationS : this.control.rate);
  }

  #replan(plan) {
    const first = this.#plan === null;
    this.#plan = plan;
    this.#drawPlan();
    this.#setMode(plan === null ? "original" : first ? "adaptive" : this.#mode);
    this.#allow();
  }

  // What is made of a plan waits for one; while one is refused there is nothing to make.
  #allow() {
    for (const [button, kind] of [["render", "render"], ["export", "export"], ["add-study", "study"]]) {
      const busy = this.#video?.jobs.some((job) => job.kind === kind && job.active);
      byId(button).disabled = busy || this.#plan === null;
    }
  }

  // A rendered video has its speed in itself, and is played as it is.
  get #rendered() {
    return this.#shown?.made instanceof Plan;
  }

  #setMode(mode) {
    for (const radio of byId("modes").querySelectorAll("input")) {
      radio.disabled = this.#rendered || (radio.value !== "original" && this.#plan === null);
      radio.checked = radio.value === mode;
    }
    this.#mode = mode;
    const durationS = this.#plan?.durationS ?? this.#video?.info?.duration_s ?? 1e9;
    const uniform = Plan.uniform(durationS, mode === "uniform" ? this.control.rate : 1);
    this.player.follow(this.#rendered ? this.#shown.made : mode === "adaptive" ? this.#plan : uniform);
  }

  #chooseMode(mode) {
    if (byId("modes").querySelector(`[value=${mode}]`).disabled) return;
    this.#setMode(mode);
    announce(mode);
  }

  #tick() {
    this.#frame = requestAnimationFrame(() => this.#tick());
    this.player.tick();
    this.find.tick();
    const { timeS, driftS } = this.player;
    const sourceS = this.#curve?.duration_s ?? this.#video?.info?.duration_s ?? 0;
    if (this.#rendered) this.transport.tick(this.element.currentTime, this.#shown.made.outputDurationS);
    else this.transport.tick(timeS, sourceS);
    const inStep = this.#mode === "adaptive" && !this.element.paused && !this.#rendered;
    byId("drift").hidden = !inStep;
    if (inStep) byId("drift").textContent = `in step to ${Math.abs(driftS).toFixed(2)} s`;
    this.chart.draw(timeS);
    const nowMs = performance.now();
    if (this.#curve && nowMs - this.#describedMs > DESCRIBE_EVERY_MS) {
      this.#describedMs = nowMs;
      this.chart.describe(timeS, this.player.speed);
    }
  }

  #listen() {
    const { element } = this;
    element.addEventListener("click", () => this.#togglePlay());
    element.addEventListener("error", () => this.#cannotPlay());
    element.addEventListener("loadedmetadata", () => {
      if (!element.videoWidth) this.#cannotPlay(); // some play the sound of what they cannot show
    });
    byId("modes").addEventListener("change", (event) => this.#setMode(event.target.value));
    for (const id of ["analyse", "analyse-again"]) {
      byId(id).addEventListener("click", () => this.jobs.start("analyse"));
    }
    byId("make-playable").addEventListener("click", () => this.jobs.start("playable"));
    for (const [id, kind] of [["render", "render"], ["export", "export"], ["add-study", "study"]]) {
      byId(id).addEventListener("click", () => this.jobs.start(kind, { wish: this.control.wish }));
    }
    byId("remove-video").addEventListener("click", () => this.#removeVideo());
  }

  #cannotPlay() {
    if (!this.element.getAttribute("src") || !this.#video?.info) return;
    const { codec } = this.#video.info;
    byId("unplayable-text").textContent = `Your browser cannot play this video (its images are coded as ${codec}).`;
    byId("unplayable").hidden = false;
  }

  #togglePlay() {
    if (!byId("unplayable").hidden) return;
    const { otherVideo } = this.find;
    if (!otherVideo) this.player.toggle();
    else if (otherVideo.paused) otherVideo.play().catch(() => {});
    else otherVideo.pause();
  }

  async #removeVideo() {
    try {
      await remove(`films/${this.#video.id}`);
      location.hash = "#/";
    } catch (error) {
      complain(error);
    }
  }

  #keys() {
    const { player, transport, chart, find } = this;
    const key = (keys, does, act) => ({ keys: [keys].flat(), does, act });
    const seek = (byS) => () => player.seek(player.timeS + byS);
    const planned = (act) => () => this.#plan && act(this.control);
    const curved = (act) => () => this.#curve && act();
    const show = (kind) => () => this.#video?.info && this.showing.show(kind);
    return {
      Play: [
        key(["k", " "], "play, pause", () => this.#togglePlay()),
        key("l", "forwards, again: faster", () => player.shuttle(1)),
        key("j", "slower, then backwards", () => player.shuttle(-1)),
        key(",", "one frame back", () => transport.stepFrames(-1)),
        key(".", "one frame on", () => transport.stepFrames(1)),
        key("ArrowLeft", "one second back", seek(-1)),
        key("ArrowRight", "one second on", seek(1)),
        key("Shift+ArrowLeft", "five seconds back", seek(-5)),
        key("Shift+ArrowRight", "five seconds on", seek(5)),
        key("Home", "to the start", () => player.seek(0)),
        key("End", "to the end", () => player.seek(this.#plan?.durationS ?? this.element.duration)),
        key("m", "sound off, on", () => transport.mute()),
        key("9", "quieter", () => transport.louder(-1)),
        key("0", "louder", () => transport.louder(1)),
        key("f", "full screen", () => transport.fullScreen()),
      ],
      Speed: [
        key("1", "original", () => this.#chooseMode("original")),
        key("2", "adaptive", () => this.#chooseMode("adaptive")),
        key("3", "uniform, as long as adaptive", () => this.#chooseMode("uniform")),
        key("[", "slower on average", planned((control) => control.setRate(control.rate - RATE_STEP))),
        key("]", "faster on average", planned((control) => control.setRate(control.rate + RATE_STEP))),
        key("i", "normal speed from here", planned((control) => control.startLock())),
        key("o", "normal speed to here", planned((control) => control.endLock())),
        key("x", "no longer normal speed here", planned((control) => control.unlockHere())),
        key("Ctrl+z", "undo", planned((control) => control.undo())),
        key(["Ctrl+Shift+z", "Ctrl+y"], "redo", planned((control) => control.redo())),
      ],
      See: [
        key(["+", "="], "closer", () => chart.zoom(2)),
        key("-", "see more", () => chart.zoom(0.5)),
        key("w", "the whole curve", () => chart.showAll()),
        key("r", "the result", () => "render" in (this.#video?.done ?? {}) && this.showing.show("render")),
        key("h", "heat map: where the score comes from", show("heatmap")),
        key("Shift+h", "heat map: natural or sped up", show("speedmap")),
        key("p", "follow something", () => this.#video?.info && this.follow.toggle()),
      ],
      "Find motion": [
        key("/", "open, close", () => find.toggle()),
        key("s", "starts here", curved(() => find.startHere())),
        key("e", "ends here", curved(() => find.endHere())),
        key("Escape", "stop the match, close", () => find.stop() || this.follow.close() || find.close()),
      ],
    };
  }
}
