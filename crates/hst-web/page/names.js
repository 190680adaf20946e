/** Marks an id that holds a name in another alphabet. */
const MARK = 'n--';

/**
 * The platform's ids are of letters, digits, `_` and `-`: any other name travels as base64url of its UTF-8.
 * @param {string} name
 */
export function idOf(name) {
  if (/^[A-Za-z0-9_-]{1,128}$/.test(name) && !name.startsWith(MARK)) return name;
  const bytes = new TextEncoder().encode(name);
  const base64 = btoa(String.fromCharCode(...bytes));
  return MARK + base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The name that an id was made of. @param {string} id */
export function nameOf(id) {
  if (!id.startsWith(MARK)) return id;
  try {
    const base64 = id.slice(MARK.length).replaceAll('-', '+').replaceAll('_', '/');
    const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0));
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    return id;
  }
}

/** What stands for a person without a picture. @param {string} id */
export function initialOf(id) {
  return ([...nameOf(id)][0] ?? '?').toUpperCase();
}

/** The same colour for the same person everywhere. @param {string} id */
export function hueOf(id) {
  let hash = 0;
  for (const c of id) hash = (hash * 31 + (c.codePointAt(0) ?? 0)) % 360;
  return hash;
}
