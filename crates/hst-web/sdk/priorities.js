import { ErrorCode, HstRtcError } from './errors.js';

/**
 * @typedef {import('./ids.js').MediaRef} MediaRef
 * @typedef {import('./types.js').Priority} Priority
 */

/** @type {readonly unknown[]} */
const PRIORITIES = Object.freeze(['low', 'normal', 'high']);

/** How much pictures matter to this user, where the application has said so; also of those that are not received yet. */
export class Priorities {
  /** @type {Map<string, Priority>} */
  #said = new Map();
  #group;

  /** @param {import('./group.js').GroupContext} group */
  constructor(group) {
    this.#group = group;
  }

  /**
   * @param {MediaRef} media
   * @param {unknown} priority
   */
  set(media, priority) {
    if (media.kind === 'audio') {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'only pictures have a priority: sound comes first');
    }
    if (!PRIORITIES.includes(priority)) {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'priority is low, normal or high');
    }
    this.#said.set(media.key, /** @type {Priority} */ (priority));
  }

  /**
   * Tells the server, which has agreed that the media is received, and begins with the usual each time.
   * @param {MediaRef} media
   */
  async tell(media) {
    const priority = this.#said.get(media.key);
    if (!priority) return;
    await this.#group.signal.request({ prioritize: { ...media.toWire(), priority } }, { isRepeatable: true });
  }
}
