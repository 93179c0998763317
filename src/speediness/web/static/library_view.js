// The list of videos, and uploads.

import { get, upload } from "./api.js";
import { byId, complain, make } from "./dom.js";
import { bytes, clock, percent } from "./format.js";

const FILTER_FROM = 12; // videos, below which nobody needs a filter

export class LibraryView {
  #videos = [];
  #about;
  #upload = null;

  constructor(about) {
    this.#about = about;
    byId("folder-title").textContent = about.folder ? `in ${about.folder}` : "";
    byId("upload-limit").textContent =
      `up to ${bytes(about.upload_bytes)} and ${Math.round(about.film_s / 60)} minutes; it stays with this server`;
    byId("upload-cancel").addEventListener("click", () => this.#upload?.abort());
    byId("filter").addEventListener("input", () => this.#list());
    this.#take(byId("drop"), byId("upload"), "");
    this.#take(byId("drop-clip"), byId("clip"), "/find"); // motion like all of it is looked for
  }

  // Files dropped on a place or chosen there; then goes to the video, and on to what follows its address.
  #take(place, input, then) {
    input.addEventListener("change", () => {
      this.#send(input.files[0], then);
      input.value = "";
    });
    for (const event of ["dragover", "dragleave", "drop"]) {
      place.addEventListener(event, (dragged) => {
        dragged.preventDefault();
        place.classList.toggle("over", event === "dragover");
        if (event === "drop") this.#send(dragged.dataTransfer.files[0], then);
      });
    }
  }

  async enter() {
    document.title = "speediness";
    this.#videos = await get("films");
    byId("filter").hidden = this.#videos.length < FILTER_FROM;
    this.#list();
  }

  leave() {}

  #list() {
    const wanted = byId("filter").value.toLowerCase();
    const shown = this.#videos.filter((video) => video.name.toLowerCase().includes(wanted));
    byId("videos").replaceChildren(...shown.map(entry));
    byId("no-videos").hidden = shown.length > 0;
    byId("no-videos").textContent = this.#videos.length
      ? `No video has “${byId("filter").value}” in its name.`
      : "There are no videos in this folder yet.";
  }

  async #send(file, then) {
    if (!file || this.#upload) return;
    if (file.size > this.#about.upload_bytes) {
      complain(new Error(`${file.name} is larger than ${bytes(this.#about.upload_bytes)}; cut or compress it`));
      return;
    }
    this.#upload = new AbortController();
    byId("upload-progress").hidden = false;
    const show = (share) => {
      byId("upload-bar").value = share;
      byId("upload-text").textContent = `Uploading ${file.name}, ${percent(share)}`;
    };
    show(0);
    try {
      const video = await upload(file, show, this.#upload.signal);
      location.hash = `#/video/${video.id}${then}`;
    } catch (error) {
      if (error.name !== "AbortError") complain(error);
    } finally {
      this.#upload = null;
      byId("upload-progress").hidden = true;
    }
  }
}

function entry(video) {
  const facts = [video.duration_s === null ? null : clock(video.duration_s, 0), bytes(video.size_bytes)];
  if (video.uploaded) facts.push("uploaded");
  return make(
    "li",
    {},
    make(
      "a",
      { href: `#/video/${video.id}` },
      make("span", { className: "name", textContent: video.name }),
      make("span", { className: "meta", textContent: facts.filter(Boolean).join(" · ") }),
      video.analysed ? make("span", { className: "chip", textContent: "curve" }) : "",
    ),
  );
}
