// What was dropped or chosen becomes one file to send. A SOG folder becomes what a .sog is: a ZIP that stores its files.

const PARTS = /\.(json|webp|png)$/i;
const MOST_FILES = 100;

/** The files of a drop, those of a folder too, and the folder's name. Call it while the event is heard. */
export function dropped(transfer) {
  const entries = [...transfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const folder = entries.length === 1 && entries[0].isDirectory ? entries[0] : null;
  if (!folder) return Promise.resolve({ files: [...transfer.files], name: '' });
  return inside(folder).then((files) => ({ files, name: folder.name }));
}

/** Files of a folder, without those of folders in it. */
async function inside(folder) {
  const reader = folder.createReader();
  const entries = [];
  for (;;) {
    const some = await new Promise((done, failed) => reader.readEntries(done, failed));
    if (!some.length || entries.length > MOST_FILES) break;
    entries.push(...some);
  }
  return Promise.all(entries.filter((one) => one.isFile).map((one) => new Promise((done, failed) => one.file(done, failed))));
}

/**
 * One file of several.
 * @param name of the folder that they are from
 * @param suffixes of scenes that are one file
 */
export async function one(files, name, suffixes) {
  if (files.length > MOST_FILES) throw new Error(`That is more than ${MOST_FILES} files; drop one scene at a time.`);
  if (files.some((file) => file.name === 'meta.json')) {
    return new File(await zip(files.filter((file) => PARTS.test(file.name))), `${name || 'scene'}.sog`);
  }
  const scenes = files.filter((file) => files.length === 1 || suffixes.some((suffix) => file.name.toLowerCase().endsWith(suffix)));
  if (scenes.length === 1) return scenes[0];
  throw new Error(scenes.length ? 'There are several scenes here; drop one of them.' : 'There is no scene and no meta.json of a SOG here.');
}

/** The parts of a ZIP of files that are stored as they are. */
async function zip(files) {
  const [parts, directory] = [[], []];
  let offset = 0;
  for (const file of files) {
    const name = new TextEncoder().encode(file.name);
    // Version 2.0, names in UTF-8, stored, a time of no meaning (1 January 1980), CRC, both sizes, length of the name.
    const facts = [20, 0x800, 0, 0, 0x21, ...wide(crc32(new Uint8Array(await file.arrayBuffer()))), ...wide(file.size), ...wide(file.size), name.length];
    parts.push(words(0x4b50, 0x0403, ...facts, 0), name, file);
    directory.push(words(0x4b50, 0x0201, 20, ...facts, 0, 0, 0, 0, 0, 0, ...wide(offset)), name);
    offset += 30 + name.length + file.size;
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = words(0x4b50, 0x0605, 0, 0, files.length, files.length, ...wide(size), ...wide(offset), 0);
  return [...parts, ...directory, end];
}

const wide = (value) => [value & 0xffff, value >>> 16];
const words = (...values) => new Uint8Array(Uint16Array.from(values).buffer); // every machine with a browser is little-endian

const TABLE = Uint32Array.from({ length: 256 }, (_, byte) => {
  let value = byte;
  for (let bit = 0; bit < 8; bit += 1) value = value & 1 ? (value >>> 1) ^ 0xedb88320 : value >>> 1;
  return value;
});

function crc32(bytes) {
  let value = ~0;
  for (const byte of bytes) value = (value >>> 8) ^ TABLE[(value ^ byte) & 255];
  return ~value >>> 0;
}
