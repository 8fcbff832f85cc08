// Ce que fait verify.sh, dans le même ordre : chaque fichier qui ment est nommé.

const LISTS = ["tagmanifest-sha256.txt", "manifest-sha256.txt"];
const CHECKPOINT = "data/checkpoint";
const ENTRY = "data/entry.json";
const PROOF = "data/proof.tlog-proof";
const EVIDENCE = "data/evidence.ers";
const ORIGIN = "data/origine.zip";
const PDF = "data/facture.pdf";
const XML = "data/factur-x.xml";
const LOG_KEY = "data/cles/journal.pem";
const WITNESS_KEY = "data/cles/temoin.pem";
const CERTIFICATE = "data/certificats/cachet.pem";
const ROOTS = "data/horodatage/racines.pem";
const NOT_NAMED = "ce n’est pas le fichier que l’écriture nomme";
const KNOWN = /^(?:(tag)?manifest-sha256\.txt|bagit\.txt|bag-info\.txt|LISEZMOI\.txt|verify\.sh|verifier\.html|data\/(chorus\.(pdf|xml)|plateforme\.xml|copie\.pdf|facture\.pdf|factur-x\.xml|original\.[A-Za-z0-9]+|entry\.json|proof\.tlog-proof|checkpoint|evidence\.ers|origine\.zip|cles\/journal\.pem|cles\/temoin(-[0-9]+)?\.(pem|nom)|journal\/[0-9]{12}\.(json|tlog-proof)|certificats\/cachet\.pem|horodatage\/racines\.pem|horodatage\/[A-Za-z0-9.-]+\.tst))$/;
const KEY_START = fromHex("302a300506032b6570032100"); // SubjectPublicKeyInfo d’une clé Ed25519 (RFC 8410)

const MOST_MOVES = 8; // combien de fois une archive a pu être importée quelque part

/** Juge les fichiers d’un dossier (Map de nom à octets). Donne `lies`, `truths`, `unjudged` et `fingerprints`. */
async function verifyDossier(files, moves = MOST_MOVES) {
  const dossier = { files, lies: [], truths: [], unjudged: [], fingerprints: [], stamped: false };
  await attempt(dossier, "les fichiers sont ceux des listes", () => checkLists(dossier));
  const seen = await attempt(dossier, "", () => checkJournal(dossier));
  if (seen) {
    await attempt(dossier, "les écritures de la facture sont au journal, à leur place", () => checkEntries(dossier, seen));
    await attempt(dossier, "la facture, ses données et l’original sont ceux que l’écriture nomme", () => checkNamed(dossier));
    await attempt(dossier, "", () => checkStamps(dossier, seen));
    if (!dossier.stamped) dossier.unjudged.push("l’heure, qu’aucune autorité n’a signée");
    if (!files.has(CERTIFICATE)) dossier.unjudged.push("le cachet, dont le certificat n’est pas au dossier");
    else await attempt(dossier, "le cachet couvre toute la facture, et c’est celui du certificat", () => checkSeal(dossier));
  }
  if (files.has(ORIGIN)) await attempt(dossier, `le dossier d’où la facture a été importée (${ORIGIN}) est celui de la même facture`, () => checkOrigin(dossier, moves));
  return dossier;
}

/** Le dossier de l’installation d’où vient une facture importée : jugé comme celui-ci, et de la même facture. */
async function checkOrigin(dossier, moves) {
  const files = await reading(ORIGIN, () => filesOfZip(bytesOf(dossier, ORIGIN)));
  if (moves === 0) throw new Mensonge(ORIGIN, "il en contient un autre, et ainsi de suite, plus qu’une facture n’a voyagé");
  const found = await verifyDossier(files, moves - 1);
  dossier.lies.push(...found.lies.map(({ file, sentence }) => ({ file: `${ORIGIN}:${file}`, sentence })));
  dossier.fingerprints.push(...found.fingerprints.map(([name, digest]) => [`${ORIGIN}:${name}`, digest]));
  dossier.truths.push(...found.truths.map((truth) => `là d’où elle vient, ${truth}`));
  dossier.unjudged.push(...found.unjudged.map((what) => `là d’où elle vient, ${what}`));
  if (!files.has(PDF) || !same(files.get(PDF), bytesOf(dossier, PDF))) throw new Mensonge(ORIGIN, "ce n’est pas le dossier de la même facture");
}

