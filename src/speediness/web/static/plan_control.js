// The plan card: target speed or length, stretches kept at 1×, and the plan that the server makes of them.

import { post } from "./api.js";
import { announce, byId, icon, make } from "./dom.js";
import { clock, seconds, short, times } from "./format.js";
import { Plan } from "./plan.js";

const STEP = 0.05; // of the slider
const SAME_S = 0.1; // a stretch that ends so near to its start was begun by mistake

export class PlanControl {
  locks = []; // [start, end], source seconds, ascending
  openLockS = null; // where a lock was begun that has no end yet
  #rate = 2;
  #video = null;
  #asked = false; // changes came while an answer was awaited
  #waiting = false;
  #past = []; // locks as they were
  #future = []; // locks as they were before they were undone

  // onPlan is called with a Plan, or null when it was refused; onLocks when locks change; timeS tells where the play head is.
  constructor(about, { onPlan, onLocks, timeS }) {
    this.slowest = about.slowest;
    this.fastest = about.fastest;
    this.onPlan = onPlan;
    this.onLocks = onLocks;
    this.timeS = timeS;
    byId("rate").addEventListener("input", () => this.#slid());
    byId("rate-typed").addEventListener("change", (event) => this.setRate(event.target.valueAsNumber));
    byId("length-typed").addEventListener("change", (event) => {
      this.setRate(this.durationS / seconds(event.target.value));
    });
    byId("lock-start").addEventListener("click", () => this.startLock());
    byId("lock-end").addEventListener("click", () => this.endLock());
    byId("undo").addEventListener("click", () => this.undo());
    byId("redo").addEventListener("click", () => this.redo());
  }

  get wish() {
    return { rate: this.#rate, locks: this.locks };
  }

  get rate() {
    return this.#rate;
  }

  // Begin with what was wished of this video before the page was reloaded.
  open(video, durationS) {
    this.#video = video;
    this.durationS = durationS;
    const kept = JSON.parse(sessionStorage.getItem(`wish-${video.id}`) ?? '{"rate": 2, "locks": []}');
    this.#rate = kept.rate;
    this.locks = kept.locks;
    this.openLockS = null;
    this.#past = [];
    this.#future = [];
    this.#changed();
  }

  close() {
    this.#video = null;
  }

  /** Any number; one that cannot be played is brought to the nearest that can. */
  setRate(rate) {
    if (Number.isFinite(rate)) this.#rate = Math.min(this.fastest, Math.max(this.slowest, rate));
    this.#changed();
  }

  addLock(startS, endS) {
    this.openLockS = null;
    const merged = [];
    for (const [start, end] of [...this.locks, [startS, endS]].sort((a, b) => a[0] - b[0])) {
      const last = merged[merged.length - 1];
      if (last && start <= last[1]) last[1] = Math.max(last[1], end);
      else merged.push([start, end]);
    }
    this.#setLocks(merged);
  }

  startLock() {
    this.openLockS = this.timeS();
    announce(`Normal speed from ${clock(this.openLockS)}`);
    this.#showLocks();
  }

  // Of what was begun; of nothing, or where it was begun, that is given up.
  endLock() {
    const [startS, endS] = [this.openLockS, this.timeS()];
    this.openLockS = null;
    if (startS === null || Math.abs(endS - startS) < SAME_S) this.#showLocks();
    else this.addLock(Math.min(startS, endS), Math.max(startS, endS));
  }

  /** The stretch at the play head, if there is one. */
  unlockHere() {
    const hereS = this.timeS();
    const rest = this.locks.filter(([startS, endS]) => hereS < startS || hereS > endS);
    if (rest.length < this.locks.length) this.#setLocks(rest);
  }

  undo() {
    this.#step(this.#past, this.#future, "Undone");
  }

  redo() {
    this.#step(this.#future, this.#past, "Done again");
  }

  #step(from, to, said) {
    if (from.length === 0) return;
    to.push(this.locks);
    this.locks = from.pop().map((lock) => [...lock]);
    announce(`${said}: ${this.locks.length || "no"} stretches at normal speed`);
    this.#changed();
  }

  #setLocks(locks) {
    this.#past.push(this.locks.map((lock) => [...lock]));
    this.#future = [];
    this.locks = locks.map((lock) => [...lock]);
    this.#changed();
  }

  #slid() {
    const share = byId("rate").value / 1000; // even steps of the slider are even ratios
    const exact = this.slowest * (this.fastest / this.slowest) ** share;
    this.setRate(Number((Math.round(exact / STEP) * STEP).toFixed(2)));
  }

  #changed() {
    const rate = this.#rate;
    const lengthS = this.durationS / rate;
    const share = Math.log(rate / this.slowest) / Math.log(this.fastest / this.slowest);
    if (document.activeElement !== byId("rate")) byId("rate").value = Math.round(share * 1000);
    byId("rate").setAttribute("aria-valuetext", `${short(rate)}, ${clock(lengthS)} long`);
    byId("rate-typed").value = Number(rate.toFixed(3));
    byId("length-typed").value = clock(lengthS);
    byId("from").textContent = clock(this.durationS);
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
        byId("range").textContent = `plays between ${times(answer.slowest)} and ${times(answer.fastest)}`;
        this.onPlan(plan);
        performance.measure("replan", { start: askedMs });
      } catch (error) {
        if (video !== this.#video) continue;
        // What was planned before is not what is asked for now.
        byId("plan-error").textContent = error.message;
        byId("range").textContent = "";
        this.onPlan(null);
      }
    }
    this.#waiting = false;
  }

  #showLocks() {
    byId("lock-end").disabled = this.openLockS === null;
    byId("undo").disabled = this.#past.length === 0;
    byId("redo").disabled = this.#future.length === 0;
    const entries = this.locks.map((lock) => {
      const span = `${clock(lock[0])} to ${clock(lock[1])}`;
      const unlock = make("button", { type: "button", className: "quiet", ariaLabel: `Remove ${span}` }, icon("close"));
      unlock.addEventListener("click", () => {
        this.#setLocks(this.locks.filter((other) => other !== lock));
        byId("lock-start").focus();
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
