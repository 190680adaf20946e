// Keeps what interrupts the elements of `call.js` from now on, and which media are told to flow.
window.interruptions = [];
window.added = [];
for (const element of document.querySelectorAll('audio, video')) {
  for (const type of ['emptied', 'pause', 'ended']) {
    element.addEventListener(type, () => interruptions.push([element.dataset.user, element.localName, type]));
  }
}
engine.on('onRemoteMediaAdd', ({ userId, mediaType }) => added.push([userId, mediaType]));

// What was said to an element of this user, and of this user.
window.changesOf = (userId) => [...interruptions, ...added].filter(([user]) => user === userId);