async function attempt(dossier, truth, check) {
  const before = dossier.lies.length;
  let found = null;
  try {
    found = await check();
  } catch (error) {
    if (!(error instanceof Mensonge)) throw error;
    dossier.lies.push({ file: error.file, sentence: error.message });
  }
  if (truth && dossier.lies.length === before) dossier.truths.push(truth);
  return found;
}

/** Le résultat d’une lecture ; ce qui ne se lit pas devient le mensonge de ce fichier. */
async function reading(file, read, beside = "") {
  try {
    return await read();
  } catch (error) {
    if (error instanceof Illisible) throw new Mensonge(file, error.message + beside);
    if (error instanceof DOMException) throw new Mensonge(file, `une clé ou une signature y est illisible${beside}`);
    throw error;
  }
}

function bytesOf({ files }, name) {
  if (!files.has(name)) throw new Mensonge(name, "il manque");
  return files.get(name);
}

async function checkLists({ files, lies }) {
  const listed = new Set(LISTS.slice(0, 1));
  for (const name of LISTS) {
    if (!files.has(name)) {
      lies.push({ file: name, sentence: "il manque" });
      continue;
    }
    const written = new TextDecoder().decode(files.get(name));
    for (const line of written.split("\n").slice(0, written.endsWith("\n") ? -1 : undefined)) {
      const found = /^([0-9a-f]{64}) {2}(\S.*)$/.exec(line);
      if (!found) {
        lies.push({ file: name, sentence: "une de ses lignes n’est pas une empreinte et un nom" });
        continue;
      }
      listed.add(found[2]);
      const content = files.get(found[2]);
      if (!content) lies.push({ file: found[2], sentence: `il manque, et ${name} le nomme` });
      else if (hex(await sha256(content)) !== found[1])
        lies.push({ file: found[2], sentence: `son empreinte n’est pas celle que dit ${name}` });
    }
  }
  for (const name of [...files.keys()].sort()) {
    if (!listed.has(name)) lies.push({ file: name, sentence: "aucune liste du dossier ne le nomme" });
    else if (!KNOWN.test(name))
      lies.push({ file: name, sentence: "ce n’est pas une pièce d’un dossier : rien ne la prouve" });
  }
}

async function publicKey(dossier, name) {
  const der = await reading(name, () => fromPem(bytesOf(dossier, name), "PUBLIC KEY"));
  if (der.length !== 44 || !same(der.subarray(0, 12), KEY_START)) throw new Mensonge(name, "ce n’est pas une clé Ed25519");
  dossier.fingerprints.push([name, hex(await sha256(der))]);
  return der.subarray(12);
}

async function checkJournal(dossier) {
  const note = await reading(CHECKPOINT, () => readNote(bytesOf(dossier, CHECKPOINT)));
  const checkpoint = await reading(CHECKPOINT, () => readCheckpoint(note.text));
  const log = { name: checkpoint.origin, key: await publicKey(dossier, LOG_KEY), kind: LOG, file: LOG_KEY };
  const by = await reading(CHECKPOINT, () => signedAt(note, log));
  if (by === null) throw new Mensonge(CHECKPOINT, `il n’est pas signé par le journal « ${log.name} » avec la clé ${LOG_KEY}`);
  dossier.truths.push(`le journal (${checkpoint.size} écritures) a signé son point de contrôle`);
  const told = [...dossier.files.keys()].filter((name) => /^data\/cles\/temoin(-[0-9]+)?\.(pem|nom)$/.test(name));
  const keys = [...new Set([WITNESS_KEY, ...told.map((name) => name.replace(/nom$/, "pem"))])];
  keys.sort((a, b) => a.length - b.length || (a < b ? -1 : 1));
  for (const file of keys) {
    const naming = file.replace(/pem$/, "nom");
    const [name, ...rest] = (await reading(naming, () => text(bytesOf(dossier, naming)))).split("\n");
    if (rest.join() || rest.length !== 1) throw new Mensonge(naming, "ce n’est pas le nom d’un témoin, sur une ligne");
    const witness = { name, key: await publicKey(dossier, file), kind: WITNESS, file };
    const seconds = await reading(CHECKPOINT, () => signedAt(note, witness));
    if (seconds === null) throw new Mensonge(CHECKPOINT, `le témoin « ${name} » ne l’a pas signé avec la clé ${file}, au nom que dit ${naming}`);
    dossier.truths.push(`le témoin « ${name} » l’a vu ${moment(seconds * 1000)}`);
  }
  return checkpoint;
}

