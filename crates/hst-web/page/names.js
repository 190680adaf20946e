/** Marks an id that holds a name in another alphabet. */
const MARK = 'n--';

/** The platform's ids are of letters, digits, `_` and `-`: any other name travels as base64url of its UTF-8. */
export function idOf(name) {
  if (/^[A-Za-z0-9_-]{1,128}$/.test(name) && !name.startsWith(MARK)) return name;
  const bytes = new TextEncoder().encode(name);
  const base64 = btoa(String.fromCharCode(...bytes));
  return MARK + base64.replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}

/** The name that an id was made of. */
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
