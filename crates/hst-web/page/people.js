import { byId, focusIn, icon, iconButton, make } from './dom.js';
import { hueOf, idOf, initialOf, nameOf } from './names.js';
import { locale, onLanguage, words } from './text.js';

/**
 * @import { Call } from './call.js'
 * @import { Invites } from './invites.js'
 * @import { Presence } from './presence.js'
 * @import { Session } from './session.js'
 */

/** @typedef {'members' | 'online'} Tab */
/** @type {readonly Tab[]} */
const TABS = ['members', 'online'];

/** The panel of the people: who is in the group, and who else is online and may be invited. */
export class People {
  /** @type {Tab} */
  #tab = 'members';
  #call;
  #session;
  #presence;
  #invites;
  #isOpen = false;
  #isDue = false;

  /**
   * @param {Call} call
   * @param {Session} session
   * @param {Presence} presence
   * @param {Invites} invites
   */
  constructor(call, session, presence, invites) {
    this.#call = call;
    this.#session = session;
    this.#presence = presence;
    this.#invites = invites;
    for (const tab of TABS) {
      byId(`${tab}-tab`).onclick = () => this.#select(tab);
      byId(`${tab}-tab`).onkeydown = ({ key }) => key.startsWith('Arrow') && this.#select(otherOf(tab));
    }
    for (const source of [presence, invites, onLanguage]) source.addEventListener('change', () => this.update());
  }

  /** @param {boolean} isOpen whether it can be seen */
  set isOpen(isOpen) {
    this.#isOpen = isOpen;
    this.update();
  }

  /** Something is different: writes the lists once, however much it was. */
  update() {
    if (!this.#isOpen || this.#isDue) return;
    this.#isDue = true;
    requestAnimationFrame(() => {
      this.#isDue = false;
      if (this.#isOpen) this.#write();
    });
  }

  /** @param {Tab} tab */
  #select(tab) {
    this.#tab = tab;
    this.update();
    byId(`${tab}-tab`).focus();
  }

  #write() {
    const { members, own, self } = this.#call;
    const focused = document.activeElement?.closest('#people [data-user]')?.getAttribute('data-user');
    const inGroup = [...members].sort(byName).map(([user, kinds]) => this.#member(user, nameOf(user), kinds));
    byId('members').replaceChildren(this.#member(self, words().you(nameOf(self)), own), ...inGroup);

    const others = this.#presence.users.filter(({ userId }) => userId !== self && !members.has(userId));
    const rows = others.map(({ userId, group }) => /** @type {const} */ ([userId, group])).sort(byName);
    this.#writeTabs([members.size + 1, rows.length]);
    byId('online').replaceChildren(...rows.map(([user, group]) => this.#other(user, group)));
    byId('online-none').hidden = rows.length > 0;
    byId('online-none').textContent = this.#presence.isKnown ? words().nobodyOnline : words().noPresence;
    // Whose button had the keyboard has it again.
    if (focused) focusIn(byId('online'), `[data-user="${focused}"] button`);
  }

  /** @param {number[]} counts */
  #writeTabs(counts) {
    for (const [at, tab] of TABS.entries()) {
      const isSelected = tab === this.#tab;
      const button = byId(`${tab}-tab`);
      button.textContent = `${words()[tab]} (${counts[at]})`;
      button.setAttribute('aria-selected', String(isSelected));
      button.tabIndex = isSelected ? 0 : -1;
      byId(`${tab}-list`).hidden = !isSelected;
    }
  }

  /**
   * @param {string} user
   * @param {string} name
   * @param {ReadonlySet<string>} kinds what the person sends
   */
  #member(user, name, kinds) {
    const marks = /** @type {const} */ (['mic', 'cam']).map((kind) => {
      const isOn = kinds.has(kind);
      const label = words()[/** @type {const} */ (`${kind}Is${isOn ? 'On' : 'Off'}`)];
      const mark = make('span', {
        class: isOn ? 'state' : 'state off',
        role: 'img',
        'aria-label': label,
        title: label,
      });
      mark.append(icon(isOn ? kind : `${kind}-off`));
      return mark;
    });
    return make('li', { class: 'person', 'data-user': user }, [
      avatar(user),
      make('span', { class: 'name' }, [name]),
      ...marks,
    ]);
  }

  /**
   * @param {string} user
   * @param {string} group which it says to be in
   */
  #other(user, group) {
    const name = nameOf(user);
    const isRinging = this.#invites.isRinging(user);
    const state = isRinging ? words().ringing : group ? words().isIn(group) : words().isFree;
    const button = isRinging
      ? iconButton('close', words().cancelInvite(name))
      : make('button', { type: 'button', class: 'small', 'aria-label': words().inviteWhom(name) }, [words().invite]);
    button.onclick = () => {
      if (isRinging) this.#invites.cancel(user);
      else this.#invites.ring(user, idOf(this.#session.group));
    };
    const text = make('span', { class: 'name' }, [name, make('small', {}, [state])]);
    return make('li', { class: isRinging ? 'person ringing' : 'person', 'data-user': user }, [
      avatar(user),
      text,
      button,
    ]);
  }
}

/** @param {Tab} tab */
function otherOf(tab) {
  return tab === 'members' ? 'online' : 'members';
}

/** @param {string} user */
function avatar(user) {
  const face = make('span', { class: 'avatar', 'aria-hidden': 'true' }, [initialOf(user)]);
  face.style.setProperty('--hue', String(hueOf(user)));
  return face;
}

/**
 * @param {readonly [string, unknown]} a
 * @param {readonly [string, unknown]} b
 */
function byName([a], [b]) {
  return nameOf(a).localeCompare(nameOf(b), locale());
}
