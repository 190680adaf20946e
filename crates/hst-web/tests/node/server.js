// A server of the protocol's sections 2 and 7: sessions whose frames have numbers, over wires that may be cut.

import { Town } from './town.js';
import { Wire } from './wire.js';

/** How long a session waits for its client, in ms. */
const WINDOW = 60_000;
/** The most users on a page. */
const PAGE = 3;

/** The house: its sessions, and the town that they live in. */
export class Server {
  /** Whether connections are accepted; false refuses them, and null lets them hang. */
  accepts = true;
  /** The most frames that are kept for a client that is away. */
  maxKept = Infinity;
  /** Why a login is refused: a code, or null. @type {(login: any) => number | null} */
  judge = () => null;
  /** What a request is refused with: a code, or null. @type {(name: string, fields: any) => number | null} */
  refuse = () => null;
  /** Every command that was carried out, in its order. */
  done = [];
  /** Requests that came a second time under their number. */
  repeats = 0;
  sessions = new Map();
  wires = new Set();
  town = new Town();

  #count = 0;

  constructor(clock, random) {
    this.clock = clock;
    this.random = random;
    this.town.tell = (event, isFor) => this.tell(event, isFor);
  }

  /** What a `Dialer` opens connections with. */
  open = (_url, abort) =>
    new Promise((resolve, reject) => {
      abort.addEventListener('abort', () => reject(new Error('no answer')));
      if (this.accepts === null) return;
      this.clock.after(1 + this.random() * 20, () => {
        if (!this.accepts || abort.aborted) reject(new Error('refused'));
        else resolve(this.#accept().client);
      });
    });

  /** Tells something to every session, or to those that it is for. */
  tell(event, isFor = () => true) {
    for (const session of this.sessions.values()) if (isFor(session)) session.tell(event);
  }

  #accept() {
    const wire = new Wire(this.clock, this.random);
    this.wires.add(wire);
    let session = null;
    wire.onGone = () => {
      this.wires.delete(wire);
      session?.leave(wire);
    };
    wire.onFrame = (text) => {
      const frame = JSON.parse(text);
      const { login, resume } = frame.do ?? {};
      if (session) session.hear(frame);
      else if (login) session = this.#logIn(wire, frame.id, login);
      else if (resume) session = this.#resume(wire, frame.id, resume);
      else throw new Error(`${text} before login`);
    };
    return wire;
  }

  #logIn(wire, id, login) {
    const code = this.judge(login);
    if (code !== null) {
      wire.send(JSON.stringify({ re: id, err: { code, message: 'refused' } }));
      return null;
    }
    for (const other of this.sessions.values()) other.end();
    const session = new Session(this, `s${(this.#count += 1)}`);
    this.sessions.set(session.name, session);
    const { name, secret } = session;
    const reply = { session: name, secret, resume_window: WINDOW / 1000, max_message: 8192 };
    session.attach(wire, { re: id, ok: { logged_in: reply } });
    return session;
  }

  #resume(wire, id, { session: name, secret, got }) {
    const session = this.sessions.get(name);
    if (session?.secret === secret) {
      session.resume(wire, id, got);
      return session;
    }
    wire.send(JSON.stringify({ re: id, err: { code: 1000100, message: 'gone' } }));
    return null;
  }
}

/** One login, over however many connections. */
class Session {
  isInGroup = false;
  /** The last user of the last page that was asked for; null without a watch. */
  watchedTo = null;
  /** What is published and received here, and the text beside this terminal. */
  published = new Set();
  received = new Set();
  state = '';

  #server;
  #wire = null;
  #seq = 0;
  /** Frames that are not confirmed, with their numbers. */
  #kept = [];
  #received = 0;
  #cancelEnd = () => {};

  constructor(server, name) {
    this.#server = server;
    this.name = name;
    this.secret = `secret of ${name}`;
  }

  attach(wire, reply) {
    this.#cancelEnd();
    this.#wire?.cut(4003);
    this.#wire = wire;
    wire.send(JSON.stringify(reply));
  }

