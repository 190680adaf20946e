import { byId } from './dom.js';
import { hueOf, initialOf, nameOf } from './names.js';
import { onLanguage, words } from './text.js';
import { toast } from './toasts.js';
import { ring } from './tone.js';

/**
 * @import { HstRtcEngine, Invite } from '../sdk/hst-rtc-engine.js'
 * @import { Choice } from './choice.js'
 */

/** Others ring here: a dialog for one after the other, with a soft tone. */
export class Ringing {
  #engine;
  #choice;
  #onAccept;
  #dialog = byId('ringing', HTMLDialogElement);
  /** Those that wait for an answer, the one that is shown first. @type {Invite[]} */
  #invites = [];
  #hush = () => {};

  /**
   * @param {HstRtcEngine} engine
   * @param {Choice} choice
   * @param {(group: string) => void} onAccept gets the name of the group
   */
  constructor(engine, choice, onAccept) {
    this.#engine = engine;
    this.#choice = choice;
    this.#onAccept = onAccept;
    engine.on('onCommingInvite', (invite) => {
      this.#invites.push(invite);
      this.#show();
    });
    engine.on('onInviteEnded', ({ seqId }) => {
      const ended = this.#invites.find((invite) => invite.seqId === seqId);
      if (!ended) return;
      toast(words().missed(nameOf(ended.userId)));
      this.#drop(ended);
    });
    byId('ring-accept').onclick = () => this.#answer(true);
    byId('ring-decline').onclick = () => this.#answer(false);
    // Esc says no: a dialog that is only hidden would let the other one wait.
    this.#dialog.oncancel = () => this.#answer(false);
    onLanguage.addEventListener('change', () => this.#write());
  }

  /** Whoever rings is not listened to any more. */
  clear() {
    this.#invites = [];
    this.#show();
  }

  /** @param {boolean} isAccepted */
  #answer(isAccepted) {
    const [invite] = this.#invites;
    if (!invite) return;
    const { seqId, groupId } = invite;
    this.#engine.replyInvite({ seqId, groupId, operation: isAccepted ? 0 : 1 }).catch(() => {});
    this.#drop(invite);
    if (isAccepted) this.#onAccept(nameOf(groupId));
  }

  /** @param {Invite} invite */
  #drop(invite) {
    this.#invites = this.#invites.filter((other) => other !== invite);
    this.#show();
  }

  #show() {
    const isRinging = this.#invites.length > 0;
    if (isRinging === this.#dialog.open) return this.#write();
    if (isRinging) {
      this.#write();
      this.#dialog.showModal();
      this.#hush = ring(this.#choice.of('spk'));
      navigator.vibrate?.([200, 100, 200]);
    } else {
      this.#dialog.close();
      this.#hush();
    }
  }

  #write() {
    const [invite] = this.#invites;
    if (!invite) return;
    const { userId, groupId } = invite;
    byId('ring-avatar').textContent = initialOf(userId);
    byId('ring-avatar').style.setProperty('--hue', String(hueOf(userId)));
    byId('ring-who').textContent = words().invitesYou(nameOf(userId));
    byId('ring-where').textContent = words().toGroup(nameOf(groupId));
  }
}
