/** Where this script came from; in the classic script the bundle puts `document.currentScript.src` in its place. */
const scriptUrl = import.meta.url;

/** The default Access address: the origin that served the script, or else the page's. */
export const scriptOrigin = originOf(scriptUrl) ?? originOf(globalThis.location?.href);

/**
 * The address of a file that lies beside this script.
 * @param {string} name
 */
export function besideScript(name) {
  return scriptUrl ? new URL(name, scriptUrl).href : `${scriptOrigin ?? ''}/sdk/${name}`;
}

/**
 * @param {string | undefined} url
 * @returns {string | null}
 */
function originOf(url) {
  if (!url) return null;
  const { origin, protocol } = new URL(url);
  return protocol === 'http:' || protocol === 'https:' ? origin : null;
}
