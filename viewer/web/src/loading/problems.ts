/** What went wrong, in words for the visitor: what, and what can be done. */

export interface Problem {
  /** One sentence. */
  readonly title: string;
  /** What to do about it, or what is shown all the same. */
  readonly detail: string;
  /** Whether the person may try again; what has come is kept. */
  readonly canRetry: boolean;
  /** Whether it may pass by itself, so that trying again at once, a few times, makes sense. */
  readonly mayPass?: boolean;
  /** Whether trying again means from the start: what has come is no part of what will come. */
  readonly startsAnew?: boolean;
}

/** An error that has words of its own. */
export class LoadError extends Error {
  readonly problem: Problem;

  constructor(problem: Problem) {
    super(`${problem.title} ${problem.detail}`.trim());
    this.name = 'LoadError';
    this.problem = problem;
  }
}

export function httpProblem(status: number, url: string): Problem {
  const file = nameOf(url);
  if (status === 404 || status === 410)
    return { title: `The server cannot find ${file} (${status}).`, detail: 'Check the address.', canRetry: true };
  if (status === 401 || status === 403)
    return { title: `The server refuses access to ${file} (${status}).`, detail: 'Ask whoever runs the server.', canRetry: true };
  if (status === 429)
    return { title: 'The server received too many requests (429).', detail: 'Wait a moment, then try again.', canRetry: true, mayPass: true };
  if (status >= 500)
    return {
      title: `The server failed (${status}).`,
      detail: 'It may work again in a moment.',
      canRetry: true,
      mayPass: true,
    };
  return { title: `The server answered ${status} to the request for ${file}.`, detail: '', canRetry: true };
}

export function cutProblem(bytes: number, total: number | null): Problem {
  if (bytes === 0 && total === null)
    return {
      title: 'The server cannot be reached.',
      detail: 'Check the connection. If the file is on another server, that server must allow other sites (CORS).',
      canRetry: true,
      mayPass: true,
    };
  const of = total === null ? '' : ` of ${megabytes(total)}`;
  return {
    title: `The connection was lost after ${megabytes(bytes)}${of}.`,
    detail: 'What has arrived is shown; trying again continues from there.',
    canRetry: true,
    mayPass: true,
  };
}

export function changedProblem(url: string): Problem {
  return {
    title: `The server replaced ${nameOf(url)} while it was loading.`,
    detail: 'Try again to see the new version.',
    canRetry: true,
    startsAnew: true,
  };
}

export function shortProblem(bytes: number, total: number): Problem {
  return {
    title: `The server's copy of the file ends after ${megabytes(bytes)} of ${megabytes(total)}.`,
    detail: 'It was not uploaded completely; what is there is shown.',
    canRetry: true,
    startsAnew: true,
  };
}

/** @param missing - what the decoder says is lacking. */
export function lackingProblem(missing: readonly string[]): Problem {
  return { title: 'Part of the file is missing.', detail: `The rest is shown. ${missing.join('; ')}`, canRetry: false };
}

/** @param isPage - whether what came begins as a web page does. */
export function failureProblem(error: string, message: string, isPage = false): Problem {
  if (error === 'NotSplatzipError') {
    const [page, other] = ['The server sent a web page instead: check the address.', 'splatzip compress makes one from any scene.'];
    return { title: 'This is not a .splatz file.', detail: isPage ? page : other, canRetry: false };
  }
  if (error === 'UnsupportedVersionError' || error === 'UnsupportedFeatureError')
    return { title: 'This viewer cannot read this version of the format.', detail: message, canRetry: false };
  if (error === 'BrowserError') {
    const title = 'This browser cannot show scenes: it has no WebAssembly with SIMD.';
    return { title, detail: 'Update it, or try another browser.', canRetry: false };
  }
  if (error === 'PartsError') return { title: 'A part of the viewer did not come.', detail: message, canRetry: true, startsAnew: true };
  if (error === 'TruncatedError')
    return { title: 'The file ends too early.', detail: 'It was not uploaded completely.', canRetry: true, startsAnew: true };
  if (error === 'CorruptError') return { title: 'The file is damaged.', detail: message, canRetry: true, startsAnew: true };
  return { title: 'The decoder failed.', detail: message, canRetry: false };
}

/** For any error that reaches the page. */
export function problemOf(error: unknown): Problem {
  if (error instanceof LoadError) return error.problem;
  const message = error instanceof Error ? error.message : String(error);
  return { title: 'The scene cannot be shown.', detail: message, canRetry: false };
}

export function megabytes(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} KB`;
  return `${(bytes / 1e6).toFixed(bytes < 1e8 ? 1 : 0)} MB`;
}

function nameOf(url: string): string {
  const path = url.split(/[?#]/)[0]!;
  const name = path.slice(path.lastIndexOf('/') + 1);
  try {
    return decodeURIComponent(name) || 'the file';
  } catch {
    return name;
  }
}