async function checkEntries(dossier, checkpoint) {
  const told = [...dossier.files.keys()].filter((name) => name.startsWith("data/journal/")).map((name) => name.replace(/\.[^.]*$/, ""));
  const pairs = [[ENTRY, PROOF], ...[...new Set(told)].sort().map((name) => [`${name}.json`, `${name}.tlog-proof`])];
  for (const [entry, proof] of pairs) await attempt(dossier, "", () => checkProof(dossier, { entry, proof, checkpoint }));
}

async function checkProof(dossier, { entry, proof, checkpoint }) {
  const read = await reading(proof, () => readProof(bytesOf(dossier, proof)));
  if (!same(read.checkpoint, dossier.files.get(CHECKPOINT)))
    throw new Mensonge(proof, `elle n’est pas sous le point de contrôle du dossier (${CHECKPOINT})`);
  if (!(await isIncluded(await leafHash(bytesOf(dossier, entry)), read, checkpoint)))
    throw new Mensonge(entry, `cette écriture n’est pas au journal à la place que dit ${proof}`);
  const of = async (name) => (await reading(name, () => readEntry(bytesOf(dossier, name)))).document;
  if ((await of(entry)) !== (await of(ENTRY))) throw new Mensonge(entry, `cette écriture est d’un autre document que ${ENTRY}`);
}

async function checkNamed(dossier) {
  const { files, lies } = dossier;
  const entry = await reading(ENTRY, () => readEntry(bytesOf(dossier, ENTRY)));
  const originals = [...files.keys()].filter((name) => name.startsWith("data/original."));
  const named = [[PDF, "legal"], ...(originals.length ? originals : ["data/original"]).map((name) => [name, "original"])];
  named.push(...[["data/chorus.pdf", "chorus"], ["data/chorus.xml", "chorus"], ["data/plateforme.xml", "flow"], ["data/copie.pdf", "copy"]].filter(([name]) => files.has(name)));
  for (const [name, role] of named) {
    const content = files.get(name) ?? new Uint8Array();
    for (const bits of [256, 512])
      if (hex(await sha(bits, content)) !== entry[`sha${bits}_${role}`]) {
        lies.push({ file: name, sentence: NOT_NAMED });
        break;
      }
  }
  if (files.has(XML) ? hex(await sha256(files.get(XML))) !== entry.xml_sha256 : Boolean(entry.xml_sha256))
    lies.push({ file: XML, sentence: files.has(XML) ? NOT_NAMED : "il manque, et l’écriture le nomme" });
}

async function checkSeal(dossier) {
  const certificate = await reading(CERTIFICATE, () => fromPem(bytesOf(dossier, CERTIFICATE), "CERTIFICATE"));
  dossier.fingerprints.push([CERTIFICATE, hex(await sha256(certificate))]);
  await reading(CERTIFICATE, () => readCertificate(certificate));
  const pdf = bytesOf(dossier, PDF);
  const { covered, cms } = await reading(PDF, () => sealOf(pdf));
  if ((await reading(PDF, () => boundCertificate(cms, [certificate]))) === null)
    throw new Mensonge(CERTIFICATE, `ce n’est pas le certificat du cachet de ${PDF}`);
  if (!(await reading(PDF, () => isSignedBy(cms, certificate, covered))))
    throw new Mensonge(PDF, "son cachet ne tient pas : la facture a changé, ou la signature n’est pas celle du certificat");
}

/** Ce que couvre le dernier cachet d’un PDF, et sa signature ; Illisible s’il ne couvre pas tout. */
function sealOf(pdf) {
  const latin = new TextDecoder("latin1").decode(pdf);
  const range = [...latin.matchAll(/\/ByteRange\s*\[\s*0\s+(\d+)\s+(\d+)\s+(\d+)\s*\]/g)].at(-1);
  if (!range) throw new Illisible("il n’a pas de cachet");
  const [start, end, length] = range.slice(1).map(Number);
  const gap = latin.slice(start, end);
  if (end + length !== pdf.length || gap.at(0) !== "<" || gap.at(-1) !== ">") throw new Illisible("son cachet ne le couvre pas tout entier");
  const raw = fromHex(gap.slice(1, -1));
  const cms = readCms(raw);
  if (cms.contentType !== OID.data || raw.subarray(cms.end).some(Boolean)) throw new Illisible("son cachet n’est pas celui d’un PDF");
  return { covered: join(pdf.subarray(0, start), pdf.subarray(end)), cms };
}

