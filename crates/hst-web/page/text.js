/** The page's words. A function takes what is to stand in the text. */
const WORDS = {
  en: {
    language: '中文',
    tagline: 'Meet face to face, right here.',
    name: 'Your name',
    guest: 'guest',
    group: 'Group',
    microphone: 'Microphone',
    camera: 'Camera',
    viewer:
      'The browser gives this page no camera or microphone, because it was not opened over https or on localhost. You can still watch, listen and chat.',
    join: 'Join',
    joining: 'Joining…',
    copyLink: 'Copy invitation',
    copied: 'The link is copied: send it to whom you want to meet.',
    chat: 'Chat',
    close: 'Close',
    write: 'Write a message',
    send: 'Send',
    noMessages: 'No messages yet',
    shareScreen: 'Share the screen',
    leave: 'Leave',
    people: (count) => `${count} people here`,
    you: (name) => `${name} (you)`,
    screenOf: (name) => `Screen of ${name}`,
    yourScreen: 'You share your screen',
    came: (name) => `${name} has joined`,
    went: (name) => `${name} has left`,
    reconnecting: 'The connection was lost. Reconnecting…',
    reconnected: 'Connected again.',
    lost: 'The connection was lost. Join again when the network is back.',
    noName: 'Enter a name and a group.',
    noToken: 'This server gives this page no token. Open the page with ?appId=…&token=… of an App of this server.',
    errors: {
      4: 'The device could not be opened. Allow it in the address bar, or close other programs that use it.',
      30: 'The server was not reached. Check the network and try again.',
      32: 'The token was not accepted. Reload the page to get a new one.',
      33: 'The server does not know this App, or it is switched off.',
      34: 'Somebody with this name is here already. Choose another name.',
      71: 'This App does not include video.',
      72: 'This App does not include audio.',
      302: 'That did not work. If it goes on, leave and join again.',
      1000009: 'This App does not include screen sharing.',
      1000020: 'This App does not include messages.',
      1000101: 'This group is full.',
      1000102: 'This group is closed to newcomers.',
      1000103: 'You may not come into this group for some time.',
      1000104: 'You were removed from the group.',
      1000111: 'This group is on another server at the moment. Open this page there, or try again later.',
    },
  },
  zh: {
    language: 'English',
    tagline: '打开网页，即刻相见。',
    name: '您的名字',
    guest: '访客',
    group: '分组',
    microphone: '麦克风',
    camera: '摄像头',
    viewer: '页面不是通过 https 或 localhost 打开的，浏览器不允许使用摄像头和麦克风。您仍然可以观看、收听和聊天。',
    join: '加入',
    joining: '正在加入…',
    copyLink: '复制邀请链接',
    copied: '链接已复制，发给想见面的人吧。',
    chat: '聊天',
    close: '关闭',
    write: '输入消息',
    send: '发送',
    noMessages: '还没有消息',
    shareScreen: '共享屏幕',
    leave: '离开',
    people: (count) => `共 ${count} 人`,
    you: (name) => `${name}（我）`,
    screenOf: (name) => `${name} 的屏幕`,
    yourScreen: '您正在共享屏幕',
    came: (name) => `${name} 加入了`,
    went: (name) => `${name} 离开了`,
    reconnecting: '连接已断开，正在重新连接…',
    reconnected: '已重新连接。',
    lost: '连接已断开，网络恢复后请重新加入。',
    noName: '请填写名字和分组。',
    noToken: '服务器没有为本页面提供 Token。请用该服务器上应用的 ?appId=…&token=… 打开本页面。',
    errors: {
      4: '无法打开设备。请在地址栏中允许使用，或关闭正在占用它的程序。',
      30: '无法连接服务器。请检查网络后重试。',
      32: 'Token 未通过校验。请刷新页面重新获取。',
      33: '服务器上没有该应用，或应用已停用。',
      34: '这个名字已有人在使用，请换一个。',
      71: '该应用未开通视频服务。',
      72: '该应用未开通音频服务。',
      302: '操作未成功。如持续出现，请离开后重新加入。',
      1000009: '该应用未开通屏幕共享服务。',
      1000020: '该应用未开通消息服务。',
      1000101: '该分组人数已满。',
      1000102: '该分组已锁定，不再接纳新成员。',
      1000103: '您暂时不能进入该分组。',
      1000104: '您已被移出该分组。',
      1000111: '该分组目前位于另一台服务器。请在那台服务器上打开本页，或稍后重试。',
    },
  },
};

const stored = localStorage.getItem('language');
let language = stored === 'zh' || stored === 'en' ? stored : navigator.language.startsWith('zh') ? 'zh' : 'en';

/** The text of a key in the present language. */
export function text(key, ...values) {
  const words = WORDS[language][key];
  return typeof words === 'function' ? words(...values) : words;
}

/** What to tell a user about a failure of the engine. */
export function errorText(error) {
  return WORDS[language].errors[error.code] ?? error.message;
}

/** Writes the present language into the page, and into everything that listens for `languagechange`. */
export function translate() {
  document.documentElement.lang = language === 'zh' ? 'zh-CN' : 'en';
  for (const element of document.querySelectorAll('[data-text]')) element.textContent = text(element.dataset.text);
  for (const element of document.querySelectorAll('[data-placeholder]')) {
    element.placeholder = text(element.dataset.placeholder);
  }
  for (const element of document.querySelectorAll('[data-label]')) {
    element.setAttribute('aria-label', text(element.dataset.label));
    if (element instanceof HTMLButtonElement) element.title = text(element.dataset.label);
  }
  for (const button of document.querySelectorAll('[data-language]')) button.textContent = text('language');
  document.dispatchEvent(new Event('languagechange'));
}

/** The other of the two languages, kept for the next visit. */
export function switchLanguage() {
  language = language === 'zh' ? 'en' : 'zh';
  localStorage.setItem('language', language);
  translate();
}
