import { nameOf } from './names.js';
import { text } from './text.js';

/** The messages of a group, in a panel that can be closed. */
export class Chat {
  #panel = document.getElementById('chat');
  #opener = document.getElementById('chat-open');
  #list = document.getElementById('messages');
  #badge = document.getElementById('unread');
  #input = document.getElementById('chat-text');
  #unread = 0;
  #lastFrom = null;

  /** @param {(words: string) => void} onWrite */
  constructor(onWrite) {
    this.#opener.onclick = () => this.#show(this.#panel.hidden);
    document.getElementById('chat-close').onclick = () => this.#show(false);
    document.getElementById('chat-form').onsubmit = (event) => {
      event.preventDefault();
      const words = this.#input.value.trim();
      if (words !== '') onWrite(words);
      this.#input.value = '';
    };
    this.#list.dataset.empty = text('noMessages');
    document.addEventListener('languagechange', () => (this.#list.dataset.empty = text('noMessages')));
  }

  add(from, words, isOwn) {
    const item = document.createElement('li');
    item.className = isOwn ? 'message own' : 'message';
    if (from !== this.#lastFrom) {
      const head = document.createElement('small');
      const time = new Date().toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
      head.textContent = isOwn ? time : `${nameOf(from)} · ${time}`;
      item.append(head);
    }
    this.#lastFrom = from;
    const body = document.createElement('p');
    body.textContent = words;
    item.append(body);
    this.#list.append(item);
    this.#list.scrollTop = this.#list.scrollHeight;
    if (this.#panel.hidden && !isOwn) this.#count(this.#unread + 1);
  }

  clear() {
    this.#list.replaceChildren();
    this.#lastFrom = null;
    this.#show(false);
    this.#count(0);
  }

  #show(isOpen) {
    this.#panel.hidden = !isOpen;
    this.#opener.setAttribute('aria-pressed', String(isOpen));
    if (!isOpen) return;
    this.#count(0);
    this.#list.scrollTop = this.#list.scrollHeight;
    this.#input.focus();
  }

  #count(unread) {
    this.#unread = unread;
    this.#badge.hidden = unread === 0;
    this.#badge.textContent = unread > 99 ? '99+' : String(unread);
  }
}
