// La preuve d’ancienneté (RFC 4998) : des chaînes d’horodatages, dont chacun couvre ce qui le précède.

/** Les chaînes d’une preuve ; `bits` vaut 0 quand l’une est d’un algorithme que le navigateur ne connaît pas. */
function readRecord(data) {
  const record = element(data);
  const [version, algorithms, sequence, ...rest] = inside(record, 0x30, 3);
  const chains = inside(sequence, 0x30, 1).map((chain) => {
    const stamps = inside(chain, 0x30, 1).map(readArchiveStamp);
    if (stamps.some(({ algorithm }) => !same(algorithm, stamps[0].algorithm))) throw new Illisible("une de ses chaînes est de deux algorithmes");
    return { whole: chain.whole, stamps, algorithm: stamps[0].algorithm, bits: stamps[0].bits };
  });
  const used = chains.map(({ algorithm }) => algorithm).filter((each, place, all) => all.findIndex((other) => same(other, each)) === place);
  const sound = record.end === data.length && !rest.length && same(version.whole, Uint8Array.of(2, 1, 1));
  if (!sound || !same(algorithms.whole, sequenceOf(used.map((each) => sequenceOf([each]))))) throw new Illisible("elle est illisible");
  return chains;
}

function readArchiveStamp(node) {
  const [named, ...parts] = inside(node, 0x30, 2);
  const token = parts.pop();
  if (named.tag !== 0xa0 || !token || parts.length > 1) throw new Illisible("un de ses horodatages est illisible");
  const bits = HASHES[oid(children(named.body)[0])] ?? 0;
  const branch = parts.length ? inside(parts[0], 0xa2, 1).map((list) => inside(list, 0x30, 1).map((digest) => leaf(digest, 0x04))) : [];
  if (branch.some((list) => hex(join(...list)) !== hex(join(...ascending(list))))) throw new Illisible("une de ses branches n’est pas en ordre");
  return { algorithm: named.body, bits: bits < 256 ? 0 : bits, branch, token: token.whole };
}

/** Les instants d’une preuve de `content`, le premier et chaque renouvellement ; Illisible quand un maillon manque. */
async function recordedAt(chains, content, roots) {
  const instants = [];
  let until = null;
  for (const [place, { bits, stamps }] of chains.entries()) {
    let covered = await sha(bits, content);
    // Une chaîne nouvelle couvre le fichier et toutes les chaînes d’avant (§5.2) ; dans une chaîne, un jeton le précédent.
    if (place) covered = await sha(bits, join(covered, await sha(bits, sequenceOf(chains.slice(0, place).map(({ whole }) => whole)))));
    for (const { branch, token } of stamps) {
      if (branch.length && !branch[0].some((each) => same(each, covered)))
        throw new Illisible(instants.length ? "un renouvellement n’est pas celui de ce qui le précède" : "elle est celle d’un autre fichier");
      const root = branch.length ? await climb(branch, bits) : covered;
      const stamp = await tokenOf(token, async (size) => (size === bits ? root : new Uint8Array()), roots);
      if (instants.length && stamp.at < instants.at(-1)) throw new Illisible("un renouvellement est daté d’avant ce qu’il renouvelle");
      if (until !== null && stamp.at > until) throw new Illisible("un renouvellement est venu après l’expiration de ce qu’il renouvelle");
      instants.push(stamp.at);
      until = stamp.until;
      covered = await sha(bits, token);
    }
  }
  return instants;
}

/** La racine où mène une branche (§4.3). */
async function climb(branch, bits) {
  let running = [];
  for (const list of branch) running = [await sha(bits, join(...ascending([...list, ...running])))];
  return running[0];
}

function ascending(digests) {
  return [...digests].sort((a, b) => (hex(a) < hex(b) ? -1 : 1));
}

/** Une SEQUENCE de ces éléments, en DER. */
function sequenceOf(parts) {
  const body = join(...parts);
  const size = [];
  for (let left = body.length; left > 0; left = Math.floor(left / 256)) size.unshift(left % 256);
  const head = body.length < 0x80 ? [0x30, body.length] : [0x30, 0x80 | size.length, ...size];
  return join(Uint8Array.from(head), body);
}
