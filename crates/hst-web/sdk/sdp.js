/**
 * An answer by which a browser begins to send with so many kbit/s. Chromium would begin with 300, find out only with
 * probes whether it could do more, and leave out the large encodings until then.
 * @param {string} answer
 * @param {number} kbps
 */
export function beginWith(answer, kbps) {
  const parameter = `x-google-start-bitrate=${Math.round(kbps)}`;
  const sections = answer.split(/^(?=m=)/m);
  return sections.map((section) => (isPictureSent(section) ? withParameter(section, parameter) : section)).join('');
}

/** @param {string} section of the server's answer: what it receives is sent */
function isPictureSent(section) {
  return section.startsWith('m=video') && /^a=recvonly\r?$/m.test(section);
}

/**
 * @param {string} section
 * @param {string} parameter
 */
function withParameter(section, parameter) {
  const codecs = section.matchAll(/^a=rtpmap:(\d+) (?!rtx)[^\r\n]*/gim);
  return [...codecs].reduce((text, [line, type]) => {
    const format = new RegExp(`^a=fmtp:${type} [^\\r\\n]*`, 'm');
    if (format.test(text)) return text.replace(format, (before) => `${before};${parameter}`);
    return text.replace(line, `${line}\r\na=fmtp:${type} ${parameter}`);
  }, section);
}
