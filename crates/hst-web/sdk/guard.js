/**
 * A promise that may be ignored without the browser reporting it as unhandled.
 * @template T
 * @param {Promise<T>} promise
 */
export function ignorable(promise) {
  promise.catch(() => {});
  return promise;
}

/**
 * Calls back. A fault in the application's callback is the application's.
 * @template {unknown[]} T
 * @param {string} call whose callback it is
 * @param {(...what: T) => void} callback
 * @param {T} what
 */
export function show(call, callback, ...what) {
  try {
    callback(...what);
  } catch (error) {
    console.error(`[HstRtcEngine] the callback of ${call} threw`, error);
  }
}
