import { byId } from './dom.js';

/**
 * Asks the user before something that cannot be undone.
 * @param {string} question
 * @returns {Promise<boolean>}
 */
export function ask(question) {
  const dialog = byId('confirm', HTMLDialogElement);
  byId('confirm-question').textContent = question;
  dialog.returnValue = '';
  dialog.showModal();
  return new Promise((resolve) => (dialog.onclose = () => resolve(dialog.returnValue === 'yes')));
}
