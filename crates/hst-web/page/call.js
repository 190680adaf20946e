import { nameOf } from './names.js';
import { Tiles } from './tiles.js';

/** How often the volume of a voice is looked at, in ms. */
const VOLUME_INTERVAL = 200;
/** The shape of most tiles, and a pace at which people look alive. */
const CAMERA = { width: 640, height: 360, frameRate: 24 };

/** One stay in a group: brings the engine's events to the tiles, and the buttons to the engine. */
export class Call {
  #engine;
  #self;
  #tiles;
  #members = new Set();
  #onChange;
  /** The first camera of each person, which is shown on the person's own tile. */
  #cameras = new Map();

  /**
   * @param {HstRtcEngine} engine in a group
   * @param {string} self the own User ID
   * @param {() => void} onChange members or own media have changed
   */
  constructor(engine, self, onChange) {
    this.#engine = engine;
    this.#self = self;
    this.#onChange = onChange;
    this.#tiles = new Tiles(self);
    this.#tiles.of(self);
    const { AUDIO, VIDEO, SCREEN_SHARE } = engine.MediaType;
    /** What the user publishes: a media type is in it while it is on. */
    this.own = new Set();
    this.kinds = { mic: AUDIO, cam: VIDEO, share: SCREEN_SHARE };
  }

  get names() {
    return [this.#self, ...this.#members].map(nameOf);
  }

  handleMembers(users) {
    for (const user of users) this.handleJoined(user);
  }

  handleJoined(user) {
    this.#members.add(user);
    this.#tiles.of(user);
    this.#onChange();
  }

  handleLeft(user) {
    this.#members.delete(user);
    this.#cameras.delete(user);
    this.#engine.unsetMediaRender(user, this.kinds.cam, this.#tiles.of(user).video);
    this.#tiles.remove(user);
    this.#onChange();
  }

  handlePublished({ userId, mediaType, mediaId }) {
    if (Object.values(this.kinds).includes(mediaType)) this.#engine.startReceiveMedia(userId, mediaType, mediaId);
  }

  /** A media flows: time to show it. */
  handleMedia({ userId, mediaType, mediaId }) {
    const { mic, cam } = this.kinds;
    if (mediaType === mic) {
      const tile = this.#tiles.of(userId);
      tile.hasSound = true;
      this.#engine.setMediaRender(userId, mediaType, mediaId, tile.video);
      this.#followVolume(userId, mediaId);
    } else if (mediaType === cam) {
      if (!this.#cameras.has(userId)) this.#cameras.set(userId, mediaId);
      const tile = this.#cameraTile(userId, mediaId);
      tile.hasPicture = true;
      this.#engine.setMediaRender(userId, mediaType, mediaId, tile.video);
    } else {
      this.#engine.setMediaRender(userId, mediaType, mediaId, this.#tiles.share(userId));
    }
  }

  handleUnpublished({ userId, mediaType, mediaId }) {
    const { mic, cam } = this.kinds;
    this.#engine.stopReceiveMedia(userId, mediaType, mediaId);
    if (mediaType === mic) {
      this.#tiles.of(userId).hasSound = false;
    } else if (mediaType === cam) {
      const tile = this.#cameraTile(userId, mediaId);
      tile.hasPicture = false;
      if (this.#cameras.get(userId) === mediaId) {
        this.#cameras.delete(userId);
      } else {
        this.#engine.unsetMediaRender(userId, mediaType, tile.video);
        this.#tiles.remove(userId, mediaId);
      }
    } else {
      this.#engine.unsetMediaRender(userId, mediaType, this.#tiles.unshare(userId));
    }
  }

  /** Turns one's own microphone, camera or screen on or off. Stays within the click: the screen picker needs it. */
  async toggle(kind) {
    const type = this.kinds[kind];
    if (this.own.has(type)) {
      this.#engine.stopPublishMedia(type);
      this.handleOwnEnded(type);
      return;
    }
    const options = type === this.kinds.cam ? CAMERA : null;
    const published = this.#engine.startPublishMedia(type, null, options);
    this.own.add(type);
    this.#onChange();
    try {
      await published;
      if (this.own.has(type)) this.#showOwn(type);
    } catch {
      // The words for the user come with `onError`.
      this.handleOwnEnded(type);
    }
  }

  handleOwnEnded(type) {
    const { mic, cam } = this.kinds;
    if (!this.own.delete(type)) return;
    const tile = this.#tiles.of(this.#self);
    if (type === mic) {
      tile.hasSound = false;
    } else if (type === cam) {
      tile.hasPicture = false;
      this.#engine.unsetMediaRender(this.#self, type, tile.video);
    } else {
      this.#engine.unsetMediaRender(this.#self, type, this.#tiles.unshare(this.#self));
    }
    this.#onChange();
  }

  close() {
    this.own.clear();
    this.#tiles.close();
  }

  #showOwn(type) {
    const { mic, cam } = this.kinds;
    const tile = this.#tiles.of(this.#self);
    if (type === mic) {
      tile.hasSound = true;
      this.#followVolume(this.#self, null);
    } else if (type === cam) {
      tile.hasPicture = true;
      this.#engine.setMediaRender(this.#self, type, null, tile.video);
    } else {
      this.#engine.setMediaRender(this.#self, type, null, this.#tiles.share(this.#self));
    }
  }

  #followVolume(userId, mediaId) {
    const media = { userId, mediaType: this.kinds.mic, mediaId };
    const show = ({ volume }) => (this.#tiles.of(userId).volume = volume);
    this.#engine.getStreamStats(media, show, VOLUME_INTERVAL);
  }

  #cameraTile(userId, mediaId) {
    const isFirst = this.#cameras.get(userId) === mediaId;
    return this.#tiles.of(userId, isFirst ? '' : mediaId);
  }
}
