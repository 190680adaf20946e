import { byId, make } from './dom.js';
import { nameOf } from './names.js';
import { locale, onLanguage, words } from './text.js';

/** @import { HstRtcEngine } from '../sdk/hst-rtc-engine.js' */

/** So many earlier messages are fetched, where the group keeps them. */
const HISTORY = 50;
/** The most messages that are shown; the oldest give way. */
const MAX = 500;
/** So near to its end a list follows what comes, in pixels. */
const NEAR = 80;

/** The messages of a group. */
export class Chat {
  #engine;
  #log = byId('log');
  #list = byId('messages');
  #input = byId('chat-text', HTMLTextAreaElement);
  #badge = byId('unread');
  #unread = 0;
  #isOpen = false;
  #self = '';
  /** Whose message came last: the name stands over the first of several. */
  #lastFrom = '';
  /** The number of the first message that came by itself: history ends before it. */
  #firstLive = Infinity;

  /** @param {HstRtcEngine} engine */
  constructor(engine) {
    this.#engine = engine;
    engine.on('onRecvGroupMsg', ({ srcUserId, msg, msgId }) => {
      this.#firstLive = Math.min(this.#firstLive, msgId);
      this.#add(srcUserId, msg, new Date());
      if (!this.#isOpen) this.#count(this.#unread + 1);
    });
    byId('chat-form').onsubmit = (event) => {
      event.preventDefault();
      this.#say();
    };
    this.#input.onkeydown = (event) => {
      // While a word is being composed of several keys, Enter chooses it.
      if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
      event.preventDefault();
      this.#say();
    };
    onLanguage.addEventListener('change', () => this.#showBadge());
  }

  /** @param {string} self the own User ID */
  async open(self) {
    this.#self = self;
    this.#list.replaceChildren();
    this.#lastFrom = '';
    this.#firstLive = Infinity;
    this.#count(0);
    const messages = await this.#engine.getGroupHistory({ limit: HISTORY }).catch(() => []);
    const earlier = messages.filter(({ msgId }) => msgId < this.#firstLive);
    if (self !== this.#self || earlier.length === 0) return;
    const live = [...this.#list.children];
    this.#list.replaceChildren();
    this.#lastFrom = '';
    for (const { srcUserId, msg } of earlier) this.#add(srcUserId, msg, null);
    this.#list.append(make('li', { class: 'divider' }, [words().earlier]), ...live);
    this.#lastFrom = '';
  }

  /** @param {boolean} isOpen whether it can be seen */
  set isOpen(isOpen) {
    this.#isOpen = isOpen;
    if (!isOpen) return;
    this.#count(0);
    this.#log.scrollTop = this.#log.scrollHeight;
  }

  #say() {
    const text = this.#input.value.trim();
    if (text === '') return;
    this.#input.value = '';
    const item = this.#add(this.#self, text, new Date());
    this.#log.scrollTop = this.#log.scrollHeight;
    this.#engine.sendGroupMsg({ msg: text }).catch(() => {
      item.classList.add('failed');
      item.append(make('small', {}, [words().notSent]));
    });
  }

  /**
   * @param {string} from
   * @param {unknown} msg any application may write any JSON value
   * @param {Date | null} at
   */
  #add(from, msg, at) {
    const isNear = this.#log.scrollHeight - this.#log.scrollTop - this.#log.clientHeight < NEAR;
    const isOwn = from === this.#self;
    const item = make('li', { class: isOwn ? 'message own' : 'message' });
    const time = at?.toLocaleTimeString(locale(), { hour: '2-digit', minute: '2-digit' }) ?? '';
    if (from !== this.#lastFrom) {
      const head = [isOwn ? '' : nameOf(from), time].filter(Boolean).join(' · ');
      item.append(make('small', {}, [head]));
    }
    this.#lastFrom = from;
    item.append(make('p', { title: time }, [typeof msg === 'string' ? msg : JSON.stringify(msg)]));
    this.#list.append(item);
    while (this.#list.children.length > MAX) this.#list.firstElementChild?.remove();
    if (isNear) this.#log.scrollTop = this.#log.scrollHeight;
    return item;
  }

  /** @param {number} unread */
  #count(unread) {
    this.#unread = unread;
    this.#showBadge();
  }

  #showBadge() {
    this.#badge.hidden = this.#unread === 0;
    this.#badge.textContent = this.#unread > 99 ? '99+' : String(this.#unread);
    const label = this.#unread === 0 ? words().chat : words().unread(this.#badge.textContent);
    byId('chat-open').setAttribute('aria-label', label);
  }
}
