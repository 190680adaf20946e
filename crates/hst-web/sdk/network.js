/**
 * Tells when the browser has another network, or one again.
 * @param {() => void} onChange
 * @returns {() => void} ends it
 */
export function watchNetwork(onChange) {
  // Not every browser knows of it; it also tells about each new guess at the speed.
  const connection = /** @type {any} */ (globalThis.navigator)?.connection;
  let type = connection?.type;
  const check = () => {
    if (connection.type === type) return;
    type = connection.type;
    onChange();
  };
  globalThis.addEventListener?.('online', onChange);
  connection?.addEventListener('change', check);
  return () => {
    globalThis.removeEventListener?.('online', onChange);
    connection?.removeEventListener('change', check);
  };
}
