import { nameOf } from './names.js';
import { text } from './text.js';

/** The flattest tile, and the highest of a broad and of a narrow window, as width by height. */
const FLAT = 16 / 9;
const HIGH = { broad: 16 / 9, narrow: 3 / 4 };
const GAP = 10;
/** From this volume on a person is taken to speak. */
const SPEAKS = 12;

/** The pictures of the people, and the shared screen in front of them. */
export class Tiles {
  #grid = document.getElementById('tiles');
  #stage = document.getElementById('stage');
  #tiles = new Map();
  #shares = new Map();
  #self;

  constructor(self) {
    this.#self = self;
    this.#grid.replaceChildren();
    this.#stage.replaceChildren();
    this.#stage.hidden = true;
    this.#observer.observe(this.#grid);
    document.addEventListener('languagechange', this.#translate);
  }

  /** The tile of a person, or of one more camera of his. */
  of(user, extraCamera = '') {
    const key = `${user}/${extraCamera}`;
    let tile = this.#tiles.get(key);
    if (!tile) {
      tile = new Tile(user, user === this.#self);
      this.#tiles.set(key, tile);
      this.#grid.append(tile.element);
      this.#translate();
      this.#arrange();
    }
    return tile;
  }

  remove(user, extraCamera) {
    for (const [key, tile] of [...this.#tiles]) {
      if (extraCamera === undefined ? tile.user !== user : key !== `${user}/${extraCamera}`) continue;
      tile.element.remove();
      this.#tiles.delete(key);
    }
    this.#arrange();
  }

  /** The element for a person's shared screen, in front of an earlier one. */
  share(user) {
    this.unshare(user);
    const video = newVideo(user === this.#self);
    const caption = document.createElement('p');
    caption.className = 'caption';
    caption.append(document.createElement('span'));
    this.#shares.set(user, { video, caption });
    this.#showShare();
    return video;
  }

  /** The element that showed it, if there was one. */
  unshare(user) {
    const share = this.#shares.get(user);
    this.#shares.delete(user);
    this.#showShare();
    return share?.video;
  }

  close() {
    this.#observer.disconnect();
    document.removeEventListener('languagechange', this.#translate);
  }

  #showShare() {
    const last = [...this.#shares.values()].at(-1);
    this.#stage.hidden = !last;
    this.#stage.replaceChildren(...(last ? [last.video, last.caption] : []));
    this.#translate();
    this.#arrange();
  }

  #translate = () => {
    for (const tile of this.#tiles.values()) tile.translate();
    for (const [user, { caption }] of this.#shares) {
      const words = user === this.#self ? text('yourScreen') : text('screenOf', nameOf(user));
      caption.firstChild.textContent = words;
    }
  };

  #observer = new ResizeObserver(() => this.#arrange());

  /** Takes the number of columns that makes the tiles largest. */
  #arrange() {
    const { clientWidth, clientHeight, style } = this.#grid;
    const count = this.#tiles.size;
    const high = clientWidth > clientHeight ? HIGH.broad : HIGH.narrow;
    let best = { width: 0, height: 0 };
    for (let columns = 1; columns <= count; columns += 1) {
      const rows = Math.ceil(count / columns);
      let width = (clientWidth - GAP * (columns - 1)) / columns;
      let height = (clientHeight - GAP * (rows - 1)) / rows;
      width = Math.min(width, height * FLAT);
      height = Math.min(height, width / high);
      if (width * height > best.width * best.height) best = { width, height };
    }
    style.setProperty('--tile-width', `${Math.floor(best.width)}px`);
    style.setProperty('--tile-height', `${Math.floor(best.height)}px`);
  }
}

class Tile {
  constructor(user, isOwn) {
    this.user = user;
    this.isOwn = isOwn;
    this.video = newVideo(isOwn);
    this.element = document.createElement('figure');
    this.element.className = isOwn ? 'tile own' : 'tile';
    this.element.dataset.user = user;
    this.element.style.setProperty('--hue', String(hueOf(user)));
    const avatar = document.createElement('span');
    avatar.className = 'avatar';
    avatar.setAttribute('aria-hidden', 'true');
    avatar.textContent = [...nameOf(user)][0].toUpperCase();
    this.caption = document.createElement('figcaption');
    this.caption.className = 'caption';
    this.caption.innerHTML = '<svg aria-hidden="true"><use href="#i-mic-off" /></svg><span></span>';
    this.element.append(this.video, avatar, this.caption);
    this.translate();
  }

  translate() {
    const name = nameOf(this.user);
    this.caption.lastChild.textContent = this.isOwn ? text('you', name) : name;
  }

  set hasPicture(value) {
    this.element.classList.toggle('has-picture', value);
  }

  set hasSound(value) {
    this.element.classList.toggle('has-sound', value);
    if (!value) this.volume = 0;
  }

  set volume(value) {
    this.element.classList.toggle('speaks', value >= SPEAKS);
  }
}

/** One's own picture is never heard. */
function newVideo(isOwn) {
  const video = document.createElement('video');
  video.autoplay = true;
  video.playsInline = true;
  video.muted = isOwn;
  return video;
}

/** The same colour for the same name everywhere. */
function hueOf(user) {
  let hash = 0;
  for (const c of user) hash = (hash * 31 + c.codePointAt(0)) % 360;
  return hash;
}
