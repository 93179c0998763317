// Which view the address asks for.

import { get } from "./api.js";
import { byId, complain } from "./dom.js";
import { VideoView } from "./video_view.js";
import { LibraryView } from "./library_view.js";
import { StudyView } from "./study_view.js";

const about = await get("about").catch((error) => {
  complain(error);
  throw error;
});
const views = {
  library: new LibraryView(about),
  "video-page": new VideoView(about),
  study: new StudyView(),
};
let current = null;

async function route(event) {
  const [, place = "", id = "", rest = ""] = location.hash.split("/");
  const name = ["video", "film"].includes(place) ? "video-page" : place === "comparison" ? "study" : "library";
  if (current) views[current].leave();
  current = name;
  for (const view of Object.keys(views)) byId(view).hidden = view !== name;
  for (const link of document.querySelectorAll("[data-section]")) {
    const here = link.dataset.section === (name === "video-page" ? "library" : name);
    here ? link.setAttribute("aria-current", "page") : link.removeAttribute("aria-current");
  }
  if (event) {
    scrollTo(0, 0);
    byId("main").focus({ preventScroll: true }); // so that a screen reader begins there
  }
  try {
    await views[name].enter(id, rest);
  } catch (error) {
    complain(error);
    if (name === "video-page") location.hash = "#/";
  }
}

addEventListener("hashchange", route);
await route(null);
