// The list of films, and uploads.

import { get, upload } from "./api.js";
import { byId, complain, make } from "./dom.js";
import { bytes, clock, percent } from "./format.js";

const FILTER_FROM = 12; // films, below which nobody needs a filter

export class LibraryView {
  #films = [];
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

  // Files dropped on a place or chosen there; then goes to the film, and on to what follows its address.
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
    this.#films = await get("films");
    byId("filter").hidden = this.#films.length < FILTER_FROM;
    this.#list();
  }

  leave() {}

  #list() {
    const wanted = byId("filter").value.toLowerCase();
    const shown = this.#films.filter((film) => film.name.toLowerCase().includes(wanted));
    byId("films").replaceChildren(...shown.map(entry));
    byId("no-films").hidden = shown.length > 0;
    byId("no-films").textContent = this.#films.length
      ? `No film has “${byId("filter").value}” in its name.`
      : "There are no films in this folder yet.";
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
      const film = await upload(file, show, this.#upload.signal);
      location.hash = `#/film/${film.id}${then}`;
    } catch (error) {
      if (error.name !== "AbortError") complain(error);
    } finally {
      this.#upload = null;
      byId("upload-progress").hidden = true;
    }
  }
}

function entry(film) {
  const facts = [film.duration_s === null ? null : clock(film.duration_s, 0), bytes(film.size_bytes)];
  if (film.uploaded) facts.push("uploaded");
  return make(
    "li",
    {},
    make(
      "a",
      { href: `#/film/${film.id}` },
      make("span", { className: "name", textContent: film.name }),
      make("span", { className: "meta", textContent: facts.filter(Boolean).join(" · ") }),
      film.analysed ? make("span", { className: "chip", textContent: "curve" }) : "",
    ),
  );
}
