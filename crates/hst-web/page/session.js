import { idOf } from './names.js';
import { words } from './text.js';

/** @import { HstRtcEngine } from '../sdk/hst-rtc-engine.js' */

/** The App that a server in dev mode knows, for which it gives tokens to this page. */
const DEV_APP = { appId: '7a02a8217cd541f990152ea666ee24bf', appSecret: '42de63b19db7fda7' };

/** Who one is to the server: online by a name, and maybe in a group. */
export class Session {
  /** Called when one has come online. */
  onOnline = () => {};
  /** The own User ID; empty while offline. */
  self = '';
  /** The name of the group that one is in; empty without one. */
  group = '';
  #engine;
  #query;

  /**
   * @param {HstRtcEngine} engine
   * @param {URLSearchParams} query of the page's address, which may bring a token
   */
  constructor(engine, query) {
    this.#engine = engine;
    this.#query = query;
    engine.on('onTokenExpiring', () => this.#renew());
  }

  /**
   * Comes online by a name, and leaves an earlier one.
   * @param {string} name
   */
  async come(name) {
    const self = idOf(name);
    if (this.self === self) return;
    this.end();
    try {
      await this.#engine.init();
      const { appId, token } = await this.#credentials();
      await this.#engine.login({ appId, token, userId: self, extendInfo: name });
    } catch (error) {
      this.end();
      throw error;
    }
    this.self = self;
    this.onOnline();
  }

  /**
   * Goes into a group, out of an earlier one.
   * @param {string} group its name
   */
  async enter(group) {
    if (this.group !== '') this.leave();
    await this.#engine.joinGroup(idOf(group));
    this.group = group;
    // Others see beside the name where one is. Who may not tell it is in the group all the same.
    this.#engine.setCustomState(group).catch(() => {});
  }

  /** Out of the group; one stays online, so that others can still ring. */
  leave() {
    if (this.group === '') return;
    this.group = '';
    this.#engine.leaveGroup().catch(() => {});
    this.#engine.setCustomState('').catch(() => {});
  }

  /** Ends everything, at once. */
  end() {
    this.#engine.destroy();
    this.self = this.group = '';
  }

  async #renew() {
    // A token of the address cannot be had anew: the login ends with it.
    if (!this.#query.has('token')) this.#engine.renewToken((await this.#credentials()).token).catch(() => {});
  }

  /** A server in dev mode gives this page a token; for any other the address of the page brings one. */
  async #credentials() {
    const token = this.#query.get('token');
    if (token) return { appId: this.#query.get('appId') ?? DEV_APP.appId, token };
    const response = await fetch('/generate/token', {
      method: 'POST',
      headers: { 'Content-Type': 'application/json' },
      body: JSON.stringify(DEV_APP),
    }).catch(() => null);
    const body = await response?.json().catch(() => null);
    if (body?.code !== 0) throw new Error(words().noToken);
    return { appId: DEV_APP.appId, token: String(body.result) };
  }
}
