// DER, certificats (RFC 5280) et signatures CMS (RFC 5652), lus sans rien croire de ce qui y est écrit.

const OID = {
  data: "1.2.840.113549.1.7.1",
  signedData: "1.2.840.113549.1.7.2",
  contentType: "1.2.840.113549.1.9.3",
  messageDigest: "1.2.840.113549.1.9.4",
  signingCertificate: "1.2.840.113549.1.9.16.2.12",
  signingCertificateV2: "1.2.840.113549.1.9.16.2.47",
  tstInfo: "1.2.840.113549.1.9.16.1.4",
  timeStamping: "1.3.6.1.5.5.7.3.8",
  basicConstraints: "2.5.29.19",
  extendedKeyUsage: "2.5.29.37",
  rsa: "1.2.840.113549.1.1.1",
  ecKey: "1.2.840.10045.2.1",
  ed25519: "1.3.101.112",
};
const HASHES = {
  "1.3.14.3.2.26": 1,
  "2.16.840.1.101.3.4.2.1": 256,
  "2.16.840.1.101.3.4.2.2": 384,
  "2.16.840.1.101.3.4.2.3": 512,
};
const SIGNED_WITH = {
  "1.2.840.113549.1.1.11": 256,
  "1.2.840.113549.1.1.12": 384,
  "1.2.840.113549.1.1.13": 512,
  "1.2.840.10045.4.3.2": 256,
  "1.2.840.10045.4.3.3": 384,
  "1.2.840.10045.4.3.4": 512,
};
const CURVES = {
  "1.2.840.10045.3.1.7": ["P-256", 32],
  "1.3.132.0.34": ["P-384", 48],
  "1.3.132.0.35": ["P-521", 66],
};

/** L’élément qui commence à `at` : étiquette, contenu, écriture entière, et où il finit. */
function element(data, at = 0) {
  if (at + 2 > data.length) throw new Illisible("un élément DER est coupé");
  const tag = data[at];
  let size = data[at + 1];
  let start = at + 2;
  if (size & 0x80) {
    const count = size & 0x7f;
    if (count < 1 || count > 4 || start + count > data.length) throw new Illisible("une longueur DER est illisible");
    size = data.subarray(start, start + count).reduce((value, octet) => value * 256 + octet, 0);
    start += count;
  }
  const end = start + size;
  if (end > data.length) throw new Illisible("un élément DER dépasse ses données");
  return { tag, body: data.subarray(start, end), whole: data.subarray(at, end), end };
}

function children(data) {
  const found = [];
  for (let at = 0; at < data.length; at = found.at(-1).end) found.push(element(data, at));
  return found;
}

function inside(node, tag, least = 0) {
  if (!node || node.tag !== tag) throw new Illisible("un élément DER n’est pas celui qui est attendu");
  const parts = children(node.body);
  if (parts.length < least) throw new Illisible("il manque un élément DER");
  return parts;
}

function leaf(node, tag) {
  if (!node || node.tag !== tag) throw new Illisible("un élément DER n’est pas celui qui est attendu");
  return node.body;
}

function oid(node) {
  const [first, ...rest] = leaf(node, 0x06);
  const numbers = first < 80 ? [Math.floor(first / 40), first % 40] : [2, first - 80];
  let value = 0;
  for (const octet of rest) {
    value = value * 128 + (octet & 0x7f);
    if (!(octet & 0x80)) {
      numbers.push(value);
      value = 0;
    }
  }
  return numbers.join(".");
}

/** Un instant DER (UTCTime ou GeneralizedTime), en millisecondes depuis 1970. */
function instant(node) {
  const written = text(node.body);
  const found = /^(\d{2}|\d{4})(\d{2})(\d{2})(\d{2})(\d{2})(\d{2})(?:\.\d+)?Z$/.exec(written);
  if (!found || (node.tag === 0x17) !== (found[1].length === 2)) throw new Illisible("une date est illisible");
  const short = found[1].length === 2;
  const year = Number(found[1]) + (short ? (Number(found[1]) < 50 ? 2000 : 1900) : 0);
  const [month, day, hour, minute, second] = found.slice(2, 7).map(Number);
  return Date.UTC(year, month - 1, day, hour, minute, second);
}

