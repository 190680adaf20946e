import { byId, make } from './dom.js';
import { LANGUAGES, currentLanguage, onLanguage, setLanguage, words } from './text.js';
import { chime } from './tone.js';

/**
 * @import { HstRtcEngine } from '../sdk/hst-rtc-engine.js'
 * @import { Choice } from './choice.js'
 */

/** The dialog of what one seldom changes: devices, one's voice, the language. */
export class Settings {
  #dialog = byId('settings', HTMLDialogElement);
  #voice = byId('voice', HTMLInputElement);
  #language = byId('language', HTMLSelectElement);
  #engine;

  /**
   * @param {HstRtcEngine} engine
   * @param {Choice} choice
   */
  constructor(engine, choice) {
    this.#engine = engine;
    for (const [key, name] of Object.entries(LANGUAGES)) {
      this.#language.append(make('option', { value: key, lang: key }, [name]));
    }
    this.#language.onchange = () => setLanguage(/** @type {keyof typeof LANGUAGES} */ (this.#language.value));
    this.#voice.oninput = () => this.#alter();
    for (const button of document.querySelectorAll('[data-chime]')) {
      button.addEventListener('click', () => chime(choice.of('spk')));
    }
    for (const button of document.querySelectorAll('[data-language]')) {
      button.addEventListener('click', () => setLanguage(otherLanguage()));
    }
    byId('settings-open').onclick = () => this.open();
    onLanguage.addEventListener('change', () => this.#show());
  }

  open() {
    this.#show();
    this.#dialog.showModal();
  }

  #alter() {
    const semitones = this.#voice.valueAsNumber;
    // Who alters his voice here does not want to be known by it.
    this.#engine.setMagicAudioSwitch(semitones !== 0, { only: true });
    this.#engine.setSendMagicAudioValue(semitones);
    this.#show();
  }

  #show() {
    const semitones = this.#voice.valueAsNumber;
    const { voiceAsItIs, voiceHigher, voiceLower } = words();
    const voice = semitones === 0 ? voiceAsItIs : semitones > 0 ? voiceHigher(semitones) : voiceLower(-semitones);
    byId('voice-word').textContent = voice;
    this.#voice.setAttribute('aria-valuetext', voice);
    this.#language.value = currentLanguage();
    for (const button of document.querySelectorAll('[data-language]')) {
      button.textContent = LANGUAGES[otherLanguage()];
      button.setAttribute('lang', otherLanguage());
    }
  }
}

function otherLanguage() {
  return currentLanguage() === 'zh' ? 'en' : 'zh';
}
