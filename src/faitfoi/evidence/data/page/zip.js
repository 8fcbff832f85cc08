// Le ZIP du dossier, ou les fichiers du dossier décompressé : une Map de nom à octets.

const MOST_FILES = 20000;
const MOST_OCTETS = 500000000;

async function filesOfZip(octets) {
  const view = new DataView(octets.buffer, octets.byteOffset, octets.byteLength);
  const little = true;
  let end = octets.length - 22;
  while (end >= Math.max(0, octets.length - 65557) && view.getUint32(end, little) !== 0x06054b50) end -= 1;
  if (end < 0 || octets.length < 22 || view.getUint32(end, little) !== 0x06054b50) throw new Illisible("ce fichier n’est pas un ZIP");
  const count = view.getUint16(end + 10, little);
  let at = view.getUint32(end + 16, little);
  const files = new Map();
  let total = 0;
  for (let n = 0; n < count; n += 1) {
    if (at + 46 > octets.length || view.getUint32(at, little) !== 0x02014b50) throw new Illisible("la table du ZIP est abîmée");
    const [method, packed, size] = [view.getUint16(at + 10, little), view.getUint32(at + 20, little), view.getUint32(at + 24, little)];
    const [nameSize, extra, comment] = [28, 30, 32].map((place) => view.getUint16(at + place, little));
    const name = text(octets.subarray(at + 46, at + 46 + nameSize));
    const local = view.getUint32(at + 42, little);
    at += 46 + nameSize + extra + comment;
    if (name.endsWith("/")) continue;
    total += size;
    if (total > MOST_OCTETS || files.size > MOST_FILES) throw new Illisible("ce ZIP est bien plus gros qu’un dossier");
    if (local + 30 > octets.length || view.getUint32(local, little) !== 0x04034b50) throw new Illisible("la table du ZIP est abîmée");
    const start = local + 30 + view.getUint16(local + 26, little) + view.getUint16(local + 28, little);
    const content = await inflated(octets.subarray(start, start + packed), method, size);
    put(files, name.slice(name.indexOf("/") + 1), content);
  }
  return files;
}

async function inflated(octets, method, size) {
  if (method === 0 && octets.length === size) return octets.slice();
  if (method !== 8) throw new Illisible("un fichier du ZIP n’est pas lisible ici");
  const whole = new Uint8Array(size);
  let at = 0;
  try {
    const reader = new Blob([octets]).stream().pipeThrough(new DecompressionStream("deflate-raw")).getReader();
    for (let part = await reader.read(); !part.done; part = await reader.read()) {
      if (at + part.value.length > size) throw new RangeError("trop long");
      whole.set(part.value, at);
      at += part.value.length;
    }
  } catch {
    throw new Illisible("un fichier du ZIP est abîmé");
  }
  if (at !== size) throw new Illisible("un fichier du ZIP est abîmé");
  return whole;
}

/** Les fichiers choisis d’un dossier ; le dossier choisi lui-même n’est pas dans leurs noms. */
async function filesOfFolder(chosen) {
  const files = new Map();
  let total = 0;
  for (const file of chosen) {
    total += file.size;
    if (total > MOST_OCTETS || files.size > MOST_FILES) throw new Illisible("ce dossier est bien plus gros qu’un dossier de preuve");
    const name = file.webkitRelativePath || file.name;
    put(files, name.slice(name.indexOf("/") + 1), new Uint8Array(await file.arrayBuffer()));
  }
  return files;
}

function put(files, name, content) {
  if (files.has(name)) throw new Illisible(`il contient deux fichiers du nom de ${name}`);
  files.set(name, content);
}
