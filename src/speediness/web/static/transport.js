// The row under the video: play, frames, clock, speed, sound, full screen.

import { announce, byId } from "./dom.js";
import { clock, times } from "./format.js";

const VOLUME_STEP = 0.1;
const LOUDNESS = "volume"; // in localStorage: {volume, muted}

export class Transport {
  #frameRate = 25;

  /**
   * @param {import("./player.js").Player} player
   * @param {() => void} onToggle play or pause was pressed
   */
  constructor(player, onToggle) {
    this.player = player;
    const { element } = player;
    Object.assign(element, JSON.parse(localStorage.getItem(LOUDNESS) ?? "{}"));
    byId("play").addEventListener("click", onToggle);
    byId("frame-back").addEventListener("click", () => this.stepFrames(-1));
    byId("frame-on").addEventListener("click", () => this.stepFrames(1));
    byId("mute").addEventListener("click", () => this.mute());
    byId("volume").addEventListener("input", (event) => this.#setVolume(event.target.valueAsNumber / 100));
    byId("fullscreen").addEventListener("click", () => this.fullScreen());
    element.addEventListener("volumechange", () => this.#showVolume());
    document.addEventListener("fullscreenchange", () => {
      byId("fullscreen").setAttribute("aria-pressed", document.fullscreenElement !== null);
    });
    this.#showVolume();
  }

  /** Another video. */
  show({ frame_rate: frameRate, has_audio: hasAudio }) {
    this.#frameRate = frameRate;
    for (const name of ["mute", "volume"]) byId(name).hidden = !hasAudio;
  }

  showState() {
    const { moving } = this.player;
    byId("play").setAttribute("aria-label", moving ? "Pause" : "Play");
    byId("play-icon").setAttribute("href", moving ? "#i-pause" : "#i-play");
  }

  /** To be called for every frame of the page. */
  tick(nowS, lengthS) {
    byId("now").textContent = clock(nowS);
    byId("length").textContent = clock(lengthS);
    byId("speed").textContent = times(this.player.speed).replace("-", "−");
  }

  stepFrames(count) {
    this.player.stepFrames(count, this.#frameRate);
  }

  mute() {
    this.player.element.muted = !this.player.element.muted;
    announce(this.player.element.muted ? "Muted" : "Sound on");
  }

  louder(steps) {
    this.#setVolume(this.player.element.volume + steps * VOLUME_STEP);
    announce(`Volume ${byId("volume").value} %`);
  }

  fullScreen() {
    if (document.fullscreenElement) document.exitFullscreen();
    else byId("theatre").requestFullscreen().catch(() => {}); // where it is not allowed nothing happens
  }

  #setVolume(volume) {
    this.player.element.volume = Math.min(Math.max(volume, 0), 1);
    this.player.element.muted = false;
  }

  #showVolume() {
    const { volume, muted } = this.player.element;
    localStorage.setItem(LOUDNESS, JSON.stringify({ volume, muted }));
    byId("volume").value = muted ? 0 : Math.round(volume * 100);
    byId("mute").setAttribute("aria-pressed", muted);
    byId("mute-icon").setAttribute("href", muted || volume === 0 ? "#i-muted" : "#i-sound");
  }
}
