/** What is wrong with a file, by the names that the Python package uses. */

import type { ErrorName } from './types';

export class FileError extends Error {
  override readonly name: ErrorName;

  /** @param message - one line: what, where. */
  constructor(name: ErrorName, message: string) {
    super(message);
    this.name = name;
  }
}

export const corrupt = (message: string): FileError => new FileError('CorruptError', message);
export const truncated = (message: string): FileError => new FileError('TruncatedError', message);
export const unsupported = (message: string): FileError => new FileError('UnsupportedFeatureError', message);
