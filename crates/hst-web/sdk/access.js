import { ErrorCode, HstRtcError } from './errors.js';
import { isNothing } from './ids.js';
import { scriptOrigin } from './origin.js';

/** How long Access may take to answer, in ms. */
const ACCESS_TIMEOUT = 10_000;

/**
 * @typedef {object} AccessPoints where the other services are
 * @property {string[]} signal WebSocket addresses of signalling, best first
 * @property {RTCIceServer[]} iceServers
 */

/**
 * Asks the Access service for the addresses of all others.
 * @param {unknown} accessUrl as given to `init`
 * @returns {Promise<AccessPoints>}
 */
export async function askAccess(accessUrl) {
  const { base, group } = accessBase(accessUrl);
  const url = `${base}/v1/access${group === null ? '' : `?group=${encodeURIComponent(group)}`}`;
  const answer = await fetchJson(url);
  const signal = Array.isArray(answer?.signal) ? answer.signal.filter(isWebSocket) : [];
  if (answer?.code !== 0 || signal.length === 0) {
    throw new HstRtcError(ErrorCode.CONNECT, `${url} named no signalling address: is it an Access service?`);
  }
  return { signal, iceServers: Array.isArray(answer.ice_servers) ? answer.ice_servers : [] };
}

/**
 * The base address without a slash at its end. Access may be named as a base URL, as the full `…/server/address` of
 * older engines, as `host:port`, or not at all; with `?group=…`, that group's members are led to one node.
 * @param {unknown} accessUrl
 * @returns {{ base: string, group: string | null }}
 */
export function accessBase(accessUrl) {
  if (isNothing(accessUrl)) {
    if (scriptOrigin) return { base: scriptOrigin, group: null };
    throw new HstRtcError(
      ErrorCode.INVALID_ARGUMENT,
      'this page has no origin: give init or login the address of Access',
    );
  }
  const text = String(accessUrl).trim();
  const url = parse(text.includes('://') ? text : `${defaultScheme()}//${text}`);
  if (!url) {
    throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, `${JSON.stringify(text)} is no http address of Access`);
  }
  const path = url.pathname.replace(/\/+$/, '').replace(/\/(server\/address|v1\/access)$/, '');
  return { base: url.origin + path.replace(/\/+$/, ''), group: url.searchParams.get('group') };
}

/** A page of https may only ask https. */
function defaultScheme() {
  return globalThis.location?.protocol === 'https:' ? 'https:' : 'http:';
}

/** @param {string} text */
function parse(text) {
  try {
    const url = new URL(text);
    return url.protocol === 'http:' || url.protocol === 'https:' ? url : null;
  } catch {
    return null;
  }
}

/** @param {unknown} url */
function isWebSocket(url) {
  return typeof url === 'string' && /^wss?:\/\//i.test(url);
}

/**
 * @param {string} url
 * @returns {Promise<any>}
 */
async function fetchJson(url) {
  const abort = new AbortController();
  const timer = setTimeout(() => abort.abort(), ACCESS_TIMEOUT);
  try {
    const response = await fetch(url, { credentials: 'omit', cache: 'no-store', signal: abort.signal });
    if (!response.ok) throw new Error(`HTTP status ${response.status}`);
    return await response.json();
  } catch (cause) {
    const why = abort.signal.aborted ? 'no answer' : /** @type {Error} */ (cause).message;
    const advice = 'check the address and the network';
    throw new HstRtcError(ErrorCode.CONNECT, `the Access service ${url} was not reached (${why}): ${advice}`, {
      cause,
    });
  } finally {
    clearTimeout(timer);
  }
}
