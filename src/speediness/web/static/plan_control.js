// The plan card: target speed, stretches kept at 1×, and the plan that the server makes of them.

import { post } from "./api.js";
import { byId, icon, make } from "./dom.js";
import { clock, short, times } from "./format.js";
import { Plan } from "./plan.js";

const STEP = 0.05; // of the target speed

export class PlanControl {
  locks = []; // [start, end], source seconds, ascending
  openLockS = null; // where a lock was begun that has no end yet
  #video = null;
  #asked = false; // changes came while an answer was awaited
  #waiting = false;

  // onPlan is called with a Plan, or null when it was refused, and its rho; onLocks when locks change; timeS tells where the play head is.
  constructor(about, { onPlan, onLocks, timeS }) {
    this.slowest = about.slowest;
    this.fastest = about.fastest;
    this.onPlan = onPlan;
    this.onLocks = onLocks;
    this.timeS = timeS;
    byId("rate").addEventListener("input", () => this.#changed());
    byId("lock").addEventListener("click", () => this.toggleLock());
  }

  get rate() {
    const share = byId("rate").value / 1000; // even steps of the slider are even ratios
    const exact = this.slowest * (this.fastest / this.slowest) ** share;
    return Math.min(this.fastest, Math.max(this.slowest, Math.round(exact / STEP) * STEP));
  }

  get wish() {
    return { rate: Number(this.rate.toFixed(2)), locks: this.locks };
  }

  // Begin with what was wished of this video before the page was reloaded.
  open(video, durationS) {
    this.#video = video;
    this.durationS = durationS;
    const kept = JSON.parse(sessionStorage.getItem(`wish-${video.id}`) ?? '{"rate": 2, "locks": []}');
    const share = Math.log(kept.rate / this.slowest) / Math.log(this.fastest / this.slowest);
    byId("rate").value = Math.round(share * 1000);
    this.locks = kept.locks;
    this.openLockS = null;
    this.#changed();
  }

  close() {
    this.#video = null;
  }

  addLock(startS, endS) {
    this.openLockS = null;
    const merged = [];
    for (const [start, end] of [...this.locks, [startS, endS]].sort((a, b) => a[0] - b[0])) {
      const last = merged[merged.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
    }
    this.locks = merged;
    this.#changed();
  }

  // From here, and the second time to here.
  toggleLock() {
    const hereS = this.timeS();
    if (this.openLockS === null) {
      this.openLockS = hereS;
      this.#showLocks();
    } else if (Math.abs(hereS - this.openLockS) < 0.1) {
      this.openLockS = null;
      this.#showLocks();
    } else {
      this.addLock(Math.min(hereS, this.openLockS), Math.max(hereS, this.openLockS));
    }
  }

  #changed() {
    const { rate } = this;
    byId("rate-text").textContent = short(rate);
    byId("rate").setAttribute("aria-valuetext", `${short(rate)}, ${clock(this.durationS / rate)} long`);
    byId("from").textContent = clock(this.durationS);
    byId("to").textContent = clock(this.durationS / rate);
    sessionStorage.setItem(`wish-${this.#video.id}`, JSON.stringify(this.wish));
    this.#showLocks();
    this.#ask();
  }

  // One question at a time; of those that come meanwhile only the last matters.
  async #ask() {
    this.#asked = true;
    if (this.#waiting) return;
    this.#waiting = true;
    while (this.#asked && this.#video) {
      this.#asked = false;
      const { wish } = this;
      const video = this.#video;
      const askedMs = performance.now();
      try {
        const answer = await post(`films/${video.id}/plan`, wish);
        if (video !== this.#video) continue;
        const plan = new Plan(unpacked(answer.slowness), answer.source_duration_s);
        byId("plan-error").textContent = "";
        byId("range").textContent = `played at ${times(answer.slowest)} to ${times(answer.fastest)}`;
        this.onPlan(plan, wish.rate, answer.rho);
        performance.measure("replan", { start: askedMs });
      } catch (error) {
        if (video !== this.#video) continue;
        // What was planned before is not what is asked for now.
        byId("plan-error").textContent = error.message;
        byId("range").textContent = "";
        byId("to").textContent = "?";
        this.onPlan(null, wish.rate, null);
      }
    }
    this.#waiting = false;
  }

  #showLocks() {
    byId("lock-text").textContent = this.openLockS === null ? "Keep 1× from here" : "… to here";
    const entries = this.locks.map((lock) => {
      const span = `${clock(lock[0])} to ${clock(lock[1])}`;
      const unlock = make("button", { type: "button", className: "quiet", ariaLabel: `Unlock ${span}` }, icon("close"));
      unlock.addEventListener("click", () => {
        this.locks = this.locks.filter((other) => other !== lock);
        this.#changed();
        byId("lock").focus();
      });
      return make("li", {}, icon("lock"), span, unlock);
    });
    byId("locks").replaceChildren(...entries);
    this.onLocks(this.locks, this.openLockS);
  }
}

// Base64 of float32, little-endian as every browser is. A plain loop is ten times as fast as a callback.
function unpacked(text) {
  const raw = atob(text);
  const bytes = new Uint8Array(raw.length);
  for (let k = 0; k < raw.length; k++) bytes[k] = raw.charCodeAt(k);
  return new Float32Array(bytes.buffer);
}
