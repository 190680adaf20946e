import { ErrorCode, HstRtcError, Interrupted } from './errors.js';
import { DisplayMode, MediaType, checkMediaId, isNothing } from './ids.js';
import { besideScript } from './origin.js';

/**
 * @typedef {import('./group.js').GroupContext} GroupContext
 * @typedef {import('./board.js').Board} Board
 * @typedef {{ mode: number, percent: number }} Fit how a board fits its element
 */

/** How boards fit their elements. It may be chosen at any time, and holds for boards to come too. */
export class Fits {
  /** Called when it is another one. @type {() => void} */
  onChange = () => {};

  /** @type {Fit} */
  #common = { mode: DisplayMode.DBWZ, percent: 100 };
  /** @type {Map<string, Fit>} */
  #own = new Map();

  /**
   * @param {string | null | undefined} board without one, all boards
   * @param {unknown} mode a number, also as a text; any other one is the usual one
   * @param {unknown} [percent]
   */
  set(board, mode, percent) {
    const isKnown = Object.values(DisplayMode).some((known) => known === Number(mode));
    const fit = { mode: isKnown ? Number(mode) : DisplayMode.DBWZ, percent: percentOf(percent) };
    if (board) {
      this.#own.set(board, fit);
    } else {
      this.#own.clear();
      this.#common = fit;
    }
    this.onChange();
  }

  /**
   * @param {string} board
   * @returns {Fit}
   */
  of(board) {
    return this.#own.get(board) ?? this.#common;
  }
}

/**
 * The white boards of the group: what the server knows of them, and those that are received here. Their drawing is a
 * script of its own, which is loaded with the first board.
 */
export class Boards {
  /** @type {Map<string, Reception>} */
  #receptions = new Map();
  /** The elements that were named for boards, in whatever order. @type {Map<string, HTMLElement>} */
  #elements = new Map();
  #group;

