// Octets, textes et empreintes. Les sommes SHA viennent du navigateur (WebCrypto).

const UTF8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
const OCTETS = new TextEncoder();

/** Un fichier du dossier qui n’est pas ce qu’il doit être. */
class Mensonge extends Error {
  constructor(file, sentence) {
    super(sentence);
    this.file = file;
  }
}

/** Des octets qui ne se lisent pas : qui les lit dit lequel des fichiers les contient. */
class Illisible extends Error {}

function same(a, b) {
  return a.length === b.length && a.every((octet, place) => octet === b[place]);
}

function join(...parts) {
  const whole = new Uint8Array(parts.reduce((size, part) => size + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

function hex(octets) {
  return Array.from(octets, (octet) => octet.toString(16).padStart(2, "0")).join("");
}

function fromHex(text) {
  if (text.length % 2 || !/^[0-9a-fA-F]*$/.test(text)) throw new Illisible("ce n’est pas de l’hexadécimal");
  return Uint8Array.from({ length: text.length / 2 }, (_, n) => parseInt(text.slice(2 * n, 2 * n + 2), 16));
}

function toBase64(octets) {
  let text = "";
  for (let at = 0; at < octets.length; at += 8192) text += String.fromCharCode(...octets.subarray(at, at + 8192));
  return btoa(text);
}

/** Les octets d’un texte en base64, si c’est leur seule écriture. */
function fromBase64(text) {
  let raw;
  try {
    raw = atob(text);
  } catch {
    throw new Illisible("ce n’est pas du base64");
  }
  const octets = Uint8Array.from(raw, (letter) => letter.charCodeAt(0));
  if (toBase64(octets) !== text) throw new Illisible("ce n’est pas la seule écriture en base64 de ses octets");
  return octets;
}

function text(octets) {
  try {
    return UTF8.decode(octets);
  } catch {
    throw new Illisible("ce n’est pas du texte");
  }
}

async function sha(bits, octets) {
  return new Uint8Array(await crypto.subtle.digest(`SHA-${bits}`, octets));
}

const sha256 = (octets) => sha(256, octets);

/** Un fichier PEM d’un seul bloc, dans sa seule écriture : lignes de 64 signes. */
function fromPem(octets, label) {
  return fromPems(octets, label, 1)[0];
}

/** Les blocs d’un fichier PEM, écrits l’un après l’autre dans leur seule écriture. */
function fromPems(octets, label, count = 0) {
  const whole = text(octets);
  const block = new RegExp(`-----BEGIN ${label}-----\\n([A-Za-z0-9+/=\\n]+)-----END ${label}-----\\n`, "g");
  const found = [...whole.matchAll(block)].map((match) => fromBase64(match[1].replaceAll("\n", "")));
  if (!found.length || (count && found.length !== count)) throw new Illisible("il n’est pas au format attendu (PEM)");
  const again = found.map((der) => {
    const lines = toBase64(der).replace(/(.{64})(?=.)/g, "$1\n");
    return `-----BEGIN ${label}-----\n${lines}\n-----END ${label}-----\n`;
  });
  if (again.join("") !== whole) throw new Illisible("il n’est pas écrit comme nous l’écrivons");
  return found;
}