function readCertificate(der) {
  const [tbs, algorithm, signature] = inside(element(der), 0x30, 3);
  const fields = inside(tbs, 0x30, 6);
  const from = fields[0].tag === 0xa0 ? 1 : 0;
  const [, , issuer, validity, subject, key] = fields.slice(from);
  const [start, end] = inside(validity, 0x30, 2).map(instant);
  const listed = fields.find((field) => field.tag === 0xa3);
  const extensions = new Map();
  for (const each of listed ? inside(inside(listed, 0xa3, 1)[0], 0x30) : []) {
    const parts = inside(each, 0x30, 2);
    extensions.set(oid(parts[0]), leaf(parts.at(-1), 0x04));
  }
  return { der, tbs: tbs.whole, issuer: issuer.whole, subject: subject.whole, start, end, key: key.whole, extensions,
    algorithm, signature: leaf(signature, 0x03).subarray(1) };
}

function isAuthority(certificate) {
  const constraints = certificate.extensions.get(OID.basicConstraints);
  return Boolean(constraints) && children(element(constraints).body).some((each) => each.tag === 1 && each.body[0]);
}

function mayStamp(certificate) {
  const usage = certificate.extensions.get(OID.extendedKeyUsage);
  return Boolean(usage) && children(element(usage).body).some((each) => oid(each) === OID.timeStamping);
}

/** Vrai si `signature` est celle de `message` par la clé d’un certificat (SubjectPublicKeyInfo). */
async function verifyWithKey(spki, algorithm, digestBits, message, signature) {
  const [kind, bits] = inside(element(spki), 0x30, 2);
  const [keyType, curveNode] = inside(kind, 0x30, 1);
  const named = oid(inside(algorithm, 0x30, 1)[0]);
  const hash = { name: `SHA-${SIGNED_WITH[named] ?? digestBits}` };
  const type = oid(keyType);
  if (type === OID.ed25519) return verifyEd25519(leaf(bits, 0x03).subarray(1), message, signature);
  if (type === OID.rsa) {
    if (named !== OID.rsa && !/^1\.2\.840\.113549\.1\.1\.1[123]$/.test(named)) throw new Illisible(`l’algorithme ${named} n’est pas de ceux que cette page connaît`);
    const rsa = { name: "RSASSA-PKCS1-v1_5", hash };
    const key = await crypto.subtle.importKey("spki", spki, rsa, false, ["verify"]);
    return crypto.subtle.verify(rsa, key, signature, message);
  }
  const curve = type === OID.ecKey && curveNode ? CURVES[oid(curveNode)] : undefined;
  if (!curve || !SIGNED_WITH[named]) throw new Illisible(`l’algorithme ${named} n’est pas de ceux que cette page connaît`);
  const [name, size] = curve;
  const key = await crypto.subtle.importKey("spki", spki, { name: "ECDSA", namedCurve: name }, false, ["verify"]);
  const numbers = inside(element(signature), 0x30, 2).map((node) => fixed(leaf(node, 0x02), size));
  return crypto.subtle.verify({ name: "ECDSA", hash }, key, join(...numbers), message);
}

function fixed(number, size) {
  const bare = number[0] === 0 ? number.subarray(1) : number;
  if (bare.length > size) throw new Illisible("une signature est trop longue");
  return join(new Uint8Array(size - bare.length), bare);
}

