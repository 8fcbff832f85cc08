// Ed25519 (RFC 8032), vérification seule : la même partout, que le navigateur le connaisse ou non.

const P = 2n ** 255n - 19n;
const ORDER = 2n ** 252n + 27742317777372353535851937790883648493n;
const D = mod(-121665n * power(121666n, P - 2n));
const ROOT_OF_MINUS_ONE = power(2n, (P - 1n) / 4n);
const NEUTRAL = [0n, 1n, 1n, 0n];
const BASE = decodePoint(fromHex("5866666666666666666666666666666666666666666666666666666666666666"));

/** Vrai si `signature` (64 octets) est celle de `message` par la clé publique (32 octets). */
async function verifyEd25519(key, message, signature) {
  if (key.length !== 32 || signature.length !== 64) return false;
  const scalar = littleEndian(signature.subarray(32));
  const point = decodePoint(key);
  if (point === null || scalar >= ORDER) return false;
  const challenge = littleEndian(await sha(512, join(signature.subarray(0, 32), key, message))) % ORDER;
  const [x, y, z, t] = times(point, challenge);
  const found = add(times(BASE, scalar), [mod(-x), y, z, mod(-t)]);
  return same(encodePoint(found), signature.subarray(0, 32));
}

function mod(value) {
  const rest = value % P;
  return rest < 0n ? rest + P : rest;
}

function power(base, exponent) {
  let result = 1n;
  for (let square = mod(base); exponent > 0n; exponent >>= 1n, square = (square * square) % P)
    if (exponent & 1n) result = (result * square) % P;
  return result;
}

function littleEndian(octets) {
  return BigInt("0x" + hex(octets.slice().reverse()));
}

/** Coordonnées étendues (X, Y, Z, T) d’un point écrit sur 32 octets ; null s’il n’est pas sur la courbe. */
function decodePoint(octets) {
  const written = littleEndian(octets);
  const y = written & (2n ** 255n - 1n);
  if (y >= P) return null;
  const above = mod(y * y - 1n);
  const below = mod(D * y * y + 1n);
  let x = mod(above * below ** 3n * power(above * below ** 7n, (P - 5n) / 8n));
  if (mod(below * x * x) !== above) x = mod(x * ROOT_OF_MINUS_ONE);
  if (mod(below * x * x) !== above) return null;
  const sign = written >> 255n;
  if (x === 0n && sign) return null;
  if ((x & 1n) !== sign) x = P - x;
  return [x, y, 1n, mod(x * y)];
}

function encodePoint([x, y, z]) {
  const inverse = power(z, P - 2n);
  const written = mod(y * inverse) | ((mod(x * inverse) & 1n) << 255n);
  return fromHex(written.toString(16).padStart(64, "0")).reverse();
}

function add([x1, y1, z1, t1], [x2, y2, z2, t2]) {
  const a = mod((y1 - x1) * (y2 - x2));
  const b = mod((y1 + x1) * (y2 + x2));
  const c = mod(2n * D * t1 * t2);
  const d = mod(2n * z1 * z2);
  const [e, f, g, h] = [b - a, d - c, d + c, b + a];
  return [mod(e * f), mod(g * h), mod(f * g), mod(e * h)];
}

function times(point, scalar) {
  let result = NEUTRAL;
  for (let doubled = point; scalar > 0n; scalar >>= 1n, doubled = add(doubled, doubled))
    if (scalar & 1n) result = add(result, doubled);
  return result;
}
