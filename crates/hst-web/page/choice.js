import { make } from './dom.js';
import { recall, remember } from './store.js';
import { onLanguage, words } from './text.js';

/** @typedef {'mic' | 'cam' | 'spk'} Kind */

/** @type {Record<MediaDeviceKind, Kind>} */
const KINDS = { audioinput: 'mic', videoinput: 'cam', audiooutput: 'spk' };
/** Not every browser lets a page choose where it sounds. */
const CAN_CHOOSE_SPEAKER = 'setSinkId' in HTMLMediaElement.prototype;

/**
 * Which microphone, camera and speaker are used. Every `<select data-device="mic|cam|spk">` of the page shows the choice
 * and makes it.
 */
export class Choice extends EventTarget {
  /** Empty for what the system says. @type {Record<Kind, string>} */
  #wished = { mic: recall('mic') ?? '', cam: recall('cam') ?? '', spk: recall('spk') ?? '' };
  /** @type {Record<Kind, MediaDeviceInfo[]>} */
  #devices = { mic: [], cam: [], spk: [] };
  /** @type {NodeListOf<HTMLSelectElement>} */
  #selects = document.querySelectorAll('select[data-device]');

  constructor() {
    super();
    for (const select of this.#selects) {
      const kind = /** @type {Kind} */ (select.dataset.device);
      select.onchange = () => this.#choose(kind, select.value);
      if (kind === 'spk' && !CAN_CHOOSE_SPEAKER) select.closest('.device')?.setAttribute('hidden', '');
    }
    navigator.mediaDevices?.addEventListener?.('devicechange', () => this.refresh());
    onLanguage.addEventListener('change', () => this.#show());
  }

  /**
   * The device to open, or null for what the system says: also while the wished one is not there.
   * @param {Kind} kind
   */
  of(kind) {
    const [wished, devices] = [this.#wished[kind], this.#devices[kind]];
    // Before the page may use any, a browser names none.
    const isThere = devices.length === 0 || devices.some(({ deviceId }) => deviceId === wished);
    return isThere && wished !== '' ? wished : null;
  }

  /** Looks again which there are: a browser gives their names once the page may use them. */
  async refresh() {
    const all = (await navigator.mediaDevices?.enumerateDevices?.().catch(() => [])) ?? [];
    this.#devices = { mic: [], cam: [], spk: [] };
    for (const device of all) {
      // The system's own choice is on the list already.
      const isNamed = device.deviceId !== '' && device.deviceId !== 'default' && device.deviceId !== 'communications';
      if (isNamed) this.#devices[KINDS[device.kind]].push(device);
    }
    this.#show();
  }

  /**
   * @param {Kind} kind
   * @param {string} device
   */
  #choose(kind, device) {
    this.#wished[kind] = device;
    remember(kind, device);
    this.#show();
    this.dispatchEvent(new CustomEvent('choice', { detail: kind }));
  }

  #show() {
    for (const select of this.#selects) {
      const kind = /** @type {Kind} */ (select.dataset.device);
      const named = this.#devices[kind].map(({ label, deviceId }, at) => {
        return make('option', { value: deviceId }, [label || `${select.getAttribute('aria-label')} ${at + 1}`]);
      });
      select.replaceChildren(make('option', { value: '' }, [words().systemDevice]), ...named);
      select.value = this.of(kind) ?? '';
    }
  }
}
