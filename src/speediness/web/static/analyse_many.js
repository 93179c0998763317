// Jobs on many videos, as the server takes them.

import { get, post } from "./api.js";

const POLL_MS = 1000;
const TOO_MANY = 429; // jobs wait already

const pause = () => new Promise((resolve) => setTimeout(resolve, POLL_MS));

/** How a job ended. */
export async function ended(job) {
  while (job.active) {
    await pause();
    job = await get(`jobs/${job.id}`);
  }
  return job.state;
}

// Waits while there are too many.
async function queue(videoId, kind) {
  for (;;) {
    try {
      return await post(`films/${videoId}/jobs`, { kind });
    } catch (error) {
      if (error.status !== TOO_MANY) throw error;
      await pause();
    }
  }
}

/** Finds out what a video is; true if it is one. */
export async function lookAt(videoId) {
  return (await ended(await queue(videoId, "look"))) === "done";
}

/**
 * Queues an analysis of each.
 * @param {{id: string, looked: boolean}[]} videos
 * @param {() => void} onQueued after each
 * @returns {Promise<object[]>} the jobs, of videos that can be read
 */
export async function queueAnalyses(videos, onQueued = () => {}) {
  const jobs = [];
  for (const { id, looked } of videos) {
    if (!looked && !(await lookAt(id))) continue;
    jobs.push(await queue(id, "analyse"));
    onQueued();
  }
  return jobs;
}
