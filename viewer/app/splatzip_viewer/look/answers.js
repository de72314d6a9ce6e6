// Answers that would not come: Gradio's server closes the stream of answers when none is owed. What the page asks for
// while it has not read of that yet, and slow networks make this long, is accepted, but the page opens no other stream
// for the answer, which waits until the page asks for something else. So the page reads one stream that never closes; it
// is made of those of the server, one after another while answers are owed.

const JOIN = '/queue/join';
const DATA = '/queue/data';
const FIELD = 'data:';
const END = '\n\n';

/** Once a window. */
export function keepAnswersComing(window) {
  if (window.splatzipAnswers) return;
  window.splatzipAnswers = true;
  const plain = window.fetch;
  let answers = null;
  window.fetch = async (input, init) => {
    const { pathname } = new URL(input.url ?? input, window.document.baseURI);
    if (pathname.endsWith(DATA)) {
      answers = new Answers((request) => plain.call(window, request), new Request(input, init));
      return answers.response;
    }
    const response = await plain.call(window, input, init);
    if (pathname.endsWith(JOIN) && response.ok) answers?.owe((await response.clone().json()).event_id);
    return response;
  };
}

/** The stream that the page reads. */
class Answers {
  constructor(ask, request) {
    Object.assign(this, { ask, request, owed: new Set(), early: new Set(), isReading: false, isOver: false });
    const body = new ReadableStream({ start: (page) => (this.page = page) });
    this.response = new Response(body, { headers: { 'content-type': 'text/event-stream' } });
    request.signal.addEventListener('abort', () => this.fail(request.signal.reason), { once: true });
    this.read();
  }

  /** A question was accepted; its answer may have come already. */
  owe(event) {
    if (this.isOver || this.early.delete(event)) return;
    this.owed.add(event);
    if (!this.isReading) this.read();
  }

  async read() {
    this.isReading = true;
    try {
      do {
        const response = await this.ask(this.request.clone());
        if (!response.ok) throw new Error(`The stream of answers was refused (${response.status})`);
        for await (const message of messages(response.body)) {
          const { msg: kind, event_id: event } = JSON.parse(message.slice(FIELD.length));
          if (kind === 'close_stream') break;
          if (kind === 'process_completed' && !this.owed.delete(event)) this.early.add(event);
          this.page.enqueue(new TextEncoder().encode(message + END));
        }
      } while (this.owed.size);
    } catch (error) {
      this.fail(error);
    }
    this.isReading = false;
  }

  fail(error) {
    if (!this.isOver) this.page.error(error);
    this.isOver = true;
  }
}

async function* messages(body) {
  let text = '';
  for await (const piece of pieces(body.pipeThrough(new TextDecoderStream()))) {
    const parts = (text + piece).split(END);
    text = parts.pop();
    yield* parts.filter((part) => part.startsWith(FIELD));
  }
}

/** Not every browser goes through a stream by itself. */
async function* pieces(stream) {
  const reader = stream.getReader();
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value;
  } finally {
    reader.cancel().catch(() => {}); // it may have failed
  }
}
