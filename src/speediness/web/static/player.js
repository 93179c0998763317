// Plays a <video> along a plan by driving its playbackRate, and keeps it in step with the clock.

import { Plan } from "./plan.js";

// A lead or lag is made up within about half a second, by at most this share of the speed.
const CORRECTION_PER_S = 2;
const MOST_CORRECTION = 0.25;
const JUMP_S = 0.75; // further off than this (the machine is too slow), it seeks
const LOOK_AHEAD_S = 0.03; // a new rate takes about this long to be heard
const SLOWEST = 0.0625; // what browsers accept
const FASTEST = 16;
// Of a file that shows the source as it is.
export const UNCHANGED = { sourceTime: (s) => s, outputTime: (s) => s, factorAt: () => 1 };
const SHUTTLE = [-8, -4, -2, -1, 0, 1, 2, 4, 8]; // J and L go along these

export class Player {
  #mapping = Plan.uniform(1, 1); // by which it is to be played
  #made = UNCHANGED; // by which the file shows the source: unchanged, or by the plan of a render
  #anchor = null; // where the plan was (output seconds) at which moment of the page's clock
  #shuttle = 1;
  #reverse = null; // {fromS, atMs} while it runs backwards, which browsers cannot play and is sought

  /**
   * @param {HTMLVideoElement} element
   * @param {() => void} onState called when it starts, stops or turns round
   */
  constructor(element, onState) {
    this.element = element;
    this.onState = onState;
    this.startsAtS = 0;
    this.span = null; // [start, end] of the source that is played over and over
    this.driftS = 0; // how far the image is ahead of the plan, output seconds
    element.preservesPitch = true;
    for (const event of ["playing", "seeked"]) element.addEventListener(event, () => this.#begin());
    for (const event of ["pause", "waiting", "seeking", "ended"]) {
      element.addEventListener(event, () => (this.#anchor = null));
    }
    for (const event of ["play", "pause"]) element.addEventListener(event, onState);
  }

  /**
   * Another file of the same video, at the moment and in the state it is in.
   * @param {string} url
   * @param {number} startsAtS of the first image on the file's clock
   * @param {Plan} made by which the file shows the source, or UNCHANGED
   */
  open(url, startsAtS, made) {
    const { timeS } = this;
    const resume = this.element.hasAttribute("src");
    const playing = !this.element.paused;
    this.startsAtS = startsAtS;
    this.#made = made;
    this.element.src = url;
    if (resume) this.#jump(timeS);
    if (playing) this.play();
  }

  close() {
    this.stop();
    this.element.removeAttribute("src");
    this.element.load();
  }

  /** Source seconds from the video's first image. */
  get timeS() {
    return this.#made.sourceTime(Math.max(0, this.element.currentTime - this.startsAtS));
  }

  get moving() {
    return !this.element.paused || this.#reverse !== null;
  }

  /** How many times as fast as the source is. */
  get speed() {
    if (this.#reverse) return this.#shuttle;
    return this.element.playbackRate * this.#made.factorAt(this.timeS);
  }

  play() {
    this.element.play().catch(() => {}); // a failure is an "error" event as well
  }

  stop() {
    this.#reverse = null;
    this.#shuttle = 1;
    this.element.pause();
    this.onState();
  }

  toggle() {
    this.moving ? this.stop() : this.play();
  }

  /** One step faster (1) or slower (-1), through standing still to backwards. */
  shuttle(step) {
    const at = SHUTTLE.indexOf(this.moving ? this.#shuttle : 0);
    const next = SHUTTLE[Math.min(Math.max(at + step, 0), SHUTTLE.length - 1)];
    if (next === 0) return this.stop();
    this.#shuttle = next;
    this.#reverse = null;
    if (next > 0) {
      this.#begin();
      this.play();
    } else {
      this.#reverse = { fromS: this.timeS, atMs: performance.now() };
      this.element.pause();
    }
    this.onState();
  }

  /** To the middle of a frame some frames from here; stops. */
  stepFrames(count, frameRate) {
    this.stop();
    const frame = Math.floor(this.timeS * frameRate + 1e-3) + count;
    this.seek((Math.max(frame, 0) + 0.5) / frameRate);
  }

  seek(sourceS) {
    this.span = null;
    if (this.#reverse) this.#reverse = { fromS: sourceS, atMs: performance.now() };
    this.#jump(sourceS);
  }

  /** Plays a stretch over and over until something is sought; null: no longer. */
  loop(span) {
    this.span = span;
    if (span) this.#jump(span[0]);
  }

  #jump(sourceS) {
    this.#anchor = null; // at once: the event comes later, and until then this would look like a lag
    const bounded = Math.min(Math.max(sourceS, 0), this.#mapping.durationS);
    this.element.currentTime = this.#made.outputTime(bounded) + this.startsAtS;
  }

  /** Play by another plan from here on. */
  follow(mapping) {
    this.#mapping = mapping;
    this.#setRate(this.#wanted(this.timeS));
    this.#begin();
  }

  #wanted(sourceS) {
    return (this.#mapping.factorAt(sourceS) / this.#made.factorAt(sourceS)) * Math.abs(this.#shuttle);
  }

  #begin() {
    const playing = !this.element.paused && !this.element.seeking && this.element.readyState > 2;
    this.#anchor = playing
      ? { outputS: this.#mapping.outputTime(this.timeS), atMs: performance.now() }
      : null;
    this.driftS = 0;
  }

  /** To be called for every frame of the page. */
  tick() {
    if (this.#reverse) return this.#tickBackwards();
    const sourceS = this.timeS;
    if (this.span && !this.element.seeking && (this.element.ended || sourceS >= this.span[1])) {
      this.#jump(this.span[0]);
      if (this.element.ended) this.play();
    }
    const wanted = this.#wanted(sourceS + LOOK_AHEAD_S * this.element.playbackRate);
    if (this.#anchor === null || this.#shuttle !== 1) {
      this.#setRate(wanted);
      return;
    }
    const dueS = this.#anchor.outputS + (performance.now() - this.#anchor.atMs) / 1000;
    if (dueS >= this.#mapping.outputDurationS) return; // the last images play out
    this.driftS = this.#mapping.outputTime(sourceS) - dueS;
    if (Math.abs(this.driftS) > JUMP_S) {
      this.#jump(this.#mapping.sourceTime(dueS));
      return;
    }
    const correction = Math.min(Math.max(this.driftS * CORRECTION_PER_S, -MOST_CORRECTION), MOST_CORRECTION);
    this.#setRate(wanted * (1 - correction));
  }

  #tickBackwards() {
    const dueS = this.#reverse.fromS + (this.#shuttle * (performance.now() - this.#reverse.atMs)) / 1000;
    if (!this.element.seeking) this.#jump(dueS);
    if (dueS <= 0) this.stop();
  }

  #setRate(rate) {
    const bounded = Math.min(Math.max(rate, SLOWEST), FASTEST);
    if (Math.abs(bounded / this.element.playbackRate - 1) > 0.004) this.element.playbackRate = bounded;
  }
}
