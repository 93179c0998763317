// What a video is, and its labelled stretches, in words.

import { byId, make } from "./dom.js";
import { LABELS, clock, short } from "./format.js";

const MOST_LISTED = 200;

/**
 * @param {{start_s: number, end_s: number, label: string, factor: number}[]} segments
 * @param {(timeS: number) => void} onSeek
 */
export function listSegments(segments, onSeek) {
  const entries = segments.slice(0, MOST_LISTED).map((segment) => {
    const button = make("button", { type: "button", className: "quiet" });
    button.append(
      make("i", { className: `swatch ${segment.label}` }),
      `${clock(segment.start_s)} to ${clock(segment.end_s)}, ${LABELS[segment.label]}`,
      ["natural", "not_sure"].includes(segment.label) ? "" : ` about ${short(segment.factor)}`,
    );
    button.addEventListener("click", () => onSeek(segment.start_s));
    return make("li", {}, button);
  });
  const more = segments.length - entries.length;
  if (more > 0) entries.push(make("li", { textContent: `and ${more} more, all in the downloaded scores` }));
  byId("segments").replaceChildren(...entries);
}

// Measured on two cores: 11 s for a minute of 1080p, 2 s for one whose decoding costs nothing.
export function estimateS({ duration_s, width_px, height_px }) {
  return Math.max(2, duration_s * (0.03 + (0.075 * width_px * height_px) / 1e6));
}

export function facts(info) {
  return [
    info.duration_s === null ? null : clock(info.duration_s, 0),
    `${info.width_px} × ${info.height_px}`,
    `${Number(info.frame_rate.toFixed(2))} frames a second`,
    info.codec,
    info.has_audio ? "with sound" : "silent",
  ]
    .filter(Boolean)
    .join(" · ");
}
