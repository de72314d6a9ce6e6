// A place to drop a scene on: it is sent to the server, which opens it or says what is wrong with it.

import { dropped, one } from './folder.js';

const FAILED = 'The upload failed. Is splatzip view still running, and is the file within its upload limit?';

/**
 * @param slot the element to fill
 * @param read gives the state of the session: {token}
 * @param watch takes what is to be called when that changes
 * @param arrived called when the server has opened the scene
 */
export function drop(slot, read, watch, arrived) {
  const { what, label } = slot.dataset;
  const suffixes = slot.dataset.suffixes.split(',');
  slot.innerHTML = `<label class="drop"><input type="file" multiple accept="${suffixes},.json,.webp,.png"><b></b>
    <span></span><progress max="1" hidden></progress></label>
    <button class="look-button" hidden>Cancel</button><p class="problem" role="alert" hidden></p>`;
  const [zone, cancel, words] = slot.children;
  const [input, title, hint, bar] = zone.children;
  const choose = matchMedia('(pointer: coarse)').matches ? 'tap to choose a file' : 'drop a file or a SOG folder here, or click to choose';
  let opened;
  title.textContent = label;

  const show = (text, isSending = false) => {
    hint.textContent = text || choose;
    bar.hidden = !text;
    cancel.hidden = !isSending;
    input.disabled = Boolean(text);
  };
  const say = (text) => {
    words.textContent = text;
    words.hidden = !text;
  };
  const send = (file) => {
    const address = `splatzip/${read().token}/upload/${encodeURIComponent(file.name)}?as=${what}`;
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => (bar.value = event.loaded / (event.total || 1));
    request.upload.onload = () => show('opening');
    request.onload = () => {
      if (request.status === 200) arrived();
      else if (request.getResponseHeader('content-type')?.startsWith('text/plain')) say(request.responseText);
      else say(`${FAILED} (${request.status})`); // a proxy before our server, with a page of its own
    };
    request.onerror = () => say(FAILED);
    request.onloadend = () => show('');
    cancel.onclick = () => request.abort();
    show('sending', true);
    bar.value = 0;
    request.open('PUT', new URL(address, document.baseURI));
    request.send(file);
  };
  const take = async (given) => {
    if (!read()?.token || input.disabled) return;
    say('');
    try {
      const { files, name } = await given;
      if (files.length) send(await one(files, name, suffixes));
    } catch (error) {
      say(error.message);
    }
    input.value = '';
  };

  show('');
  watch(() => {
    if (read()?.opened !== opened) say(''); // it was about another scene
    opened = read()?.opened;
  });
  input.addEventListener('change', () => take({ files: [...input.files], name: '' }));
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle('drop-over', kind === 'dragover');
      if (kind === 'drop') take(dropped(event.dataTransfer));
    });
  }
}
