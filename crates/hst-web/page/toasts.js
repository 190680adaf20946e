import { byId, make } from './dom.js';

/** How long a toast stays, in ms. */
const STAYS = 5_000;
/** So many are shown at once; the oldest gives way. */
const MAX = 3;

/** Says something for a moment, to eyes and to screen readers. @param {string} words */
export function toast(words) {
  const toasts = byId('toasts');
  const one = make('p', { class: 'toast' }, [words]);
  toasts.append(one);
  while (toasts.children.length > MAX) toasts.firstElementChild?.remove();
  setTimeout(() => one.remove(), STAYS);
}

/** Says something until it is over. @param {string} words empty when it is over */
export function banner(words) {
  byId('banner').hidden = words === '';
  byId('banner').textContent = words;
}
