import { recall, remember } from './store.js';
import en from './text_en.js';
import zh from './text_zh.js';

/** @typedef {typeof en} Words */

/** The languages, each by its own name. */
export const LANGUAGES = Object.freeze({ en: 'English', zh: '中文' });

/** @type {Record<keyof typeof LANGUAGES, Words>} */
const WORDS = { en, zh };

/** Tells of a `change` whoever shows words of its own. */
export const onLanguage = new EventTarget();

const stored = recall('language');
/** @type {keyof typeof LANGUAGES} */
let language = stored === 'zh' || stored === 'en' ? stored : navigator.language.startsWith('zh') ? 'zh' : 'en';

/** The words in the present language. @returns {Words} */
export function words() {
  return WORDS[language];
}

/** The tag of the present language, as dates and times are written in it. */
export function locale() {
  return language === 'zh' ? 'zh-CN' : 'en';
}

/** @returns {keyof typeof LANGUAGES} */
export function currentLanguage() {
  return language;
}

/**
 * What to tell a user about a failure of the engine.
 * @param {unknown} error
 * @returns {string}
 */
export function errorText(error) {
  const { code, message } = /** @type {{ code?: number, message?: string }} */ (error);
  return words().errors[code ?? 0] ?? message ?? String(error);
}

/** @param {keyof typeof LANGUAGES} next kept for the next visit */
export function setLanguage(next) {
  language = next;
  remember('language', next);
  translate();
}

/** Writes the present language into the page. */
export function translate() {
  document.documentElement.lang = locale();
  for (const element of all('[data-text]')) element.textContent = wordOf(element.dataset.text);
  for (const element of all('[data-placeholder]')) {
    element.setAttribute('placeholder', wordOf(element.dataset.placeholder));
  }
  for (const element of all('[data-label]')) {
    const label = wordOf(element.dataset.label);
    const { key } = element.dataset;
    element.setAttribute('aria-label', label);
    if (element instanceof HTMLButtonElement) element.title = key ? `${label} (${key})` : label;
  }
  onLanguage.dispatchEvent(new Event('change'));
}

/** @param {string} selector @returns {NodeListOf<HTMLElement>} */
function all(selector) {
  return document.querySelectorAll(selector);
}

/** @param {string | undefined} key of a word without anything to fill in */
function wordOf(key) {
  return String(words()[/** @type {keyof Words} */ (key)]);
}
