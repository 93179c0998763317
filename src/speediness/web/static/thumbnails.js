// Pictures of moments of films, drawn one after the other by a single <video> that nobody sees:
// many of them would take all connections that a browser opens to one server.

const PATIENCE_MS = 4000; // a film that the browser cannot decode says nothing

export class Thumbnails {
  #video = document.createElement("video");
  #round = 0;

  constructor() {
    this.#video.muted = true;
    this.#video.preload = "auto";
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
      const { videoWidth: width, videoHeight: height } = this.#video;
      canvas.height = Math.round((canvas.width * 9) / 16);
      const scale = Math.min(canvas.width / width, canvas.height / height);
      const [w, h] = [width * scale, height * scale];
      canvas.getContext("2d").drawImage(this.#video, (canvas.width - w) / 2, (canvas.height - h) / 2, w, h);
    }
    this.stop();
  }

  stop() {
    this.#round++;
    this.#video.removeAttribute("src");
    this.#video.load();
  }

  async #show(source, timeS) {
    if (this.#video.getAttribute("src") !== source) {
      this.#video.src = source;
      if (!(await this.#happens("loadeddata"))) return false;
    }
    this.#video.currentTime = timeS;
    return (await this.#happens("seeked")) && this.#video.videoWidth > 0;
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
      this.#video.addEventListener(event, () => end(true), { signal: ended.signal });
      this.#video.addEventListener("error", () => end(false), { signal: ended.signal });
    });
  }
}
