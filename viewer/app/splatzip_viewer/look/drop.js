// A place to drop a scene on: it is sent to the server, which opens it or says what is wrong with it.

/**
 * @param slot the element to fill
 * @param read gives the state of the session: {token}
 * @param arrived called when the server has opened the scene
 */
export function drop(slot, read, arrived) {
  const { what, label } = slot.dataset;
  const suffixes = slot.dataset.suffixes;
  slot.innerHTML = `<label class="drop"><input type="file" accept="${suffixes}"><b></b><span>drop a file, or choose one</span>
    <progress max="1" hidden></progress></label><p class="problem" role="alert" hidden></p>`;
  const [zone, words] = slot.children;
  const [input, title, , bar] = zone.children;
  title.textContent = label;

  const say = (text) => {
    words.textContent = text;
    words.hidden = !text;
  };
  const send = (file) => {
    if (!file || !read()?.token) return;
    say('');
    const address = `splatzip/${read().token}/upload/${encodeURIComponent(file.name)}?as=${what}`;
    const request = new XMLHttpRequest();
    request.upload.onprogress = (event) => (bar.value = event.loaded / (event.total || 1));
    request.onload = () => (request.status === 200 ? arrived() : say(request.responseText || `refused (${request.status})`));
    request.onerror = () => say('The file did not arrive. Is splatzip view still running, and the file not too large for it?');
    request.onloadend = () => {
      bar.hidden = true;
      input.value = '';
    };
    bar.hidden = false;
    bar.value = 0;
    request.open('PUT', new URL(address, document.baseURI));
    request.send(file);
  };

  input.addEventListener('change', () => send(input.files[0]));
  for (const kind of ['dragover', 'dragleave', 'drop']) {
    zone.addEventListener(kind, (event) => {
      event.preventDefault();
      zone.classList.toggle('drop-over', kind === 'dragover');
      if (kind === 'drop') send(event.dataTransfer.files[0]);
    });
  }
}
