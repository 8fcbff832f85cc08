#!/bin/sh
# Vérifie ce dossier sans Faitfoi, hors ligne, avec openssl (3.0 ou plus) et les coreutils seulement.
#   sh verify.sh [--pin sha256=EMPREINTE | --pin FICHIER]...
# --pin sha256=… : une clé, un certificat ou une racine du dossier doit avoir cette empreinte ;
# --pin FICHIER : toutes les clés du dossier doivent avoir leur empreinte dans ce fichier.
# Le code de sortie est 0 quand tout est vrai ; sinon la dernière ligne nomme le fichier qui ment.
set -eu
work=$(mktemp -d) && trap 'rm -rf "$work"' EXIT
fail() { echo "FAUX : $1" >&2; exit 1; }
: >"$work/pins"
while [ $# -gt 0 ]; do
  [ "$1" = --pin ] && [ $# -gt 1 ] || { echo "usage : sh verify.sh [--pin sha256=EMPREINTE | --pin FICHIER]..." >&2; exit 2; }
  case "$2" in
    sha256=*) echo "${2#sha256=}" | tr A-F a-f | tr -d ': ' >>"$work/pins" ;;
    *)
      tr A-F a-f <"$2" | tr -cs 0-9a-f '\n' >"$work/words"
      while read -r word; do [ ${#word} != 64 ] || echo "$word"; done <"$work/words" >>"$work/known"
      [ -s "$work/known" ] || { echo "$2 : aucune empreinte" >&2; exit 2; }
      ;;
  esac
  shift 2
done
cd "$(dirname "$0")"
said() { echo "vrai : $1"; }
same() { [ "$(sha256sum <"$1")" = "$(sha256sum <"$2")" ]; }
holds() { # le texte $2, quelque part dans le petit fichier $1
  case "
$(cat "$1")
" in *"$2"*) ;; *) return 1 ;; esac
}
first_blank() { # le rang de la première ligne vide de $1, 0 s'il n'y en a pas
  rank=0
  while IFS= read -r line; do
    rank=$((rank + 1))
    [ -n "$line" ] || { echo $rank; return; }
  done <"$1"
  echo 0
}
canonical() { # une ligne de base64 → ses octets dans $2, si c'est leur seule écriture
  printf '%s\n' "$1" | base64 -d >"$2" 2>/dev/null || return 1
  [ "$(base64 -w 0 <"$2")" = "$1" ]
}
node() { # empreinte d'un nœud : SHA-256(0x01 ‖ gauche ‖ droite)
  { printf '\001'; cat "$1" "$2"; } | openssl dgst -sha256 -binary >"$work/node" && mv "$work/node" "$3"
}
signed() { # $1 clé, $2 message, $3 signature
  openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$3" >/dev/null 2>&1
}

# 1. Chaque fichier a l'empreinte annoncée.
for list in tagmanifest-sha256.txt manifest-sha256.txt; do
  sha256sum --quiet --strict -c "$list" >"$work/sums" 2>&1 || fail "$(head -n 1 "$work/sums") ($list)"
done
{ echo; echo tagmanifest-sha256.txt; cut -c 67- tagmanifest-sha256.txt manifest-sha256.txt; } >"$work/listed"
walk() { # chaque fichier est nommé par une liste, et ceux de data sont des pièces que la suite vérifie
  for file in "$1"* "$1".[!.]*; do
    if [ -d "$file" ]; then
      walk "$file/"
      continue
    fi
    [ -e "$file" ] || continue
    holds "$work/listed" "
$file
" || fail "$file : aucune liste du dossier ne le nomme"
    case "$file" in
      data/chorus.pdf|data/copie.pdf|data/facture.pdf|data/factur-x.xml|data/original.*|data/entry.json|data/proof.tlog-proof|data/checkpoint) ;;
      data/cles/journal.pem|data/cles/temoin.pem|data/cles/temoin-[0-9]*.pem) ;;
      data/certificats/cachet.pem|data/horodatage/*.tst|data/horodatage/racines.pem) ;;
      data/journal/*.json) [ -e "${file%json}tlog-proof" ] || fail "${file%json}tlog-proof : il manque, pour $file" ;;
      data/journal/*.tlog-proof) [ -e "${file%tlog-proof}json" ] || fail "${file%tlog-proof}json : il manque, pour $file" ;;
      data/cles/temoin.nom|data/cles/temoin-[0-9]*.nom) [ -e "${file%nom}pem" ] || fail "${file%nom}pem : il manque, pour $file" ;;
      data/evidence.ers|bagit.txt|bag-info.txt|manifest-sha256.txt|tagmanifest-sha256.txt|LISEZMOI.txt|verify.sh|verifier.html) ;;
      *) fail "$file n'est pas une pièce d'un dossier : rien ne la prouve" ;;
    esac
  done
}
walk ""
said "les fichiers sont ceux des listes"

# Les clés et le certificat n'ont qu'une écriture : celle qui a été remise.
for key in data/cles/journal.pem data/cles/temoin.pem data/cles/temoin-*.pem; do
  [ -e "$key" ] || [ "$key" = data/cles/journal.pem ] || [ "$key" = data/cles/temoin.pem ] || continue
  openssl pkey -pubin -in "$key" -pubout >"$work/der" 2>/dev/null && same "$work/der" "$key" || fail "$key n'est pas une clé publique"
  openssl pkey -pubin -in "$key" -outform DER 2>/dev/null >"$work/der"
  [ "$(head -c 12 "$work/der" | od -An -v -tx1 | tr -d ' ')" = 302a300506032b6570032100 ] || fail "$key n'est pas une clé Ed25519"
done
if [ -e data/certificats/cachet.pem ]; then
  openssl x509 -in data/certificats/cachet.pem >"$work/pem" 2>/dev/null && same "$work/pem" data/certificats/cachet.pem ||
    fail "data/certificats/cachet.pem n'est pas un certificat"
fi

# 2. Le point de contrôle est signé par le journal et par le témoin.
checkpoint=data/checkpoint
blank=$(first_blank "$checkpoint")
[ "$blank" -ge 4 ] || fail "$checkpoint n'est pas un point de contrôle"
head -n $((blank - 1)) "$checkpoint" >"$work/text" # d'autres lignes peuvent suivre la racine : elles sont signées aussi
tail -n +$((blank + 1)) "$checkpoint" >"$work/lines"
[ "$(tail -c 1 "$work/lines" | od -An -tu1 | tr -d ' ')" = 10 ] || fail "$checkpoint finit au milieu d'une ligne"
origin=$(head -n 1 "$checkpoint")
size=$(head -n 2 "$checkpoint" | tail -n 1)
case "$size" in 0*|*[!0-9]*|'') fail "$checkpoint n'annonce pas de taille" ;; esac
canonical "$(head -n 3 "$checkpoint" | tail -n 1)" "$work/root" || fail "$checkpoint n'annonce pas de racine"
[ "$(wc -c <"$work/root")" = 32 ] || fail "$checkpoint n'annonce pas de racine"
while IFS= read -r line; do
  case "$line" in '— '?*' '?*) ;; *) fail "$checkpoint a une signature illisible" ;; esac
  canonical "${line##* }" "$work/blob" || fail "$checkpoint a une signature illisible"
done <"$work/lines"
signature() { # la signature de $1, par la clé $2 de type $3 (octal), si elle est au point de contrôle → $work/blob
  openssl pkey -pubin -in "$2" -outform DER | tail -c 32 >"$work/raw"
  id=$({ printf '%s\n' "$1"; printf "\\$3"; cat "$work/raw"; } | openssl dgst -sha256 -r | head -c 8)
  while IFS= read -r line; do
    [ "${line% *}" = "— $1" ] || continue
    canonical "${line##* }" "$work/blob"
    [ "$(head -c 4 "$work/blob" | od -An -v -tx1 | tr -d ' ')" = "$id" ] && return 0
  done <"$work/lines"
  return 1
}
signature "$origin" data/cles/journal.pem 001 || fail "$checkpoint n'est pas signé par le journal $origin (data/cles/journal.pem)"
tail -c +5 "$work/blob" >"$work/signature"
signed data/cles/journal.pem "$work/text" "$work/signature" || fail "$checkpoint : signature du journal par data/cles/journal.pem"
said "le journal ($size écritures) est signé"
for key in data/cles/temoin.pem data/cles/temoin-*.pem; do
  [ -e "$key" ] || continue
  naming=${key%pem}nom
  [ -e "$naming" ] || fail "$naming : il manque"
  witness=$(cat "$naming")
  echo "$witness" >"$work/name" && same "$work/name" "$naming" || fail "$naming n'est pas le nom d'un témoin, sur une ligne"
  signature "$witness" "$key" 004 || fail "$checkpoint n'est pas signé par le témoin $witness ($naming) avec la clé $key"
  seconds=0
  for byte in $(tail -c +5 "$work/blob" | head -c 8 | od -An -v -tu1); do seconds=$((seconds * 256 + byte)); done
  { printf 'cosignature/v1\ntime %s\n' "$seconds"; cat "$work/text"; } >"$work/cosigned"
  tail -c +13 "$work/blob" >"$work/signature"
  signed "$key" "$work/cosigned" "$work/signature" || fail "$checkpoint : signature du témoin $witness ($naming) par $key"
  said "un témoin l'a vu le $(date -u -d "@$seconds" '+%d/%m/%Y à %H:%M:%S') UTC, dit $witness"
done

# 3. Chaque écriture est dans le journal, à sa place.
document_in() { # le document dont parle une écriture
  about=$(cat "$1")
  case "$about" in *'"document":"'*) about=${about#*\"document\":\"} && echo "${about%%\"*}" ;; *) echo ;; esac
}
document=$(document_in data/entry.json)
for entry in data/entry.json data/journal/*.json; do
  [ -e "$entry" ] || [ "$entry" = data/entry.json ] || continue
  [ "$(document_in "$entry")" = "$document" ] || fail "$entry est d'un autre document que data/entry.json"
  proof=${entry%.json}.tlog-proof
  [ "$entry" = data/entry.json ] && proof=data/proof.tlog-proof
  [ "$(head -n 1 "$proof")" = "c2sp.org/tlog-proof@v1" ] || fail "$proof n'est pas une preuve"
  index=$(head -n 2 "$proof" | tail -n 1)
  index=${index#index }
  case "$index" in *[!0-9]*|''|0[0-9]*) fail "$proof ne dit pas la place de l'écriture" ;; esac
  [ "$index" -lt "$size" ] || fail "$proof désigne une place au-delà du journal"
  hashes=$(first_blank "$proof")
  tail -n +$((hashes + 1)) "$proof" >"$work/above"
  same "$work/above" "$checkpoint" || fail "$proof n'est pas sous $checkpoint"
  { printf '\000'; cat "$entry"; } | openssl dgst -sha256 -binary >"$work/running"
  position=$index last=$((size - 1)) at=3
  while [ $at -lt "$hashes" ]; do
    canonical "$(head -n $at "$proof" | tail -n 1)" "$work/neighbour" || fail "$proof est illisible"
    [ "$(wc -c <"$work/neighbour")" = 32 ] || fail "$proof est illisible"
    [ $last -gt 0 ] || fail "$proof est trop longue"
    if [ $((position & 1)) = 1 ] || [ "$position" = $last ]; then
      node "$work/neighbour" "$work/running" "$work/running"
      while [ $((position & 1)) = 0 ] && [ "$position" != 0 ]; do position=$((position >> 1)) last=$((last >> 1)); done
    else
      node "$work/running" "$work/neighbour" "$work/running"
    fi
    position=$((position >> 1)) last=$((last >> 1)) at=$((at + 1))
  done
  [ $last = 0 ] && same "$work/running" "$work/root" || fail "$entry n'est pas au journal à la place $index, par $proof"
done
said "les écritures de la facture sont au journal"

# 4. L'écriture nomme la facture, octet pour octet.
for file in data/facture.pdf data/original.* data/chorus.pdf data/copie.pdf; do
  case "$file" in data/chorus.pdf|data/copie.pdf) [ -e "$file" ] || continue ;; esac
  [ -e "$file" ] || fail "$file : il manque"
  for bits in 256 512; do
    sum=$(openssl dgst -sha$bits -r "$file" | cut -d ' ' -f 1)
    case "$file" in
      data/facture.pdf) role=legal ;;
      data/chorus.pdf) role=chorus ;;
      data/copie.pdf) role=copy ;;
      *) role=original ;;
    esac
    holds data/entry.json "\"sha${bits}_$role\":\"$sum\"" || fail "$file n'est pas le fichier que l'écriture nomme"
  done
done
if holds data/entry.json '"xml_sha256":"' && [ ! -e data/factur-x.xml ]; then
  fail "data/factur-x.xml : il manque, et l'écriture le nomme"
fi
if [ -e data/factur-x.xml ]; then
  sum=$(openssl dgst -sha256 -r data/factur-x.xml | cut -d ' ' -f 1)
  holds data/entry.json "\"xml_sha256\":\"$sum\"" || fail "data/factur-x.xml n'est pas le fichier que l'écriture nomme"
fi
said "la facture, ses données et l'original sont ceux que l'écriture nomme"

# 5. Le cachet couvre toute la facture.
if [ -e data/certificats/cachet.pem ]; then
  # Le dernier /ByteRange du PDF : chaque nom est mis en tête d'une ligne, et « join » garde celles du nom cherché.
  tr '\n\r\t\0[]/' '      \n' <data/facture.pdf | LC_ALL=C sort -s -k 1b,1 >"$work/names"
  range=$(echo ByteRange | LC_ALL=C join --nocheck-order - "$work/names" | tail -n 1)
  set -f
  set -- $range
  set +f
  [ $# -ge 5 ] && [ "$2" = 0 ] || fail "data/facture.pdf n'a pas de cachet"
  case "$3$4$5" in *[!0-9]*) fail "data/facture.pdf n'a pas de cachet" ;; esac
  [ $(($4 + $5)) = "$(wc -c <data/facture.pdf)" ] || fail "data/facture.pdf a été prolongé après son cachet"
  { head -c "$3" data/facture.pdf; tail -c +$(($4 + 1)) data/facture.pdf; } >"$work/covered"
  head -c $(($4 - 1)) data/facture.pdf | tail -c +$(($3 + 2)) | tr a-f A-F | basenc --base16 -d >"$work/cms" 2>/dev/null ||
    fail "le cachet de data/facture.pdf est illisible"
  openssl cms -verify -binary -inform DER -in "$work/cms" -content "$work/covered" -CAfile data/certificats/cachet.pem \
    -certfile data/certificats/cachet.pem -partial_chain -purpose any -no_check_time -cades >/dev/null 2>&1 ||
    fail "le cachet de data/facture.pdf n'est pas celui de data/certificats/cachet.pem"
  said "le cachet couvre toute la facture"
else
  echo "non vérifié : le cachet, dont le certificat n'est pas au dossier"
fi

# 6. Une autorité d'horodatage a vu le point de contrôle.
roots=data/horodatage/racines.pem
count=0
for token in data/horodatage/*.tst; do
  [ -e "$token" ] || break
  [ -e "$roots" ] || fail "$roots : il manque"
  if [ $count = 0 ]; then
    while IFS= read -r line; do
      [ "$line" != "-----BEGIN CERTIFICATE-----" ] || count=$((count + 1))
    done <"$roots"
    [ $count -gt 0 ] || fail "$roots n'a pas de racine"
    csplit -s -z -f "$work/root-" -b %d.pem "$roots" '/^-----BEGIN/' '{*}'
    place=0
    while [ $place -lt "$count" ]; do
      openssl x509 -in "$work/root-$place.pem" 2>/dev/null || fail "$roots n'est pas une suite de certificats"
      place=$((place + 1))
    done >"$work/roots"
    same "$work/roots" "$roots" || fail "$roots n'est pas une suite de certificats"
  fi
  openssl ts -reply -token_in -in "$token" -text >"$work/told" 2>/dev/null || fail "$token n'est pas un horodatage"
  when=$(while IFS= read -r line; do case "$line" in "Time stamp: "*) echo "${line#Time stamp: }" ;; esac; done <"$work/told")
  at=$(date -u -d "$when" +%s 2>/dev/null) || fail "$token n'est pas un horodatage"
  openssl ts -verify -token_in -in "$token" -data "$checkpoint" -CAfile "$roots" \
    -attime "$at" >/dev/null 2>&1 || fail "$token n'horodate pas $checkpoint, ou ne mène pas à $roots"
  said "le point de contrôle existait le $(date -u -d "@$at" '+%d/%m/%Y à %H:%M:%S') UTC, dit $(basename "$token" .tst)"
done

[ $count != 0 ] || echo "non vérifié : l'heure, qu'aucune autorité n'a signée"

# 7. Les empreintes des clés et des certificats, et celles qui étaient attendues.
for key in data/cles/*.pem; do
  echo "$key $(openssl pkey -pubin -in "$key" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)"
done >"$work/keys"
certificate() { echo "$2 $(openssl x509 -in "$1" -outform DER | openssl dgst -sha256 -r | cut -d ' ' -f 1)" >>"$work/keys"; }
if [ -e data/certificats/cachet.pem ]; then certificate data/certificats/cachet.pem data/certificats/cachet.pem; fi
place=0
while [ $place -lt $count ]; do
  certificate "$work/root-$place.pem" $roots
  place=$((place + 1))
done
while read -r pin; do
  holds "$work/keys" " $pin
" || fail "aucune clé du dossier n'a l'empreinte attendue $pin"
done <"$work/pins"
echo
echo "Les clés et les certificats, par leurs empreintes SHA-256 :"
left=0
while read -r name digest; do
  told=
  if [ -e "$work/known" ]; then
    holds "$work/known" "
$digest
" || fail "$name n'a pas une empreinte attendue ($digest)"
    told=" (attendue)"
  elif holds "$work/pins" "
$digest
"; then
    told=" (attendue)"
  else
    left=1
  fi
  echo "  $name  $digest$told"
done <"$work/keys"
if [ $left = 1 ]; then echo "Comparez-les avec celles que l'émetteur publie ou imprime sur ses attestations (ou : --pin)."; fi
echo "Le dossier est vrai."
