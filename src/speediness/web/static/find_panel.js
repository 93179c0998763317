// Looking for motion: which stretch, where else things move so, and playing what was found.

import { ended, queueAnalyses } from "./analyse_many.js";
import { post } from "./api.js";
import { announce, byId, complain, make } from "./dom.js";
import { clock } from "./format.js";
import { Thumbnails } from "./thumbnails.js";

const SHORTEST_S = 0.1;
const MOST_NAMED = 50; // videos that were not searched

export class FindPanel {
  #video = null;
  #durationS = 0;
  #range = null; // [start, end] looked for, seconds
  #asked = false; // another stretch was marked while an answer was awaited
  #waiting = false;
  #left = []; // videos that were not searched
  #otherSpan = null; // of the match in another video, by the clock of its file
  #playing = null; // button of the match that plays
  #thumbnails = new Thumbnails();

  // onFind is called with the range and the answer (null: none yet), or with null when the panel closes;
  // onPlay before a stretch is played.
  constructor(about, player, { onFind, onPlay }) {
    this.longestS = about.query_s;
    this.player = player;
    this.onFind = onFind;
    this.onPlay = onPlay;
    this.other = byId("other-video");
    byId("find").addEventListener("click", () => this.toggle());
    for (const name of ["find-from", "find-to"]) {
      byId(name).addEventListener("change", () => this.#typed());
    }
    byId("find-from-here").addEventListener("click", () => this.startHere());
    byId("find-to-here").addEventListener("click", () => this.endHere());
    byId("find-play").addEventListener("click", () => this.#playOrStop(byId("find-play"), null));
    byId("find-left-analyse").addEventListener("click", () => this.#analyseLeft());
    byId("other-close").addEventListener("click", () => this.stop());
  }

  get isOpen() {
    return !byId("find-panel").hidden;
  }

  // What plays over the video, if a match in another does.
  get otherVideo() {
    return byId("other").hidden ? null : this.other;
  }

  // A video whose curve is shown.
  enter(video, durationS) {
    this.#video = video;
    this.#durationS = durationS;
    byId("find").hidden = false;
    if (this.isOpen) this.#typed(); // it was analysed again
  }

  leave() {
    this.#video = null; // first, so that the address of the next view stays
    this.close();
    byId("find").hidden = true;
  }

  toggle() {
    if (this.isOpen) this.close();
    else if (this.#video) this.open();
  }

  // With a stretch to look for, or with none yet.
  open(range = null) {
    byId("find-panel").hidden = false;
    byId("find").setAttribute("aria-pressed", "true");
    this.#show(null);
    if (range) this.mark(...range);
    else this.onFind(null, null);
  }

  close() {
    if (!this.isOpen) return;
    this.stop();
    this.#thumbnails.stop();
    this.#range = null;
    byId("find-from").value = byId("find-to").value = "";
    byId("find-panel").hidden = true;
    byId("find").setAttribute("aria-pressed", "false");
    this.onFind(null, null);
    this.#remember("");
  }

  // Look for a stretch; the panel need not be open.
  mark(startS, endS) {
    if (!this.isOpen) this.open();
    byId("find-from").value = Math.max(startS, 0).toFixed(2);
    byId("find-to").value = Math.min(endS, this.#durationS, startS + this.longestS).toFixed(2);
    this.#typed();
  }

  startHere() {
    if (!this.isOpen) this.open();
    byId("find-from").value = this.player.timeS.toFixed(2);
    this.#typed();
  }

  endHere() {
    if (!this.isOpen) this.open();
    byId("find-to").value = this.player.timeS.toFixed(2);
    this.#typed();
  }

  // To be called for every frame of the page.
  tick() {
    if (this.#playing === null) return;
    if (byId("other").hidden) {
      if (this.player.span === null) this.#ended(); // somebody went elsewhere in the video
    } else if (this.other.currentTime >= this.#otherSpan[1] || this.other.ended) this.#restartOther();
  }

  // Whatever plays of what was found; true if something did.
  stop() {
    if (this.#playing === null) return false;
    this.player.loop(null);
    this.player.element.pause();
    this.#ended();
    return true;
  }

  #ended() {
    this.#playing?.setAttribute("aria-pressed", "false");
    this.#playing = null;
    byId("other").hidden = true;
    this.other.pause();
    this.other.removeAttribute("src");
    this.other.load();
  }

  #typed() {
    const [startS, endS] = ["find-from", "find-to"].map((name) => byId(name).valueAsNumber);
    this.#range = null;
    let problem = "";
    if (Number.isNaN(startS) || Number.isNaN(endS)) problem = ""; // one of the two is still to come
    else if (endS - startS < SHORTEST_S) problem = "The end must come after the start.";
    else if (endS - startS > this.longestS + 1e-6) problem = `Mark at most ${this.longestS} s.`;
    else this.#range = [startS, endS];
    byId("find-error").textContent = problem;
    byId("find-play").hidden = this.#range === null;
    this.onFind(this.#range, null);
    if (this.#range) this.#ask();
    else this.#show(null);
  }

  // One question at a time; of those that come meanwhile only the last matters.
  async #ask() {
    this.#asked = true;
    if (this.#waiting) return;
    this.#waiting = true;
    while (this.#asked && this.#range && this.#video) {
      this.#asked = false;
      const video = this.#video;
      const range = this.#range;
      const askedMs = performance.now();
      byId("find-status").textContent = "Searching …";
      try {
        const answer = await post(`films/${video.id}/search`, { start_s: range[0], end_s: range[1] });
        if (video !== this.#video || range !== this.#range) continue;
        this.#show(answer);
        this.onFind(range, answer);
        this.#remember(`/${range[0].toFixed(2)}-${range[1].toFixed(2)}`);
        performance.measure("search", { start: askedMs });
      } catch (error) {
        if (range !== this.#range) continue;
        this.#show(null);
        byId("find-error").textContent = error.message;
      }
    }
    this.#waiting = false;
  }

  // In the address, so that it survives a reload and can be sent to others.
  #remember(range) {
    if (this.#video) history.replaceState(null, "", `#/video/${this.#video.id}${range}`);
  }

  #show(answer) {
    this.stop();
    this.#thumbnails.stop();
    const drawn = [];
    for (const place of ["here", "elsewhere"]) {
      const matches = answer?.[place] ?? [];
      const entries = matches.map((match, n) => this.#entry(match, place === "here" ? n + 1 : null, drawn));
      byId(`find-${place}`).replaceChildren(...entries);
      byId(`find-${place}-part`).hidden = answer === null || (place === "elsewhere" && answer.searched < 2);
      byId(`find-${place}-none`).hidden = entries.length > 0;
    }
    this.#showUnsearched(answer?.unsearched ?? []);
    const found = answer ? answer.here.length + answer.elsewhere.length : 0;
    const where = answer?.searched === 1 ? " in this video" : `; ${answer?.searched} videos were searched`;
    byId("find-status").textContent = answer
      ? `${found || "No"} ${found === 1 ? "match" : "matches"}${where}`
      : this.#range
        ? ""
        : "Mark the motion on the curve, or give its start and end.";
    if (answer) announce(byId("find-status").textContent);
    this.#thumbnails.draw(drawn);
  }

  #entry(match, number, drawn) {
    const span = `${clock(match.start_s)} to ${clock(match.end_s)}`;
    const canvas = make("canvas", { width: 320, height: 180, ariaHidden: "true" });
    const button = make(
      "button",
      { type: "button", className: "match", ariaPressed: "false" },
      canvas,
      make(
        "span",
        { className: "match-facts" },
        number === null ? "" : make("b", { className: "place", textContent: number }),
        make("span", { textContent: span.replace(" to ", "–") }),
        make("strong", { textContent: match.similarity.toFixed(2), title: "Similarity, at most 1" }),
      ),
      number === null ? make("span", { className: "match-video", textContent: match.film, title: match.film }) : "",
    );
    const name = number === null ? match.film : `Match ${number}`;
    button.ariaLabel = `${name}, ${span}, similarity ${match.similarity.toFixed(2)}`;
    button.addEventListener("click", () => this.#playOrStop(button, match));
    drawn.push({
      canvas,
      source: source(match),
      timeS: (match.start_s + match.end_s) / 2 + match.starts_at_s,
    });
    return make("li", {}, button);
  }

  #showUnsearched(videos) {
    this.#left = videos;
    byId("find-left").hidden = videos.length === 0;
    byId("find-left-text").textContent =
      videos.length === 1 ? "1 video was not searched" : `${videos.length} videos were not searched`;
    const entries = videos
      .slice(0, MOST_NAMED)
      .map((video) => make("li", {}, make("a", { href: `#/video/${video.id}`, textContent: video.name })));
    if (videos.length > MOST_NAMED) entries.push(make("li", { textContent: `and ${videos.length - MOST_NAMED} more` }));
    byId("find-left-videos").replaceChildren(...entries);
  }

  // As many as the server lets wait; then searches again.
  async #analyseLeft() {
    const video = this.#video;
    const button = byId("find-left-analyse");
    button.disabled = true;
    try {
      const jobs = await queueAnalyses(this.#left);
      for (const [n, job] of jobs.entries()) {
        byId("find-left-text").textContent = `Analysing video ${n + 1} of ${jobs.length} …`;
        await ended(job);
        if (video !== this.#video) break;
      }
    } catch (error) {
      complain(error);
    }
    button.disabled = false;
    if (video === this.#video && this.#range) this.#ask();
  }

  // Over and over until it is pressed again, Escape is, or somebody goes elsewhere; null: what is looked for.
  #playOrStop(button, match) {
    const again = button === this.#playing;
    this.stop();
    if (again) return;
    this.#playing = button;
    button.setAttribute("aria-pressed", "true");
    this.onPlay();
    if (match === null || match.film_id === this.#video.id) {
      this.player.loop(match ? [match.start_s, match.end_s] : this.#range);
      this.player.element.play().catch(() => {});
    } else this.#playOther(match);
    byId("stage").scrollIntoView({ block: "nearest" });
  }

  #playOther(match) {
    this.player.element.pause();
    byId("other").hidden = false;
    const span = `${match.start_s.toFixed(2)}-${match.end_s.toFixed(2)}`;
    byId("other-name").textContent = `${match.film}, ${clock(match.start_s)} to ${clock(match.end_s)}`;
    byId("other-open").href = `#/video/${match.film_id}/${span}`;
    this.#otherSpan = [match.start_s + match.starts_at_s, match.end_s + match.starts_at_s];
    this.other.src = source(match);
    this.#restartOther();
  }

  #restartOther() {
    [this.other.currentTime] = this.#otherSpan;
    this.other.play().catch(() => {}); // one that cannot be played stays black under its name
  }
}

const source = (match) => `/api/films/${match.film_id}/video?version=${match.version}`;

// What is looked for when a whole clip is: its longest shot, as much of it as may be looked for.
export function longestShot(curve, longestS) {
  const bounds = [0, ...curve.cuts_s, curve.duration_s];
  let best = 0;
  for (let k = 1; k + 1 < bounds.length; k++) {
    if (bounds[k + 1] - bounds[k] > bounds[best + 1] - bounds[best]) best = k;
  }
  return [bounds[best], Math.min(bounds[best + 1], bounds[best] + longestS)];
}