  /** @param {GroupContext} group */
  constructor(group) {
    this.#group = group;
    group.fits.onChange = () => {
      for (const { board } of this.#receptions.values()) board?.refit();
    };
  }

  /**
   * @param {any} options
   * @returns {Promise<string>} its media ID
   */
  async create(options) {
    const { board } = await this.#group.signal.request({ create_board: parseBoard(options) });
    return board;
  }

  /** @param {unknown} id */
  async publish(id) {
    await this.#ask({ publish: { type: MediaType.WHITE_BOARD, media: checkMediaId(id) } });
  }

  /** @param {unknown} id */
  async unpublish(id) {
    // Which one is not said: that is nothing to stop.
    if (isNothing(id)) return;
    await this.#ask({ unpublish: { type: MediaType.WHITE_BOARD, media: checkMediaId(id) } });
  }

  /**
   * Ends a board for everybody. An application may call it without one.
   * @param {unknown} id
   */
  async delete(id) {
    if (id === undefined || id === null || id === '') return;
    await this.#ask({ delete_board: { board: checkMediaId(id) } });
  }

  /**
   * The object to draw with, when the board is here.
   * @param {unknown} id
   */
  get(id) {
    return this.#receptions.get(String(id))?.board?.handle ?? null;
  }

  /**
   * @param {string} user who made it
   * @param {unknown} id
   * @returns {Promise<void>} settles when everything on it is here
   */
  receive(user, id) {
    const media = checkMediaId(id);
    const present = this.#receptions.get(media);
    if (present) return present.done;
    const reception = new Reception();
    this.#receptions.set(media, reception);
    reception.done = this.#run(reception, user, media);
    reception.done.catch(() => this.#drop(media, reception));
    return reception.done;
  }

  /**
   * What is not received is no fault.
   * @param {unknown} id
   */
  stop(id) {
    const media = String(id);
    const reception = this.#receptions.get(media);
    if (!reception) return;
    this.#drop(media, reception);
    this.#ask({ close_board: { board: media } }).catch(() => {});
  }

  /**
   * @param {unknown} id
   * @param {unknown} element
   */
  show(id, element) {
    if (!(element instanceof HTMLElement)) {
      throw new HstRtcError(ErrorCode.INVALID_ARGUMENT, 'a white board is shown by an element, such as a <div>');
    }
    const media = checkMediaId(id);
    this.#elements.set(media, element);
    this.#receptions.get(media)?.board?.show(element);
  }

  /** @param {unknown} id its own, or the element that shows it */
  hide(id) {
    const shown = [...this.#elements].find(([, element]) => element === id)?.[0] ?? String(id);
    this.#elements.delete(shown);
    this.#receptions.get(shown)?.board?.show(null);
  }

  /**
   * @param {string} name
   * @param {any} fields
   */
  handleEvent(name, fields) {
    const board = this.#receptions.get(fields.board)?.board;
    if (name === 'drawn') board?.handleDrawn(fields);
    else board?.handleSketched(fields);
  }

  /** @param {string} media one that is not published any more */
  handleUnpublished(media) {
    const reception = this.#receptions.get(media);
    if (reception) this.#drop(media, reception);
  }

  /** What the server tells may have been missed: reads the boards again. */
  restore() {
    for (const { board } of this.#receptions.values()) {
      // Of one that is gone the group tells by itself.
      board?.read().catch(() => {});
    }
  }

  /** The group is left. */
  close() {
    this.#group.fits.onChange = () => {};
    this.#elements.clear();
    for (const [media, reception] of [...this.#receptions]) this.#drop(media, reception);
  }

  /**
   * @param {Reception} reception
   * @param {string} user
   * @param {string} media
   */
  async #run(reception, user, media) {
    const script = await load();
    if (reception.isEnded) throw new Interrupted('a call that stopped it');
    /** @type {Board} */
    const board = new script.Board(media, {
      self: this.#group.self,
      ask: (command) => this.#ask(command),
      sketch: (sketch) => this.#group.signal.request({ sketch }, { isFleeting: true }).catch(() => {}),
      fitOf: () => this.#group.fits.of(media),
      report: this.#group.report,
      onPage: (curPage) => this.#group.emit('onWhiteBoardCurPageChanged', { mediaId: media, curPage }),
    });
    reception.board = board;
    const { name, pages, page } = await board.read();
    if (reception.isEnded) throw new Interrupted('a call that stopped it');
    const element = this.#elements.get(media);
    if (element) board.show(element);
    this.#group.emit('onRemoteMediaAdd', {
      userId: user,
      mediaType: MediaType.WHITE_BOARD,
      mediaId: media,
      mediaName: name,
      totalPage: pages.length,
      curPage: page,
    });
  }

  /**
   * @param {string} media
   * @param {Reception} reception
   */
  #drop(media, reception) {
    reception.isEnded = true;
    reception.board?.close();
    if (this.#receptions.get(media) === reception) this.#receptions.delete(media);
  }

  /** @param {Record<string, object>} command each of these does no harm when it is carried out twice */
  #ask(command) {
    return this.#group.signal.request(command, { isRepeatable: true });
  }
}

/** One board that is received, from the call that asked for it to its end. */
class Reception {
  isEnded = false;
  /** Once its script is loaded. @type {Board | null} */
  board = null;
  /** @type {Promise<void>} */
  done = Promise.resolve();
}

/**
 * The bundle puts the name of its own script in this one's place.
 * @returns {Promise<typeof import('./board.js')>}
 */
async function load() {
  const script = besideScript('board.js');
  try {
    // Bundlers of applications leave it to the browser.
    return await import(/* webpackIgnore: true */ /* @vite-ignore */ script);
  } catch (cause) {
    const message = `the script of white boards does not load from ${script}: put it beside the engine's`;
    throw new HstRtcError(ErrorCode.CONNECT, message, { cause });
  }
}

/**
 * The fields of a new board on the wire. A document is converted by its application, to one image for each page.
 * @param {any} options
 */
function parseBoard(options) {
  const { board_name: name = '', width, height, images, convert_file_path: path, page: count } = options ?? {};
  const all = Array.isArray(images) ? images : path ? pathsOf(String(path), Number(count) || 1) : [];
  return {
    name: String(name),
    ...(Number(width) > 0 && Number(height) > 0 ? { width: Math.round(width), height: Math.round(height) } : {}),
    ...(all.length > 0 ? { pages: all.map((image) => (image ? { image: String(image) } : {})) } : {}),
  };
}

/**
 * The images of a converted document: its path with the page's number, from 1, in place of `{page}`.
 * @param {string} path
 * @param {number} count
 */
function pathsOf(path, count) {
  return Array.from({ length: count }, (_, at) => path.replaceAll('{page}', String(at + 1)));
}

/** @param {unknown} value */
function percentOf(value) {
  const percent = Number(value);
  return percent > 0 && percent < Infinity ? percent : 100;
}
