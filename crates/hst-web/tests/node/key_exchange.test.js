// Members give each other their keys over messages that a server carries, and it reads and changes nothing of them.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { HstRtcError } from '../../sdk/errors.js';
import { KeyExchange, letterIn } from '../../sdk/key_exchange.js';

/** A group on a server that carries messages, and may do something to them. */
class Room {
  members = new Map();
  carry = (body) => body;
  /** All that the server saw. */
  seen = [];

  async join(user) {
    const member = { user, own: null, keys: new Map(), safety: null, faults: [] };
    member.exchange = new KeyExchange('g', user, {
      send: async (users, body) => {
        if (this.refuses === user) throw new HstRtcError(302, 'too many messages');
        this.seen.push(JSON.stringify(body));
        for (const to of users) {
          const letter = letterIn(this.carry(JSON.parse(JSON.stringify(body)), user, to));
          this.members.get(to)?.exchange.handleLetter(user, letter);
        }
      },
      setKey: async (id, key, of) => {
        const entry = `${id} ${Buffer.from(key).toString('hex')}`;
        if (of) member.keys.set(of, entry);
        else member.own = entry;
      },
      forget: (of) => member.keys.delete(of),
      tell: (safety) => (member.safety = safety),
      report: (error) => member.faults.push(error),
    });
    const { id, key } = member.exchange.key;
    member.own = `${id} ${Buffer.from(key).toString('hex')}`;
    const others = [...this.members.keys()];
    this.members.set(user, member);
    await member.exchange.begin(others);
    await this.settle();
    return member;
  }

  async leave(user) {
    this.members.delete(user);
    for (const { exchange } of this.members.values()) exchange.handleLeft(user);
    await this.settle();
  }

  /** Until nobody writes to anybody any more. */
  async settle() {
    for (let seen = -1; seen !== this.seen.length; ) {
      seen = this.seen.length;
      for (let round = 0; round < 3; round += 1) {
        await Promise.all([...this.members.values()].map(({ exchange }) => exchange.handleLeft('nobody')));
      }
    }
  }

  /** Everybody has everybody's key and nobody else's, and they see one number. */
  check() {
    const all = [...this.members.values()];
    for (const { user, keys, safety } of all) {
      const others = all.filter((other) => other.user !== user);
      assert.deepEqual(new Map([...keys].sort()), new Map(others.map((other) => [other.user, other.own]).sort()), user);
      assert.equal(safety, all[0].safety);
    }
    assert.match(all[0].safety, /^\d{5}( \d{5}){11}$/);
  }
}

test('everybody has the key of everybody else, whoever comes and goes, and all see one number', async () => {
  const room = new Room();
  const ann = await room.join('ann');
  const numbers = new Set([ann.safety]);
  for (const user of ['ben', 'constructor', 'dan']) {
    const before = ann.own;
    await room.join(user);
    room.check();
    assert.notEqual(ann.own, before, 'who comes knows nothing of before');
    numbers.add(ann.safety);
  }
  const before = ann.own;
  const left = room.members.get('ben');
  await room.leave('ben');
  room.check();
  assert.notEqual(ann.own, before);
  assert.notEqual(left.keys.get('ann'), ann.own, 'who has left knows nothing of after');
  await room.join('ben');
  room.check();
  numbers.add(ann.safety);
  assert.equal(numbers.size, 5);
});

test('several who come at one time find each other', async () => {
  const room = new Room();
  await Promise.all(['ann', 'ben', 'cas', 'dan'].map((user) => room.join(user)));
  await room.settle();
  room.check();
});

test('who lost sight of the group gets what he missed', async () => {
  const room = new Room();
  const [ann, ben] = [await room.join('ann'), await room.join('ben')];
  ben.keys.clear();
  await ben.exchange.begin(['ann']);
  await room.settle();
  assert.equal(ben.keys.get('ann'), ann.own);
});

test('the server sees no key', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben')];
  const [, key] = ann.own.split(' ');
  const base64 = Buffer.from(key, 'hex').toString('base64');
  for (const text of room.seen) assert.ok(!text.includes(base64) && !text.includes(key));
});

test('a letter that was changed, or is none, gives nobody a key and harms nothing', async () => {
  const room = new Room();
  const [ann, ben] = [await room.join('ann'), await room.join('ben')];
  const own = new Map(ben.keys);
  const point = letterIn(JSON.parse(room.seen.at(-1))).public;
  for (const letter of [
    {},
    { public: 5 },
    { public: '' },
    { public: '%' },
    { public: btoa('no point of the curve') },
    { public: point, keys: { ben: 5 }, id: 0 },
    { public: point, keys: { ben: btoa('short') }, id: 0 },
    { public: point, keys: { ben: btoa('x'.repeat(60)) }, id: 256 },
  ]) {
    await ben.exchange.handleLetter('eve', letter);
    assert.equal(ben.keys.has('eve'), false, JSON.stringify(letter));
  }
  assert.deepEqual(ben.keys, own);
  assert.deepEqual([ann.faults, ben.faults], [[], []], 'it is no fault of the application');
  assert.equal(letterIn({ hst_e2ee: 'text' }) ?? letterIn(null) ?? letterIn('text') ?? letterIn({}), null);
});

test('who stands between two members is given away by their numbers', async () => {
  const room = new Room();
  const eve = await crypto.subtle.generateKey({ name: 'ECDH', namedCurve: 'P-256' }, true, ['deriveBits']);
  const own = Buffer.from(await crypto.subtle.exportKey('raw', eve.publicKey)).toString('base64');
  room.carry = (body, from, to) => {
    if (to === 'ben') body.hst_e2ee.public = own;
    return body;
  };
  const [ann, ben] = [await room.join('ann'), await room.join('ben')];
  assert.ok(ann.safety && ben.safety);
  assert.notEqual(ann.safety, ben.safety);
});

test('when a new key does not get through, nobody sees on under the old one, and the application is told', async () => {
  const room = new Room();
  const [ann] = [await room.join('ann'), await room.join('ben'), await room.join('cas')];
  const before = ann.own;
  room.refuses = 'ann';
  await room.leave('cas');
  assert.notEqual(ann.own, before);
  assert.deepEqual(ann.faults.map(({ code }) => code), [302]);
});