function readCms(data) {
  const outer = element(data);
  const [kind, wrapped] = inside(outer, 0x30, 2);
  if (oid(kind) !== OID.signedData) throw new Illisible("ce n’est pas une signature CMS");
  const fields = inside(inside(wrapped, 0xa0, 1)[0], 0x30, 4);
  const [contentKind, contentNode] = inside(fields[2], 0x30, 1);
  const signers = inside(fields.at(-1), 0x31);
  if (signers.length !== 1) throw new Illisible("la signature CMS n’a pas un signataire et un seul");
  const [, , digest, signed, algorithm, signature] = inside(signers[0], 0x30, 6);
  if (signed.tag !== 0xa0) throw new Illisible("la signature CMS n’a pas d’attributs signés");
  const attributes = new Map();
  for (const each of inside(signed, 0xa0)) {
    const [name, values] = inside(each, 0x30, 2);
    const [value, ...others] = inside(values, 0x31, 1);
    if (others.length || attributes.has(oid(name))) throw new Illisible("un attribut signé est donné deux fois");
    attributes.set(oid(name), value);
  }
  const held = fields.find((field) => field.tag === 0xa0);
  return {
    end: outer.end,
    contentType: oid(contentKind),
    content: contentNode ? leaf(inside(contentNode, 0xa0, 1)[0], 0x04) : null,
    certificates: held ? inside(held, 0xa0).filter((each) => each.tag === 0x30).map((each) => each.whole) : [],
    digestBits: HASHES[oid(inside(digest, 0x30, 1)[0])],
    signed: join(Uint8Array.of(0x31), signed.whole.subarray(1)),
    attributes,
    algorithm,
    signature: leaf(signature, 0x04),
  };
}

/** Le certificat (DER), parmi ceux-là, que l’attribut signé nomme par son empreinte (RFC 5035) ; sinon null. */
async function boundCertificate(cms, candidates) {
  const first = cms.attributes.get(OID.signingCertificateV2);
  const value = first ?? cms.attributes.get(OID.signingCertificate);
  if (!value) return null;
  const parts = inside(inside(inside(value, 0x30, 1)[0], 0x30, 1)[0], 0x30, 1);
  let bits = first ? 256 : 1;
  if (parts[0].tag === 0x30) bits = HASHES[oid(inside(parts.shift(), 0x30, 1)[0])];
  if (!bits) throw new Illisible("l’empreinte du certificat est d’un type inconnu");
  for (const der of candidates) if (same(await sha(bits, der), leaf(parts[0], 0x04))) return der;
  return null;
}

/** Vrai si ces attributs sont ceux de `content`, et que la clé du certificat les a signés. */
async function isSignedBy(cms, der, content) {
  const digest = cms.attributes.get(OID.messageDigest);
  const type = cms.attributes.get(OID.contentType);
  if (!digest || !type || !cms.digestBits || oid(type) !== cms.contentType) return false;
  if (!same(await sha(cms.digestBits, content), leaf(digest, 0x04))) return false;
  return verifyWithKey(readCertificate(der).key, cms.algorithm, cms.digestBits, cms.signed, cms.signature);
}

/** Vrai si une chaîne mène du certificat à une racine, chacun valable à cet instant. */
async function leadsToRoot(der, others, roots, at) {
  let current = readCertificate(der);
  for (let depth = 0; depth < 6; depth += 1) {
    if (at < current.start || at > current.end) return false;
    // Une racine se signe elle-même : changée d'un bit, elle n'est plus celle qui a été remise.
    if (roots.some((root) => same(root, current.der)))
      return !same(current.subject, current.issuer) || verifyWithKey(current.key, current.algorithm, 0, current.tbs, current.signature);
    let next = null;
    for (const candidate of [...roots, ...others].map(readCertificate)) {
      if (!same(candidate.subject, current.issuer) || !isAuthority(candidate)) continue;
      if (await verifyWithKey(candidate.key, current.algorithm, 0, current.tbs, current.signature)) next = candidate;
      if (next) break;
    }
    if (!next) return false;
    current = next;
  }
  return false;
}
