// Plays a <video> along a plan by driving its playbackRate, and keeps it in step with the clock.

import { Plan } from "./plan.js";

// A lead or lag is made up within about half a second, by at most this share of the speed.
const CORRECTION_PER_S = 2;
const MOST_CORRECTION = 0.25;
const JUMP_S = 0.75; // further off than this (the machine is too slow), it seeks
const LOOK_AHEAD_S = 0.03; // a new rate takes about this long to be heard
const SLOWEST = 0.0625; // what browsers accept
const FASTEST = 16;

export class Player {
  #mapping = Plan.uniform(1, 1);
  #anchor = null; // where the plan was (output seconds) at which moment of the page's clock

  constructor(element) {
    this.element = element;
    this.startsAtS = 0;
    this.span = null; // [start, end] of the source that is played over and over
    this.driftS = 0; // how far the image is ahead of the plan, output seconds
    element.preservesPitch = true;
    for (const event of ["playing", "seeked"]) element.addEventListener(event, () => this.#begin());
    for (const event of ["pause", "waiting", "seeking", "ended"]) {
      element.addEventListener(event, () => (this.#anchor = null));
    }
  }

  // Source seconds from the video's first image.
  get timeS() {
    return Math.max(0, this.element.currentTime - this.startsAtS);
  }

  seek(sourceS) {
    this.span = null;
    this.#jump(sourceS);
  }

  // Plays a stretch over and over until something is sought; null: no longer.
  loop(span) {
    this.span = span;
    if (span) this.#jump(span[0]);
  }

  #jump(sourceS) {
    this.element.currentTime = Math.min(Math.max(sourceS, 0), this.#mapping.durationS) + this.startsAtS;
  }

  // Play by another plan from here on.
  follow(mapping) {
    this.#mapping = mapping;
    this.#setRate(mapping.factorAt(this.timeS));
    this.#begin();
  }

  #begin() {
    const playing = !this.element.paused && !this.element.seeking && this.element.readyState > 2;
    this.#anchor = playing
      ? { outputS: this.#mapping.outputTime(this.timeS), atMs: performance.now() }
      : null;
    this.driftS = 0;
  }

  // To be called for every frame of the page.
  tick() {
    const sourceS = this.timeS;
    if (this.span && !this.element.seeking && (this.element.ended || sourceS >= this.span[1])) {
      this.#jump(this.span[0]);
      if (this.element.ended) this.element.play().catch(() => {});
    }
    const wanted = this.#mapping.factorAt(sourceS + LOOK_AHEAD_S * this.element.playbackRate);
    if (this.#anchor === null) {
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

  #setRate(rate) {
    const bounded = Math.min(Math.max(rate, SLOWEST), FASTEST);
    if (Math.abs(bounded / this.element.playbackRate - 1) > 0.004) this.element.playbackRate = bounded;
  }
}
