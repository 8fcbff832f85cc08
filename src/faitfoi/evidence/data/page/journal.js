// Le point de contrôle du journal, signé et cosigné, et les preuves qu’une écriture y est (formats C2SP, RFC 6962).

const LOG = 0x01;
const WITNESS = 0x04;

/** Une note signée : le texte, et ses lignes de signature ; rien n’en est cru avant `signedAt`. */
function readNote(octets) {
  const whole = text(octets);
  const cut = whole.lastIndexOf("\n\n");
  if (cut < 0 || !whole.endsWith("\n") || /[\x00-\x09\x0b-\x1f]/.test(whole)) throw new Illisible("ce n’est pas une note signée");
  const lines = whole.slice(cut + 2, -1).split("\n");
  if (lines.length > 64) throw new Illisible("il a trop de signatures");
  const signatures = lines.map((line) => {
    const found = /^— ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line);
    if (!found) throw new Illisible("une ligne de signature est illisible");
    const blob = fromBase64(found[2]);
    return { name: found[1], id: blob.subarray(0, 4), blob: blob.subarray(4) };
  });
  return { text: whole.slice(0, cut + 1), signatures };
}

/** L’origine, la taille et la racine que dit le texte d’un point de contrôle ; d’autres lignes peuvent suivre. */
function readCheckpoint(written) {
  const lines = written.slice(0, -1).split("\n");
  if (lines.length < 3 || lines.includes("")) throw new Illisible("ce n’est pas un point de contrôle");
  if (!/^[1-9][0-9]{0,15}$/.test(lines[1])) throw new Illisible("il n’annonce pas de taille");
  const root = fromBase64(lines[2]);
  if (root.length !== 32) throw new Illisible("il n’annonce pas de racine");
  return { origin: lines[0], size: Number(lines[1]), root };
}

/** La seconde (depuis 1970) d’une cosignature, 0 pour le journal ; null si cette clé n’a pas signé ; Illisible si elle a mal signé. */
async function signedAt(note, { name, key, kind, file }) {
  const id = (await sha256(join(OCTETS.encode(`${name}\n`), Uint8Array.of(kind), key))).subarray(0, 4);
  const found = note.signatures.find((each) => each.name === name && same(each.id, id));
  if (!found) return null;
  let [seconds, message, signature] = [0, OCTETS.encode(note.text), found.blob];
  if (kind === WITNESS) {
    seconds = Number(BigInt("0x0" + hex(found.blob.subarray(0, 8))));
    message = OCTETS.encode(`cosignature/v1\ntime ${seconds}\n${note.text}`);
    signature = found.blob.subarray(8);
  }
  if (!(await verifyEd25519(key, message, signature))) throw new Illisible(`la signature de « ${name} » n’est pas celle de la clé ${file}`);
  return seconds;
}

function readProof(octets) {
  const whole = text(octets);
  const cut = whole.indexOf("\n\n");
  const lines = whole.slice(0, Math.max(cut, 0)).split("\n");
  const index = /^index (0|[1-9][0-9]{0,15})$/.exec(lines[1] ?? "");
  if (cut < 0 || lines[0] !== "c2sp.org/tlog-proof@v1" || !index) throw new Illisible("ce n’est pas une preuve");
  const path = lines.slice(2).map(fromBase64);
  if (path.length > 63 || path.some((hash) => hash.length !== 32)) throw new Illisible("ses empreintes sont illisibles");
  return { index: Number(index[1]), path, checkpoint: OCTETS.encode(whole.slice(cut + 2)) };
}

const leafHash = (entry) => sha256(join(Uint8Array.of(0), entry));
const nodeHash = (left, right) => sha256(join(Uint8Array.of(1), left, right));

/** Vrai si la preuve mène de la feuille à la racine (RFC 9162 §2.1.3.2). */
async function isIncluded(leafOctets, { index, path }, { size, root }) {
  if (index >= size) return false;
  let [position, last, running] = [index, size - 1, leafOctets];
  const up = () => {
    position = Math.floor(position / 2);
    last = Math.floor(last / 2);
  };
  for (const neighbour of path) {
    if (last === 0) return false;
    if (position % 2 || position === last) {
      running = await nodeHash(neighbour, running);
      while (position % 2 === 0 && position) up();
    } else {
      running = await nodeHash(running, neighbour);
    }
    up();
  }
  return last === 0 && same(running, root);
}

/** Une écriture du journal, si elle est dans sa seule écriture JSON. */
function readEntry(octets) {
  let entry;
  const written = text(octets);
  try {
    entry = JSON.parse(written);
  } catch {
    throw new Illisible("ce n’est pas une écriture du journal");
  }
  if (entry === null || typeof entry !== "object" || Array.isArray(entry) || canonical(entry) !== written)
    throw new Illisible("ce n’est pas une écriture du journal");
  return entry;
}

function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  const keys = Object.keys(value).sort((a, b) => (a < b ? -1 : 1));
  return `{${keys.map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
}
