import { BoardTools } from './board_tools.js';
import { ask } from './confirm.js';
import { iconButton, make } from './dom.js';
import { nameOf } from './names.js';
import { onLanguage, words } from './text.js';

/**
 * @import { HstRtcEngine, Media } from '../sdk/hst-rtc-engine.js'
 * @import { Stage } from './stage.js'
 */

/** The white boards of the group, each on the stage with its tools. */
export class Boards {
  /** Called when one comes, goes, or is hidden. */
  onChange = () => {};
  #engine;
  #stage;
  #self;
  /** @type {Map<string, { user: string, element: HTMLElement, tools: BoardTools, end: HTMLElement | null }>} */
  #boards = new Map();
  #isMaking = false;

  /**
   * @param {HstRtcEngine} engine
   * @param {Stage} stage
   * @param {() => string} self the own User ID
   */
  constructor(engine, stage, self) {
    this.#engine = engine;
    this.#stage = stage;
    this.#self = self;
    const { WHITE_BOARD } = engine.MediaType;
    engine.on('onPublishMedia', ({ userId, mediaType, mediaId }) => {
      if (mediaType === WHITE_BOARD) engine.startReceiveMedia(userId, mediaType, mediaId).catch(() => {});
    });
    engine.on('onRemoteMediaAdd', (media) => media.mediaType === WHITE_BOARD && this.#handleBoard(media));
    engine.on('onUnPublishMedia', ({ mediaType, mediaId }) => mediaType === WHITE_BOARD && this.#handleGone(mediaId));
    onLanguage.addEventListener('change', () => {
      for (const { tools } of this.#boards.values()) tools.update();
    });
    engine.on('onWhiteBoardCurPageChanged', ({ mediaId }) => this.#boards.get(mediaId)?.tools.update());
  }

  /** Whether one is on the stage. */
  get isOpen() {
    return [...this.#boards.keys()].some((id) => this.#stage.has(keyOf(id)));
  }

  /** Makes the first one; hides those that are there, for oneself, or shows them again. */
  async toggle() {
    if (this.#boards.size === 0) return this.#make();
    const { isOpen } = this;
    for (const id of this.#boards.keys()) {
      if (isOpen) this.#stage.remove(keyOf(id));
      else this.#show(id);
    }
    this.onChange();
  }

  /** Forgets them: the engine has left the group. */
  close() {
    this.#boards.clear();
  }

  async #make() {
    if (this.#isMaking) return;
    this.#isMaking = true;
    try {
      const id = await this.#engine.createWhiteBoard({ board_name: nameOf(this.#self()) });
      await this.#engine.startPublishMedia(this.#engine.MediaType.WHITE_BOARD, id);
    } catch {
      // The words for the user come with `onError`.
    }
    this.#isMaking = false;
  }

  /** @param {Media} media all that is on it is here */
  #handleBoard({ userId, mediaId }) {
    const handle = this.#engine.getWhiteBoard(mediaId);
    if (!handle) return;
    this.#handleGone(mediaId);
    const tools = new BoardTools(handle);
    const end = userId === this.#self() ? this.#endOf(mediaId) : null;
    const sheet = make('div', { class: 'sheet' });
    const element = make('div', { class: 'board' }, [sheet, tools.element]);
    this.#boards.set(mediaId, { user: userId, element, tools, end });
    this.#show(mediaId);
    this.#engine.setMediaRender(userId, this.#engine.MediaType.WHITE_BOARD, mediaId, sheet);
    this.onChange();
  }

  /** @param {string} id */
  #handleGone(id) {
    if (!this.#boards.delete(id)) return;
    this.#engine.unsetMediaRender(null, this.#engine.MediaType.WHITE_BOARD, id);
    this.#stage.remove(keyOf(id));
    this.onChange();
  }

  /** @param {string} id */
  #show(id) {
    const board = this.#boards.get(id);
    if (!board) return;
    this.#stage.add(keyOf(id), board.element, () => words().boardOf(nameOf(board.user)), board.end);
  }

  /** Who made a board may end it, for everybody. @param {string} id */
  #endOf(id) {
    const end = iconButton('close', words().endBoard, { 'data-label': 'endBoard' });
    end.onclick = async () => {
      if (await ask(words().endBoardAsk)) this.#engine.closeWhiteBoard(id);
    };
    return end;
  }
}

/** @param {string} id */
function keyOf(id) {
  return `board/${id}`;
}