  resume(wire, id, got) {
    const next = this.#kept.find(({ seq }) => seq > got);
    const missed = this.#seq > got && next?.seq !== got + 1;
    this.attach(wire, { re: id, ok: { resumed: { received: this.#received, ...(missed ? { missed } : {}) } } });
    if (!missed) {
      // Those that came already too: a client has to know them by their numbers.
      for (const { text } of this.#kept) wire.send(text);
      return;
    }
    this.#kept = [];
    this.watchedTo = null;
    if (this.isInGroup) this.tell({ snapshot: this.#server.town.snapshot() });
  }

  leave(wire) {
    if (this.#wire !== wire) return;
    this.#wire = null;
    this.#cancelEnd = this.#server.clock.after(WINDOW, () => this.end());
  }

  end() {
    this.#server.sessions.delete(this.name);
    this.#cancelEnd();
    this.#wire?.cut(1000);
  }

  tell(event) {
    const { user, media } = event.unpublished ?? {};
    this.received.delete(`${user}/${media}`);
    this.#send({ ev: event });
    if (event.removed) this.#leaveGroup();
  }

  hear({ id, got, do: command }) {
    if (got !== undefined) this.#confirm(got);
    else if (command.ping) this.#wire?.send(JSON.stringify({ re: id, ok: { done: {} } }));
    else if (id > this.#received) this.#carryOut(id, command);
    else this.#server.repeats += 1;
  }

  #carryOut(id, command) {
    this.#received = id;
    const [[name, fields]] = Object.entries(command);
    this.#server.done.push([name, fields]);
    const result = this.#server.refuse(name, fields) ?? this.#resultOf(name, fields);
    this.#send(typeof result === 'number' ? { re: id, err: { code: result, message: name } } : { re: id, ok: result });
    if (name !== 'exit') return;
    this.#server.sessions.delete(this.name);
    this.#wire?.close(1000);
  }

  /** The reply, or the code of the refusal. */
  #resultOf(name, fields) {
    const { town } = this.#server;
    const done = { done: {} };
    switch (name) {
      case 'join':
        if (this.isInGroup) return 1000010;
        this.isInGroup = true;
        return { joined: town.snapshot() };
      case 'leave':
        return this.#leaveGroup() ? done : 31;
      case 'roster':
        return this.isInGroup ? { roster: { members: [...town.members.keys()], total: town.members.size } } : 31;
      case 'publish':
        return this.published.add(fields.media) && done;
      case 'unpublish':
        this.published.delete(fields.media);
        return done;
      case 'receive':
        if (!town.members.get(fields.user)?.has(fields.media)) return 302;
        return this.received.add(`${fields.user}/${fields.media}`) && done;
      case 'stop_receive':
        this.received.delete(`${fields.user}/${fields.media}`);
        return done;
      case 'prepare':
        return this.isInGroup ? 1000010 : { answer: { sdp: 'answer' } };
      case 'offer':
        return this.isInGroup ? { answer: { sdp: 'answer' } } : 31;
      case 'online':
        return this.#watch(town.page(fields.after ?? '', Math.min(fields.limit, PAGE)));
      case 'set_state':
        this.state = fields.state;
        return done;
      case 'invite':
        return { invited: { offline: fields.users.filter((user) => !town.online.has(user)) } };
      case 'create_board':
        return { board_created: { board: 'whiteboard1' } };
      case 'open_board':
        if (!town.boards.some(({ media }) => media === fields.board)) return 1000112;
        return { board: { width: 9, height: 9, pages: [{}, {}], page: 0, own: 0, writable: true, figures: [] } };
      case 'history':
        return { history: { messages: [{ from: 'a', seq: 7, body: 'old' }] } };
      default:
        return name.endsWith('message') ? { sent: { seq: this.#server.done.length } } : done;
    }
  }

  #leaveGroup() {
    const wasInGroup = this.isInGroup;
    this.isInGroup = false;
    this.published.clear();
    this.received.clear();
    return wasInGroup;
  }

  #watch(page) {
    this.watchedTo = page.more ? page.users.at(-1).user : '~';
    return { online: page };
  }

  #confirm(got) {
    this.#kept = this.#kept.filter(({ seq }) => seq > got);
  }

  #send(frame) {
    const seq = (this.#seq += 1);
    const text = JSON.stringify({ seq, ...frame });
    this.#kept.push({ seq, text });
    if (this.#kept.length > this.#server.maxKept) this.#kept.shift();
    this.#wire?.send(text);
  }
}