async function checkStamps(dossier) {
  const tokens = [...dossier.files.keys()].filter((name) => /^data\/horodatage\/.*\.tst$/.test(name));
  dossier.stamped = tokens.length > 0;
  if (!dossier.stamped) return;
  const roots = await reading(ROOTS, () => fromPems(bytesOf(dossier, ROOTS), "CERTIFICATE"));
  for (const [place, root] of roots.entries())
    dossier.fingerprints.push([roots.length > 1 ? `${ROOTS} (${place + 1})` : ROOTS, hex(await sha256(root))]);
  const before = dossier.lies.length;
  for (const name of tokens)
    await attempt(dossier, "", async () => {
      const at = await reading(name, () => stampedAt(bytesOf(dossier, name), bytesOf(dossier, CHECKPOINT), roots), ` (ou dans ${ROOTS})`);
      dossier.truths.push(`le point de contrôle existait ${moment(at)}, dit ${name.slice(16, -4)}`);
    });
  if (dossier.files.has(EVIDENCE) && dossier.lies.length === before) await attempt(dossier, "", () => checkEvidence(dossier, tokens, roots));
}

/** La preuve d’ancienneté (RFC 4998) est celle du point de contrôle, et commence par un des jetons. */
async function checkEvidence(dossier, tokens, roots) {
  const chains = await reading(EVIDENCE, () => readRecord(bytesOf(dossier, EVIDENCE)));
  if (!tokens.some((name) => same(bytesOf(dossier, name), chains[0].stamps[0].token)))
    throw new Mensonge(EVIDENCE, "elle ne commence pas par un horodatage du dossier");
  if (chains.some(({ bits }) => !bits)) {
    dossier.unjudged.push("les renouvellements de la preuve d’ancienneté : leur algorithme n’est pas de ceux que le navigateur connaît ; « faitfoi verify » les vérifie");
    return;
  }
  const instants = await reading(EVIDENCE, () => recordedAt(chains, bytesOf(dossier, CHECKPOINT), roots), ` (ou dans ${ROOTS})`);
  dossier.truths.push("la preuve d’ancienneté est celle du point de contrôle");
  for (const at of instants.slice(1)) dossier.truths.push(`elle a été renouvelée à temps, ${moment(at)}`);
}

/** L’instant d’un jeton RFC 3161 de ces octets, dont la chaîne mène à une racine ; Illisible pour tout autre. */
async function stampedAt(token, message, roots) {
  return (await tokenOf(token, (bits) => sha(bits, message), roots)).at;
}

/** L’instant d’un jeton et l’expiration de son certificat ; `wanted` donne l’empreinte attendue, par sa taille. */
async function tokenOf(token, wanted, roots) {
  const cms = readCms(token);
  if (cms.contentType !== OID.tstInfo || !cms.content || cms.end !== token.length) throw new Illisible("ce n’est pas un horodatage");
  const [, , imprint, , time] = inside(element(cms.content), 0x30, 5);
  const [algorithm, digest] = inside(imprint, 0x30, 2);
  const bits = HASHES[oid(inside(algorithm, 0x30, 1)[0])];
  if (!bits || bits < 256 || !same(await wanted(bits), leaf(digest, 0x04))) throw new Illisible(`il n’horodate pas ${CHECKPOINT}`);
  const signer = await boundCertificate(cms, [...cms.certificates, ...roots]);
  if (signer === null || !(await isSignedBy(cms, signer, cms.content))) throw new Illisible("sa signature ne tient pas");
  const at = instant(time);
  const certificate = readCertificate(signer);
  if (!mayStamp(certificate) || !(await leadsToRoot(signer, cms.certificates, roots, at)))
    throw new Illisible(`son certificat ne mène pas à une racine de ${ROOTS}`);
  return { at, until: certificate.end };
}

function moment(milliseconds) {
  const at = new Date(milliseconds);
  if (Number.isNaN(at.getTime())) return "à une date illisible";
  const [day, hour] = at.toISOString().split("T");
  return `le ${day.split("-").reverse().join("/")} à ${hour.slice(0, 8)} UTC`;
}
