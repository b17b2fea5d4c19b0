// The HTTP API, as pages call it: language, CSRF, versions, problems as errors, sessions that end meanwhile.
import { notice } from "./notice.js";
import { signInAgain, signIns } from "./session.js";
import { say } from "./words.js";

const WAITS_MS = [500, 1000, 2000, 4000, 8000];

/** What the server refused, or why it was not asked (status 0). `detail` is for people, in their language. */
export class Problem extends Error {
  constructor(status, told) {
    super(told.detail ?? told.title ?? String(status));
    Object.assign(this, { status, code: told.code ?? "", errors: told.errors ?? [], version: told.version });
  }
}

/**
 * Call a route.
 *
 * @param {string} method
 * @param {string} path
 * @param {{json?: any, form?: FormData, file?: Blob, version?: string|number, key?: string, signal?: AbortSignal, patient?: boolean, behind?: boolean}} options
 *   version: as If-Match; key: as Idempotency-Key; patient: go on trying while the server is away. Only for what
 *   may be sent twice: GET, what has a key, uploads; behind: nobody waits for it, see `signInAgain`.
 * @returns {Promise<{status: number, data: any, etag: string|null}>}
 * @throws {Problem} what the server says, or that it does not answer
 */
export async function call(method, path, options = {}) {
  for (let attempt = 0; ; attempt += 1) {
    const before = signIns;
    try {
      const answer = await fetch(path, request(method, options));
      if (attempt > 0) notice(say("The server answers again."), { key: "away" });
      if (answer.status === 401 && path !== "/v1/session") {
        await signInAgain(options, before);
        continue;
      }
      if ([502, 503, 504, 429].includes(answer.status) && options.patient) {
        await pause(Number(answer.headers.get("Retry-After")) * 1000 || wait(attempt), options.signal);
        continue;
      }
      return await read(answer);
    } catch (error) {
      if (!(error instanceof TypeError) || options.signal?.aborted) throw error;
      if (!options.patient) throw new Problem(0, { detail: say("The server does not answer. Try again.") });
      notice(say("The server does not answer. Trying again…"), { bad: true, key: "away" });
      await pause(wait(attempt), options.signal);
    }
  }
}

/** A key for a write that may have to be sent again. */
export const newKey = () => crypto.randomUUID?.() ?? Array.from(crypto.getRandomValues(new Uint8Array(16)), (byte) => byte.toString(16).padStart(2, "0")).join("");

function request(method, { json, form, file, version, key, signal }) {
  const headers = {
    Accept: "application/json", "Accept-Language": document.documentElement.lang,
    "X-CSRF-Token": document.querySelector("meta[name=csrf]").content,
  };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  if (file && file.type !== "") headers["Content-Type"] = file.type;
  if (version !== undefined && version !== "") headers["If-Match"] = String(version).includes('"') ? String(version) : `"${version}"`;
  if (key) headers["Idempotency-Key"] = key;
  return { method, headers, signal, body: json !== undefined ? JSON.stringify(json) : file ?? form };
}

async function read(answer) {
  const text = await answer.text();
  const told = (answer.headers.get("Content-Type") ?? "").includes("json") && text ? JSON.parse(text) : text;
  if (!answer.ok) throw new Problem(answer.status, typeof told === "object" ? told : { detail: told.slice(0, 300) });
  return { status: answer.status, data: told === "" ? null : told, etag: answer.headers.get("ETag") };
}

const wait = (attempt) => WAITS_MS[Math.min(attempt, WAITS_MS.length - 1)] * (0.75 + Math.random() / 2);

const pause = (ms, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, ms);
  signal?.addEventListener("abort", () => { clearTimeout(timer); reject(signal.reason); });
});
