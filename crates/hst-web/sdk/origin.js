/** Where this script came from; in the classic script the bundle puts `document.currentScript.src` in its place. */
const scriptUrl = import.meta.url;

/** The default Access address: the origin that served the script, or else the page's. */
export const scriptOrigin = originOf(scriptUrl) ?? originOf(globalThis.location?.href);

/** Where the drawing of white boards is; the bundle puts the name of its own script in this one's place. */
export const boardScript = besides('board.js', scriptUrl);

/**
 * @param {string} name
 * @param {string | undefined} url
 * @returns {string}
 */
function besides(name, url) {
  try {
    return new URL(name, url).href;
  } catch {
    return name;
  }
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
