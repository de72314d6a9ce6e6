// Answers that would not come: Gradio's server closes the stream of answers when none is owed. What the page asks for at
// that moment is accepted, but the page, which has not read of the closing yet, does not open another stream, and waits
// until it asks for something else. So the page hears that its question was accepted a little later, where a stream is
// open: by then the stream is closed, or will bring the answer.

const JOIN = '/queue/join';
const DATA = '/queue/data';
const CLOSING_MS = 250; // from the server's closing a stream to the page's reading of it, at most

/** Once a window. */
export function waitForClosing(window) {
  if (window.splatzipWaits) return;
  window.splatzipWaits = true;
  const plain = window.fetch;
  let stream = null; // the signal that ends it: Gradio's client aborts it when it has read of the closing
  window.fetch = async (input, init) => {
    const { pathname } = new URL(input.url ?? input, window.document.baseURI);
    if (pathname.endsWith(DATA)) stream = init?.signal ?? input.signal;
    const answer = await plain.call(window, input, init);
    if (pathname.endsWith(JOIN) && stream && !stream.aborted) await closing(stream);
    return answer;
  };
}

function closing(stream) {
  return new Promise((done) => {
    const late = setTimeout(done, CLOSING_MS);
    stream.addEventListener('abort', () => (clearTimeout(late), done()), { once: true });
  });
}
