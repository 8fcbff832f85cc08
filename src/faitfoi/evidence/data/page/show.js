// La page : prendre les fichiers, dire ce qui est vrai, nommer ce qui ment.

const $ = (id) => document.getElementById(id);

function node(name, content, className = "") {
  const made = document.createElement(name);
  made.append(...[content].flat());
  if (className) made.className = className;
  return made;
}

function list(items) {
  return node("ul", items.map((item) => node("li", item)));
}

let turn = 0;

async function judge(read, name) {
  const mine = (turn += 1);
  const result = $("result");
  result.replaceChildren(node("p", `Vérification de ${name}…`));
  result.hidden = false;
  let shown;
  try {
    shown = report(await verifyDossier(await read()));
  } catch (error) {
    const known = error instanceof Illisible;
    shown = [node("h2", "Ce n’est pas un dossier lisible", "lies"), node("p", `${name} : ${known ? error.message : `la page n’a pas pu le lire (${error})`}.`)];
  }
  if (mine !== turn) return;
  result.replaceChildren(...shown);
  result.focus();
}

function report({ lies, truths, unjudged, fingerprints }) {
  const shown = [];
  const named = [...new Set(lies.map(({ file }) => file))];
  if (lies.length) {
    const many = named.length > 1 ? `${named.length} fichiers mentent` : "Un fichier ment";
    shown.push(node("h2", `✗ ${many}`, "lies"));
    shown.push(list(lies.map(({ file, sentence }) => [node("code", file), ` : ${sentence}.`])));
    shown.push(node("p", "Ce dossier ne prouve rien tel qu’il est. Demandez-le de nouveau à l’émetteur."));
  } else {
    shown.push(node("h2", "✓ Le dossier est vrai", "sound"));
  }
  if (truths.length) {
    shown.push(node("h3", "Ce qui a été vérifié"));
    shown.push(list(truths.map((truth) => `✓ ${truth}`)));
  }
  if (unjudged.length) {
    shown.push(node("h3", "Ce qui n’a pas pu l’être"));
    shown.push(list(unjudged.map((what) => `– ${what}`)));
  }
  if (fingerprints.length) shown.push(...keys(fingerprints));
  return shown;
}

/** Les empreintes, et celles qui sont parmi les attendues. */
function keys(fingerprints) {
  const expected = $("expected").value.toLowerCase().replace(/[^0-9a-f\s]/g, "").match(/[0-9a-f]{64}/g) ?? [];
  const missing = expected.filter((pin) => !fingerprints.some(([, digest]) => digest === pin));
  const rows = fingerprints.map(([name, digest]) => {
    const known = expected.includes(digest);
    return [node("code", name), node("br", []), node("code", digest.replace(/(.{8})(?=.)/g, "$1 "), "digest"), node("br", []),
      node("span", known ? "✓ c’est une des empreintes attendues" : "à comparer avec celles de l’émetteur", known ? "sound" : "")];
  });
  const shown = [node("h3", "À qui sont les clés"), node("p", "Une clé ne dit pas à qui elle est. Comparez ces empreintes SHA-256 avec celles que l’émetteur publie, ou imprime sur ses attestations."), list(rows)];
  if (missing.length) {
    shown.push(node("p", "✗ Aucune clé du dossier n’a cette empreinte attendue :", "lies"));
    shown.push(list(missing.map((pin) => node("code", pin, "digest"))));
  }
  return shown;
}

function start() {
  if (!globalThis.crypto?.subtle || !globalThis.DecompressionStream) {
    $("unable").hidden = false;
    return;
  }
  $("choose").hidden = false;
  if (!("webkitdirectory" in HTMLInputElement.prototype)) $("by-folder").hidden = true;
  let last = null;
  $("zip").addEventListener("change", ({ target }) => {
    const [file] = target.files;
    if (!file) return;
    last = () => judge(async () => filesOfZip(new Uint8Array(await file.arrayBuffer())), file.name);
    last();
  });
  $("folder").addEventListener("change", ({ target }) => {
    const chosen = [...target.files];
    if (!chosen.length) return;
    last = () => judge(() => filesOfFolder(chosen), chosen[0].webkitRelativePath.split("/")[0] || "ces fichiers");
    last();
  });
  $("expected").addEventListener("change", () => last?.());
}

document.addEventListener("DOMContentLoaded", start);
