/** Connections that stay open and send nothing. */

/** Without a byte; a connection counts as cut then. */
export const STALL_SECONDS = 20;

/** `promise`, but no longer than a connection may be silent: then `stop` is called, which should make it fail. */
export async function unlessStalled<T>(promise: Promise<T>, stop: AbortController, seconds = STALL_SECONDS): Promise<T> {
  const timer = setTimeout(() => stop.abort(), seconds * 1000);
  try {
    return await promise;
  } finally {
    clearTimeout(timer);
  }
}
