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
canonical() { # la seule écriture en base64 de ses octets ?
  case "$1" in
    ''|*[!A-Za-z0-9+/=]*|*=*[!=]*|*===) return 1 ;;
    *[AQgw]==|*[AEIMQUYcgkosw048]=|*[!=]) [ $((${#1} % 4)) = 0 ] ;;
    *) return 1 ;;
  esac
}
in_hex() { # une ligne de base64 → ses octets en hexadécimal, $hex
  hex=
  for byte in $(echo "$1" | base64 -d | od -An -v -tx1); do hex=$hex$byte; done
}
octal() { # des octets écrits en hexadécimal → $octal, tels que printf les veut
  rest=$1 octal=
  while [ -n "$rest" ]; do
    after=${rest#??}
    byte=$((0x${rest%"$after"}))
    octal="$octal\\$((byte / 64))$((byte / 8 % 8))$((byte % 8))"
    rest=$after
  done
}
node() { # empreinte d'un nœud, SHA-256(0x01 ‖ gauche ‖ droite), en hexadécimal → $running
  octal "01$1$2"
  running=$(printf "$octal" | sha256sum)
  running=${running%% *}
}
hash_of() { # la seule écriture en base64 de 32 octets ?
  [ ${#1} = 44 ] && canonical "$1" && [ "${1%=}" != "$1" ] && [ "${1%==}" = "$1" ]
}
signed() { # $1 clé, $2 message, $3 signature
  openssl pkeyutl -verify -pubin -inkey "$1" -rawin -in "$2" -sigfile "$3" >/dev/null 2>&1
}

# 1. Chaque fichier a l'empreinte annoncée.
for list in tagmanifest-sha256.txt manifest-sha256.txt; do
  sha256sum --quiet --strict -c "$list" >"$work/sums" 2>&1 || fail "$(head -n 1 "$work/sums") ($list)"
done
listed="
tagmanifest-sha256.txt
$(cut -c 67- tagmanifest-sha256.txt manifest-sha256.txt)
"
walk() { # chaque fichier est nommé par une liste, et ceux de data sont des pièces que la suite vérifie
  for file in "$1"* "$1".[!.]*; do
    if [ -d "$file" ]; then
      walk "$file/"
      continue
    fi
    [ -e "$file" ] || continue
    case "$listed" in *"
$file
"*) ;; *) fail "$file : aucune liste du dossier ne le nomme" ;; esac
    case "$file" in
      data/chorus.pdf|data/chorus.xml|data/plateforme.xml|data/copie.pdf|data/facture.pdf|data/factur-x.xml|data/original.*|data/entry.json|data/proof.tlog-proof|data/checkpoint) ;;
      data/cles/journal.pem|data/cles/temoin.pem|data/cles/temoin-[0-9]*.pem) ;;
      data/certificats/cachet.pem|data/horodatage/*.tst|data/horodatage/racines.pem) ;;
      data/journal/*.json) [ -e "${file%json}tlog-proof" ] || fail "${file%json}tlog-proof : il manque, pour $file" ;;
      data/journal/*.tlog-proof) [ -e "${file%tlog-proof}json" ] || fail "${file%tlog-proof}json : il manque, pour $file" ;;
      data/cles/temoin.nom|data/cles/temoin-[0-9]*.nom) [ -e "${file%nom}pem" ] || fail "${file%nom}pem : il manque, pour $file" ;;
      data/evidence.ers|data/origine.zip|bagit.txt|bag-info.txt|manifest-sha256.txt|tagmanifest-sha256.txt|LISEZMOI.txt|verify.sh|verifier.html) ;;
      *) fail "$file n'est pas une pièce d'un dossier : rien ne la prouve" ;;
    esac
  done
}
walk ""
said "les fichiers sont ceux des listes"

# Les clés et le certificat n'ont qu'une écriture : celle qui a été remise.
public() { # les 32 octets de la clé $1, en base64 → $public
  begin= public= end=
  { read -r begin && read -r public && read -r end; } <"$1" || :
  public=${public#MCowBQYDK2VwAyEA}
}
for key in data/cles/journal.pem data/cles/temoin.pem data/cles/temoin-*.pem; do
  [ "$key" != "data/cles/temoin-*.pem" ] || continue
  [ -e "$key" ] || fail "$key : il manque"
  public "$key"
  [ "$begin$end" = "-----BEGIN PUBLIC KEY----------END PUBLIC KEY-----" ] && hash_of "$public" &&
    [ "$(wc -c <"$key")" = 113 ] || fail "$key n'est pas une clé publique Ed25519"
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
root=$(head -n 3 "$checkpoint" | tail -n 1)
hash_of "$root" || fail "$checkpoint n'annonce pas de racine"
in_hex "$root"
root=$hex
signatures=
while IFS= read -r line; do
  case "$line" in '— '?*' '?*) ;; *) fail "$checkpoint a une signature illisible" ;; esac
  canonical "${line##* }" || fail "$checkpoint a une signature illisible"
  in_hex "${line##* }"
  signatures="$signatures${line% *} $hex
"
done <"$work/lines"
echo "$signatures" >"$work/signatures"
signature() { # la signature de $1, par la clé $2 de type $3 (octal), si elle est au point de contrôle → $hex
  public "$2"
  sum=$({ printf '%s\n' "$1"; printf "\\$3"; echo "$public" | base64 -d; } | sha256sum)
  id=${sum%"${sum#????????}"}
  while IFS= read -r line; do
    hex=${line##* }
    [ "${line% *}" = "— $1" ] && [ "${hex#"$id"}" != "$hex" ] && hex=${hex#"$id"} && return 0
  done <"$work/signatures"
  return 1
}
to_file() { # des octets écrits en hexadécimal → le fichier $2
  octal "$1"
  printf "$octal" >"$2"
}
signature "$origin" data/cles/journal.pem 001 || fail "$checkpoint n'est pas signé par le journal $origin (data/cles/journal.pem)"
to_file "$hex" "$work/signature"
signed data/cles/journal.pem "$work/text" "$work/signature" || fail "$checkpoint : signature du journal par data/cles/journal.pem"
said "le journal ($size écritures) est signé"
text=$(cat "$work/text")
for key in data/cles/temoin.pem data/cles/temoin-*.pem; do
  [ -e "$key" ] || continue
  naming=${key%pem}nom
  [ -e "$naming" ] || fail "$naming : il manque"
  witness=$(cat "$naming")
  echo "$witness" >"$work/name" && same "$work/name" "$naming" || fail "$naming n'est pas le nom d'un témoin, sur une ligne"
  signature "$witness" "$key" 004 || fail "$checkpoint n'est pas signé par le témoin $witness ($naming) avec la clé $key"
  blob=${hex#????????????????}
  [ ${#hex} -ge 16 ] || fail "$checkpoint a une signature illisible ($witness)"
  seconds=$((0x${hex%"$blob"}))
  printf 'cosignature/v1\ntime %s\n%s\n' "$seconds" "$text" >"$work/cosigned"
  to_file "$blob" "$work/signature"
  signed "$key" "$work/cosigned" "$work/signature" || fail "$checkpoint : signature du témoin $witness ($naming) par $key"
  said "un témoin l'a vu le $(date -u -d "@$seconds" '+%d/%m/%Y à %H:%M:%S') UTC, dit $witness"
done

# 3. Chaque écriture est dans le journal, à sa place.
document_in() { # le document dont parle une écriture → $about
  about=$(cat "$1")
  case "$about" in
    *'"document":"'*) about=${about#*\"document\":\"} about=${about%%\"*} ;;
    *) about= ;;
  esac
}
document_in data/entry.json
document=$about
above=$(wc -c <"$checkpoint")
text=$(cat "$checkpoint")
for entry in data/entry.json data/journal/*.json; do
  [ -e "$entry" ] || [ "$entry" = data/entry.json ] || continue
  document_in "$entry"
  [ "$about" = "$document" ] || fail "$entry est d'un autre document que data/entry.json"
  proof=${entry%.json}.tlog-proof
  [ "$entry" != data/entry.json ] || proof=data/proof.tlog-proof
  [ -e "$proof" ] || fail "$proof : il manque"
  index= hashes=0 rank=0 neighbours=
  while IFS= read -r line; do
    rank=$((rank + 1))
    case $rank in
      1) [ "$line" = "c2sp.org/tlog-proof@v1" ] || fail "$proof n'est pas une preuve" ;;
      2) index=${line#index } ;;
      *)
        [ -n "$line" ] || { hashes=$rank && break; }
        hash_of "$line" || fail "$proof est illisible"
        neighbours="$neighbours$line"
        ;;
    esac
  done <"$proof"
  case "$index" in *[!0-9]*|''|0[0-9]*) fail "$proof ne dit pas la place de l'écriture" ;; esac
  [ ${#index} -le 15 ] && [ "$index" -lt "$size" ] || fail "$proof désigne une place au-delà du journal"
  [ $hashes -ge 3 ] || fail "$proof n'est pas une preuve"
  # Ce qui suit la ligne vide est le point de contrôle même : le même texte, et la même taille à l'octet.
  start=$((23 + 6 + ${#index} + 1 + 45 * (hashes - 3) + 1))
  [ "$(tail -n +$((hashes + 1)) "$proof")" = "$text" ] && [ "$(wc -c <"$proof")" = $((start + above)) ] ||
    fail "$proof n'est pas sous $checkpoint"
  running=$({ printf '\000'; cat "$entry"; } | sha256sum)
  running=${running%% *}
  position=$index last=$((size - 1))
  in_hex "${neighbours:-}"
  while [ -n "$hex" ]; do
    after=${hex#????????????????????????????????????????????????????????????????}
    neighbour=${hex%"$after"} hex=$after
    [ $last -gt 0 ] || fail "$proof est trop longue"
    if [ $((position & 1)) = 1 ] || [ "$position" = $last ]; then
      node "$neighbour" "$running"
      while [ $((position & 1)) = 0 ] && [ "$position" != 0 ]; do position=$((position >> 1)) last=$((last >> 1)); done
    else
      node "$running" "$neighbour"
    fi
    position=$((position >> 1)) last=$((last >> 1))
  done
  [ $last = 0 ] && [ "$running" = "$root" ] || fail "$entry n'est pas au journal à la place $index, par $proof"
done
said "les écritures de la facture sont au journal"

# 4. L'écriture nomme la facture, octet pour octet.
named=$(cat data/entry.json)
names() { case "$named" in *"$1"*) ;; *) return 1 ;; esac; }
for file in data/facture.pdf data/original.* data/chorus.pdf data/chorus.xml data/plateforme.xml data/copie.pdf; do
  case "$file" in data/chorus.*|data/plateforme.xml|data/copie.pdf) [ -e "$file" ] || continue ;; esac
  [ -e "$file" ] || fail "$file : il manque"
  for bits in 256 512; do
    sum=$(sha${bits}sum <"$file")
    sum=${sum%% *}
    case "$file" in
      data/facture.pdf) role=legal ;;
      data/chorus.*) role=chorus ;;
      data/plateforme.xml) role=flow ;;
      data/copie.pdf) role=copy ;;
      *) role=original ;;
    esac
    names "\"sha${bits}_$role\":\"$sum\"" || fail "$file n'est pas le fichier que l'écriture nomme"
  done
done
if names '"xml_sha256":"' && [ ! -e data/factur-x.xml ]; then
  fail "data/factur-x.xml : il manque, et l'écriture le nomme"
fi
if [ -e data/factur-x.xml ]; then
  sum=$(sha256sum <data/factur-x.xml)
  sum=${sum%% *}
  names "\"xml_sha256\":\"$sum\"" || fail "data/factur-x.xml n'est pas le fichier que l'écriture nomme"
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
    place=0 # une racine se signe elle-même : changée d'un bit, elle n'est plus celle qui a été remise
    while [ $place -lt "$count" ]; do
      openssl verify -check_ss_sig -partial_chain -no_check_time -CAfile "$work/root-$place.pem" "$work/root-$place.pem" \
        >/dev/null 2>&1 || fail "$roots a une racine qui n'est pas signée d'elle-même"
      place=$((place + 1))
    done
  fi
  openssl ts -reply -token_in -in "$token" -text >"$work/told" 2>/dev/null || fail "$token n'est pas un horodatage"
  when=$(while IFS= read -r line; do case "$line" in "Time stamp: "*) echo "${line#Time stamp: }" ;; esac; done <"$work/told")
  at=$(date -u -d "$when" +%s 2>/dev/null) || fail "$token n'est pas un horodatage"
  openssl ts -verify -token_in -in "$token" -data "$checkpoint" -CAfile "$roots" \
    -attime "$at" >/dev/null 2>&1 || fail "$token n'horodate pas $checkpoint, ou ne mène pas à $roots"
  said "le point de contrôle existait le $(date -u -d "@$at" '+%d/%m/%Y à %H:%M:%S') UTC, dit $(basename "$token" .tst)"
done

# La preuve d'ancienneté (RFC 4998) commence par un de ces jetons. De ses renouvellements, openssl vérifie qui les a signés
# et quand ; qu'ils couvrent ce qui les précède, il ne sait pas le lire.
if [ -e data/evidence.ers ]; then
  record=data/evidence.ers
  openssl asn1parse -inform DER -in $record >"$work/told" 2>/dev/null || fail "$record est illisible"
  tokens=0 end=0
  while read -r at line; do
    case "$at$line" in *:d=4*'cons: SEQUENCE'*) ;; *) continue ;; esac
    tokens=$((tokens + 1))
    line="$at $line"
    at=${line%%:*} header=${line#*hl=} length=${line#*l=*l=}
    header=${header%%[!0-9]*} length=${length# } length=${length# } length=${length# } length=${length%%[!0-9]*}
    end=$((at + header + length))
    tail -c +$((at + 1)) $record | head -c $((header + length)) >"$work/token"
    if [ $tokens = 1 ]; then
      begins=0
      for token in data/horodatage/*.tst; do
        [ ! -e "$token" ] || ! same "$work/token" "$token" || begins=1
      done
      [ $begins = 1 ] || fail "$record ne commence pas par un horodatage du dossier"
      continue
    fi
    openssl ts -reply -token_in -in "$work/token" -text >"$work/text" 2>/dev/null || fail "$record a un renouvellement illisible"
    when=$(while IFS= read -r word; do case "$word" in "Time stamp: "*) echo "${word#Time stamp: }" ;; esac; done <"$work/text")
    seconds=$(date -u -d "$when" +%s 2>/dev/null) || fail "$record a un renouvellement illisible"
    openssl cms -verify -binary -inform DER -in "$work/token" -CAfile "$roots" -purpose timestampsign -attime "$seconds" \
      -out "$work/signed" 2>/dev/null || fail "$record a un renouvellement qui n'est pas signé, ou ne mène pas à $roots"
  done <"$work/told"
  [ $tokens != 0 ] || fail "$record n'a pas d'horodatage"
  [ $end = "$(wc -c <$record)" ] || fail "$record est illisible"
  if [ $tokens = 1 ]; then
    said "la preuve d'ancienneté est celle du point de contrôle"
  else
    said "les $((tokens - 1)) renouvellements de la preuve d'ancienneté sont signés, et mènent à $roots"
    echo "non vérifié : que chacun couvre ce qui le précède (« faitfoi verify » le vérifie)"
  fi
fi
if [ -e data/origine.zip ]; then
  echo "non vérifié : data/origine.zip, le dossier d'où la facture a été importée (décompressez-le : il a son verify.sh)"
fi
[ $count != 0 ] || echo "non vérifié : l'heure, qu'aucune autorité n'a signée"

# 7. Les empreintes des clés et des certificats, et celles qui étaient attendues.
for key in data/cles/*.pem; do
  public "$key"
  sum=$(echo "MCowBQYDK2VwAyEA$public" | base64 -d | sha256sum)
  echo "$key ${sum%% *}"
done >"$work/keys"
certificate() { # l'empreinte du certificat (PEM) $1, sous le nom $2
  sum=$(while read -r line; do case "$line" in -*) ;; *) echo "$line" ;; esac; done <"$1" | base64 -d | sha256sum)
  echo "$2 ${sum%% *}" >>"$work/keys"
}
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
