// Talking to the server. Whatever goes wrong becomes an Error with one line for people.

const OWN_HEADER = { "X-Speediness": "1" };

async function answer(response) {
  const text = await response.text();
  let document = null;
  try {
    document = JSON.parse(text);
  } catch {
    if (response.ok) throw new Error("the server gave a strange answer; reload the page");
  }
  if (!response.ok) {
    const words = document?.error ?? (text.trim() || `the server refused (${response.status})`);
    throw Object.assign(new Error(words), { status: response.status });
  }
  return document;
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(`/api/${path}`, options);
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Error("the server does not answer; is speediness serve still running?");
  }
  return answer(response);
}

export const get = (path) => ask(path);

/** Where a file lies that a job made. */
export const fileOf = (jobId, name) => `/api/jobs/${jobId}/files/${name}`;

export const remove = (path) => ask(path, { method: "DELETE", headers: OWN_HEADER });

export const post = (path, body = {}) =>
  ask(path, {
    method: "POST",
    headers: { ...OWN_HEADER, "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });

// Uploads one file; fetch cannot tell how much has been sent, XMLHttpRequest can.
export function upload(file, onProgress, signal) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", `/api/uploads?name=${encodeURIComponent(file.name)}`);
    request.setRequestHeader("X-Speediness", "1");
    request.upload.addEventListener("progress", (event) => onProgress(event.loaded / event.total));
    request.addEventListener("load", () => {
      let document = {};
      try {
        document = JSON.parse(request.responseText);
      } catch {
        // The status says enough.
      }
      if (request.status === 200) resolve(document);
      else reject(new Error(document.error ?? `the upload was refused (${request.status})`));
    });
    request.addEventListener("error", () => reject(new Error("the upload broke off; try again")));
    request.addEventListener("abort", () => reject(new DOMException("cancelled", "AbortError")));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}
