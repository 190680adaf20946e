/**
 * Tells when the browser has another network, or one again.
 * @param {() => void} onChange
 * @returns {() => void} ends it
 */
export function watchNetwork(onChange) {
  // Not every browser knows about the kind of its connection.
  const connection = /** @type {EventTarget | undefined} */ (/** @type {any} */ (globalThis.navigator)?.connection);
  globalThis.addEventListener?.('online', onChange);
  connection?.addEventListener('change', onChange);
  return () => {
    globalThis.removeEventListener?.('online', onChange);
    connection?.removeEventListener('change', onChange);
  };
}
