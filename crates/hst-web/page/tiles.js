import { byId } from './dom.js';
import { arrange } from './layout.js';
import { Tile } from './tile.js';
import { onLanguage, words } from './text.js';

/**
 * @import { AudioLevel } from '../sdk/hst-rtc-engine.js'
 * @import { Stage } from './stage.js'
 */

/** The tiles of everybody: all alike, or in a strip beside what is shown large. */
export class Tiles {
  /** Called when it is another view. */
  onView = () => {};
  #view = byId('view');
  #grid = byId('tiles');
  #pager = byId('pager');
  #stage;
  #self = '';
  /** In the order in which they are shown. @type {Map<string, Tile>} */
  #tiles = new Map();
  /** What the user wants to see large. @type {Tile | null} */
  #pinned = null;
  /** Whether the speaker is to be seen large. */
  #followsSpeaker = false;
  /** Who spoke last, oneself apart. */
  #lastSpeaker = '';
  #page = 0;

  /** @param {Stage} stage */
  constructor(stage) {
    this.#stage = stage;
    // What newly comes to the stage is what all want to see.
    stage.onChange = (isNew) => {
      if (isNew) this.#pinned = null;
      this.#arrange();
    };
    new ResizeObserver(() => this.#arrange()).observe(this.#view);
    onLanguage.addEventListener('change', () => {
      for (const tile of this.#tiles.values()) tile.translate();
      this.#arrange();
    });
    byId('page-back').onclick = () => this.#turn(-1);
    byId('page-forth').onclick = () => this.#turn(1);
  }

  /** @param {string} self the own User ID */
  open(self) {
    this.close();
    this.#self = self;
    this.of(self);
  }

  close() {
    this.#tiles.clear();
    this.#grid.replaceChildren();
    this.#pinned = null;
    this.#lastSpeaker = '';
    this.#page = 0;
  }

  /**
   * The tile of a person, or of one more camera of his.
   * @param {string} user
   * @param {string} [extraCamera]
   */
  of(user, extraCamera = '') {
    const key = `${user}/${extraCamera}`;
    const known = this.#tiles.get(key);
    if (known) return known;
    const tile = new Tile(user, user === this.#self, () => this.#pin(tile));
    this.#tiles.set(key, tile);
    this.#grid.append(tile.element);
    this.#arrange();
    return tile;
  }

  /**
   * @param {string} user
   * @param {string} [extraCamera] without it, all of the person
   */
  remove(user, extraCamera) {
    for (const [key, tile] of [...this.#tiles]) {
      if (extraCamera === undefined ? tile.user !== user : key !== `${user}/${extraCamera}`) continue;
      tile.element.remove();
      this.#tiles.delete(key);
      if (this.#pinned === tile) this.#pinned = null;
    }
    this.#arrange();
  }

  /** @param {AudioLevel[]} levels of everybody who can be heard; the others are silent */
  showLevels(levels) {
    for (const tile of this.#tiles.values()) {
      // Of several that a person sends, the loudest comes first.
      tile.volume = levels.find(({ userId }) => userId === tile.user)?.volume ?? 0;
    }
  }

  /** @param {string | null} user who speaks now */
  showSpeaker(user) {
    for (const tile of this.#tiles.values()) tile.speaks = tile.user === user;
    if (user === null || user === this.#self || user === this.#lastSpeaker) return;
    this.#lastSpeaker = user;
    this.#bringForward(user);
    this.#arrange();
  }

  get followsSpeaker() {
    return this.#followsSpeaker;
  }

  /** The speaker large, or all alike. */
  switchView() {
    this.#followsSpeaker = !this.#followsSpeaker;
    this.#pinned = null;
    this.#arrange();
    this.onView();
  }

  /** @param {Tile} tile */
  #pin(tile) {
    this.#pinned = this.#pinned === tile ? null : tile;
    this.#page = 0;
    this.#arrange();
  }

  /** @param {number} step */
  #turn(step) {
    this.#page += step;
    this.#arrange();
  }

  /** Who speaks on a page that is not shown comes to the first one, behind oneself. @param {string} user */
  #bringForward(user) {
    const key = `${user}/`;
    const tile = this.#tiles.get(key);
    if (!tile?.element.hidden) return;
    const rest = [...this.#tiles].filter(([other]) => other !== key);
    rest.splice(1, 0, [key, tile]);
    this.#tiles = new Map(rest);
    this.#page = 0;
  }

  /** What is shown large of the tiles, if any is. */
  #spotlight() {
    if (this.#pinned || !this.#followsSpeaker || !this.#stage.isEmpty) return this.#pinned;
    const others = [...this.#tiles.values()].filter(({ isOwn }) => !isOwn);
    return others.find(({ user }) => user === this.#lastSpeaker) ?? others[0] ?? null;
  }

  #arrange() {
    const { clientWidth: width, clientHeight: height } = this.#view;
    if (width === 0 || this.#tiles.size === 0) return;
    const spotlit = this.#spotlight();
    const isStaged = !this.#stage.isEmpty && !spotlit;
    const alike = [...this.#tiles.values()].filter((tile) => tile !== spotlit);
    const count = alike.length;
    const plan = arrange({ width, height, count, isStaged: isStaged || !!spotlit, page: this.#page });

    this.#page = plan.page;
    this.#stage.place(isStaged ? plan.stage : null);
    spotlit?.place(plan.stage ?? undefined);
    for (const [at, tile] of alike.entries()) tile.place(plan.cells[at - plan.from]);
    for (const tile of this.#tiles.values()) {
      tile.isPinned = tile === this.#pinned;
      tile.isSpotlit = tile === spotlit;
    }
    this.#showPager(plan.page, plan.pages, plan.cells[0]?.left ?? 0, plan.stage !== null && width > height);
  }

  /**
   * @param {number} page
   * @param {number} pages
   * @param {number} left where the tiles begin
   * @param {boolean} isBeside whether they stand beside a stage
   */
  #showPager(page, pages, left, isBeside) {
    this.#pager.hidden = pages < 2;
    byId('page-back', HTMLButtonElement).disabled = page === 0;
    byId('page-forth', HTMLButtonElement).disabled = page === pages - 1;
    byId('page-count').textContent = words().pageOf(page + 1, pages);
    this.#pager.style.setProperty('left', isBeside ? `${left}px` : '0px');
  }
}
