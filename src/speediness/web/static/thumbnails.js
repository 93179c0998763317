// Images of moments of videos, drawn one after the other by a single <video> that nobody sees:
// many of them would take all connections that a browser opens to one server.

const PATIENCE_MS = 4000; // a video that the browser cannot decode says nothing

export class Thumbnails {
  #element = document.createElement("video");
  #round = 0;

  constructor() {
    this.#element.muted = true;
    this.#element.preload = "auto";
  }

  // entries: {canvas, source, timeS}; what was being drawn before is given up.
  async draw(entries) {
    const round = ++this.#round;
    let failed = "";
    for (const { canvas, source, timeS } of entries) {
      if (source === failed) continue;
      const shown = await this.#show(source, timeS);
      if (round !== this.#round) return;
      if (!shown) {
        failed = source;
        continue;
      }
      const { videoWidth: width, videoHeight: height } = this.#element;
      canvas.height = Math.round((canvas.width * 9) / 16);
      const scale = Math.min(canvas.width / width, canvas.height / height);
      const [w, h] = [width * scale, height * scale];
      canvas.getContext("2d").drawImage(this.#element, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
    }
    this.stop();
  }

  stop() {
    this.#round++;
    this.#element.removeAttribute("src");
    this.#element.load();
  }

  async #show(source, timeS) {
    if (this.#element.getAttribute("src") !== source) {
      this.#element.src = source;
      if (!(await this.#happens("loadeddata"))) return false;
    }
    this.#element.currentTime = timeS;
    return (await this.#happens("seeked")) && this.#element.videoWidth > 0;
  }

  #happens(event) {
    return new Promise((resolve) => {
      const ended = new AbortController();
      const end = (answer) => {
        ended.abort();
        clearTimeout(timer);
        resolve(answer);
      };
      const timer = setTimeout(() => end(false), PATIENCE_MS);
      this.#element.addEventListener(event, () => end(true), { signal: ended.signal });
      this.#element.addEventListener("error", () => end(false), { signal: ended.signal });
    });
  }
}
